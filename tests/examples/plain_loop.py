"""The plainest program on a library: sync with progress and a way to stop, then search.

    python plain_loop.py PHOTOS --query dog
    python plain_loop.py PHOTOS --query dog --stop-after 3      # stops early; run it again

Ctrl-C stops the sync politely: what is indexed stays, and the next run goes on from there.
"""

from __future__ import annotations

import argparse
import signal
import threading

import localsearch as ls


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("photos")
    arguments.add_argument("--query", default="dog")
    arguments.add_argument("--stop-after", type=int, default=0)
    asked = arguments.parse_args()

    stop = threading.Event()
    # The library sets no signal handlers: what Ctrl-C means is the program's own business.
    signal.signal(signal.SIGINT, lambda number, frame: stop.set())

    def show(progress: ls.Progress) -> None:
        # Called on this thread, at most ten times a second and once at the end.
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        print(f"{progress.stage}: {progress.done}/{progress.total}{left}", flush=True)
        if progress.stage == "read" and 0 < asked.stop_after <= progress.done:
            stop.set()

    with ls.open(asked.photos) as library:
        try:
            report = library.sync(progress=show, stop=stop)
        except ls.LibraryBusy as busy:
            raise SystemExit(f"process {busy.pid} is busy with this library: {busy}") from busy
        except ls.LibraryUnsafe as unsafe:
            raise SystemExit(f"nothing was changed: {unsafe}") from unsafe
        print(f"{report.added} added, {report.unchanged} unchanged, {report.failed} failed")
        for path, state, reason in report.failures:
            print(f"  {path} is {state}: {reason}")
        if report.stopped:
            print("stopped; run again to go on")
            return

        page = library.search(asked.query, limit=5)
        print(f"{page.total} photos for {asked.query}")
        for hit in page:
            print(f"{hit.score:.2f} {hit.path}")


if __name__ == "__main__":
    main()

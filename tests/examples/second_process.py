"""Two processes on one library: one writes, the other reads and follows what changes.

    python second_process.py PHOTOS

The reader opens the library with `read_only=True`: it takes no lock, waits for nobody, and sees
each commit of the writer whole. By `changes` it keeps a copy of its own, here a dict from id to
path, as an app would keep a model of a list or a cache.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path

import localsearch as ls


class Mirror:
    """A copy of what the library holds, brought up to date by what has changed."""

    def __init__(self) -> None:
        self.paths: dict[str, Path | None] = {}
        self.tags: dict[str, set[str]] = {}
        self.seen = 0  # to be kept with the copy, where that outlives the process

    def follow(self, library: ls.Library) -> int:
        """Take in all that is new; gives how many changes that were."""
        count = 0
        while True:
            changes = library.changes(self.seen)
            for change in changes.items:
                one = change.input
                if one is None or one.removed:
                    self.paths.pop(change.id, None)
                    self.tags.pop(change.id, None)
                else:
                    self.paths[change.id] = one.path
                    self.tags[change.id] = {name for name, said in one.tags.items() if said}
            count += len(changes.items)
            self.seen = changes.sequence
            if not changes.more:
                return count


def read(store: Path, wishes: Connection) -> None:
    """The second process: follow until told to end, then send the copy."""
    mirror = Mirror()
    with ls.open(store=store, read_only=True) as library:
        wishes.send("ready")
        while not wishes.poll():
            # Cheap when nothing has changed: one look into an index.
            if mirror.follow(library):
                print(f"the reader knows {len(mirror.paths)} photos", flush=True)
            time.sleep(0.05)
        wishes.recv()
        mirror.follow(library)
    wishes.send((mirror.paths, mirror.tags))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("photos")
    asked = arguments.parse_args()

    # "spawn" works on all systems. A forked child may go on with the library that it inherits.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    with ls.open(asked.photos) as library:
        reader = context.Process(target=read, args=(library.store, there))
        reader.start()
        here.recv()

        library.sync()
        dogs = [hit.id for hit in library.scan(ls.concept("dog", at_least=0.5))]
        if dogs:
            library.tag(dogs, "pet")
        library.remove(next(library.inputs()).id)

        here.send("that is all")
        paths, tags = here.recv()
        reader.join()
        mine = {one.id: one for one in library.inputs()}
        assert paths == {id: one.path for id, one in mine.items()}
        assert {id for id, names in tags.items() if "pet" in names} == {
            id for id, one in mine.items() if one.tags.get("pet")
        }
    print(f"both know the same {len(paths)} photos, {len(dogs)} of them with pets")


if __name__ == "__main__":
    main()

"""One file of a pack comes: from where it ended last time, until its digest is right.

Never gives a file its name before every byte was compared. Invariant: `NAME.part` holds the first
bytes of a file that had the tag in `NAME.part.etag` when they came, or none is there.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from localsearch.deferred import dataclass
from localsearch.durable import continuing, move, replace_file
from localsearch.errors import Cancelled, PackDamaged, PackUnreachable
from localsearch.log import logger
from localsearch.net import StreamLimits, Trust, open_stream
from localsearch.net.streams import LIMITS
from localsearch.packs.catalogue import RemoteFile
from localsearch.packs.meter import Meter

_CHUNK = 1 << 20
_PROGRESS = 1 << 16  # fewer bytes than these are no reason to try for ever


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a line that was cut is taken up again, without getting further: after 1, 2, 4 and
    8 seconds. A host that asks for more than `longest` seconds is left."""

    tries: int = 4
    pause: float = 1.0
    longest: float = 60.0
    stream: StreamLimits = LIMITS


def bring(
    file: RemoteFile, url: str, folder: Path, trust: Trust, patience: Patience, meter: Meter
) -> None:
    """Bring a file into `folder`, whole and compared with its SHA-256.

    Raises PackUnreachable, PackDamaged (expected and found), LibraryFull, Cancelled; what came
    stays for the next call, but for what proved wrong.
    """
    meter.file(file.name)
    target = folder / file.name
    if target.exists():
        if _sha256(target, meter) == file.sha256:
            return
        target.unlink()
    part = _Part(file, url, folder, meter)
    kept = part.length > 0
    part.go_on(trust, patience)
    if part.digest() != file.sha256 and kept:
        # What lay here may be of a crash, or of another file that was as long.
        logger().info("%s is fetched anew: what was here of it does not fit", file.name)
        part.forget()
        part.go_on(trust, patience)
    found = part.digest()
    if found != file.sha256:
        part.forget()
        raise PackDamaged(
            f"{url} is not the file of the catalogue: expected sha256 {file.sha256}, found {found}",
            hint="nothing was installed; update localsearch, or try another LOCALSEARCH_HUB",
        )
    part.give_name(target)


def _sha256(path: Path, meter: Meter) -> str:
    state, length = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
            length += len(chunk)
            meter.at(length)
    return state.hexdigest()


class _Part:
    """What is here of a file, with the state of its digest."""

    def __init__(self, file: RemoteFile, url: str, folder: Path, meter: Meter) -> None:
        self.file, self.url, self._meter = file, url, meter
        self._path = folder / f"{file.name}.part"
        self._tag = folder / f"{file.name}.part.etag"
        self._state, self.length, self._etag = hashlib.sha256(), 0, ""
        self._read()

    def _read(self) -> None:
        """Take up what an earlier run left."""
        if not self._path.exists():
            return
        if self._path.stat().st_size > self.file.bytes:
            self.forget()
            return
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                self._state.update(chunk)
                self.length += len(chunk)
                self._meter.at(self.length)
        if self._tag.exists():
            self._etag = self._tag.read_text(encoding="latin-1")

    def digest(self) -> str:
        return self._state.hexdigest()

    def forget(self) -> None:
        """Nothing of the file is here any more."""
        for path in (self._path, self._tag):
            path.unlink(missing_ok=True)
        self._state, self.length, self._etag = hashlib.sha256(), 0, ""
        self._meter.at(0)

    def give_name(self, target: Path) -> None:
        self._tag.unlink(missing_ok=True)
        move(self._path, target)

    def go_on(self, trust: Trust, patience: Patience) -> None:
        """Fetch what is missing; a line that was cut is taken up again."""
        best, failed, first = self.length, 0, True
        while first or self.length < self.file.bytes:
            first = False
            try:
                self._fetch(trust, patience)
            except PackUnreachable as fault:
                further = self.length >= best + _PROGRESS
                best, failed = max(best, self.length), 0 if further else failed + 1
                wait = max(fault.after, patience.pause * 2 ** max(failed - 1, 0))
                alone = fault.offline and not self._meter.moved
                if not fault.again or alone or failed > patience.tries or wait > patience.longest:
                    raise
                logger().info("%s; trying again in %g s", fault.message, wait)
                self._meter.says(f"{self.file.name}: trying again in {wait:g} s")
                if self._meter.stop.wait(wait):
                    raise Cancelled("stopped; what came so far is kept") from fault

    def _fetch(self, trust: Trust, patience: Patience) -> None:
        """One request for what is missing."""
        self._meter.says(self.file.name)
        if self.length == self.file.bytes and self._path.exists():
            return
        with open_stream(
            self.url,
            start=self.length,
            etag=self._etag,
            trust=trust,
            limits=patience.stream,
            stop=self._meter.stop,
        ) as stream:
            if stream.start != self.length:
                self.forget()
            if stream.total not in (None, self.file.bytes):
                raise self._other(f"{stream.total:,}")
            if stream.etag and stream.etag != self._etag:
                replace_file(self._tag, stream.etag.encode("latin-1"))
                self._etag = stream.etag
            with continuing(self._path) as write:
                for chunk in stream:
                    if self.length + len(chunk) > self.file.bytes:
                        raise self._other(f"more than {self.file.bytes:,}")
                    write(chunk)
                    self._state.update(chunk)
                    self.length += len(chunk)
                    self._meter.came(len(chunk))
        if self.length < self.file.bytes:  # of a body whose length was not told
            raise PackUnreachable(
                f"{self.url} ended after {self.length:,} of {self.file.bytes:,} bytes", again=True
            )

    def _other(self, length: str) -> PackDamaged:
        return PackDamaged(
            f"{self.url} was changed: it has {length} bytes, the catalogue says "
            f"{self.file.bytes:,}",
            hint="nothing was installed; update localsearch, or try another LOCALSEARCH_HUB",
        )

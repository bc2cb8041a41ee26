"""A large file of a host, piece by piece, from any byte on: how packs come.

https only; http is spoken to nobody but hosts that the caller trusts for it, and never after https.
Redirects are followed by hand; one that leads from the public internet to a private address is
refused. Proxies of the environment are used, credentials are never sent. No limit of time for all
of it, but for each minute: whoever sends less than a least rate is cut off. Invariant: the bytes of
a Stream are those of the file from `start` on, and their end is its end, or PackUnreachable.
"""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, urljoin

from localsearch.deferred import dataclass
from localsearch.errors import Cancelled, PackUnreachable
from localsearch.net import hosts
from localsearch.net.proxies import Proxy, is_loopback, proxy_for

_CHUNK = 1 << 18
_TICK = 0.1  # seconds between two looks at whether it is still wanted
_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))  # of these a host recovers
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_TUNNEL = re.compile(r"Tunnel connection failed: (4\d\d)")  # as http.client says it
_BY_HAND = "fetch its files with a browser on any computer, then: localsearch packs add DIR"


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a stream may take: `seconds` is the window in which `least_bytes` must come (a head
    counts as nothing, so this is also the time for names, connecting and an answer).

    A kibibyte a second for a minute: a slower line would need days for a pack.
    """

    seconds: float = 60.0
    least_bytes: int = 60 << 10
    redirects: int = 8


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the user named: `plain` are hosts that may be spoken to by http (this computer always);
    `private` lets redirects lead into a private network."""

    plain: frozenset[str] = frozenset()
    private: bool = False


LIMITS = StreamLimits()
NOBODY = Trust()


class Stream:
    """An answer whose body is still to be read, once, by iterating."""

    def __init__(self, answer: http.client.HTTPResponse, watch: _Watch, start: int) -> None:
        self._answer, self._watch = answer, watch
        self.start = start
        """The place of its first byte in the file."""
        declared = answer.length
        self.total: int | None = None if declared is None else start + declared
        """Bytes of the whole file, as far as the host tells."""
        etag = answer.getheader("ETag") or ""
        self.etag = etag if etag.startswith('"') else ""
        """What stays the same for as long as the bytes do; empty for none or a weak one."""

    def __iter__(self) -> Iterator[bytes]:
        """Its bytes. Raises PackUnreachable, Cancelled."""
        came = self.start
        with self._watch.faults():
            while chunk := self._answer.read(_CHUNK):
                came += len(chunk)
                self._watch.came += len(chunk)
                yield chunk
        self._watch.check()
        # A line that was cut ends like a body of unknown length.
        if self.total is not None and came < self.total:
            raise self._watch.fault(f"it ended after {came:,} of {self.total:,} bytes")


@contextmanager
def open_stream(
    url: str,
    *,
    start: int = 0,
    etag: str = "",
    trust: Trust = NOBODY,
    limits: StreamLimits = LIMITS,
    stop: threading.Event | None = None,
) -> Iterator[Stream]:
    """The file at `url` from byte `start` on; from 0 where the host cannot, or where the file is
    not the one that had `etag`.

    Raises InputError (no such URL or proxy), PackUnreachable, Cancelled once `stop` is set.
    """
    before: SplitResult | None = None
    inside = True  # the first host was named, and a private one may lead on to others
    for _ in range(limits.redirects + 2):
        parts = _allowed(url, before, trust)
        with _Watch(parts, limits, stop) as watch:
            answer = watch.asked(inside or trust.private, _range_headers(start, etag))
            if answer.status not in hosts.REDIRECTS:
                if _continues(answer, start, etag):
                    yield Stream(answer, watch, start if answer.status == 206 else 0)
                    return
                start, etag = 0, ""  # asked anew, for all of it
                continue
            target = answer.getheader("Location")
        if not target:
            raise PackUnreachable(f"{parts.hostname} redirects to nowhere", hint=_BY_HAND)
        url, before, inside = urljoin(url, target), parts, watch.inside
    raise PackUnreachable(f"{parts.hostname} redirects without end", hint=_BY_HAND)


def _allowed(url: str, before: SplitResult | None, trust: Trust) -> SplitResult:
    """The parts of a URL that may be asked, after a redirect from `before`."""
    parts = hosts.checked(url)
    host = (parts.hostname or "").lower()
    if parts.scheme == "http":
        if before is not None and before.scheme == "https":
            raise PackUnreachable(
                f"{before.hostname} redirects from https to http ({host}), which anybody on the "
                "way could change; it was not followed",
                hint=_BY_HAND,
            )
        if host not in trust.plain and not (before is None and is_loopback(host)):
            raise PackUnreachable(
                f"{host} is asked by http, which anybody on the way could change",
                hint="name it with https://",
            )
    return parts


def _range_headers(start: int, etag: str) -> dict[str, str]:
    if not start:
        return {}
    return {"Range": f"bytes={start}-"} | ({"If-Range": etag} if etag else {})


def _continues(answer: http.client.HTTPResponse, start: int, etag: str) -> bool:
    """Whether the answer is the file or the rest of it; False: it has to be asked anew from 0."""
    if answer.status == 416 and start:
        return False  # less is there than we have
    if answer.status not in (200, 206):
        raise _refused(answer)
    if (answer.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise PackUnreachable("the answer was compressed though that was not asked for")
    if answer.status == 200:
        return True
    told = _RANGE.fullmatch((answer.getheader("Content-Range") or "").strip())
    other = answer.getheader("ETag") or etag
    if told is None or int(told[1]) != start or (etag and other != etag):
        if start == 0:
            raise PackUnreachable("the host gave a part of the file that was not asked for")
        return False
    return True


def _refused(answer: http.client.HTTPResponse) -> PackUnreachable:
    """The error of a status that is no file."""
    said = f"the answer was {answer.status} {answer.reason}".rstrip()
    if answer.status in (401, 403):
        return PackUnreachable(
            f"{said}: its owner asks for a login or for an agreement first",
            hint=f"localsearch sends no passwords; {_BY_HAND}",
        )
    if answer.status in (404, 410):
        return PackUnreachable(
            f"{said}: the file is not, or no longer, where the catalogue says",
            hint="update localsearch; if LOCALSEARCH_HUB is set, look whether it has that file",
        )
    if answer.status == 407:
        return PackUnreachable(f"{said}: the proxy asks for a login", hint=_LOGIN)
    again = answer.status in _AGAIN
    after = (answer.getheader("Retry-After") or "").strip()
    wait = float(after) if after.isdecimal() else 0.0
    return PackUnreachable(said, hint="try again later", again=again, after=wait)


_LOGIN = "HTTPS_PROXY can hold it: http://USER:PASSWORD@HOST:PORT"


class _Watch:
    """One request, and a thread that ends it when it is too slow or not wanted any more."""

    def __init__(
        self, parts: SplitResult, limits: StreamLimits, stop: threading.Event | None
    ) -> None:
        self.came = 0
        self.inside = False
        """Whether the host was asked at an address that is none of the public internet."""
        self._parts, self._limits = parts, limits
        self._stop, self._done = stop or threading.Event(), threading.Event()
        self._connection: hosts.Line | None = None
        self._slow = False
        self._thread = threading.Thread(target=self._look, name="localsearch-watch", daemon=True)

    def __enter__(self) -> _Watch:
        self.check()
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._done.set()
        self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _look(self) -> None:
        begun, before = time.monotonic(), 0
        while not self._done.wait(_TICK):
            if time.monotonic() - begun >= self._limits.seconds:
                self._slow |= self.came - before < self._limits.least_bytes
                begun, before = time.monotonic(), self.came
            # Each time anew: a line that is being made cannot be cut yet.
            if (self._slow or self._stop.is_set()) and self._connection is not None:
                self._connection.cut()

    def asked(self, private: bool, headers: dict[str, str]) -> http.client.HTTPResponse:
        """The answer of the host, directly or by its proxy. Raises PackUnreachable, Cancelled."""
        proxy = proxy_for(self._parts)
        with self.faults(proxy):
            self._connection = line = self._line(proxy, private)
            target, more = hosts.target_of(self._parts), {}
            if proxy is not None and self._parts.scheme == "http":
                target = f"http://{hosts.authority(self._parts)}{target}"
                more = proxy.headers
            line.request("GET", target, headers=_HEADERS | self._host() | headers | more)
            return line.getresponse()

    def _host(self) -> dict[str, str]:
        return {"Host": hosts.authority(self._parts)}

    def _line(self, proxy: Proxy | None, private: bool) -> hosts.Line:
        seconds = self._limits.seconds
        if proxy is None:
            deadline = time.monotonic() + seconds
            at = hosts.addresses(self._parts, deadline, private=private)
            self.inside = any(map(hosts.why_refused, at))
            return hosts.Pinned(self._parts, at, deadline)
        if self._parts.scheme == "http":
            return hosts.Line(proxy.host, proxy.port, timeout=seconds)
        context = ssl.create_default_context()
        line = hosts.Tunnelled(proxy.host, proxy.port, timeout=seconds, context=context)
        line.set_tunnel(hosts.ascii_host(self._parts), hosts.port_of(self._parts), proxy.headers)
        return line

    @contextmanager
    def faults(self, proxy: Proxy | None = None) -> Iterator[None]:
        """Tell what goes wrong with the line in the words of the house."""
        by = f" (by the proxy {proxy.host}:{proxy.port})" if proxy else ""
        try:
            yield
        except hosts.Unreachable as fault:
            self.check()
            hint = _OFFLINE if fault.unknown else _BY_HAND
            raise PackUnreachable(
                fault.reason, hint=hint, again=fault.unknown, offline=fault.unknown
            ) from fault
        except ssl.SSLCertVerificationError as fault:
            raise PackUnreachable(
                f"{self._parts.hostname}{by} has no certificate that this computer trusts: "
                f"{fault.verify_message}",
                hint="SSL_CERT_FILE can name the certificates of a network that has its own",
            ) from fault
        except (OSError, http.client.HTTPException) as fault:
            self._slow |= isinstance(fault, TimeoutError)
            self.check()
            refused = _TUNNEL.match(str(fault))
            if refused is not None:
                hint = _LOGIN if refused[1] == "407" else "ask whoever keeps the proxy"
                raise PackUnreachable(f"{fault}{by}", hint=hint) from fault
            raise self.fault(f"{hosts.told(fault)}{by}") from fault

    def check(self) -> None:
        """Raise Cancelled or PackUnreachable if the line was cut by us."""
        if self._stop.is_set():
            raise Cancelled("stopped; what came so far is kept")
        if self._slow:
            least = f"fewer than {self._limits.least_bytes:,} bytes" if self.came else "nothing"
            raise self.fault(f"{least} came within {self._limits.seconds:g} s")

    def fault(self, reason: str) -> PackUnreachable:
        """A fault of the line, after which another try may succeed."""
        return PackUnreachable(f"{self._parts.hostname}: {reason}", hint=_RESUME, again=True)


_HEADERS = {
    "User-Agent": hosts.AGENT,
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # places in a file count only in what is not compressed
    "Connection": "close",
}
_OFFLINE = (
    "this computer seems to be offline; a pack can also be carried: localsearch packs add DIR|ZIP"
)
_RESUME = "run it again to go on where it ended"

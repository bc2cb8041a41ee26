"""Fetches a picture from the web for those who allowed it.

http and https only. Redirects are followed by hand and looked at like the first address. Addresses
of this computer and of private networks are refused unless they were allowed. Proxies of the
environment are not used: they would resolve the name themselves. Size, time and redirects are
limited. Stores nothing, knows no library.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, urljoin

from localsearch.deferred import dataclass
from localsearch.errors import PictureError
from localsearch.net import hosts

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one fetch may take.

    `max_bytes`: 64 MiB holds every photo that a web server shows. `seconds` is for all of it:
    names, redirects, connecting, reading. `private` allows addresses of this computer and of
    private networks.
    """

    max_bytes: int = 64 << 20
    seconds: float = 20.0
    redirects: int = 5
    private: bool = False


DEFAULT_LIMITS = FetchLimits()


def fetch(url: str, limits: FetchLimits = DEFAULT_LIMITS) -> bytes:
    """The body at `url`, whole. Takes at most `limits.seconds`.

    Raises InputError (no http or https URL), PictureError "too-large", or "unreadable" with the
    reason: refused address, no answer, a status that is not 200, too many redirects.
    """
    deadline = time.monotonic() + limits.seconds
    for _ in range(limits.redirects + 1):
        parts = hosts.checked(url)
        with _answer(parts, limits, deadline) as answer:
            if answer.status not in hosts.REDIRECTS:
                return _body(answer, limits, deadline)
            target = answer.getheader("Location")
        if not target:
            raise _unreadable(f"{parts.hostname} redirects to nowhere")
        url = urljoin(url, target)
    raise _unreadable(f"more than {limits.redirects} redirects")


@contextmanager
def _answer(
    parts: SplitResult, limits: FetchLimits, deadline: float
) -> Iterator[http.client.HTTPResponse]:
    """The answer of the host, its body still to be read; whatever fails is a PictureError."""
    host = parts.hostname or ""
    try:
        at = hosts.addresses(parts, deadline, private=limits.private)
    except hosts.Unreachable as fault:
        raise PictureError("unreadable", fault.reason, hint=fault.hint) from fault
    connection = hosts.Pinned(parts, at, deadline)
    try:
        with connection.until(deadline):
            connection.request("GET", hosts.target_of(parts), headers=_headers(parts))
            yield connection.getresponse()
    except (OSError, http.client.HTTPException) as fault:
        late = time.monotonic() >= deadline
        reason = f"no answer within {limits.seconds:g} s" if late else hosts.told(fault)
        raise _unreadable(f"{host}: {reason}") from fault
    finally:
        connection.close()


def _headers(parts: SplitResult) -> dict[str, str]:
    # Nothing compressed: a small answer could grow without end.
    return {
        "Host": hosts.authority(parts),
        "User-Agent": hosts.AGENT,
        "Accept": "image/*,*/*;q=0.5",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _body(answer: http.client.HTTPResponse, limits: FetchLimits, deadline: float) -> bytes:
    """The body of a 200, never more than the limit."""
    if answer.status != 200:
        raise _unreadable(f"the answer was {answer.status} {answer.reason}".rstrip())
    if (answer.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise _unreadable("the answer was compressed though that was not asked for")
    declared = answer.length
    if declared is not None and declared > limits.max_bytes:
        raise _too_large(limits)
    parts: list[bytes] = []
    size = 0
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
        if size > limits.max_bytes:
            raise _too_large(limits)
        parts.append(chunk)
    # A line that was cut ends like a body of unknown length.
    if time.monotonic() >= deadline:
        raise _unreadable(f"not all of it came within {limits.seconds:g} s")
    if declared is not None and size < declared:
        raise _unreadable(f"the answer ended after {size:,} of {declared:,} bytes")
    return b"".join(parts)


def _too_large(limits: FetchLimits) -> PictureError:
    return PictureError("too-large", f"the picture has more than {limits.max_bytes:,} bytes")


def _unreadable(reason: str) -> PictureError:
    return PictureError("unreadable", reason)

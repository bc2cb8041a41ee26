"""Fetches a picture from the web for those who allowed it: the only client socket of the house.

http and https only. A name is resolved once, every address it has is looked at, and the connection
goes to one of these very addresses: a name server that answers otherwise a moment later (DNS
rebinding) is never asked again. Redirects are followed by hand and looked at in the same way.
Addresses of this computer and of private networks are refused unless they were allowed. Proxies of
the environment are not used: they would resolve the name themselves. Size, time and redirects are
limited. Stores nothing, knows no library.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from localsearch.deferred import dataclass
from localsearch.errors import InputError, PictureError

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_AGENT = "localsearch"
_CHUNK = 1 << 16
_SAFE = "/:@!$&'()*+,;=~-._%?[]"  # what stays as it is in a path; the rest is percent-encoded

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""NAT64 and the old IPv4-compatible form: the last four bytes are an IPv4 address."""
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")


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
        parts = _checked(url)
        with _answer(parts, limits, deadline) as answer:
            if answer.status not in _REDIRECTS:
                return _body(answer, limits, deadline)
            target = answer.getheader("Location")
        if not target:
            raise _unreadable(f"{parts.hostname} redirects to nowhere")
        url = urljoin(url, target)
    raise _unreadable(f"more than {limits.redirects} redirects")


def refused_because(address: Address) -> str:
    """Why an address is not one of the public internet; empty if it is."""
    if address.version == 6:
        inside = _embedded(address)
        if inside is not None:
            return refused_because(inside)
        if address in _LOCAL_NAT64:
            return "an address of a private network"
    if address.is_loopback or address.is_unspecified:
        return "an address of this computer"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast or address.is_reserved:
        return "no address of one computer"
    if address.is_private or not address.is_global:
        return "an address of a private network"
    if address.version == 6 and address.is_site_local:
        return "an address of a private network"
    return ""


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to: mapped, 6to4, Teredo, NAT64."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if int(address) > 1 and any(address in one for one in _EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _checked(url: str) -> SplitResult:
    """The parts of a URL that may be fetched at all."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as fault:
        raise InputError(f"{url!r} is no URL: {fault}") from fault
    if parts.scheme not in _PORTS or not host:
        raise InputError(f"{url!r} is no web address", hint="it begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise InputError("a URL with a user name or password in it is not fetched")
    if any(ord(one) < 32 or ord(one) == 127 for one in url) or " " in parts.netloc:
        raise InputError(f"{url!r} holds characters that no URL has")
    return parts


@contextmanager
def _answer(
    parts: SplitResult, limits: FetchLimits, deadline: float
) -> Iterator[http.client.HTTPResponse]:
    """The answer of the host, its body still to be read; whatever fails is a PictureError."""
    host = parts.hostname or ""
    connection = _Pinned(parts, _addresses(parts, limits, deadline), deadline)
    try:
        with connection.until(deadline):
            connection.request("GET", _target(parts), headers=_headers(parts))
            yield connection.getresponse()
    except (OSError, http.client.HTTPException) as fault:
        late = time.monotonic() >= deadline
        reason = f"no answer within {limits.seconds:g} s" if late else _told(fault)
        raise _unreadable(f"{host}: {reason}") from fault
    finally:
        connection.close()


def _told(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__


def _headers(parts: SplitResult) -> dict[str, str]:
    # Nothing compressed: a small answer could grow without end.
    return {
        "Host": _authority(parts),
        "User-Agent": _AGENT,
        "Accept": "image/*,*/*;q=0.5",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def _authority(parts: SplitResult) -> str:
    host = _ascii(parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    standard = parts.port in (None, _PORTS[parts.scheme])
    return host if standard else f"{host}:{parts.port}"


def _ascii(host: str) -> str:
    try:
        return host.encode("ascii").decode("ascii")
    except UnicodeError:
        pass
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as fault:
        raise InputError(f"{host!r} is no name of a host") from fault


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_SAFE)
    return f"{path}?{quote(parts.query, safe=_SAFE)}" if parts.query else path


def _addresses(parts: SplitResult, limits: FetchLimits, deadline: float) -> list[str]:
    """The addresses of the host, all of them allowed."""
    host = _ascii(parts.hostname or "")
    port = parts.port or _PORTS[parts.scheme]
    found = _resolved(host, port, deadline)
    if not limits.private:
        for one in found:
            # A scope ("%eth0") belongs to link-local addresses only.
            why = refused_because(ipaddress.ip_address(one.partition("%")[0]))
            if why:
                raise PictureError(
                    "unreadable", f"{host} is {why}", hint="private addresses can be allowed"
                )
    return found


def _resolved(host: str, port: int, deadline: float) -> list[str]:
    """Ask the system for the addresses of a name, no longer than until `deadline`."""
    found: list[str] = []
    fault: list[Exception] = []

    def ask() -> None:
        try:
            for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.append(str(info[4][0]))
        except (OSError, UnicodeError) as error:
            fault.append(error)

    # The system's resolver knows no time limit of ours; a thread that waits for it can be left.
    thread = threading.Thread(target=ask, name="localsearch-resolve", daemon=True)
    thread.start()
    thread.join(max(deadline - time.monotonic(), 0))
    addresses = list(dict.fromkeys(found))
    if fault or thread.is_alive() or not addresses:
        reason = _told(fault[0]) if fault else "its name server does not answer"
        raise _unreadable(f"{host}: {reason}")
    return addresses


class _Pinned(http.client.HTTPConnection):
    """A connection to one of the addresses that were looked at, whatever its name says by now."""

    def __init__(self, parts: SplitResult, addresses: list[str], deadline: float) -> None:
        host = _ascii(parts.hostname or "")
        super().__init__(host, parts.port or _PORTS[parts.scheme])
        self._addresses, self._deadline = addresses, deadline
        self._line: socket.socket | None = None  # `sock` is given up once an answer has begun
        self._secure = parts.scheme == "https"

    def connect(self) -> None:
        """Try the addresses in turn; a certificate must be of the name."""
        fault: OSError = OSError("no address")
        for address in self._addresses:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            try:
                self.sock = socket.create_connection((address, self.port), timeout=left)
                break
            except OSError as error:
                fault = error
        else:
            raise fault
        if self._secure:
            context = ssl.create_default_context()
            self._line = self.sock  # a handshake can be slow too
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        self._line = self.sock

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Cut the line at `deadline`: a host that sends a byte now and then would hold it."""
        timer = threading.Timer(max(deadline - time.monotonic(), 0), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self._line is not None:
            # Closed meanwhile: nothing to cut.
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


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

"""Which host a URL means, where it is, and a line to it.

A name is resolved once, every address it has is looked at, and the connection goes to one of these
very addresses: a name server that answers otherwise a moment later (DNS rebinding) is never asked
again. Sends nothing of its own. Invariant: a line is cut when its time is up, also in the midst of
a handshake or of a head that comes byte by byte.
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
from urllib.parse import SplitResult, quote, urlsplit

from localsearch.errors import InputError

PORTS = {"http": 80, "https": 443}
REDIRECTS = frozenset((301, 302, 303, 307, 308))
AGENT = "localsearch"
_SAFE = "/:@!$&'()*+,;=~-._%?[]"  # what stays as it is in a path; the rest is percent-encoded

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""NAT64 and the old IPv4-compatible form: the last four bytes are an IPv4 address."""
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")


class Unreachable(Exception):
    """No address of a host may or can be asked; the callers tell it in their own error.

    `unknown`: its name leads nowhere, as it is for all names of a computer that is offline.
    """

    def __init__(self, reason: str, *, hint: str = "", unknown: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.hint, self.unknown = reason, hint, unknown


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


def why_refused(address: str) -> str:
    """The same of an address as the system writes it."""
    # A scope ("%eth0") belongs to link-local addresses only.
    return refused_because(ipaddress.ip_address(address.partition("%")[0]))


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


def checked(url: str) -> SplitResult:
    """The parts of a URL that may be fetched at all. Raises InputError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as fault:
        raise InputError(f"{url!r} is no URL: {fault}") from fault
    if parts.scheme not in PORTS or not host:
        raise InputError(f"{url!r} is no web address", hint="it begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise InputError("a URL with a user name or password in it is not fetched")
    if any(ord(one) < 32 or ord(one) == 127 for one in url) or " " in parts.netloc:
        raise InputError(f"{url!r} holds characters that no URL has")
    return parts


def told(fault: BaseException) -> str:
    """A fault of the network in words."""
    return getattr(fault, "strerror", None) or str(fault) or type(fault).__name__


def authority(parts: SplitResult) -> str:
    """What a request names as its host."""
    host = ascii_host(parts)
    host = f"[{host}]" if ":" in host else host
    standard = parts.port in (None, PORTS[parts.scheme])
    return host if standard else f"{host}:{parts.port}"


def ascii_host(parts: SplitResult) -> str:
    """The host as the network knows it. Raises InputError."""
    host = parts.hostname or ""
    with contextlib.suppress(UnicodeError):
        return host.encode("ascii").decode("ascii")
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as fault:
        raise InputError(f"{host!r} is no name of a host") from fault


def port_of(parts: SplitResult) -> int:
    return parts.port or PORTS[parts.scheme]


def target_of(parts: SplitResult) -> str:
    """Path and query of a request, percent-encoded."""
    path = quote(parts.path or "/", safe=_SAFE)
    return f"{path}?{quote(parts.query, safe=_SAFE)}" if parts.query else path


def addresses(parts: SplitResult, deadline: float, *, private: bool) -> list[str]:
    """The addresses of the host; all of them public ones unless `private`. Raises Unreachable."""
    host = ascii_host(parts)
    found = _resolved(host, port_of(parts), deadline)
    if not private:
        for one in found:
            why = why_refused(one)
            if why:
                raise Unreachable(f"{host} is {why}", hint="private addresses can be allowed")
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
    unique = list(dict.fromkeys(found))
    if fault or thread.is_alive() or not unique:
        reason = told(fault[0]) if fault else "its name server does not answer"
        raise Unreachable(f"{host}: {reason}", unknown=True)
    return unique


class Line(http.client.HTTPConnection):
    """A connection that another thread can end at any moment."""

    _line: socket.socket | None = None  # `sock` is given up once an answer has begun

    def connect(self) -> None:
        """Connect as the class beside this one does."""
        super().connect()
        self._line = self.sock

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """Cut the line at `deadline`: a host that sends a byte now and then would hold it."""
        timer = threading.Timer(max(deadline - time.monotonic(), 0), self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def cut(self) -> None:
        """End the line; whoever reads from it gets an end or a fault. From any thread."""
        if self._line is not None:
            # Closed meanwhile: nothing to cut.
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


class Pinned(Line):
    """A connection to one of the addresses that were looked at, whatever its name says by now."""

    def __init__(self, parts: SplitResult, at: list[str], deadline: float) -> None:
        super().__init__(ascii_host(parts), port_of(parts))
        self._addresses, self._deadline = at, deadline
        self._secure = parts.scheme == "https"

    def connect(self) -> None:
        """Try the addresses in turn; a certificate must be of the name."""
        fault: OSError = OSError("no address")
        for tried, address in enumerate(self._addresses):
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            # Not all of it for the first: where IPv6 leads nowhere, IPv4 is still to be tried.
            share = left / (len(self._addresses) - tried)
            try:
                self.sock = socket.create_connection((address, self.port), timeout=share)
                self.sock.settimeout(left)
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


class Tunnelled(Line, http.client.HTTPSConnection):
    """An https connection that a proxy leads through, unread; `set_tunnel` names its end."""

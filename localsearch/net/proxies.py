"""The proxy that the environment names for a host: for packs only, never for pictures.

Reads HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in either case of letters; on Windows and
macOS also what the system is set to. Never used for this computer itself. Never tells a password.
"""

from __future__ import annotations

import base64
import ipaddress
from urllib.parse import SplitResult, unquote, urlsplit

from localsearch.deferred import NamedTuple
from localsearch.errors import InputError


class Proxy(NamedTuple):
    """Where a proxy listens, and what it is told in each request."""

    host: str
    port: int
    headers: dict[str, str]


def is_loopback(host: str) -> bool:
    """Whether a host, as it is written, is this computer: `localhost`, 127.0.0.1, ::1."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def proxy_for(parts: SplitResult) -> Proxy | None:
    """The proxy for a URL; None where the host is asked directly. Raises InputError."""
    from urllib.request import getproxies, proxy_bypass

    host = parts.hostname or ""
    named = getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    if not proxy or is_loopback(host) or proxy_bypass(parts.netloc):
        return None
    try:
        at = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        port = at.port or 80
    except ValueError as fault:
        raise InputError("the proxy of the environment is no URL", hint=_HINT) from fault
    if at.scheme != "http" or not at.hostname:
        raise InputError(f"a proxy of the kind {at.scheme}:// is not known", hint=_HINT)
    headers = {}
    if at.username is not None:
        login = f"{unquote(at.username)}:{unquote(at.password or '')}".encode()
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(login).decode("ascii")
    return Proxy(at.hostname, port, headers)


_HINT = "HTTPS_PROXY and the like name it as http://HOST:PORT"

"""How a server shows itself: where it listens, to whom, and what it takes. Frozen, and checked.

Reads the key file and the certificate's names; opens no socket.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from localsearch import InputError
from localsearch.server.connection import Patience
from localsearch.server.hosts import Hosts, Origins, is_loopback
from localsearch.server.keys import Keys

MAX_BODY_BYTES = 300 << 20
"""A batch of 128 pictures of 1.6 MB in base64; old clients send so many at most."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with; `checked` makes sure that it is safe."""

    host: str = "127.0.0.1"
    port: int = 8745
    public_url: str = ""
    allow_hosts: tuple[str, ...] = ()
    allow_origins: tuple[str, ...] = ()
    keys: Keys = field(default_factory=Keys)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    max_body_bytes: int = MAX_BODY_BYTES
    max_connections: int = 2048
    patience: Patience = field(default_factory=Patience)
    seconds_to_finish: float = 30.0


def check(settings: Settings) -> None:
    """Raise InputError for settings that contradict each other or would let anybody in."""
    if not 0 <= settings.port <= 65535:
        raise InputError(f"{settings.port} is no port", hint="0 to 65535; 0 takes a free one")
    if not is_loopback(settings.host) and not settings.keys:
        raise InputError(
            f"on {settings.host} every computer of the network could read and change the library",
            hint="name a file of keys with --key-file, or listen on 127.0.0.1",
        )
    if origins_of(settings).open_to_all and not settings.keys:
        raise InputError(
            "with --allow-origin '*' every web page could read and change the library",
            hint="name the page's origin, or a file of keys with --key-file",
        )
    hosts_of(settings)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise InputError("a certificate and its key go together: --tls-cert and --tls-key")


def public_base(settings: Settings) -> str:
    """The public URL without a slash at its end; empty if none was given."""
    if not settings.public_url:
        return ""
    wrong = InputError(
        f"{settings.public_url!r} is no URL of a server", hint="for example https://photos.home"
    )
    try:
        parts = urlsplit(settings.public_url)
        _ = parts.port
    except ValueError as fault:
        raise wrong from fault
    extra = parts.query or parts.fragment or parts.username
    if parts.scheme not in ("http", "https") or not parts.hostname or extra:
        raise wrong
    return settings.public_url.rstrip("/")


def hosts_of(settings: Settings) -> Hosts:
    """The names that this server answers to."""
    names = list(settings.allow_hosts)
    if settings.host not in ("", "0.0.0.0", "::"):
        names.append(f"[{settings.host}]" if ":" in settings.host else settings.host)
    if base := public_base(settings):
        names.append(urlsplit(base).netloc)
    return Hosts(names)


def origins_of(settings: Settings) -> Origins:
    """The pages that may ask; a page of the public URL is one of this server."""
    base = public_base(settings)
    own = [f"{urlsplit(base).scheme}://{urlsplit(base).netloc}"] if base else []
    return Origins([*settings.allow_origins, *own])


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """How connections are encrypted; None: they are not."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as fault:
        raise InputError(
            f"the certificate {settings.tls_cert} cannot be used: {fault}",
            hint="both files in PEM form, the key without a password",
        ) from fault
    return context

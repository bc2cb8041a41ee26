"""`localsearch serve`: the library over HTTP, for programs written for Clarifai's API.

Runs until it is told to end: Ctrl-C, a signal, or the end of the program that started it. Says on
stdout that it listens, on stderr what clients could not have.
"""

from __future__ import annotations

import contextlib
import json as json_text
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

import localsearch as ls
from localsearch.cli import opening, options, output, terminal

if TYPE_CHECKING:
    from localsearch.server import Server

_ANY_KEY = "any"  # told to programs that want to send one, where none is asked for


def _text(metavar: str, words: str) -> Any:
    return typer.Option(metavar=metavar, show_default=False, help=words)


_KEYS = "A line each: KEY [read|write]. Default: LOCALSEARCH_KEY, else any key will do."
Host = Annotated[str, typer.Option(help="Listen here.")]
Port = Annotated[int, typer.Option(help="And on this port; 0 takes a free one.")]
KeyFile = Annotated[Path | None, _text("FILE", _KEYS)]
PublicUrl = Annotated[str, _text("URL", "Begin URLs of pictures with this.")]
Hosts = Annotated[list[str] | None, _text("NAME", "Answer to this name too.")]
Origins = Annotated[list[str] | None, _text("ORIGIN", "Let pages of this origin ask.")]
Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="URL_PREFIX=FOLDER",
        show_default=False,
        help="URLs below the prefix are files below the folder.",
    ),
]
Concepts = Annotated[Path | None, _text("FILE", "Old ids and names of concepts, and ours.")]
Urls = Annotated[bool, typer.Option("--allow-urls", help="Fetch pictures that are named by URL.")]
PrivateUrls = Annotated[
    bool, typer.Option("--allow-private-urls", help="From private networks and this computer too.")
]
TlsCert = Annotated[Path | None, _text("FILE", "Certificate, for HTTPS.")]
TlsKey = Annotated[Path | None, _text("FILE", "Its private key.")]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Let nobody change the library.")]
Ready = Annotated[
    bool, typer.Option("--ready", help="Print a line of JSON (url, key, pid) once it listens.")
]
WithParent = Annotated[bool, typer.Option("--with-parent", help="End when stdin is closed.")]


def run(
    ctx: typer.Context,
    library: options.Store = None,
    host: Host = "127.0.0.1",
    port: Port = 8745,
    key_file: KeyFile = None,
    public_url: PublicUrl = "",
    allow_host: Hosts = None,
    allow_origin: Origins = None,
    map: Maps = None,
    concepts: Concepts = None,
    allow_urls: Urls = False,
    allow_private_urls: PrivateUrls = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    read_only: ReadOnly = False,
    ready: Ready = False,
    with_parent: WithParent = False,
    json: options.Json = False,
) -> None:
    """Answer programs that were written for Clarifai's API, over HTTP."""
    room = _room()
    settings = room.Settings(
        host=host,
        port=port,
        public_url=public_url,
        allow_hosts=tuple(allow_host or ()),
        allow_origins=tuple(allow_origin or ()),
        keys=room.keys_of(key_file),
        tls_cert=tls_cert,
        tls_key=tls_key,
    )
    face = room.face_options(
        map or (),
        concepts=concepts,
        allow_urls=allow_urls,
        allow_private_urls=allow_private_urls,
        read_only=read_only,
    )
    with _opened(ctx, library, read_only) as opened, _told_on_stderr():
        server = room.Server(opened, settings, face)
        with _ended_by_signals(server):
            if with_parent:
                _end_with_stdin(server)
            server.run(lambda url: _tell(url, settings.keys.first, ready=ready, as_json=json))


def _room() -> ModuleType:
    """The room of the server, without which every other command can do."""
    try:
        from localsearch import server
    except ModuleNotFoundError as fault:
        if fault.name != "h11":
            raise
        raise ls.DependencyMissing(
            "the server needs the package h11", hint='pip install "localsearch[server]"'
        ) from fault
    return server


def _opened(ctx: typer.Context, library: Path | None, read_only: bool) -> ls.Library:
    if not read_only:
        return opening.open_library(ctx, library)
    return ls.open(
        store=opening.existing_store(ctx, library),
        create=False,
        read_only=True,
        provider=options.provider_of(ctx),
    )


def _tell(url: str, key: str | None, *, ready: bool, as_json: bool) -> None:
    body = {"url": url, "key": key or _ANY_KEY, "pid": os.getpid()}
    if ready:
        print(json_text.dumps(body), flush=True)
        return
    if as_json:
        output.print_json(body)
        sys.stdout.flush()
        return
    terminal.say(f"listening on {url}; Ctrl-C ends it")


@contextmanager
def _told_on_stderr() -> Iterator[None]:
    """What the library and the server tell goes to stderr while it runs."""
    import logging

    logger = logging.getLogger("localsearch")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def _ended_by_signals(server: Server) -> Iterator[None]:
    """The first signal ends it in order, a second one at once."""
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def end(number: int, frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_DFL)
        server.stop()

    before = {one: signal.signal(one, end) for one in numbers}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _end_with_stdin(server: Server) -> None:
    """For a program that starts a server of its own: when it dies, its end of the pipe closes."""

    def wait() -> None:
        # A stream that cannot be read is at its end too.
        with contextlib.suppress(OSError, ValueError):
            while os.read(0, 4096):
                pass
        server.stop()

    threading.Thread(target=wait, name="localsearch-parent", daemon=True).start()

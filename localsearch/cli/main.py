"""The program: one table of commands, one table of exit codes, one place where errors end.

Every command is a function in its own file; this one names them and turns what they raise into a
message and a code. No traceback reaches a user unless LOCALSEARCH_DEBUG is set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

import localsearch as ls
from localsearch.cli import options, output, streams, terminal

COMMANDS: dict[str, str] = {
    "demo": "cmd_demo",
    "init": "cmd_init",
    "roots": "cmd_roots",
    "sync": "cmd_sync",
    "search": "cmd_search",
    "predict": "cmd_predict",
    "concepts": "cmd_concepts",
    "show": "cmd_show",
    "tag": "cmd_tag",
    "teach": "cmd_teach",
    "taught": "cmd_taught",
    "status": "cmd_status",
    "failures": "cmd_failures",
    "duplicates": "cmd_duplicates",
    "remove": "cmd_remove",
    "restore": "cmd_restore",
    "purge": "cmd_purge",
    "serve": "cmd_serve",
    "export": "cmd_export",
    "import": "cmd_import",
    "verify": "cmd_verify",
    "compact": "cmd_compact",
    "reindex": "cmd_reindex",
    "backup": "cmd_backup",
    "recover": "cmd_recover",
    "packs": "cmd_packs",
    "doctor": "cmd_doctor",
}
"""The commands, in the order of `--help`, and the file of each: it holds `run`, or `group`, and
perhaps a class `Command` that parses otherwise. A file is imported when its command is meant."""

UNEXPECTED, USAGE, INTERRUPTED = 1, 2, 130

EXIT_CODES: dict[type[ls.LocalsearchError], int] = {
    ls.LocalsearchError: UNEXPECTED,
    ls.LibraryError: 3,
    ls.LibraryMissing: 3,
    ls.LibraryBusy: 4,
    ls.LibraryTooNew: 7,
    ls.LibraryDamaged: 7,
    ls.LibrarySegmentDamaged: 7,
    ls.LibraryReadOnly: 5,
    ls.LibraryFull: 5,
    ls.LibraryUnsafe: 8,
    ls.LibraryClosed: UNEXPECTED,
    ls.LibraryPackChanged: 4,
    ls.PackError: 6,
    ls.PackMissing: 6,
    ls.PackDamaged: 6,
    ls.PackProvider: 6,
    ls.PackUnreachable: 6,
    ls.PictureError: USAGE,
    ls.QueryError: USAGE,
    ls.QueryUnknownConcept: USAGE,
    ls.QueryNoText: USAGE,
    ls.InputError: USAGE,
    ls.Cancelled: INTERRUPTED,
    ls.DependencyMissing: UNEXPECTED,
}
"""Exit code of each error; 0 done, 9 `--strict` and a photo failed (`cmd_sync`), 130 interrupted.

3 no library or root, 4 busy, 5 disk full or read-only, 6 pack, 7 damaged or from a newer version,
8 safety stop. Frozen: scripts test for them. `tests/test_cli_errors.py` holds it complete.
"""

# typer brings its own copy of click in newer versions; these are its classes either way.
_UsageError: type[Any] = typer.BadParameter.__mro__[1]
_ClickError: type[Any] = _UsageError.__mro__[1]


class _Commands(TyperGroup):
    """The table as a group: a command is made when it is asked for, all of them only for help."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.commands = cast(Any, dict.fromkeys(COMMANDS))  # their names, for "did you mean"

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return made_command(cmd_name) if cmd_name in COMMANDS else None


def made_command(name: str) -> Any:
    """The command of a name, as typer makes it of its function or group."""
    module = import_module(f"localsearch.cli.{COMMANDS[name]}")
    app = getattr(module, "group", None)
    if app is None:
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        app.command(name, cls=getattr(module, "Command", None))(module.run)
    made = typer.main.get_command(app)
    made.name = name
    return made


class _Line:
    """One command line at work: its words, whether it wants JSON, its context once parsed."""

    def __init__(self, args: list[str], as_json: bool) -> None:
        self.args, self.as_json = args, as_json
        self.context: Any = None

    @property
    def library(self) -> Path | None:
        """The library that was named, if the command came so far."""
        return self.context.obj if self.context is not None else None


def run(args: Sequence[str]) -> int:
    """Run one command line (without the program's name). Returns the exit code."""
    streams.fill_closed()
    terminal.prepare_streams()
    line = _Line(list(args), _wants_json(args))
    try:
        try:
            code = _ended(line)
        except KeyboardInterrupt:
            code = _interrupted(line)
        sys.stdout.flush()
        return code
    except OSError as fault:
        return _output_fault(fault)


def _ended(line: _Line) -> int:
    """Run it and tell what it raised. An OSError that leaves is one of writing the output."""
    try:
        _stand_somewhere()
        return _invoke(line)
    except ls.LocalsearchError as error:
        from localsearch.cli import hints

        _debug()
        hint = hints.hint_of(error, line.library)
        _report(line.as_json, error.code, error.message, hint)
        return EXIT_CODES[type(error)]
    except _ClickError as error:
        _report(line.as_json, "usage", error.format_message(), _usage_hint(error))
        return USAGE
    except typer.Abort:
        return _interrupted(line)
    except OSError as fault:
        if streams.closed(fault) or streams.failed(fault):
            raise
        return _unexpected(line, fault)
    except Exception as error:  # noqa: BLE001  (the last stop: one line instead of a traceback)
        return _unexpected(line, error)


def _invoke(line: _Line) -> int:
    """Parse and run. Not by the command's own `main`, which makes 1 of a closed pipe."""
    command = typer.main.get_command(_app())
    try:
        with command.make_context("localsearch", list(line.args)) as line.context:
            command.invoke(line.context)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def _wants_json(args: Sequence[str]) -> bool:
    """Whether errors are documents: asked before parsing, which may be what fails."""
    options = list(args)[: args.index("--")] if "--" in args else list(args)
    forms = {after for word, after in pairwise(options) if word == "--format"}
    forms |= {word.partition("=")[2] for word in options if word.startswith("--format=")}
    return "--json" in options or bool(forms & {"json", "ndjson"})


def _interrupted(line: _Line) -> int:
    if line.as_json:
        _report(True, "interrupted", "interrupted; what was done is kept", "")
    return INTERRUPTED


def _unexpected(line: _Line, error: Exception) -> int:
    _debug()
    hint = "run it again with LOCALSEARCH_DEBUG=1 to see where, and report that"
    _report(line.as_json, "unexpected", f"{type(error).__name__}: {error}", hint)
    return UNEXPECTED


def _output_fault(fault: OSError) -> int:
    """Of a reader that had enough (`| head`) nobody need hear; of a full disk, on stderr."""
    streams.give_up()
    if streams.closed(fault):
        return 0
    terminal.note(f"error: the output cannot be written: {fault.strerror or fault}", "red")
    return EXIT_CODES[ls.LibraryFull]


def _app() -> typer.Typer:
    # rich_markup_mode=None: help is plain text, so that no help page imports rich.
    app = typer.Typer(
        name="localsearch",
        cls=_Commands,
        help="Search your photos by what is in them: local, offline.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_before)
    return app


def _stand_somewhere() -> None:
    try:
        Path.cwd()
    except OSError as fault:
        raise ls.InputError(
            "the current folder does not exist any more", hint="cd to another one"
        ) from fault


def _before(
    ctx: typer.Context,
    library: Annotated[
        Path | None,
        typer.Option(
            "--library",
            metavar="STORE",
            envvar="LOCALSEARCH_LIBRARY",
            show_envvar=True,
            show_default=False,
            help="The library's store or its photo folder.",
        ),
    ] = None,
    provider: options.Provider = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    json: options.Json = False,
) -> None:
    ctx.obj = library
    if version:
        print(f"localsearch {ls.__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit


def _report(as_json: bool, code: str, message: str, hint: str) -> None:
    if as_json:
        output.print_json(output.error_json(code, message, hint))
        return
    terminal.note(f"error: {message}", "red")
    if hint:
        terminal.note(f"hint: {hint}")


def _usage_hint(error: Any) -> str:
    path = error.ctx.command_path if getattr(error, "ctx", None) else "localsearch"
    return f"see: {path} --help"


def _debug() -> None:
    if os.environ.get("LOCALSEARCH_DEBUG"):
        import traceback

        traceback.print_exc()

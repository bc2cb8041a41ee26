"""Looks at this machine, this installation and one store, and says what would mend a fault.

Reads and tries only: it installs nothing, repairs nothing, opens no socket and writes nothing.
Packages that could kill the process (a build for another processor dies by SIGILL) are imported
in a child process. Invariant: `examine` never raises; what cannot be found out is a check too.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from localsearch import machine
from localsearch.deferred import dataclass
from localsearch.encoders import wheels
from localsearch.errors import LocalsearchError

if TYPE_CHECKING:
    from localsearch.encoders import ProviderReport
    from localsearch.pack import Pack

_REQUIRED = (
    "numpy",
    "onnxruntime",
    "pillow",
    "pi-heif",
    "pyroaring",
    "blake3",
    "filelock",
    "platformdirs",
    "rapidfuzz",
    "ftfy",
    "regex",
    "typer",
    "rich",
)
_PACK = "general"
_CHILD_SECONDS = 60  # a cold disk may take ten seconds to load a large extension
_PIP = wheels.pip()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `ok` is None where it is worth knowing but stops nothing.

    `found` says what is there, `cure` the exact command or step that mends it (empty if fine);
    several stand on a line each, in the order in which they are to be run.
    """

    name: str
    ok: bool | None
    found: str
    cure: str = ""


def examine(store: Path | None = None) -> list[Check]:
    """Every check, in the order a person would ask; those of the store if there is one."""
    looks: list[Callable[[], list[Check]]] = [
        _python,
        _packages,
        _runtimes,
        _providers,
        _machine,
        _graph,
        _fast_products,
        _formats,
        _packs,
        _program,
    ]
    checks = [check for look in looks for check in _tried(look)]
    if store is not None:
        checks += _tried(lambda: _store(store))
    return checks


def _tried(look: Callable[[], list[Check]]) -> list[Check]:
    try:
        return look()
    except Exception as fault:  # noqa: BLE001  (a doctor that dies of what it finds is no help)
        return [Check(look.__name__.strip("_<>"), False, f"could not be examined: {fault!r}")]


def _python() -> list[Check]:
    old = sys.version_info < (3, 11)
    found = f"{platform.python_version()} on {platform.platform()}, {platform.machine()}"
    return [Check("python", not old, found, "install Python 3.11 or newer" if old else "")]


def _packages() -> list[Check]:
    versions = {name: _version(name) for name in _REQUIRED}
    if versions["onnxruntime"] is None:
        versions["onnxruntime"] = next(filter(None, map(_version, wheels.WHEELS)), None)
    absent = [name for name, version in versions.items() if version is None]
    found = ", ".join(f"{name} {version or 'ABSENT'}" for name, version in versions.items())
    own = _version("localsearch") or "not installed (run from its folder)"
    return [
        Check("localsearch", True, own),
        Check("packages", not absent, found, f"{_PIP} install {' '.join(absent)}" * bool(absent)),
    ]


def _runtimes() -> list[Check]:
    there = tuple(name for name in wheels.WHEELS if _version(name))
    if len(there) < 2:
        return []
    wanted = wheels.wanted_of(there)
    found = f"{wheels.clash(there)} and hide each other's providers: keep one, for example {wanted}"
    return [Check("onnxruntime", False, found, "\n".join(wheels.only(wanted, there)))]


def _providers() -> list[Check]:
    """Each provider that is there is tried for real: with the golden vector of the pack."""
    from localsearch.encoders import describe_providers
    from localsearch.pack import find_pack, load_pack

    reports = describe_providers()
    there = [one.word for one in reports if one.installed]
    absent = [one.word for one in reports if not one.installed]
    found = ", ".join(there) + f" (not installed: {', '.join(absent)})" * bool(absent)
    try:
        pack = load_pack(find_pack(_PACK))
    except LocalsearchError as fault:
        return [Check("providers", bool(there), found), Check("inference", False, fault.message)]
    tried = [_tried_on(pack, one) for one in reports if one.installed and one.word != "cpu"]
    return [Check("providers", bool(there), found), *tried, _inference(pack)]


def _inference(pack: Pack) -> Check:
    """What `auto` comes to, and why it passed over what comes before."""
    from localsearch.encoders import open_image_encoder

    try:
        encoder = open_image_encoder(pack)
    except LocalsearchError as fault:
        return Check("inference", False, fault.message, fault.hint)
    encoder.close()
    choice = encoder.choice
    over = [f"{word} is not used: {why}" for word, why in choice.passed_over]
    told = [f"{choice.runs}, the golden vector matches", f"asked for: {choice.asked}", *over]
    return Check("inference", None if choice.warning else True, "; ".join(told))


def _tried_on(pack: Pack, report: ProviderReport) -> Check:
    """A provider by its name, whether `auto` would take it or not."""
    from localsearch.encoders import open_image_encoder

    name, untested = f"provider {report.word}", "" if report.tested else "; " + report.note
    try:
        open_image_encoder(pack, provider=report.word).close()
    except LocalsearchError as fault:
        return Check(name, None, f"cannot be used: {fault.message}", fault.hint)
    return Check(name, True, f"the golden vector matches{untested}")


def _machine() -> list[Check]:
    cores, total = machine.usable_cores(), os.cpu_count() or 1
    limited = f" of {total} (affinity or quota)" if cores < total else ""
    budget, free = machine.memory_budget(None), machine.available_memory()
    return [
        Check("threads", True, f"{cores}{limited}"),
        Check("memory", True, f"{_size(budget)} to use, {_size(free)} available"),
    ]


def _graph() -> list[Check]:
    if _version("hnswlib") is None:
        found = "hnswlib is absent: large libraries are scanned instead"
        return [Check("graph", None, found, f"{_PIP} install hnswlib")]
    fault = _child("import hnswlib")
    if not fault:
        return [Check("graph", True, f"hnswlib {_version('hnswlib')}")]
    cure = f"{_PIP} install --force-reinstall --no-cache-dir --no-binary hnswlib hnswlib"
    if "signal" in fault:
        fault = f"built for another processor ({fault})"
        cure = ("set HNSWLIB_NO_NATIVE=1 & " if os.name == "nt" else "HNSWLIB_NO_NATIVE=1 ") + cure
    return [Check("graph", None, f"hnswlib: {fault}", cure)]


def _fast_products() -> list[Check]:
    fault = "absent" if _version("numkong") is None else _child("import numkong")
    if not fault:
        return [Check("int8 products", True, f"numkong {_version('numkong')}")]
    found = f"numkong: {fault}; numpy answers instead, some four times slower"
    return [Check("int8 products", None, found, f"{_PIP} install --force-reinstall numkong")]


def _formats() -> list[Check]:
    trials = (
        ("HEIC", "pi-heif", "import pi_heif"),
        ("AVIF", "pillow", "from PIL import features; assert features.check('avif'), 'left out'"),
    )
    checks = []
    for form, package, code in trials:
        fault = _child(code)
        cure = f"{_PIP} install --force-reinstall {package}" if fault else ""
        checks.append(Check(form, not fault, fault or f"{package} {_version(package)}", cure))
    return checks


def _packs() -> list[Check]:
    from localsearch.pack import available_packs, load_pack
    from localsearch.pack.find import pack_places

    checks, folders = [], available_packs()
    for folder in folders:
        name = f"pack {folder.name}"
        try:
            pack = load_pack(folder, check="whole")
            checks.append(Check(name, True, f"version {pack.version}, all digests match, {folder}"))
        except LocalsearchError as fault:
            mine = folder.parent == pack_places()[0]
            again = f"bring it again: localsearch packs pull {folder.name} --replace, or packs add"
            cure = f"{_PIP} install --force-reinstall --no-deps localsearch"
            checks.append(Check(name, False, fault.message, again if mine else cure))
    if not folders:
        cure = f"{_PIP} install --force-reinstall --no-deps localsearch"
        checks.append(Check("pack", False, "no pack is installed", cure))
    return checks


def _program() -> list[Check]:
    """GNOME's file indexer is a program `localsearch` too; `lsearch` is ours alone."""
    ours = Path(sysconfig.get_path("scripts"))
    first = shutil.which("localsearch")
    if first is None:
        cure = f'"{sys.executable}" -m localsearch ..., or add {ours} to PATH'
        return [Check("program", None, "PATH finds no localsearch", cure)]
    if _same_folder(Path(first).parent, ours):
        return [Check("program", True, first)]
    cure = "lsearch ..." if shutil.which("lsearch") else f'"{sys.executable}" -m localsearch ...'
    found = f"PATH finds {first} first, which is another program or another installation"
    return [Check("program", None, found, f"run it as: {cure}")]


def _store(store: Path) -> list[Check]:
    if not store.is_dir():
        return [Check("store", False, f"there is no library in {store}", "localsearch init DIR")]
    system, free = machine.file_system_of(store), shutil.disk_usage(store).free
    checks = [Check("store", True, f"{store} on {system.kind}, {_size(free)} free")]
    if system.network:
        checks.append(
            Check(
                "store drive",
                False,
                "on a network drive, where SQLite's locks do not hold",
                'keep the store on this machine: localsearch init --store "DIR"',
            )
        )
    service = machine.cloud_synced(store)
    if service:
        found = f"inside a folder that {service} synchronises: it copies files while they change"
        cure = f'exclude {store} in {service}, or: localsearch init --store "DIR"'
        checks.append(Check("store sync", None, found, cure))
    if not os.access(store, os.W_OK):
        found = "cannot be written: searches work, syncs do not"
        checks.append(Check("store rights", None, found, f'chmod -R u+w "{store}"'))
    return checks + _catalog(store)


def _catalog(store: Path) -> list[Check]:
    from localsearch.catalog import open_catalog, packs

    try:
        catalog = open_catalog(store, read_only=True)
        try:
            with catalog.reading() as conn:
                active = packs.active(conn)
        finally:
            catalog.close()
    except LocalsearchError as fault:
        return [Check("catalog", False, fault.message, fault.hint)]
    checks = [Check("catalog", True, "opens")]
    return checks if active is None else [*checks, _library_pack(store / active.folder)]


def _library_pack(folder: Path) -> Check:
    """Both towers of the pack that a library uses, which may be another one than the built-in."""
    from localsearch.encoders import open_image_encoder
    from localsearch.encoders.text_network import open_text_encoder
    from localsearch.pack import load_pack

    name = "library's pack"
    try:
        pack = load_pack(folder)
        pictures = open_image_encoder(pack)
        pictures.close()
        told = [f"{pack.name} {pack.version}: pictures on {pictures.provider}"]
        if pack.text is not None:
            texts = open_text_encoder(pack)
            texts.close()
            told.append(
                "texts by tables" if texts.choice is None else f"texts on {texts.choice.runs}"
            )
    except LocalsearchError as fault:
        return Check(name, False, fault.message, fault.hint)
    return Check(name, True, ", ".join(told))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _child(code: str) -> str:
    """Run `code` in a child process; empty if it ended well, else how it ended.

    In a frozen program `sys.executable` is the program itself, so nothing is tried there.
    """
    if getattr(sys, "frozen", False):
        return ""
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_CHILD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        return f"could not be tried: {fault}"
    if ended.returncode == 0:
        return ""
    if ended.returncode < 0:
        return f"killed by signal {-ended.returncode}"
    if ended.returncode == 0xC000001D:  # Windows: STATUS_ILLEGAL_INSTRUCTION
        return "killed by signal: illegal instruction"
    return (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"

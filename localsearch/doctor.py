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

from localsearch import machine
from localsearch.deferred import dataclass
from localsearch.errors import LocalsearchError

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
    "typer",
    "rich",
)
_RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
_PACK = "general"
_CHILD_SECONDS = 60  # a cold disk may take ten seconds to load a large extension
_PIP = f'"{sys.executable}" -m pip'


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `ok` is None where it is worth knowing but stops nothing.

    `found` says what is there, `cure` the exact command or step that mends it (empty if fine).
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
        versions["onnxruntime"] = next(filter(None, map(_version, _RUNTIMES)), None)
    absent = [name for name, version in versions.items() if version is None]
    found = ", ".join(f"{name} {version or 'ABSENT'}" for name, version in versions.items())
    own = _version("localsearch") or "not installed (run from its folder)"
    return [
        Check("localsearch", True, own),
        Check("packages", not absent, found, f"{_PIP} install {' '.join(absent)}" * bool(absent)),
    ]


def _runtimes() -> list[Check]:
    there = [name for name in _RUNTIMES if _version(name)]
    if len(there) < 2:
        return []
    cure = f"{_PIP} uninstall -y {' '.join(there)} && {_PIP} install {there[-1]}"
    return [Check("onnxruntime", False, f"{' and '.join(there)} overwrite each other", cure)]


def _providers() -> list[Check]:
    from localsearch.encoders import describe_providers, open_image_encoder
    from localsearch.pack import find_pack, load_pack

    there = [report.word for report in describe_providers() if report.installed]
    absent = [report.word for report in describe_providers() if not report.installed]
    found = ", ".join(there) + f" (not installed: {', '.join(absent)})" * bool(absent)
    checks = [Check("providers", bool(there), found)]
    try:
        encoder = open_image_encoder(load_pack(find_pack(_PACK)))
    except LocalsearchError as fault:
        return [*checks, Check("inference", False, fault.message, fault.hint)]
    found = f"{encoder.provider}, the golden vector matches"
    checks.append(Check("inference", True, "; ".join([found, *encoder.notes])))
    encoder.close()
    return checks


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

    checks, folders = [], available_packs()
    for folder in folders:
        name = f"pack {folder.name}"
        try:
            pack = load_pack(folder, check="whole")
            checks.append(Check(name, True, f"version {pack.version}, all digests match, {folder}"))
        except LocalsearchError as fault:
            cure = f"{_PIP} install --force-reinstall --no-deps localsearch"
            checks.append(Check(name, False, fault.message, cure))
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
    from localsearch.catalog import open_catalog

    try:
        open_catalog(store, read_only=True).close()
    except LocalsearchError as fault:
        return [Check("catalog", False, fault.message, fault.hint)]
    return [Check("catalog", True, "opens")]


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

"""Cores, features, memory and thread priority: what this process may use of the machine.

Never raises; answers with a safe guess where the system does not tell. Invariant: quotas count,
not only what the hardware has.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import sys
from pathlib import Path

from localsearch.machine.system import PROC, kernel32, text_of

_MIB = 1 << 20
_GIB = 1 << 30
_LEAST_BUDGET = 256 * _MIB
_MOST_BUDGET = 2 * _GIB
_UNKNOWN_MEMORY = 2 * _GIB
_BUDGET_FLOOR = 32 * _MIB  # below, one picture of a phone would not fit

_CGROUP = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Cores that this process may use: its affinity, and the quota of its control group."""
    cores = _affinity()
    quota = _cgroup_cores()
    # Rounded up: with 1.5 cores granted, two threads get 1.5 done and one thread one.
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def processor_features() -> str:
    """What the processor is and can do, as the system words it: differs where a program that was
    compiled for one processor may not run on another. Empty where nothing is told."""
    for line in text_of(PROC / "cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip().casefold() in ("flags", "features"):
            return value.strip()
    if sys.platform == "darwin":
        names = ("brand_string", "features", "leaf7_features")
        return " ".join(_darwin_text(f"machdep.cpu.{name}".encode()) for name in names).strip()
    import platform

    return platform.processor() or platform.machine()


def _affinity() -> int:
    if sys.platform != "win32" and hasattr(os, "sched_getaffinity"):
        with contextlib.suppress(OSError):
            return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cgroup_cores() -> float | None:
    """The tightest quota of this process's group and those above it, in cores."""
    quotas: list[float] = []
    for folder in _group_folders(""):
        words = text_of(folder / "cpu.max").split()
        if len(words) == 2 and words[0] != "max":
            quotas += _ratio(words[0], words[1])
    for folder in _group_folders("cpu"):
        quota, period = (text_of(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        quotas += _ratio(quota, period)
    return min(quotas, default=None)


def _ratio(quota: str, period: str) -> list[float]:
    try:
        share = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return []
    return [share] if share > 0 else []


def _group_folders(controller: str) -> list[Path]:
    """This process's group and all above it: version 2 for "", version 1 for a controller."""
    if sys.platform != "linux":
        return []
    top = _CGROUP / controller if controller else _CGROUP
    place = "/"
    for line in text_of(PROC / "self" / "cgroup").splitlines():
        number, names, path = [*line.split(":", 2), "", ""][:3]
        if (controller in names.split(",")) if controller else (number == "0"):
            place = path
    own = top / place.strip("/")
    if not own.is_dir():
        own = top  # in a container the own path is told from outside, and the mount is the group
    inside = [own, *own.parents]
    return inside[: inside.index(top) + 1] if top in inside else [top]


def available_memory() -> int:
    """Bytes that this process could still take without pushing others out."""
    here = [_system_memory(), *_cgroup_memory()]
    known = [count for count in here if count is not None and count > 0]
    return min(known, default=_UNKNOWN_MEMORY)


def memory_budget(option: int | None) -> int:
    """Bytes for photos and derived files in work: as told, else a quarter of what is available,
    256 MiB to 2 GiB."""
    if option is not None:
        return max(_BUDGET_FLOOR, option)
    return max(_LEAST_BUDGET, min(_MOST_BUDGET, available_memory() // 4))


def _system_memory() -> int | None:
    if sys.platform == "win32":
        return _windows_memory()
    if sys.platform == "darwin":
        total = _darwin_number(b"hw.memsize")
        # macOS keeps what is free small on purpose; half of all is what a program can count on.
        return total // 2 if total else None
    for line in text_of(PROC / "meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _cgroup_memory() -> list[int]:
    found: list[int] = []
    files = (
        ("", "memory.max", "memory.current", "inactive_file"),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    )
    for controller, limit_name, used_name, cache_name in files:
        for folder in _group_folders(controller):
            limit, used = text_of(folder / limit_name), text_of(folder / used_name)
            if limit.isdigit() and used.isdigit() and int(limit) < 1 << 60:
                # Cached files count as used, but give way at once.
                cached = _field(text_of(folder / "memory.stat"), cache_name)
                found.append(max(_MIB, int(limit) - int(used) + cached))
    return found


def _field(text: str, name: str) -> int:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return 0


def _windows_memory() -> int | None:
    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "available", "c", "d", "e", "f")),
            ("g", ctypes.c_ulonglong),
        )

    with contextlib.suppress(Exception):
        status = Status()
        status.length = ctypes.sizeof(Status)
        if kernel32().GlobalMemoryStatusEx(ctypes.byref(status)):
            return int(status.available)
    return None


def _darwin_number(name: bytes) -> int | None:
    with contextlib.suppress(Exception):
        value, size = ctypes.c_uint64(0), ctypes.c_size_t(8)
        system = ctypes.CDLL(None)
        if not system.sysctlbyname(name, ctypes.byref(value), ctypes.byref(size), None, 0):
            return int(value.value)
    return None


def _darwin_text(name: bytes) -> str:
    with contextlib.suppress(Exception):
        room = ctypes.create_string_buffer(8192)
        size, system = ctypes.c_size_t(len(room)), ctypes.CDLL(None)
        if not system.sysctlbyname(name, room, ctypes.byref(size), None, 0):
            return room.value.decode("ascii", "replace")
    return ""


def lower_thread_priority() -> bool:
    """Make the calling thread give way to others; False where the system can't for one thread."""
    with contextlib.suppress(Exception):
        if sys.platform == "win32":
            # THREAD_PRIORITY_LOWEST
            return bool(kernel32().SetThreadPriority(kernel32().GetCurrentThread(), -2))
        if sys.platform == "darwin":
            utility = 0x11  # QOS_CLASS_UTILITY; `nice` there is for the whole process
            return not ctypes.CDLL(None).pthread_set_qos_class_self_np(utility, 0)
        if sys.platform == "linux":
            # On Linux a nice value belongs to a thread, whatever POSIX says.
            os.setpriority(os.PRIO_PROCESS, 0, 10)
            return True
    return False

"""The machine is asked politely: quotas count, and nothing that is absent raises."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from localsearch import machine
from localsearch.machine import file_systems, processor

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")
MIB = 1 << 20


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 16 cores and 64 GiB made of files: /proc and /sys/fs/cgroup."""
    monkeypatch.setattr(processor, "PROC", tmp_path / "proc")
    monkeypatch.setattr(processor, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(processor, "_affinity", lambda: 16)
    put(tmp_path / "proc/meminfo", "MemTotal: 67108864 kB\nMemAvailable: 33554432 kB\n")
    (tmp_path / "cgroup").mkdir()
    return tmp_path


def test_this_machine() -> None:
    assert 1 <= machine.usable_cores() <= (os.cpu_count() or 1)
    assert machine.available_memory() > MIB
    assert 256 * MIB <= machine.memory_budget(None) <= 2048 * MIB


@linux
@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 16),
        ({"cgroup/cpu.max": "max 100000"}, 16),
        ({"cgroup/cpu.max": "200000 100000"}, 2),
        ({"cgroup/cpu.max": "150000 100000"}, 2),
        ({"cgroup/cpu.max": "1000 100000"}, 1),
        ({"cgroup/cpu.max": "broken"}, 16),
        (
            {
                "proc/self/cgroup": "0::/user/app\n",
                "cgroup/user/app/cpu.max": "max 100000",
                "cgroup/user/cpu.max": "300000 100000",
            },
            3,
        ),
        ({"proc/self/cgroup": "0::/elsewhere/outside\n", "cgroup/cpu.max": "400000 100000"}, 4),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/x\n",
                "cgroup/cpu/docker/x/cpu.cfs_quota_us": "500000",
                "cgroup/cpu/docker/x/cpu.cfs_period_us": "100000",
            },
            5,
        ),
        ({"cgroup/cpu/cpu.cfs_quota_us": "-1", "cgroup/cpu/cpu.cfs_period_us": "100000"}, 16),
    ],
)
def test_quotas_count(fake: Path, files: dict[str, str], cores: int) -> None:
    for name, text in files.items():
        put(fake / name, text)
    assert machine.usable_cores() == cores


@linux
def test_memory_of_a_control_group(fake: Path) -> None:
    assert machine.available_memory() == 32 << 30
    put(fake / "cgroup/memory.max", str(1000 * MIB))
    put(fake / "cgroup/memory.current", str(900 * MIB))
    assert machine.available_memory() == 100 * MIB
    put(fake / "cgroup/memory.stat", f"anon 5\ninactive_file {300 * MIB}\n")
    assert machine.available_memory() == 400 * MIB
    put(fake / "cgroup/memory.max", "max")
    assert machine.available_memory() == 32 << 30
    (fake / "proc/meminfo").unlink()
    assert machine.available_memory() == 2 << 30


def test_the_budget_is_a_quarter_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for available, budget in ((100, 256), (4096, 1024), (100_000, 2048)):
        monkeypatch.setattr(processor, "available_memory", lambda n=available: n * MIB)
        assert machine.memory_budget(None) == budget * MIB
    assert machine.memory_budget(300 * MIB) == 300 * MIB
    assert machine.memory_budget(1) >= MIB


@linux
def test_priority_falls_on_one_thread_only() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    found: list[tuple[bool, int]] = []

    def work() -> None:
        found.append((machine.lower_thread_priority(), os.getpriority(os.PRIO_PROCESS, 0)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0][0]
    assert found[0][1] >= max(before, 10)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_file_system_of_this_folder(tmp_path: Path) -> None:
    here = machine.file_system_of(tmp_path)
    assert here.kind
    assert not here.read_only
    assert machine.file_system_of(tmp_path / "not" / "there") == here
    assert machine.volume_of(tmp_path).mount in [*tmp_path.resolve().parents, tmp_path.resolve()]
    assert all(volume.id for volume in machine.mounts())


@linux
def test_mounts_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path.resolve()
    for name in ("nas", "my disk", "my disk/inner"):
        (base / name).mkdir()
    lines = [
        "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
        f"2 1 0:50 / {base}/nas rw - nfs4 server:/photos rw",
        f"3 1 8:17 / {base}/my\\040disk ro,nosuid - exfat /dev/sdb1 ro",
        "broken line",
    ]
    put(tmp_path / "proc/self/mountinfo", "\n".join(lines))
    monkeypatch.setattr(file_systems, "PROC", tmp_path / "proc")
    monkeypatch.setattr(file_systems, "_ids_of_devices", lambda: {"/dev/sdb1": "ABCD-1234"})
    nas = machine.file_system_of(base / "nas" / "2024")
    assert (nas.kind, nas.network) == ("nfs4", True)
    disk = machine.file_system_of(base / "my disk" / "inner")
    assert (disk.kind, disk.network, disk.read_only) == ("exfat", False, True)
    assert machine.volume_of(base / "my disk" / "inner") == machine.Volume(
        "ABCD-1234", base / "my disk"
    )
    assert machine.file_system_of(base).kind == "ext4"
    assert [volume.id for volume in machine.mounts()] == ["ABCD-1234"]


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("Dropbox/photos", "Dropbox"),
        ("Dropbox (Family)", "Dropbox"),
        ("OneDrive - Company/x", "OneDrive"),
        ("Library/CloudStorage/GoogleDrive-me@x.org/My Drive", "Google Drive"),
        ("Library/CloudStorage/Unheard-me/x", "Unheard"),
        ("Library/Mobile Documents/com~apple~CloudDocs/x", "iCloud Drive"),
        ("Pictures/dropbox backups of 2019", None),
        ("Pictures/2024", None),
    ],
)
def test_folders_of_sync_services(tmp_path: Path, path: str, service: str | None) -> None:
    assert machine.cloud_synced(tmp_path / path) == service


def test_it_is_light() -> None:
    code = "import sys, localsearch.machine; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_processor_tells_what_it_can_do() -> None:
    told = machine.processor_features()
    assert told == machine.processor_features()
    if (Path("/proc/cpuinfo")).exists():
        assert len(told.split()) > 3

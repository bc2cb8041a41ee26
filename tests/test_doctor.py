"""The doctor: looks at everything, raises nothing, and names the cure."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import localsearch as ls
from localsearch import doctor, machine
from localsearch.doctor import Check
from tests.packs.clip_pack import make_clip_pack


def named(checks: list[Check], name: str) -> Check:
    return next(one for one in checks if one.name == name)


def test_this_installation_is_sound() -> None:
    checks = doctor.examine()
    faults = [one for one in checks if one.ok is False]
    assert faults == []
    assert {"python", "packages", "inference", "threads", "graph", "HEIC", "AVIF"} <= {
        one.name for one in checks
    }
    assert named(checks, "inference").found.startswith("cpu, the golden vector matches")
    assert str(machine.usable_cores()) in named(checks, "threads").found


def test_two_runtimes_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._version
    monkeypatch.setattr(
        doctor, "_version", lambda name: "1.20" if name.startswith("onnxruntime") else real(name)
    )
    (check,) = doctor._runtimes()
    assert check.ok is False
    assert "onnxruntime-gpu" in check.cure
    assert "uninstall" in check.cure


def test_an_absent_package_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "rich" else real(name))
    check = named(doctor._packages(), "packages")
    assert check.ok is False
    assert check.cure.endswith("-m pip install rich")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_child_that_dies_of_its_processor_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    assert doctor._child(code) == "killed by signal 4"
    real = doctor._child
    monkeypatch.setattr(doctor, "_child", lambda _: real(code))
    (check,) = doctor._graph()
    assert check.ok is None
    assert "another processor" in check.found
    assert check.cure.startswith("HNSWLIB_NO_NATIVE=1 ")


def test_a_child_that_fails_tells_its_last_line() -> None:
    assert doctor._child("import no_such_module").endswith("No module named 'no_such_module'")
    assert doctor._child("pass") == ""


def test_nothing_is_tried_in_a_frozen_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert doctor._child("raise SystemExit(1)") == ""


def test_another_program_of_our_name_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / ("localsearch.exe" if os.name == "nt" else "localsearch")
    other.write_text("#!/bin/sh\n", encoding="utf-8")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (check,) = doctor._program()
    assert check.ok is None
    assert str(other) in check.found
    assert "localsearch" in check.cure
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    assert doctor._program()[0].ok is True


def test_a_fault_in_a_look_is_a_check_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Check]:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(doctor, "_machine", broken)
    check = named(doctor.examine(), "broken")
    assert check.ok is False
    assert "ZeroDivisionError" in check.found


def test_a_store_is_examined(photos: Path, tiny_pack: str) -> None:
    with ls.open(photos, pack=tiny_pack) as library:
        store = library.store
    checks = doctor._store(store)
    assert named(checks, "store").ok is True
    assert named(checks, "catalog").ok is True


def test_a_store_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    (check,) = doctor._store(tmp_path / "nowhere")
    assert check.ok is False
    assert "nowhere" in check.found


def test_a_damaged_catalog_is_a_fault(photos: Path, tiny_pack: str) -> None:
    with ls.open(photos, pack=tiny_pack) as library:
        store = library.store
    (store / "catalog.sqlite").write_bytes(b"not a database at all" * 500)
    check = named(doctor._store(store), "catalog")
    assert check.ok is False


def test_a_store_in_a_cloud_folder_gets_a_warning(
    photos: Path, tiny_pack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ls.open(photos, pack=tiny_pack) as library:
        store = library.store
    monkeypatch.setattr(machine, "cloud_synced", lambda path: "Dropbox")
    check = named(doctor._store(store), "store sync")
    assert check.ok is None
    assert "Dropbox" in check.found


def test_a_damaged_pack_of_ones_own_is_brought_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reinstalling this program would not mend a pack that it did not bring."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = make_clip_pack(tmp_path / "localsearch" / "packs" / "clip-mine", name="clip-mine")
    assert named(doctor._packs(), "pack clip-mine").ok is True
    (folder / "text.onnx").write_bytes(b"cut")
    check = named(doctor._packs(), "pack clip-mine")
    assert check.ok is False and "packs pull clip-mine" in check.cure

"""Writing that lasts, and block files that notice every wrong byte."""

from __future__ import annotations

import errno
import gc
import itertools
import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localsearch import durable
from localsearch.durable import writing
from localsearch.errors import (
    LibraryError,
    LibraryFull,
    LibraryReadOnly,
    LibrarySegmentDamaged,
)


def sample(path: Path, megabytes: int = 0) -> dict[str, bytes]:
    rng = np.random.default_rng(7)
    blocks = {
        "small": b"abc",
        "none": b"",
        "array": rng.integers(0, 255, 1000 + megabytes * (1 << 20), dtype=np.uint8),
        "halves": rng.normal(size=(5, 7)).astype(np.float16),
    }
    writing.write_blocks(path, {"name": "x", "n": 3}, blocks, fine={"halves": 16})
    return {name: bytes(memoryview(block).tobytes()) for name, block in blocks.items()}


def test_blocks_come_back_as_written(tmp_path: Path) -> None:
    wrote = sample(tmp_path / "a.bin", megabytes=3)
    file = durable.open_blocks(tmp_path / "a.bin")
    assert file.meta == {"name": "x", "n": 3}
    assert set(file.names) == {*wrote, "digests of halves"}
    assert {name: bytes(file.block(name)) for name in wrote} == wrote
    assert bytes(file.part("array", 10, 20)) == wrote["array"][10:20]
    file.check_all()
    file.close()


def test_blocks_are_aligned(tmp_path: Path) -> None:
    sample(tmp_path / "a.bin")
    file = durable.open_blocks(tmp_path / "a.bin")
    for name in ("small", "array", "halves"):
        address = np.frombuffer(file.block(name), np.uint8).__array_interface__["data"][0]
        assert address % 64 == 0


def test_every_cut_is_noticed_at_open(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    sample(path)
    whole = path.read_bytes()
    for length in [0, 1, 40, 95, 96, 200, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(LibrarySegmentDamaged, match=r"a\.bin"):
            durable.open_blocks(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(LibrarySegmentDamaged):
        durable.open_blocks(path)
    path.unlink()
    with pytest.raises(LibrarySegmentDamaged):
        durable.open_blocks(path)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_every_flipped_bit_is_noticed(tmp_path: Path, place: int, bit: int) -> None:
    path = tmp_path / "a.bin"
    path.unlink(missing_ok=True)
    sample(path)
    whole = bytearray(path.read_bytes())
    whole[place % len(whole)] ^= 1 << bit
    path.write_bytes(whole)
    with pytest.raises(LibrarySegmentDamaged):
        durable.open_blocks(path).check_all()


def test_a_bad_page_hides_no_other_page(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    wrote = sample(path, megabytes=3)
    data = bytearray(path.read_bytes())
    bad = data.index(wrote["array"][2_000_000:2_000_064])
    data[bad] ^= 1
    path.write_bytes(data)
    file = durable.open_blocks(path)
    assert bytes(file.part("array", 0, 100)) == wrote["array"][:100]
    file.pages("array", [0, 2])
    for touch in (
        lambda: file.block("array"),
        lambda: file.part("array", 2_000_000, 2_000_001),
        lambda: file.pages("array", [0, 1]),
    ):
        with pytest.raises(LibrarySegmentDamaged, match="page 1 of block array"):
            touch()


def test_a_fine_block_has_smaller_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    wrote = sample(path)
    data = bytearray(path.read_bytes())
    data[data.index(wrote["halves"]) + 20] ^= 1  # the second page of 16 bytes
    path.write_bytes(data)
    file = durable.open_blocks(path)
    assert (file.page_of("halves"), file.page_of("array")) == (16, durable.PAGE)
    assert bytes(file.part("halves", 0, 16)) == wrote["halves"][:16]
    assert bytes(file.part("halves", 32, 70)) == wrote["halves"][32:]
    for touch in (
        lambda: file.part("halves", 15, 17),
        lambda: file.pages("halves", [1]),
        lambda: file.block("halves"),
        file.check_all,
    ):
        with pytest.raises(LibrarySegmentDamaged, match="page 1 of block halves"):
            touch()


def test_wrong_digests_of_a_fine_block_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    wrote = sample(path)
    data = bytearray(path.read_bytes())
    digests = bytes(durable.open_blocks(path).block("digests of halves"))
    data[data.index(digests)] ^= 1
    path.write_bytes(data)
    file = durable.open_blocks(path)
    assert bytes(file.block("array")) == wrote["array"]
    with pytest.raises(LibrarySegmentDamaged, match="digests of halves"):
        file.part("halves", 40, 50)


def test_files_of_the_first_format_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the second one without fine blocks."""
    monkeypatch.setattr(writing, "FORMAT", 1)
    writing.write_blocks(tmp_path / "a", {"n": 1}, {"x": b"abc", "y": bytes(3 << 20)})
    assert (tmp_path / "a").read_bytes()[8:12] == b"\1\0\0\0"
    file = durable.open_blocks(tmp_path / "a")
    assert bytes(file.block("x")) == b"abc" and len(file.block("y")) == 3 << 20
    file.check_all()
    monkeypatch.setattr(writing, "FORMAT", 3)
    writing.write_blocks(tmp_path / "b", {}, {"x": b"abc"})
    with pytest.raises(LibrarySegmentDamaged, match="no block file of this format"):
        durable.open_blocks(tmp_path / "b")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 3 << 19), max_size=6), st.sampled_from([64, 1000, 1 << 14]))
def test_pieces_make_the_same_file_as_a_whole(tmp_path: Path, cuts: list[int], page: int) -> None:
    whole = np.random.default_rng(3).bytes(3 << 19)
    edges = [0, *sorted(cuts), len(whole)]
    parts = [whole[a:b] for a, b in itertools.pairwise(edges)]
    for name in ("whole", "pieces"):
        (tmp_path / name).unlink(missing_ok=True)
    streamed = writing.Pieces(len(whole), parts)
    for fine in ({}, {"x": page}):
        writing.write_blocks(tmp_path / "whole", {"n": 1}, {"x": whole, "y": b"!"}, fine=fine)
        writing.write_blocks(tmp_path / "pieces", {"n": 1}, {"x": streamed, "y": b"!"}, fine=fine)
        assert (tmp_path / "whole").read_bytes() == (tmp_path / "pieces").read_bytes()
        durable.open_blocks(tmp_path / "pieces").check_all()
        (tmp_path / "whole").unlink()
        (tmp_path / "pieces").unlink()


def test_a_later_block_may_tell_of_an_earlier_one(tmp_path: Path) -> None:
    seen = np.zeros(2, np.uint8)

    def parts() -> Iterator[bytes]:
        for n in (7, 9):
            seen[int(n == 9)] = n
            yield bytes([n])

    writing.write_blocks(tmp_path / "a", {}, {"x": writing.Pieces(2, parts()), "seen": seen})
    assert bytes(durable.open_blocks(tmp_path / "a").block("seen")) == b"\7\11"


def test_what_ends_a_writing_leaves_no_file(tmp_path: Path) -> None:
    for length in (3, 5):
        with pytest.raises(ValueError, match="promised"):
            writing.write_blocks(tmp_path / "a", {}, {"x": writing.Pieces(length, [b"1234"])})
    left = [2]

    def check() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writing.write_blocks(tmp_path / "a", {}, {"x": bytes(5 << 20)}, check=check)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(LibrarySegmentDamaged) as caught:
        durable.open_blocks(tmp_path / "a")
    assert caught.value.missing and pickle.loads(pickle.dumps(caught.value)).missing
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(LibrarySegmentDamaged) as caught:
        durable.open_blocks(tmp_path / "a")
    assert not caught.value.missing


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux lists them")
def test_an_open_file_holds_no_descriptor(tmp_path: Path) -> None:
    sample(tmp_path / "a.bin")
    before = len([*Path("/proc/self/fd").iterdir()])
    files = [durable.open_blocks(tmp_path / "a.bin") for _ in range(20)]
    views = [file.block("small") for file in files]
    assert len([*Path("/proc/self/fd").iterdir()]) == before
    assert all(bytes(view) == b"abc" for view in views)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux lists them")
def test_the_mapping_goes_with_the_last_view(tmp_path: Path) -> None:
    def mapped() -> int:
        gc.collect()
        return Path("/proc/self/maps").read_text().count(str(tmp_path / "a.bin"))

    sample(tmp_path / "a.bin")
    file = durable.open_blocks(tmp_path / "a.bin")
    held = np.frombuffer(file.block("array"), np.uint8)
    file.close()
    assert mapped() == 1 and int(held[0]) >= 0
    del held
    assert mapped() == 0
    file = durable.open_blocks(tmp_path / "a.bin")
    del file  # never closed
    assert mapped() == 0


def test_a_file_cut_while_open_is_an_error_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    sample(path, megabytes=1)
    file = durable.open_blocks(path)
    file.block("small")
    if os.name == "nt":
        pytest.skip("Windows does not cut a mapped file")
    os.truncate(path, 300)
    with pytest.raises(LibrarySegmentDamaged, match="changed while it was open"):
        file.block("array")


def test_a_file_deleted_while_open_still_answers(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("Windows does not delete a mapped file")
    wrote = sample(tmp_path / "a.bin")
    file = durable.open_blocks(tmp_path / "a.bin")
    (tmp_path / "a.bin").unlink()
    assert bytes(file.block("array")) == wrote["array"]


def test_unknown_blocks_and_foreign_files(tmp_path: Path) -> None:
    sample(tmp_path / "a.bin")
    file = durable.open_blocks(tmp_path / "a.bin")
    with pytest.raises(LibrarySegmentDamaged, match="missing"):
        file.block("nothing")
    (tmp_path / "b.bin").write_bytes(b"x" * 500)
    with pytest.raises(LibrarySegmentDamaged):
        durable.open_blocks(tmp_path / "b.bin")


def test_close_gives_the_file_back_and_held_views_stay_good(tmp_path: Path) -> None:
    sample(tmp_path / "a.bin")
    file = durable.open_blocks(tmp_path / "a.bin")
    held = np.frombuffer(file.block("array"), np.uint8)
    total = int(held.sum())
    file.close()
    file.close()
    assert int(held.sum()) == total
    with pytest.raises(LibraryError):
        file.block("array")


def test_threads_read_at_once(tmp_path: Path) -> None:
    wrote = sample(tmp_path / "a.bin", megabytes=4)
    file = durable.open_blocks(tmp_path / "a.bin")
    same: list[bool] = []

    def read() -> None:
        same.append(bytes(file.block("array")) == wrote["array"])

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same == [True] * 6


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    durable.write_file(tmp_path / "a", b"1")
    with pytest.raises(LibraryError):
        durable.write_file(tmp_path / "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"1"
    durable.replace_file(tmp_path / "a", b"3")
    durable.replace_file(tmp_path / "b", b"4")
    durable.copy_file(tmp_path / "a", tmp_path / "c")
    durable.make_folder(tmp_path / "d")
    assert {p.name for p in tmp_path.iterdir()} == {"a", "b", "c", "d"}
    assert (tmp_path / "c").read_bytes() == b"3"
    assert durable.free_bytes(tmp_path / "no" / "such") > 0


def test_a_file_that_is_continued_keeps_what_came(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(ConnectionError), durable.continuing(path) as write:
        write(b"12")
        raise ConnectionError("the line was cut")
    with durable.continuing(path) as write:
        write(b"3")
        write(b"4")
    assert path.read_bytes() == b"1234"
    with pytest.raises(LibraryError), durable.continuing(tmp_path / "no" / "such"):
        pass


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, LibraryFull), (errno.EROFS, LibraryReadOnly), (errno.EIO, LibraryError)],
)
def test_faults_of_the_disk_are_named_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[LibraryError]
) -> None:
    def fail(_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(durable.files, "sync_file", fail)
    for write in (durable.write_file, durable.replace_file):
        with pytest.raises(error) as caught:
            write(tmp_path / "a", b"1")
        assert type(caught.value) is error
    assert list(tmp_path.iterdir()) == []


def test_a_write_syncs_the_file_then_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(durable.files, "sync_file", lambda file: calls.append("file"))
    monkeypatch.setattr(
        durable.files, "sync_folder", lambda path: calls.append(f"folder {path.name}")
    )
    writing.write_blocks(tmp_path / "a", {}, {"x": b"1"})
    assert calls == ["file", f"folder {tmp_path.name}"]

"""The room of graphs: groups of equal vectors, hnswlib behind its door, and its trial."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from localsearch.errors import LibrarySegmentDamaged, LocalsearchError
from localsearch.graph import GRAPH, MEMBERS, check_graph, open_graph
from localsearch.graph.files import Stopped, digest_of
from localsearch.graph.hnsw import bytes_of, load_graph, new_graph
from localsearch.graph.members import (
    Members,
    grouped,
    joined,
    keys_of,
    read_members,
    write_members,
)
from localsearch.graph.opened import Told
from localsearch.graph.vectors import units
from localsearch.rows import to_array

DIMENSIONS = 16


def brute_groups(rows: npt.NDArray, halves: npt.NDArray[np.float16]) -> dict[int, list[int]]:
    """Label -> all rows of its group, by comparing vectors as numbers."""
    groups: dict[tuple[float, ...], list[int]] = {}
    for row, half in zip(rows.tolist(), halves, strict=True):
        groups.setdefault(tuple((half + np.float16(0)).tolist()), []).append(row)
    return {min(group): sorted(group) for group in groups.values()}


def as_dict(members: Members) -> dict[int, list[int]]:
    return {
        int(label): sorted(members.rows_of(np.array([label], np.uint32)).tolist())
        for label in members.labels
    }


# few distinct numbers, so that equal vectors are common; both zeros
numbers = st.sampled_from([0.0, -0.0, 1.0, -1.0])
vectors = arrays.arrays(np.float16, st.tuples(st.integers(1, 40), st.just(2)), elements=numbers)


@given(vectors, st.data())
def test_groups_are_those_of_brute_force(halves: npt.NDArray, data: st.DataObject) -> None:
    rows = np.array(
        sorted(data.draw(st.sets(st.integers(1, 2**32 - 1), min_size=40, max_size=40))), np.uint32
    )[: len(halves)]
    members = grouped(rows, keys_of(halves))
    expected = brute_groups(rows, halves)
    assert as_dict(members) == expected
    assert to_array(members.covered).tolist() == rows.tolist()
    assert members.labels.tolist() == sorted(expected)
    cut = data.draw(st.integers(0, len(rows)))
    kept = grouped(rows[:cut], keys_of(halves[:cut])) if cut else grouped(rows[:0], _no_keys())
    both = joined(kept, rows[cut:], keys_of(halves[cut:]) if cut < len(rows) else _no_keys())
    assert as_dict(both) == expected  # rows rise, so the lowest is the label either way
    assert to_array(both.covered).tolist() == rows.tolist()


def _no_keys() -> npt.NDArray[np.uint64]:
    return np.zeros((0, 2), np.uint64)


def test_a_label_stays_what_it_is_when_a_lower_row_comes_later() -> None:
    same = np.ones((1, 2), np.float16)
    members = grouped(np.array([9], np.uint32), keys_of(same))
    both = joined(members, np.array([3], np.uint32), keys_of(same))
    assert as_dict(both) == {9: [3, 9]}


@given(vectors)
@settings(max_examples=20)
def test_members_survive_their_file(halves: npt.NDArray) -> None:
    import tempfile

    members = grouped(np.arange(5, 5 + len(halves), dtype=np.uint32), keys_of(halves))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MEMBERS
        write_members(path, members, {"graph": "g"})
        read = read_members(path, {"graph": "g"})
        assert as_dict(read) == as_dict(members)
        assert read.covered == members.covered
        assert (read.keys == members.keys).all()
        with pytest.raises(LibrarySegmentDamaged, match="other"):
            read_members(path, {"graph": "other"})


def clustered(count: int, seed: int = 0, dimensions: int = DIMENSIONS) -> npt.NDArray[np.float16]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(count // 20, 1), dimensions))
    points = centres[rng.integers(0, len(centres), count)]
    return units(points + 0.4 * rng.normal(size=points.shape)).astype(np.float16)


def made(folder: Path, halves: npt.NDArray[np.float16], first_row: int = 1) -> Told:
    """Both files of a graph over rows from `first_row` on, in a new folder."""
    rows = np.arange(first_row, first_row + len(halves), dtype=np.uint32)
    members = grouped(rows, keys_of(halves))
    graph = new_graph(halves.shape[1], len(members.labels))
    graph.add(members.labels, units(halves[members.labels - first_row]), threads=2)
    folder.mkdir()
    graph.save(folder / GRAPH)
    told = Told(folder.name, digest_of(folder / GRAPH), halves.shape[1], 200, 50)
    write_members(folder / MEMBERS, members, told.about())
    return told


def test_it_finds_what_brute_force_finds(tmp_path: Path) -> None:
    halves = clustered(2000)
    told = made(tmp_path / "g", halves, first_row=7)
    graph = open_graph(tmp_path / "g", told)
    found = 0
    for query in units(clustered(50, seed=1)):
        best = np.argsort(-(units(halves) @ query))[:20] + 7
        near = graph.nearest(query)
        assert len(near) == len(set(near.tolist())) == 50
        assert near.dtype == np.uint32
        found += len(set(best.tolist()) & set(near.tolist()))
    assert found >= 0.98 * 50 * 20
    assert to_array(graph.covered).tolist() == [*range(7, 2007)]


@pytest.mark.parametrize("count", [1, 2, 3, 49, 50, 51])
def test_more_is_asked_for_than_there_is(tmp_path: Path, count: int) -> None:
    told = made(tmp_path / "g", clustered(count))
    near = open_graph(tmp_path / "g", told).nearest(np.ones(DIMENSIONS, np.float32))
    assert len(near) == min(count, 50)


def test_one_of_equal_vectors_brings_all_of_them(tmp_path: Path) -> None:
    halves = clustered(300)
    halves[100:250] = halves[3]  # more equal ones than the window or the links of a point
    told = made(tmp_path / "g", halves, first_row=1)
    graph = open_graph(tmp_path / "g", told)
    same = {4, *range(101, 251)}
    near = set(graph.nearest(units(halves[3:4])[0]).tolist())
    assert same <= near
    assert len(near) == 50 + len(same) - 1
    # The others are not cut off by them.
    for at in (*range(3), *range(4, 100), *range(250, 300)):
        assert at + 1 in graph.nearest(units(halves[at : at + 1])[0])


def test_odd_vectors_neither_fail_nor_answer_wrongly(tmp_path: Path) -> None:
    halves = clustered(30)
    halves[4] = 0
    told = made(tmp_path / "g", halves)
    graph = open_graph(tmp_path / "g", told)
    assert set(graph.nearest(np.zeros(DIMENSIONS, np.float32))) <= set(range(1, 31))
    assert len(graph.nearest(np.full(DIMENSIONS, np.nan, np.float32))) == 0
    assert len(graph.nearest(np.full(DIMENSIONS, np.inf, np.float32))) == 0
    far = graph.nearest(units(halves[:1])[0] * 1e6)
    assert set(far) == set(graph.nearest(units(halves[:1])[0]))


def test_the_same_query_gives_the_same_rows_from_any_thread(tmp_path: Path) -> None:
    told = made(tmp_path / "g", clustered(3000))
    graph = open_graph(tmp_path / "g", told)
    queries = units(clustered(200, seed=2))
    alone = [graph.nearest(query).tolist() for query in queries]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert [one.tolist() for one in pool.map(graph.nearest, queries)] == alone
    again = open_graph(tmp_path / "g", told)
    assert [again.nearest(query).tolist() for query in queries] == alone


def test_a_loaded_graph_can_grow(tmp_path: Path) -> None:
    halves = clustered(600)
    told = made(tmp_path / "g", halves[:400])
    graph = load_graph(tmp_path / "g" / GRAPH, DIMENSIONS, room=600)
    graph.add(np.arange(401, 601, dtype=np.uint32), units(halves[400:]), threads=2)
    graph.set_breadth(200)
    assert len(graph) == 600
    for at in range(0, 600, 7):
        assert at + 1 in graph.nearest(units(halves[at : at + 1])[0], 20)
    graph.save(tmp_path / "more.bin")
    assert len(load_graph(tmp_path / "more.bin", DIMENSIONS)) == 600
    assert told.name == "g"


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x41
    path.write_bytes(content)


@pytest.mark.parametrize("name", [GRAPH, MEMBERS])
@pytest.mark.parametrize("place", [0.0, 0.001, 0.2, 0.5, 0.9, 1.0])
def test_a_flipped_byte_is_noticed_before_it_is_used(
    tmp_path: Path, name: str, place: float
) -> None:
    told = made(tmp_path / "g", clustered(500))
    path = tmp_path / "g" / name
    flip(path, int(place * (path.stat().st_size - 1)))
    for look in (open_graph, check_graph):
        with pytest.raises(LibrarySegmentDamaged) as caught:
            look(tmp_path / "g", told)
        assert caught.value.segment == "g"


@pytest.mark.parametrize("name", [GRAPH, MEMBERS])
@pytest.mark.parametrize("length", [0, 1, 95, 96, 1000, -1])
def test_a_cut_file_is_noticed(tmp_path: Path, name: str, length: int) -> None:
    told = made(tmp_path / "g", clustered(500))
    path = tmp_path / "g" / name
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(LibrarySegmentDamaged):
        open_graph(tmp_path / "g", told)


@pytest.mark.parametrize("name", [GRAPH, MEMBERS])
def test_an_absent_or_foreign_file_is_noticed(tmp_path: Path, name: str) -> None:
    told = made(tmp_path / "g", clustered(100))
    other = made(tmp_path / "other", clustered(100, seed=5))
    (tmp_path / "g" / name).unlink()
    with pytest.raises(LibrarySegmentDamaged) as caught:
        open_graph(tmp_path / "g", told)
    assert caught.value.segment == "g"
    (tmp_path / "g" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(LibrarySegmentDamaged):
        open_graph(tmp_path / "g", told)
    check_graph(tmp_path / "other", other)


def test_a_stop_ends_the_reading(tmp_path: Path) -> None:
    told = made(tmp_path / "g", clustered(100))
    with pytest.raises(Stopped):
        open_graph(tmp_path / "g", told, stop=lambda: True)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    graph = new_graph(DIMENSIONS, 10)
    graph.add(np.arange(10, dtype=np.uint32), units(clustered(10)), threads=1)
    with pytest.raises(LocalsearchError):
        graph.save(Path("/dev/full"))


def test_the_estimate_of_memory_bounds_the_file(tmp_path: Path) -> None:
    for dimensions in (16, 512):
        halves = clustered(3000, dimensions=dimensions)
        made(tmp_path / str(dimensions), halves)
        size = (tmp_path / str(dimensions) / GRAPH).stat().st_size
        assert size <= bytes_of(3000, dimensions) <= 2 * size + (1 << 20)
    assert 2100 < (bytes_of(10**6, 512) - (1 << 20)) / 10**6 < 2400


# --- the trial, in processes of their own ---


def asked(
    tmp_path: Path, code: str, *, packages: Path | None = None, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run code in a new process with its own cache; `packages` come before all others."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment["LOCALAPPDATA"] = environment["XDG_CACHE_HOME"]
    house = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join([*([str(packages)] if packages else []), house])
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(before) + textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


ASK = """
import sys
from localsearch.graph import available
print(available())
assert "hnswlib" not in sys.modules
"""


def fake_package(tmp_path: Path, source: str) -> Path:
    package = tmp_path / "packages" / "hnswlib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(textwrap.dedent(source))
    return package.parent


def test_hnswlib_is_tried_once_a_machine(tmp_path: Path) -> None:
    first = asked(tmp_path, ASK)
    assert (first.stdout, first.returncode) == ("None\n", 0), first.stderr
    # The answer is kept: no second child, which here would be noticed.
    no_child = """
        import subprocess
        def run(*args, **named):
            raise SystemExit("a child was started")
        subprocess.run = run
        """
    second = asked(tmp_path, ASK, before=no_child)
    assert (second.stdout, second.returncode) == ("None\n", 0), second.stderr
    third = asked(tmp_path / "elsewhere", ASK, before=no_child)
    assert third.returncode == 1
    assert "a child was started" in third.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_build_for_another_processor_ends_the_child_only(tmp_path: Path) -> None:
    packages = fake_package(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGILL)")
    for _ in range(2):  # tried, then kept
        told = asked(tmp_path, ASK, packages=packages)
        assert told.returncode == 0, told.stderr
        assert told.stdout == "hnswlib was built for another processor\n"
    # Another build of it is tried anew.
    (packages / "hnswlib" / "__init__.py").write_text("raise ImportError('half installed')")
    told = asked(tmp_path, ASK, packages=packages)
    assert told.stdout == "hnswlib does not work: ImportError: half installed\n"


@pytest.mark.parametrize("source", ["import os\nos.abort()", "import sys\nsys.exit(3)", "x = 1"])
def test_whatever_it_does_is_told_in_words(tmp_path: Path, source: str) -> None:
    told = asked(tmp_path, ASK, packages=fake_package(tmp_path, source))
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("hnswlib ")


def test_one_that_never_answers_is_not_kept_as_bad(tmp_path: Path) -> None:
    packages = fake_package(tmp_path, "import time\ntime.sleep(60)")
    before = "from localsearch.graph import trial\ntrial.TIMEOUT_SECONDS = 0.3\n"
    told = asked(tmp_path, ASK, packages=packages, before=before)
    assert "no sign of life" in told.stdout
    (packages / "hnswlib" / "__init__.py").unlink()
    shutil.rmtree(packages / "hnswlib")
    assert asked(tmp_path, ASK).stdout == "None\n"


BLOCK = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "hnswlib":
            raise ModuleNotFoundError("No module named 'hnswlib'", name=name)
sys.meta_path.insert(0, Finder())
"""


def test_absent_it_is_told(tmp_path: Path) -> None:
    told = asked(tmp_path, ASK, before=BLOCK)
    assert told.stdout == "hnswlib is not installed\n", told.stderr


@pytest.mark.parametrize(
    "frozen", ["sys.frozen = True", "sys.executable = '/opt/app/photos'", "sys.executable = ''"]
)
def test_in_a_frozen_program_its_builder_must_vouch(tmp_path: Path, frozen: str) -> None:
    code = """
        from localsearch.graph import available
        print(available())
        print(available(vouched=True))
        """
    told = asked(tmp_path, code, before=f"import sys\n{frozen}\n")
    first, second = told.stdout.splitlines()
    assert "frozen" in first
    assert second == "None"
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_or_read_costs_a_trial_only(tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "localsearch" / "graph-trial.json"
    kept.parent.mkdir(parents=True)
    for content in ("", "[]", '{"mark": 1}', "{"):
        kept.write_text(content)
        assert asked(tmp_path, ASK).stdout == "None\n"
    kept.unlink()
    kept.mkdir()
    assert asked(tmp_path, ASK).stdout == "None\n"

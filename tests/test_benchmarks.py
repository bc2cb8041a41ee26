"""The benchmarks on tiny sizes: stores that never were are sound, and every measure gives figures.

No figure is compared with a clock. The photos of the demo are the seeds.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import localsearch as ls
from benchmarks import eight_bits, merging, plots, recall, searching, tending
from benchmarks.bare import Bare
from benchmarks.figures import Result, as_json, as_markdown
from benchmarks.questions import Questions, share_of_best
from benchmarks.synthetic import make_store
from benchmarks.synthetic_photos import PART, Drawing, Part
from benchmarks.synthetic_seeds import DEMO, Seeds, seeds_of
from benchmarks.table import BENCHMARKS, SLOW
from benchmarks.workspace import Sizes, Workspace
from localsearch.catalog import open_catalog
from localsearch.catalog.features import open_features
from localsearch.pack import Pack, find_pack, load_pack
from tests.make_library import OPENED, write_photo
from tests.packs.clip_pack import clip_pack_folder

ROWS = 700
SIZES = Sizes(4, 2, 1, 10, 1, 2, 1, (ROWS,))


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(find_pack("general"))


@pytest.fixture(scope="module")
def seeds(pack: Pack) -> Seeds:
    return seeds_of(DEMO, pack, tell=lambda _: None)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, seeds: Seeds) -> Iterator[Workspace]:
    """A workspace whose test data are the demo's photos."""
    data = tmp_path_factory.mktemp("data")
    shutil.copytree(DEMO, data / "photos")
    with Workspace(data, SIZES, lambda _: None) as workspace:
        yield workspace


def contents_of(store: Path, pack: Pack) -> tuple[list[tuple[object, ...]], list[bytes]]:
    """All inputs and tags of a store but its folder, and its features."""
    columns = "key, row, id, folder, name, digest, state, taken_at, lat, camera, metadata"
    catalog = open_catalog(store, read_only=True)
    with catalog.reading() as conn:
        rows = conn.execute(f"SELECT {columns} FROM inputs ORDER BY key").fetchall()
        rows += conn.execute("SELECT input, tag, value FROM tags ORDER BY input").fetchall()
    catalog.close()
    sizes = {"dimensions": pack.dimensions, "classes": pack.classes}
    features = open_features(store, pack.encoder_digest, read_only=True, **sizes)
    digests = [*features.digests()]
    vectors, logits, found = features.arrays_of(digests)
    features.close()
    assert found.all()
    return rows, [*digests, vectors.tobytes(), logits.tobytes()]


def test_a_synthetic_store_is_a_sound_library(tmp_path: Path) -> None:
    store = tmp_path / "store"
    written = make_store(ROWS, store, photos=DEMO, tell=lambda _: None)
    OPENED.add(store)  # verified after the test
    assert written.rows == ROWS and written.published_bytes > 0
    with ls.open(store=store) as library:
        assert [one for one in library.verify() if one.code != "leftover"] == []
        states = [one.state for one in library.inputs()]
        assert len(states) == ROWS and states.count("ok") > 0.95 * ROWS
        some = library.search(ls.concept("people"), limit=5)
        assert some.total > 0 and some.route == "postings"
        like = library.search(ls.like(id=some[0].id), limit=5)
        assert like[0].score == 1.0


def test_one_seed_makes_one_store(tmp_path: Path, pack: Pack) -> None:
    made = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        make_store(50, tmp_path / name, photos=DEMO, seed=seed, tell=lambda _: None)
        made.append(contents_of(tmp_path / name, pack))
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_a_longer_store_begins_as_a_shorter_one(seeds: Seeds) -> None:
    drawing = Drawing(seeds, 0)
    short, long = drawing.part(1, 40), drawing.part(1, 90)
    assert short.photos == long.photos[:40]
    known = dict(zip(long.digests, long.vectors.tolist(), strict=True))
    for digest, vector in zip(short.digests, short.vectors.tolist(), strict=True):
        assert known[digest] == vector


@pytest.fixture(scope="module")
def part(seeds: Seeds) -> Part:
    return Drawing(seeds, 5).part(0)


def test_every_readable_photo_has_its_features(part: Part) -> None:
    assert len(part.photos) == PART and len(set(part.digests)) == len(part.digests)
    assert {one.digest for one in part.photos} - {None} == set(part.digests)
    assert len({one.id for one in part.photos}) == PART
    assert len({(one.root, one.folder, one.name) for one in part.photos}) == PART


def test_bursts_and_copies_are_there(part: Part) -> None:
    readable = [one.digest for one in part.photos if one.digest is not None]
    assert 0.005 < 1 - len(set(readable)) / len(readable) < 0.05  # the same file twice
    assert 0 < len(part.vectors) - len(np.unique(part.vectors, axis=0)) < 0.05 * PART
    wide = part.vectors[:500].astype(np.float32)
    assert np.allclose(np.linalg.norm(wide, axis=1), 1.0, atol=1e-3)
    others = wide @ part.vectors.astype(np.float32).T
    others[np.arange(500), np.arange(500)] = 0
    assert np.median(others.max(axis=1)) > 0.9  # most have a neighbour
    assert np.median(others) < 0.5  # most pairs have nothing in common


def test_concepts_stay_as_frequent_as_in_the_real_photos(
    pack: Pack, seeds: Seeds, part: Part
) -> None:
    real = pack.probabilities(seeds.vectors, seeds.logits) >= pack.floors
    drawn = pack.probabilities(part.vectors, part.logits) >= pack.floors
    assert abs(drawn.sum(axis=1).mean() / real.sum(axis=1).mean() - 1) < 0.3
    assert np.corrcoef(real.mean(axis=0), drawn.mean(axis=0))[0, 1] > 0.9
    together = [(each.T.astype(np.float32) @ each) / len(each) for each in (real, drawn)]
    assert np.corrcoef(together[0].ravel(), together[1].ravel())[0, 1] > 0.9


def test_seeds_are_inferred_once(tmp_path: Path, pack: Pack, seeds: Seeds) -> None:
    told: list[str] = []
    copy = shutil.copytree(DEMO, tmp_path / "elsewhere")
    again = seeds_of(copy, pack, tell=told.append)  # the same names and sizes
    assert told == [] and np.array_equal(again.vectors, seeds.vectors)


def test_bare_calls_find_what_searches_find(work: Workspace) -> None:
    store = work.synthetic(ROWS).store
    bare = Bare(store)
    asked = Questions(bare)
    a, b, c = asked.common[:3]
    with ls.open(store=store, read_only=True) as library:
        one, three = ls.concept(a), ls.concept(a) & ls.concept(b) & ls.concept(c)
        without = one & ~ls.concept(asked.fifth[0]) & ~ls.concept(asked.fifth[1])
        for query, rows in (
            (one, bare.concept(a)),
            (three, bare.all_of((a, b, c))),
            (without, bare.without(a, tuple(asked.fifth))),
        ):
            scores = [hit.score for hit in library.search(query, limit=20)]
            score = {hit.id: hit.score for hit in library.scan(query)}
            found = [score[id] for id in bare.ids(rows.tolist())]
            assert found == pytest.approx(scores, abs=1e-4)
        assert asked.recall(library) == 1.0
        for id, vector in zip(asked.ids[:5], asked.vectors, strict=False):
            best = [library.get(hit.id).row for hit in library.search(ls.like(id=id), limit=5)]
            assert set(best[:1]) <= set(bare.scan(vector).tolist())


def test_share_of_best_counts_equals_as_equal() -> None:
    values = np.array([9] * 25 + [1] * 75, np.float32)
    assert share_of_best(values, np.arange(5, 25)) == 1.0
    assert share_of_best(values, np.arange(15, 35)) == 0.5


def test_recall_of_eight_bits_is_the_share_of_the_best() -> None:
    right = np.arange(40, dtype=np.float64)[None] * [[1.0], [-1.0]]
    found = right.copy()
    assert eight_bits.recall(right, found) == 1.0
    found[0, :5], found[0, 35:] = 99.0, 0.0  # half of the best of one query
    assert eight_bits.recall(right, found) == 0.75
    photos = np.eye(12) + 0.1
    assert eight_bits.alike(photos, photos) == 1.0  # nobody finds himself


def test_packs_in_eight_bits_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packs = ["--wide", str(clip_pack_folder()), "--narrow", str(clip_pack_folder())]
    for seed in range(12):
        write_photo(tmp_path / f"{seed}.png", seed)
    (tmp_path / "notes.txt").write_text("no photo")
    files = ["--photos", str(tmp_path), "--json", str(tmp_path / "told.json")]
    eight_bits.main([*packs, *files, "--rounds", "1"])  # as quick as itself: no verdict on speed
    told = json.loads((tmp_path / "told.json").read_text())["figures"]
    values = {one["name"]: one["value"] for one in told}
    assert values["photos as queries, recall@10"] == values["texts as queries, recall@10"] == 1.0
    assert values["photos: cosine of both"] == pytest.approx(1.0, abs=1e-3)
    assert "12 photos" in capsys.readouterr().out
    assert eight_bits.main(["--wide", "no-such-pack"]) == 0
    assert "Skipped" in capsys.readouterr().out


@pytest.mark.parametrize("measure", [recall.run, merging.run, searching.run])
def test_a_measure_gives_figures_and_a_report(work: Workspace, measure: object) -> None:
    assert callable(measure)
    result = measure(work)
    assert isinstance(result, Result) and result.figures
    assert all(np.isfinite(figure.value) for figure in result.figures)
    stored = as_json(result, {"command": "x", "load": "1", "seconds": 1.0})
    assert result.figures[0].name in as_markdown({"one": json.loads(json.dumps(stored))})


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(BENCHMARKS) - SLOW))
def test_every_measure_of_a_quick_run(work: Workspace, name: str) -> None:
    result = BENCHMARKS[name](work)
    assert result.figures and not result.skipped


def test_a_reader_s_memory_is_told(work: Workspace) -> None:
    store = work.synthetic(ROWS).store
    told = tending.tend("ask-concepts", store)
    assert told.seconds > 0
    if Path("/proc/self/smaps_rollup").exists():
        assert 0 < told.anonymous < told.private


def test_plots_are_drawn_or_refused(tmp_path: Path) -> None:
    figures = [
        {"name": "10 rows: one concept", "unit": "ms", "value": 2.0, "low": 1.0, "high": 3.0},
        {"name": "1,000 rows: one concept", "unit": "ms", "value": 4.0, "low": 1.0, "high": 5.0},
        {"name": "... over the bare call", "unit": "x", "value": 4.0, "low": 1.0, "high": 5.0},
    ]
    graph = [{"name": "10 rows: bare graph, ef 20, recall@20", "unit": "", "value": 0.9}]
    assert plots.latencies_of(figures) == {
        "one concept": [(10.0, 2.0, 1.0, 3.0), (1000.0, 4.0, 1.0, 5.0)]
    }
    assert plots.recalls_of(graph) == {"10 rows": [(20.0, 0.9, 0.9, 0.9)]}
    stored = {"searching": {"figures": figures}, "graph": {"figures": graph}}
    lines = plots.draw(stored, tmp_path)
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        assert "bench" in lines[0] and not list(tmp_path.iterdir())
    else:
        assert (tmp_path / plots.LATENCY).is_file() and (tmp_path / plots.RECALL).is_file()

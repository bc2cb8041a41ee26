"""Concepts of one's own: learned, judged, searched, kept, renamed, forgotten, learned again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import localsearch as ls
from localsearch.catalog import input_reads, inputs
from localsearch.catalog import settings as settings_of
from localsearch.catalog import taught as table
from localsearch.catalog.features import open_features
from localsearch.catalog.taught import Example
from localsearch.cli import main
from localsearch.pack import load_pack
from localsearch.rows import to_array
from localsearch.scores import ONE, value_of
from localsearch.search.known import Known, TaughtConcept
from localsearch.search.run import run
from localsearch.search.terms import Concept, Not, Term, all_of, any_of
from localsearch.segments.probed import Probe
from localsearch.teach import examples as choosing
from localsearch.teach.fit import fits, left_out_loss
from localsearch.teach.judge import Quality, average_precision, quality_of, sureness_of, word_of
from localsearch.teach.run import retrain
from localsearch.teach.train import train
from tests import oracle
from tests.make_library import open_library, write_photo
from tests.search_store import Store
from tests.tiny_pack import make_tiny_pack

REPOSITORY = Path(__file__).resolve().parents[1]


# ------------------------------------------------------------------ the regression


def drawn(seed: int, count: int, positives: int, dimensions: int = 24) -> tuple[Any, Any, Any]:
    """Unit vectors of two overlapping clouds, which are positive, and shares that weigh both."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, dimensions))
    positive = np.arange(count) < positives
    vectors[positive] += 1.5 * random.normal(size=dimensions)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, positive, np.where(positive, (count - positives) / positives, 1.0)


@given(st.integers(0, 2**31), st.integers(3, 8), st.sampled_from((0.5, 2.0, 8.0)))
@settings(max_examples=15, deadline=None)
def test_left_out_is_what_a_real_refit_says(seed: int, positives: int, penalty: float) -> None:
    vectors, positive, shares = drawn(seed, 30, positives)
    (made,) = fits(vectors, positive, shares, [penalty])
    for at in range(len(vectors)):
        others = np.arange(len(vectors)) != at
        (without,) = fits(vectors[others], positive[others], shares[others], [penalty])
        value = vectors[at] @ without.weights + without.bias
        assert made.left_out[at] == pytest.approx(value, abs=0.15)


def test_a_fit_is_the_minimum(seed: int = 4) -> None:
    """No small move of weights or bias lowers the penalised loss; a higher penalty shrinks them."""
    vectors, positive, shares = drawn(seed, 80, 9)
    penalties = (4.0, 1.0, 0.25)
    found = fits(vectors, positive, shares, penalties)

    def loss(weights: Any, bias: float, penalty: float) -> float:
        signed = np.where(positive, 1, -1) * (vectors @ weights + bias)
        return float(shares @ np.logaddexp(0, -signed) + penalty / 2 * weights @ weights)

    random = np.random.default_rng(seed)
    for one, penalty in zip(found, penalties, strict=True):
        best = loss(one.weights, one.bias, penalty)
        for _ in range(50):
            step = 1e-3 * random.normal(size=len(one.weights))
            assert loss(one.weights + step, one.bias + 1e-3 * random.normal(), penalty) > best
    lengths = [float(np.linalg.norm(one.weights)) for one in found]
    assert lengths == sorted(lengths)
    assert all(left_out_loss(one, positive, shares) > 0 for one in found)


def test_a_probe_tells_photos_that_were_not_shown() -> None:
    """Two clouds: most of the others are told, and the quality promised about as much."""
    vectors, positive, _ = drawn(1, 600, 200)
    halves = vectors.astype(np.float16)
    shown = np.r_[np.arange(20), np.arange(200, 320)]
    made = train(halves[shown], positive[shown])
    others = np.setdiff1d(np.arange(600), shown)
    values = value_of(made.probe.values(halves[others]))
    hits, right = values >= 0.5, positive[others]
    assert (hits & right).sum() / right.sum() > 0.8
    assert (hits & ~right).sum() / (~right).sum() < 0.1
    promised = made.quality.found / made.quality.positives
    assert abs(promised - (hits & right).sum() / right.sum()) < 0.2
    low, high = sureness_of(made.quality.found, made.quality.positives)
    assert low < promised <= high
    assert word_of(made.quality) == "good"


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_few_and_odd_examples_make_a_sound_probe(seed: int, positives: int, others: int) -> None:
    """Equal vectors on both sides, zeros, a single one of each: never a NaN, never an error."""
    random = np.random.default_rng(seed)
    kinds = random.choice(3, positives + others)
    halves = random.normal(size=(len(kinds), 8)).astype(np.float16)
    halves[kinds == 1] = 0
    halves[kinds == 2] = 1
    positive = np.arange(len(kinds)) < positives
    made = train(halves, positive)
    assert made.probe.scale > 0 and np.isfinite([made.probe.scale, made.probe.offset]).all()
    assert np.isfinite(made.probe.direction).all() and 0 < made.probe.floor < ONE
    assert made.quality.positives == positives and made.quality.negatives == others
    assert (made.quality.average_precision is None) == (positives == 1)


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=12))
def test_average_precision_is_that_of_the_worst_order_of_equals(pairs: list[Any]) -> None:
    if not any(right for _, right in pairs):
        return
    ranked = sorted(pairs, key=lambda pair: (-pair[0], pair[1]))
    places = [n for n, (_, right) in enumerate(ranked, 1) if right]
    expected = sum(k / n for k, n in enumerate(places, 1)) / len(places)
    values = np.array([value for value, _ in pairs], float)
    positive = np.array([right for _, right in pairs])
    assert average_precision(values, positive) == pytest.approx(expected)


def test_a_quality_in_words() -> None:
    def word(precision: float | None, positives: int = 9) -> str:
        return word_of(Quality(positives, 50, 1, 1, precision))

    assert [word(p) for p in (0.95, 0.8, 0.79, 0.5, 0.49, None)] == [
        *("good", "good", "fair", "fair", "poor", "unknown")
    ]
    assert word(1.0, 3) == "unknown"
    assert sureness_of(0, 0) == (0.0, 1.0)
    assert sureness_of(5, 5)[0] < 0.6 < sureness_of(50, 50)[0] < 1.0 == sureness_of(50, 50)[1]
    one = quality_of(np.array([3.0, -1.0, 1.0]), np.array([True, False, False]))
    assert one == Quality(1, 2, 0, 1, None)


# ------------------------------------------------------------------ a search by probes

NAMES = ("my dog", "Rex", "blank")


def probes_of(store: Store, seed: int) -> list[TaughtConcept]:
    """A few concepts near the photos of a store: many hits, few, none."""
    random = np.random.default_rng(seed)
    found = []
    for number, name in enumerate(NAMES):
        direction = store.centres[number] + 0.5 * random.normal(size=store.pack.dimensions)
        direction = (direction / np.linalg.norm(direction)).astype(np.float32)
        scale, offset = float(random.uniform(0.5, 30)), float(random.uniform(-8, 3))
        floor = (int(random.integers(1, ONE)), 600, ONE)[number]
        found.append(
            TaughtConcept(f"taught:{number}", name, Probe(direction, scale, offset, floor))
        )
        store.world.taught[name] = (direction, scale, offset, floor)
    return found


def trees() -> st.SearchStrategy[Term]:
    names = st.sampled_from((*NAMES, "red", "people", "colour"))
    leaves = st.builds(Concept, names, st.sampled_from((0.0, 0.3, 0.9, 1.0)))

    def more(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
        several = st.lists(inner, min_size=2, max_size=3)
        return st.one_of(inner.map(Not), several.map(all_of), several.map(any_of))

    return st.recursive(leaves, more, max_leaves=5)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Segments, a tail, graves, copies, vectors of zeros."""
    store = Store(tmp_path_factory.mktemp("grown"), 11)
    store.grow(500)
    store.publish()
    store.change(6)
    store.add(30)
    yield store
    store.close()


@given(trees(), st.integers(0, 5), st.integers(1, 40))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_search_is_that_of_brute_force(grown: Store, tree: Term, seed: int, limit: int) -> None:
    concepts = probes_of(grown, seed)
    with grown.snapshot() as snapshot:
        snapshot = replace(snapshot, known=Known(grown.pack.vocabulary, concepts))
        assert snapshot.live.segments and len(snapshot.live.tail.rows)
        result = run(snapshot, tree, limit=limit)
        expected = oracle.search(grown.world, tree)
        ranked = result.ranked
        found = list(zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True))
        assert found == expected[:limit] and result.total == len(expected)


@given(st.integers(0, 2**31), st.integers(1, ONE))
@settings(max_examples=30, deadline=None)
def test_a_list_holds_just_the_rows_that_reach_the_floor(
    grown: Store, seed: int, floor: int
) -> None:
    """To the last bit, whatever stands beside; asked twice it is made once."""
    concept = probes_of(grown, seed)[0].probe
    assert concept is not None
    probe = Probe(concept.direction, concept.scale, concept.offset, floor)
    with grown.snapshot() as snapshot:
        rows = to_array(snapshot.live.rows)
        halves = snapshot.live.halves_of(rows)
        values = np.concatenate([probe.values(halves[at : at + 1]) for at in range(len(rows))])
        listed = snapshot.live.listed(probe)
        assert listed.rows.tolist() == rows[values >= floor].tolist()
        assert listed.values.tolist() == values[values >= floor].tolist()
        again = Probe(probe.direction.copy(), probe.scale, probe.offset, floor)
        assert again == probe and hash(again) == hash(probe)
        for part in snapshot.live.parts():
            assert part.probed.list_of(part, again) is part.probed.list_of(part, probe)


def test_a_part_keeps_the_lists_that_were_asked_for_last(
    grown: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localsearch.segments.probed._KEPT", 2)
    one = probes_of(grown, 1)[0].probe
    assert one is not None
    with grown.snapshot() as snapshot:
        part = snapshot.live.segments[0]
        others = [Probe(one.direction, one.scale, float(n), 9) for n in range(3)]
        first = part.probed.list_of(part, others[0])
        part.probed.list_of(part, others[1])
        assert part.probed.list_of(part, others[0]) is first
        part.probed.list_of(part, others[2])
        assert part.probed.list_of(part, others[0]) is first  # others[1] went


# ------------------------------------------------------------------ a library


@pytest.fixture
def library(photos: Path) -> Iterator[ls.Library]:
    """Forty-eight photos, four of each of twelve colours."""
    for n in range(48):
        write_photo(photos / f"{n:02}.png", n)
    with open_library(photos) as opened:
        opened.sync()
        yield opened


def ids_of(library: ls.Library, *numbers: int) -> list[str]:
    by_path = {one.relative_path: one.id for one in library.inputs()}
    return [by_path[f"{n:02}.png"] for n in numbers]


def numbers_of(hits: Any) -> list[int]:
    return [int(hit.path.stem) for hit in hits]


REDS = (0, 12, 24)


def test_taught_is_searched_like_any_other(library: ls.Library) -> None:
    made = library.teach("my barn", ids_of(library, *REDS))
    assert made.id.startswith("taught:") and made.name == "my barn" and made.stored and made.ready
    assert (made.positives, made.negatives, made.sampled) == (3, 45, 45)
    assert made.quality == "unknown" and made.found_low < made.found_high
    page = library.search("my barn", limit=48)
    assert set(numbers_of(page)[:3]) == set(REDS) and numbers_of(page)[3] == 36
    for query in ('concept:"my barn"', '"my barn"', "MY_barn", f"concept:{made.id}"):
        assert numbers_of(library.search(query, limit=48)) == numbers_of(page)
    assert numbers_of(library.search(ls.concept("my barn"), limit=48)) == numbers_of(page)
    high = library.search("my barn>=0.5")
    assert high.total == sum(hit.score >= 0.5 for hit in page)
    assert library.search("-my barn").total == 48 - page.total
    both = library.search("my barn and red", limit=5)
    one = both[0]
    assert one.score == pytest.approx(np.prod([why.score for why in one.why]), abs=1e-4)
    assert {why.term for why in one.why} == {'concept:"my barn"', "concept:red"}
    assert library.explain("my barn -red").tree.children[0].rows == page.total
    assert [hit.score for hit in library.scan("my barn")] == [hit.score for hit in page]


def test_hits_predict_and_concepts_tell_it(library: ls.Library) -> None:
    made = library.teach("my barn", ids_of(library, *REDS))
    (info,) = library.concepts("my b")
    assert (info.id, info.name, info.kind) == (made.id, "my barn", "taught")
    best = library.search("my barn", limit=1)[0]
    every = {one.name: one.value for one in library.predict(id=best.id, limit=99)}
    assert every["my barn"] == best.score
    for count in (3, 99):  # from what segments keep, and from the features
        (hit,) = library.search("my barn", limit=1, concepts=count)
        assert [one.value for one in hit.concepts] == sorted(every.values(), reverse=True)[:count]
    assert library.predict(best.path)[0].value >= library.predict(best.path)[-1].value


def test_it_survives_and_others_see_it(library: ls.Library, photos: Path) -> None:
    with open_library(photos) as other:
        with pytest.raises(ls.QueryUnknownConcept):
            other.search("concept:barn")
        made = library.teach("barn", ids_of(library, *REDS))
        expected = [(hit.id, hit.score) for hit in library.search("barn")]
        assert [(hit.id, hit.score) for hit in other.search("barn")] == expected
        other.rename_taught("barn", "shed")
        assert [(hit.id, hit.score) for hit in library.search("shed")] == expected
        with pytest.raises(ls.QueryUnknownConcept, match="barn"):
            library.search("barn")
        told = in_another_process(
            photos, 'print([(h.id, h.score) for h in library.search("shed")])'
        )
        assert told.strip() == str(expected)
        in_another_process(photos, 'library.forget_taught("shed")')
        with pytest.raises(ls.QueryUnknownConcept):
            library.search("shed")
        assert other.taught() == () and library.concepts("shed") == ()
    library.teach("barn", ids_of(library, *REDS))
    library.close()
    with open_library(photos) as again:
        assert [(hit.id, hit.score) for hit in again.search("barn")] == expected
        assert again.taught()[0] == replace(made, id=again.taught()[0].id)


def in_another_process(photos: Path, code: str) -> str:
    start = f"import localsearch as ls\nlibrary = ls.open({str(photos)!r})\n"
    ended = subprocess.run(
        [sys.executable, "-c", start + code],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
        timeout=120,
    )
    return ended.stdout


def test_new_photos_are_found_without_teaching_again(library: ls.Library, photos: Path) -> None:
    library.teach("barn", ids_of(library, *REDS))
    before = library.search("barn", limit=99)
    write_photo(photos / "99.png", 60)  # a red one
    library.sync()
    after = library.search("barn", limit=99)
    assert numbers_of(after)[:5].count(99) == 1 and after.total == before.total + 1
    scores = {hit.id: hit.score for hit in before}
    assert all(hit.score == scores.get(hit.id, hit.score) for hit in after)
    library.compact()
    assert [(h.id, h.score) for h in library.search("barn", limit=99)] == [
        (h.id, h.score) for h in after
    ]
    library.remove(after[0].id)
    assert library.search("barn", limit=99).total == after.total - 1


def test_by_tag(library: ls.Library) -> None:
    library.tag(ids_of(library, *REDS, 36), "barn")
    library.tag(ids_of(library, 1, 8, 20), "barn", False)
    made = library.teach("my barn", tag="Barn")
    assert (made.positives, made.negatives, made.sampled) == (4, 44, 41)
    assert made.quality in ("good", "fair", "poor") and made.average_precision is not None
    by_id = library.teach(
        "my barn", ids_of(library, *REDS, 36), ids_of(library, 1, 8, 20), replace=True
    )
    assert by_id == made
    library.remove(ids_of(library, 36))
    assert library.teach("other", tag="barn", dry_run=True).positives == 3


def test_a_dry_run_tells_of_just_what_would_be_stored(library: ls.Library, photos: Path) -> None:
    told = library.teach("barn", ids_of(library, *REDS), dry_run=True)
    assert not told.stored and library.taught() == ()
    with open_library(photos, read_only=True) as reader:
        assert replace(
            reader.teach("barn", ids_of(library, *REDS), dry_run=True), id=""
        ) == replace(told, id="")
        with pytest.raises(ls.LibraryReadOnly):
            reader.teach("barn", ids_of(library, *REDS))
    made = library.teach("barn", ids_of(library, *REDS))
    assert replace(made, id="", stored=False) == replace(told, id="")
    assert library.taught() == (made,)


def test_few_negatives_are_filled_up_and_many_are_some(
    library: ls.Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "NEGATIVES", 10)
    made = library.teach("barn", ids_of(library, 0), ids_of(library, 1, 2, 3))
    assert (made.negatives, made.sampled) == (10, 7)
    monkeypatch.setattr(choosing, "NEGATIVES", 3)
    made = library.teach("barn", ids_of(library, 0), ids_of(library, 1, 2, 3), replace=True)
    assert (made.negatives, made.sampled) == (3, 0)
    monkeypatch.setattr(choosing, "MOST", 5)
    shown = ids_of(library, *range(8)), ids_of(library, *range(10, 30))
    made = library.teach("barn", *shown, replace=True)
    assert (made.positives, made.negatives) == (5, 5)
    with library._inner.truth.catalog.reading() as conn:
        (row,) = table.all_of(conn, library._inner.pack.encoder_digest)
        assert len(table.examples_of(conn, row.key)) == 28  # all of them are kept


def test_others_are_found_where_few_rows_are_alive(tmp_path: Path) -> None:
    """Most rows drawn are dead: then all that live are asked for."""
    store = Store(tmp_path, 3)
    store.add(400)
    with store.catalog.writing("test") as conn:
        keys = sorted(store.keys.values())
        for key in keys[20:]:
            inputs.set_removed(conn, key, True, now_ms=5)
        live = {digest for _, digest in input_reads.live_featured_rows(conn)}
        shown = [Example(min(live), None, True, False)]
        found = choosing.with_others(conn, shown)
    assert {one.digest for one in found} == live
    assert [one.digest for one in found] == sorted(live)
    store.close()


def test_names_that_cannot_be(library: ls.Library) -> None:
    shown = ids_of(library, *REDS)
    for name, said in (
        ("red", "has a concept"),
        ("Scarlet", "it is 'red'"),
        ("t0000", "has a concept"),
        ("", "cannot be the name"),
        ("  ", "cannot be the name"),
        ("_-_", "cannot be the name"),
        ("a\x00b", "cannot be the name"),
        ("a\ud800", "cannot be the name"),
        ("x" * 201, "cannot be the name"),
        ("Taught:x", "ids do"),
        (7, "a text"),
    ):
        with pytest.raises(ls.InputError, match=said) as error:
            library.teach(name, shown)  # type: ignore[arg-type]
        assert error.value.hint or name == 7
    library.teach("my  barn", shown)
    for name in ("My Barn", "my_barn"):
        with pytest.raises(ls.InputError, match="taught concept 'my barn' already"):
            library.teach(name, shown)
    again = library.teach("My Barn", shown, replace=True)
    assert [one.name for one in library.taught()] == ["My Barn"] and again == library.taught()[0]
    library.teach("shed", shown)
    with pytest.raises(ls.InputError, match="already"):
        library.rename_taught("shed", "my barn")
    with pytest.raises(ls.InputError, match="has a concept"):
        library.rename_taught("shed", "red")
    assert library.rename_taught("shed", "Shed").name == "Shed"
    for wrong in (library.forget_taught, lambda name: library.rename_taught(name, "x")):
        with pytest.raises(ls.LibraryMissing, match="no taught concept 'nothing'"):
            wrong("nothing")
    with pytest.raises(ls.QueryUnknownConcept) as unknown:
        library.search("concept:shet")
    assert "Shed" in unknown.value.hint


def test_examples_that_cannot_be(library: ls.Library, photos: Path) -> None:
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 none")
    (photos / "copy.png").write_bytes((photos / "00.png").read_bytes())
    library.sync()
    bad, copy = (library.find(photos / name).id for name in ("bad.jpg", "copy.png"))  # type: ignore[union-attr]
    one = ids_of(library, 0)
    for shown, others, tag, said in (
        ([], [], None, "no example to learn from"),
        ([], one, None, "no example to learn from"),
        ([], [], "barn", "no photo is tagged barn"),
        (one, one, None, "both as an example and as a counterexample"),
        (one, [copy], None, "both as an example and as a counterexample"),
        ([bad], [], None, "could not be indexed"),
        (one, [bad], None, "could not be indexed"),
    ):
        with pytest.raises(ls.InputError, match=said):
            library.teach("barn", shown, others, tag=tag)
    with pytest.raises(ls.LibraryMissing, match="no input with the id nobody"):
        library.teach("barn", "nobody")
    with pytest.raises(ls.InputError):
        library.teach("barn", one, dry_run="no")  # type: ignore[arg-type]
    library.tag([bad, *one], "barn")
    assert library.teach("barn", [*one, copy], tag="barn").positives == 1
    with pytest.raises(ls.InputError, match="nothing to tell the examples from"):
        library.teach("all", [each.id for each in library.inputs(state="ok")])
    assert [each.name for each in library.taught()] == ["barn"]


def test_a_text_may_name_it(library: ls.Library) -> None:
    """Bare words join to the longest name, taught ones too."""
    library.teach("my sky", ids_of(library, *REDS))
    why = library.search("my sky red", limit=1)[0].why
    assert [one.term for one in why] == ['concept:"my sky"', "concept:red"]
    assert [one.route for one in why] == ["scan", "tail"]
    lifted = library.search('"red like my sky"', limit=1)[0].why  # free text that names it
    assert 'concept:"my sky"' in {one.term for one in lifted}


# ------------------------------------------------------------------ another pack


def another(library: ls.Library, folder: Path, seed: int) -> tuple[Any, Any]:
    """A pack whose vectors are others, and its features of the same photos."""
    pack = load_pack(make_tiny_pack(folder, seed=seed))
    truth = library._inner.truth
    features = open_features(
        truth.store, pack.encoder_digest, dimensions=pack.dimensions, classes=pack.classes
    )
    known = [*truth.features.digests()]
    vectors, logits, _ = truth.features.arrays_of(known)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(pack.dimensions,) * 2))[0]
    turned = (vectors.astype(np.float64) @ turn).astype(np.float16)
    features.put_many(zip(known, turned, logits, strict=True))
    return pack, features


def direction_of(library: ls.Library, encoder: str, name: str) -> npt.NDArray[np.float32] | None:
    with library._inner.truth.catalog.reading() as conn:
        row = next(one for one in table.all_of(conn, encoder) if one.name == name)
    return None if row.probe is None else np.frombuffer(row.probe.direction, "<f4")


def test_another_pack_learns_from_the_same_examples(library: ls.Library, tmp_path: Path) -> None:
    made = library.teach("barn", ids_of(library, *REDS))
    catalog = library._inner.truth.catalog
    before = direction_of(library, library._inner.pack.encoder_digest, "barn")
    pack, features = another(library, tmp_path / "other", 5)
    assert direction_of(library, pack.encoder_digest, "barn") is None
    put = retrain(catalog, features, pack.encoder_digest)
    late = library.teach("late", ids_of(library, 1, 13))  # between the two
    with catalog.writing("test") as conn:
        put(conn)
    with catalog.reading() as conn:
        rows = {row.name: row for row in table.all_of(conn, pack.encoder_digest)}
    assert rows["barn"].probe is not None and rows["late"].probe is not None
    # Turned vectors, the same angles: the same quality.
    assert rows["barn"].probe.found == made.found and rows["late"].probe.found == late.found
    assert rows["barn"].probe.precision == pytest.approx(made.average_precision, abs=0.1)
    now = direction_of(library, library._inner.pack.encoder_digest, "barn")
    assert before is not None and now is not None and (before == now).all()  # the old one stays
    features.close()


def test_a_concept_that_a_pack_cannot_learn(library: ls.Library, tmp_path: Path) -> None:
    library.teach("barn", ids_of(library, *REDS))
    catalog = library._inner.truth.catalog
    pack, features = another(library, tmp_path / "other", 6)
    features.forget(features.digests())
    with catalog.writing("test") as conn:
        retrain(catalog, features, pack.encoder_digest)(conn)
    features.close()
    assert direction_of(library, pack.encoder_digest, "barn") is None
    with catalog.writing("test") as conn:  # what such a pack would find
        conn.execute("UPDATE taught_probes SET encoder_digest = 'none'")
        settings_of.next_value(conn, table.COUNTER)
    (one,) = library.taught()
    assert not one.ready and one.positives == 3 and one.quality == "unknown"
    with pytest.raises(ls.QueryUnknownConcept, match="is not learned for this pack") as error:
        library.search("barn")
    assert "--replace" in error.value.hint
    assert "barn" not in {each.name for each in library.predict(id=ids_of(library, 0)[0], limit=99)}
    assert library.teach("barn", ids_of(library, *REDS), replace=True).ready


@pytest.mark.damages
def test_a_damaged_probe_is_found_and_told(library: ls.Library) -> None:
    """Other searches go on; teaching it again mends it."""
    made = library.teach("barn", ids_of(library, *REDS))
    expected = [hit.id for hit in library.search("red")]
    for change in ("direction = x'00'", "scale = -1", "offset = 9e999", "direction = x'0000c07f'"):
        with library._inner.truth.catalog.writing("test") as conn:
            conn.execute(f"UPDATE taught_probes SET {change}")
            settings_of.next_value(conn, table.COUNTER)
        (one,) = library.verify()
        assert (one.code, one.where, one.derived) == ("probe-damaged", made.id, False)
        assert [hit.id for hit in library.search("red")] == expected
        with pytest.raises(ls.QueryUnknownConcept, match="is not learned"):
            library.search("barn")
        assert not library.taught()[0].ready
        assert library.teach("barn", ids_of(library, *REDS), replace=True) == made
        assert library.verify() == () and library.taught() == (made,)


def test_an_edited_photo_still_teaches(library: ls.Library, photos: Path) -> None:
    """Its old content has no features in a new pack: its present one is taken."""
    library.teach("barn", ids_of(library, 0))
    write_photo(photos / "00.png", 12, age=5, size=(70, 50))
    library.sync()
    truth, pack = library._inner.truth, library._inner.pack
    with truth.catalog.reading() as conn:
        (row,) = table.all_of(conn, pack.encoder_digest)
        examples = table.examples_of(conn, row.key)
        (old,) = [one.digest for one in examples if one.positive]
        truth.features.forget([old])
        shown = choosing.vectors_of(conn, truth.features, examples)
        now = table.digests_now(conn, [one.input or 0 for one in examples if one.positive])
    ((_, digest),) = now.items()
    stored, _, found = truth.features.arrays_of([digest])
    assert digest != old and found.all() and shown.positive.sum() == 1
    assert (shown.halves[shown.positive] == stored).all()


def test_examples_that_look_like_the_others(library: ls.Library, photos: Path) -> None:
    """Of the same picture on both sides, encoded differently, nothing can be learned."""
    from PIL import Image

    with Image.open(photos / "00.png") as picture:
        picture.save(photos / "00.bmp")
    library.sync()
    twin = library.find(photos / "00.bmp")
    assert twin is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "NEGATIVES", 0)
        with pytest.raises(ls.InputError, match="look the same"):
            library.teach("barn", ids_of(library, 0), twin.id)


def test_a_purged_photo_leaves_the_concept(library: ls.Library) -> None:
    made = library.teach("barn", ids_of(library, *REDS))
    expected = numbers_of(library.search("barn", limit=9))
    library.purge(ids_of(library, 0))
    assert library.taught() == (made,)
    assert numbers_of(library.search("barn", limit=9))[:2] == [n for n in expected if n][:2]
    truth, pack = library._inner.truth, library._inner.pack
    with truth.catalog.reading() as conn:
        (row,) = table.all_of(conn, pack.encoder_digest)
        examples = table.examples_of(conn, row.key)
        assert sum(one.input is None for one in examples) == 1
        shown = choosing.vectors_of(conn, truth.features, examples)
    assert shown.positive.sum() == 2


def test_a_reindex_learns_again_and_a_rollback_goes_back(
    library: ls.Library, photos: Path, tmp_path: Path
) -> None:
    made = library.teach("barn", ids_of(library, *REDS))
    before = [(hit.id, hit.score) for hit in library.search("barn", limit=48)]
    with open_library(photos) as other:
        assert library.reindex(str(make_tiny_pack(tmp_path / "other", seed=5))).switched
        (now,) = other.taught()
        assert now.ready and (now.id, now.positives, now.negatives) == (made.id, 3, 45)
        after = [(hit.id, hit.score) for hit in other.search("barn", limit=48)]
        assert {id for id, _ in after[:3]} <= set(ids_of(other, *REDS, 36)) and after != before
        assert [(hit.id, hit.score) for hit in library.search("barn", limit=48)] == after
        late = other.teach("late", ids_of(library, 1, 13))
        assert library.reindex(rollback=True).switched
        assert [(hit.id, hit.score) for hit in other.search("barn", limit=48)] == before
        assert {one.id: one.ready for one in other.taught()} == {made.id: True, late.id: True}
        assert library.search("late", limit=1)[0].score > 0.5


def test_examples_in_the_catalog(library: ls.Library) -> None:
    library.teach("barn", ids_of(library, 0), ids_of(library, 1))
    with library._inner.truth.catalog.reading() as conn:
        (row,) = table.all_of(conn, library._inner.pack.encoder_digest)
        examples = table.examples_of(conn, row.key)
    keys = {one.input: one for one in examples}
    assert all(isinstance(one, Example) and one.input in keys for one in examples)
    assert [one.sampled for one in examples if one.positive] == [False]
    assert sum(not one.sampled for one in examples) == 2


def test_a_backup_holds_it(library: ls.Library, tmp_path: Path) -> None:
    made = library.teach("barn", ids_of(library, *REDS))
    expected = [(hit.id, hit.score) for hit in library.search("barn")]
    library.backup(tmp_path / "kept")
    library.close()
    recovered = ls.recover(tmp_path / "kept", store=tmp_path / "again")
    with ls.open(store=recovered.store) as again:
        assert again.taught() == (made,)
        assert [(hit.id, hit.score) for hit in again.search("barn")] == expected


# ------------------------------------------------------------------ the command line


@pytest.fixture
def here(library: ls.Library, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(photos)
    return photos


def told(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> Any:
    capsys.readouterr()
    ended = main.run(list(args))
    out, err = capsys.readouterr()
    assert ended == code, (out, err)
    return json.loads(out) if "--json" in args else out + err


def test_commands_for_programs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = told(capsys, "teach", "my barn", "00.png", "12.png", "--not", "01.png", "--json")
    one = made["taught"]
    assert made["version"] == 1 and one["name"] == "my barn" and one["positives"] == 2
    assert one["negatives"] == 46 and one["sampled"] == 45 and one["stored"]
    assert told(capsys, "taught", "--json")["taught"] == [one]
    page = told(capsys, "search", "my barn", "--json")
    assert Path(page["hits"][0]["path"]).name in ("00.png", "12.png")
    assert told(capsys, "concepts", "my", "--json")["concepts"][0]["kind"] == "taught"
    new = told(capsys, "taught", "rename", "my barn", "the shed", "--json")["taught"]
    assert new["name"] == "the shed" and new["id"] == one["id"]
    assert told(capsys, "taught", "forget", "the shed", "--json")["forgotten"] == "the shed"
    assert told(capsys, "taught", "--json")["taught"] == []
    wrong = told(capsys, "teach", "red", "00.png", "--json", code=2)["error"]
    assert wrong["code"] == "input" and "my red" in wrong["hint"]
    assert told(capsys, "taught", "forget", "gone", "--json", code=3)["error"]["code"]


def test_commands_for_people(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing was taught yet" in told(capsys, "taught")
    told(capsys, "tag", "barn", *(f"{n:02}.png" for n in (*REDS, 36)))
    dry = told(capsys, "teach", "my barn", "--tag", "barn", "--dry-run")
    assert "average precision" in dry and "dry run, nothing was stored" in dry
    assert "found" in dry and "% of such photos" in dry and "taken at random" in dry
    assert "nothing was taught yet" in told(capsys, "taught")
    text = told(capsys, "teach", "my barn", "--tag", "barn")
    assert "4 examples" in text and "next: localsearch search" in text
    few = told(capsys, "teach", "one", "00.png")
    assert "too few examples to tell" in few
    lines = told(capsys, "taught").splitlines()
    assert any(line.startswith("my barn") for line in lines)
    assert "is now shed" in told(capsys, "taught", "rename", "my barn", "shed")
    assert "no photo changed" in told(capsys, "taught", "forget", "shed")
    assert "already" in told(capsys, "teach", "one", "00.png", code=2)
    assert "one" in told(capsys, "teach", "one", "00.png", "12.png", "--replace")
    assert "no example" in told(capsys, "teach", "none", code=2)
    for wrong in (["teach"], ["taught", "rename", "one"], ["teach", "x", "--tag"]):
        told(capsys, *wrong, code=2)

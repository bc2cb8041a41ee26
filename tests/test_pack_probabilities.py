"""Probabilities: right by a plain reference, and the same to the last bit whatever the batch."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsearch.errors import PackDamaged
from localsearch.pack import Pack, load_pack
from localsearch.pack.probabilities import Reading, make_reading, probabilities
from localsearch.pack.probes import Inputs, make_probes, probe_scores, read_inputs
from localsearch.pack.vocabulary import HEADER, Vocabulary
from tests.tiny_pack import INPUTS, make_tiny_pack, tiny_pack_folder


@functools.lru_cache(maxsize=1)
def tiny() -> Pack:
    return load_pack(tiny_pack_folder())


@pytest.fixture(scope="module")
def refined(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A pack whose probes read class shares, and give a class and an ancestor their values."""
    return load_pack(make_tiny_pack(tmp_path_factory.mktemp("refined"), refined=True))


def features(pack: Pack, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(count, pack.dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    logits = generator.normal(scale=6, size=(count, pack.classes))
    return vectors.astype(np.float16), logits.astype(np.float16)


def reference(pack: Pack, vectors: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The format's definition, written out photo by photo in float64."""
    calibration = np.load(pack.folder / "calibration.npy").astype(np.float64)
    probes = np.load(pack.folder / "probes.npy").astype(np.float64)
    inputs = [[int(one) for one in line.split()] for line in INPUTS]
    if pack.manifest.probe_inputs is None:
        inputs = []
    concepts = pack.vocabulary.concepts
    below: dict[str, set[int]] = {c.id: set() for c in concepts}
    for concept in concepts[: pack.classes]:
        todo = [concept.id]
        while todo:
            id = todo.pop()
            below[id].add(concept.index)
            todo += pack.vocabulary.find(id).parents
    rows = []
    for vector, row in zip(vectors.astype(np.float64), logits.astype(np.float64), strict=True):
        powers = np.exp((row - row.max()) / pack.manifest.temperature)
        shares = powers / powers.sum()
        values = []
        read = [*vector, *(np.sqrt(shares[some].sum()) for some in inputs)]
        for concept, output in zip(concepts, pack.vocabulary.outputs, strict=True):
            if "probe:" in output:
                weights = probes[int(output.partition("probe:")[2])]
                raw = read @ weights[:-1] + weights[-1]
            else:
                p = np.clip(sum(shares[sorted(below[concept.id])]), 1e-7, 1 - 1e-7)
                raw = np.log(p / (1 - p))
            scale, offset, _ = calibration[concept.index]
            values.append(1 / (1 + np.exp(-(scale * raw + offset))))
        rows.append(values)
    return np.array(rows)


def test_values_are_those_of_the_definition() -> None:
    pack = tiny()
    vectors, logits = features(pack, 40, seed=3)
    found = pack.probabilities(vectors, logits)
    assert found.dtype == np.uint16
    assert found.shape == (40, len(pack.vocabulary))
    assert np.abs(found / 65535 - reference(pack, vectors, logits)).max() < 2 / 65535


def test_a_probe_may_give_a_class_its_value(refined: Pack) -> None:
    vectors, logits = features(refined, 40, seed=3)
    found = refined.probabilities(vectors, logits)
    assert np.abs(found / 65535 - reference(refined, vectors, logits)).max() < 2 / 65535
    green, warm = refined.vocabulary.find("green"), refined.vocabulary.find("warm colour")
    assert (green.kind, warm.kind) == ("class", "ancestor")
    plain = tiny().probabilities(vectors, logits)
    others = [c.index for c in refined.vocabulary.concepts if c.kind != "probe"]
    others = [column for column in others if column not in (green.index, warm.index)]
    assert np.array_equal(found[:, others], plain[:, others]), "their shares still count above"


def test_a_class_with_two_parents_counts_once() -> None:
    pack = tiny()
    logits = np.full((1, 12), -20, dtype=np.float16)
    logits[0, 6] = 20  # violet is cool and warm, both are hues, and warm is a colour directly too
    found = pack.probabilities(np.zeros((1, 32), np.float16), logits)[0]
    by_id = {c.id: found[c.index] for c in pack.vocabulary.concepts}
    for id in ("t0006", "t-cool", "t-warm", "t-hue", "t-colour"):
        assert by_id[id] >= 65530, id
    assert by_id["t-dark"] < 10


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150), st.data())
def test_the_batch_never_shows(seed: int, count: int, data: st.DataObject) -> None:
    pack = tiny()
    vectors, logits = features(pack, count, seed)
    whole = pack.probabilities(vectors, logits)
    one_by_one = [
        pack.probabilities(vectors[i : i + 1], logits[i : i + 1])[0] for i in range(count)
    ]
    assert np.array_equal(whole, np.stack(one_by_one))
    some = data.draw(st.permutations(range(count)))[: max(1, count // 2)]
    assert np.array_equal(whole[some], pack.probabilities(vectors[some], logits[some]))
    wide = np.empty((count, 2 * pack.classes), dtype=np.float16)
    wide[:, ::2] = logits  # not contiguous
    assert np.array_equal(whole, pack.probabilities(vectors, wide[:, ::2]))


def large_reading(
    classes: int = 1000, ancestors: int = 860, probes: int = 40, inputs: Inputs | None = None
) -> Reading:
    """A table of WordNet's size: each ancestor hangs below an earlier one, some below two."""
    generator = np.random.default_rng(0)
    lines = ["\t".join(HEADER)]
    for index in range(classes):
        # The first classes hold every ancestor up, so that none is empty.
        parent = index if index < ancestors else int(generator.integers(ancestors))
        lines.append(f"n{index}\tname {index}\tone {index}|two {index}\ta{parent}\tclass:{index}\t")
    for index in range(ancestors):
        above = {
            int(generator.integers(index // 4, max(index, 1))) for _ in range(1 + index % 9 // 8)
        }
        parents = "|".join(f"a{number}" for number in sorted(above)) if index else ""
        lines.append(f"a{index}\tabove {index}\t\t{parents}\t\tall of {index}")
    lines += [f"p{index}\tprobe {index}\t\t\tprobe:{index}\t" for index in range(probes)]
    calibration = generator.uniform(0.5, 1.5, (classes + ancestors + probes, 3))
    weights = generator.normal(size=(probes, 513 if inputs is None else 513 + len(inputs.starts)))
    return make_reading(
        Vocabulary("\n".join(lines) + "\n"),
        classes,
        1.2,
        calibration.astype(np.float32),
        make_probes(weights.astype(np.float32), inputs),
    )


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.booleans())
def test_the_batch_never_shows_in_a_large_table(seed: int, count: int, shares: bool) -> None:
    reading = _RICH() if shares else _LARGE()
    generator = np.random.default_rng(seed)
    vectors = (generator.normal(size=(count, 512)) / 22).astype(np.float16)
    logits = generator.normal(scale=4, size=(count, 1000)).astype(np.float16)
    whole = probabilities(reading, vectors, logits)
    for index in range(count):
        alone = probabilities(reading, vectors[index : index + 1], logits[index : index + 1])
        assert np.array_equal(whole[index], alone[0])
    assert np.array_equal(whole[::-1], probabilities(reading, vectors[::-1], logits[::-1]))


_LARGE = functools.lru_cache(maxsize=1)(large_reading)


@functools.lru_cache(maxsize=1)
def _RICH() -> Reading:
    """Three hundred probes which read 118 sets of classes beside the vector."""
    generator = np.random.default_rng(2)
    sets = (sorted(generator.choice(1000, size=1 + i % 17, replace=False)) for i in range(118))
    text = "\n".join(" ".join(map(str, one)) for one in sets)
    return large_reading(probes=300, inputs=read_inputs(text, 1000))


@pytest.mark.parametrize("make", [_LARGE, _RICH])
def test_a_large_table_is_quick(make: Callable[[], Reading]) -> None:
    """Some 40 microseconds of a processor a photo, 100 with many probes; the bound is wide."""
    reading = make()
    generator = np.random.default_rng(1)
    vectors = (generator.normal(size=(256, 512)) / 22).astype(np.float16)
    logits = generator.normal(scale=4, size=(256, 1000)).astype(np.float16)
    seconds = []
    for _ in range(4):
        start = time.process_time()
        probabilities(reading, vectors, logits)
        seconds.append(time.process_time() - start)
    assert min(seconds) / 256 < 400e-6


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(0, 12), st.sampled_from((1, 1e6)))
def test_sums_over_shares_are_exact_in_any_order(
    seed: int, count: int, sets: int, size: float
) -> None:
    """So that no library's way to sum can show: whole numbers of Python's are the judge."""
    generator = np.random.default_rng(seed)
    lines = (sorted(generator.choice(50, size=1 + i % 5, replace=False)) for i in range(sets))
    inputs = read_inputs("".join(" ".join(map(str, one)) + "\n" for one in lines), 50)
    table = (size * generator.standard_cauchy((7, 24 + sets + 1))).astype(np.float32)
    vectors = generator.uniform(-1.9, 1.9, (count, 24)).astype(np.float16)
    shares = generator.dirichlet(np.full(50, 0.1), size=count)
    probes = make_probes(table, inputs)
    found = probe_scores(probes, vectors, shares)
    roots = [np.sqrt(np.add.reduceat(row[inputs.classes], inputs.starts)) for row in shares]
    for row, vector, root in zip(found, vectors, roots if sets else [[]] * count, strict=True):
        read = [int(np.rint(float(x) * 2**22)) for x in (*vector, *root)]
        for score, weights, unit, bias in zip(
            row, probes.weights, probes.units, probes.bias, strict=True
        ):
            sums = sum(map(int.__mul__, read, map(int, weights)))
            assert abs(sums) < 2**53
            assert score == sums * (unit / 2**22) + bias
        near = [float(np.dot([*vector.astype(float), *root], w[:-1]) + w[-1]) for w in table]
        assert np.abs(row - near).max() <= 1e-6 * np.abs(table).sum(axis=1).max()


@pytest.mark.parametrize("text", ["1 2\n\n3", "2 1", "1 1", "0 4", "-1", "1 x", "1.0", "٣"])
def test_inputs_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(PackDamaged, match="line"):
        read_inputs(text, 4)


def test_no_rows_give_no_rows() -> None:
    pack = tiny()
    found = pack.probabilities(np.zeros((0, 32), np.float16), np.zeros((0, 12), np.float16))
    assert found.shape == (0, 20)


def test_what_is_no_number_is_refused() -> None:
    pack = tiny()
    vectors, logits = features(pack, 3, seed=1)
    logits[1, 4] = np.nan
    with pytest.raises(ValueError, match="not a number"):
        pack.probabilities(vectors, logits)


@pytest.mark.parametrize(
    "rows",
    [
        ["c\tc\t\ta\tclass:0\t", "a\ta\t\tb\t\t", "b\tb\t\ta\t\t"],  # a ring
        ["c\tc\t\tq\tclass:0\t", "a\ta\t\t\t\t"],  # a parent that is not there
        ["c\tc\t\t\tclass:0\t", "a\ta\t\t\t\t"],  # an ancestor of nothing
        ["c\tc\t\t\tclass:1\t", "a\ta\t\t\t\t"],  # classes out of order
        ["a\ta\t\t\t\t", "c\tc\t\ta\tclass:0\t"],  # ancestors before classes
        ["c\tc\t\ta\tclass:0+probe:0\t", "a\ta\t\t\t\t"],  # a probe that is not there
        ["c\tc\t\ta\tclass:0probe:0\t", "a\ta\t\t\t\t"],
        ["c\tc\t\ta\tclass:0\t", "a\ta\t\t\t+probe:\t"],
    ],
)
def test_a_table_that_contradicts_itself_is_refused(rows: list[str]) -> None:
    vocabulary = Vocabulary("\n".join(["\t".join(HEADER), *rows]) + "\n")
    calibration = np.ones((len(rows), 3), dtype=np.float32)
    with pytest.raises(PackDamaged):
        make_reading(
            vocabulary, 1, 1.0, calibration, make_probes(np.zeros((0, 5), np.float32), None)
        )


@pytest.mark.parametrize(
    "outputs",
    [
        ["class:0+probe:1", "", "probe:1"],  # twice the same
        ["class:0+probe:0", "", "probe:2"],
        ["class:0", "+probe:0", "probe:0", "probe:1"],
        ["class:0+probe:0", "", "+probe:1"],  # an ancestor of nothing
        ["class:0+probe:0", "", "x+probe:1"],
    ],
)
def test_each_probe_gives_one_concept_its_value(outputs: list[str]) -> None:
    parents = ["b", *[""] * (len(outputs) - 1)]
    rows = [
        "\t".join((id, id, "", up, output, ""))
        for id, up, output in zip("cbxyz", parents, outputs, strict=False)
    ]
    vocabulary = Vocabulary("\n".join(["\t".join(HEADER), *rows]) + "\n")
    calibration = np.ones((len(rows), 3), dtype=np.float32)
    with pytest.raises(PackDamaged):
        make_reading(
            vocabulary, 1, 1.0, calibration, make_probes(np.ones((2, 5), np.float32), None)
        )

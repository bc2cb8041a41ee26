"""Concepts are found by id, name and synonym, however they are written."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsearch.errors import PackDamaged, QueryUnknownConcept
from localsearch.pack import load_pack
from localsearch.pack.vocabulary import HEADER, Vocabulary
from tests.tiny_pack import tiny_pack_folder


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_pack(tiny_pack_folder()).vocabulary


def test_concepts_stand_in_the_order_of_their_index(vocabulary: Vocabulary) -> None:
    concepts = vocabulary.concepts
    assert len(vocabulary) == len(concepts) == 12 + 6 + 2
    assert [c.index for c in concepts] == list(range(20))
    assert [c.kind for c in concepts] == ["class"] * 12 + ["ancestor"] * 6 + ["probe"] * 2
    assert concepts[5].name == "sky blue"
    assert concepts[5].synonyms == ("azure", "Cerulean")
    assert concepts[6].parents == ("t-cool", "t-warm")
    assert concepts[19].definition == "people seen"


@pytest.mark.parametrize(
    ("asked", "id"),
    [
        ("t0005", "t0005"),
        ("T0005", "t0005"),
        ("sky blue", "t0005"),
        ("Sky_Blue", "t0005"),
        ("  sky-blue ", "t0005"),
        ("cerulean", "t0005"),
        ("jet black", "t0010"),
        ("p-people", "p-people"),
        ("PERSONS", "p-people"),
        ("color", "t-colour"),
    ],
)
def test_find_by_id_name_synonym(vocabulary: Vocabulary, asked: str, id: str) -> None:
    assert vocabulary.find(asked).id == id
    assert vocabulary.knows(asked)


def test_an_unknown_name_gets_the_nearest(vocabulary: Vocabulary) -> None:
    with pytest.raises(QueryUnknownConcept) as caught:
        vocabulary.find("skyblu")
    assert "sky blue" in caught.value.hint
    with pytest.raises(QueryUnknownConcept) as caught:
        vocabulary.find("turqoise")  # a synonym leads to the display name
    assert "cyan" in caught.value.hint
    with pytest.raises(QueryUnknownConcept) as caught:
        vocabulary.find("")
    assert caught.value.hint
    assert not vocabulary.knows("zzzz")


def test_starting_with(vocabulary: Vocabulary) -> None:
    assert [c.name for c in vocabulary.starting_with("COL")] == ["colour", "cool colour"]
    assert len(vocabulary.starting_with("")) == len(vocabulary)
    assert vocabulary.starting_with("qqq") == []


def test_ids_win_over_names_and_names_over_synonyms() -> None:
    rows = ["a\tx\t\t\tclass:0\t", "b\ta\tx\t\tclass:1\t", "c\tz\tb\t\tclass:2\t"]
    vocabulary = Vocabulary("\n".join(["\t".join(HEADER), *rows]) + "\n")
    assert [vocabulary.find(word).id for word in ("a", "x", "b", "z")] == ["a", "a", "b", "c"]


@pytest.mark.parametrize("text", ["", "id\tname\n", "\t".join(HEADER) + "\na\tb\n"])
def test_a_broken_table_is_refused(text: str) -> None:
    with pytest.raises(PackDamaged):
        Vocabulary(text)


@given(st.text(max_size=30))
def test_any_text_finds_a_concept_or_says_so(text: str) -> None:
    vocabulary = load_pack(tiny_pack_folder()).vocabulary
    try:
        found = vocabulary.find(text)
    except QueryUnknownConcept as error:
        assert error.hint
    else:
        assert found in vocabulary.concepts


def test_a_name_that_is_found_loads_no_fuzzy_matcher() -> None:
    code = (
        "import sys; from localsearch.pack import load_pack; from pathlib import Path;"
        "load_pack(Path(sys.argv[1])).vocabulary.find('red');"
        "assert 'rapidfuzz' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tiny_pack_folder())], check=True)

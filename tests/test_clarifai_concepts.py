"""Concepts on the wire, and old names: what they mean here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch.clarifai import Face, FaceOptions
from localsearch.clarifai.old_names import OldNames
from localsearch.search.terms import Concept, leaves_of
from tests.clarifai.world import (
    COLOURS,
    RED,
    Wire,
    b64,
    by_bytes,
    by_url,
    golden,
    picture,
    predict,
    seeded,
    wire,
)
from tests.make_library import open_library


@pytest.fixture
def w(tmp_path: Path) -> Iterator[Wire]:
    with wire(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with wire(tmp_path_factory.mktemp("seen")) as made:
        made.add(
            by_bytes("red", "red"), by_url(made.url("b.png", picture(COLOURS["blue"])), "blue")
        )
        yield made


# -- concepts ----------------------------------------------------------------------------------


def test_made_listed_renamed(w: Wire) -> None:
    body = {
        "concepts": [{"id": "c1", "name": "Cat", "value": 1.0}, {"id": "dog"}, {"name": "ż ółw"}]
    }
    golden("concepts_create", w.answer("POST", "/v2/concepts", body))
    golden("concepts_list", w.answer("GET", "/v2/concepts"))
    golden("concept_get", w.answer("GET", "/v2/concepts/c1"))
    taken = w.answer("POST", "/v2/concepts", {"concepts": [{"id": "new"}, {"id": "c1"}]})
    golden("concepts_taken", taken)
    w.fails(404, 11101, "GET", "/v2/concepts/new")  # all of them, or none
    renamed = {"action": "overwrite", "concepts": [{"id": "c1", "name": "Kitten"}]}
    golden("concepts_patch", w.answer("PATCH", "/v2/concepts", renamed))
    w.add(by_bytes("a", concepts=[{"id": "c1"}]))
    assert w.ids({"input": {"data": {"concepts": [{"name": "kitten"}]}}}) == ["a"]
    assert w.ids({"input": {"data": {"concepts": [{"name": "Cat"}]}}}) == []
    shown = w.ok("GET", "/v2/inputs/a")["input"]["data"]["concepts"]
    assert shown == [{"id": "c1", "name": "Kitten", "value": 1, "app_id": "local"}]


@pytest.mark.parametrize(
    "body",
    (
        {},
        {"concepts": []},
        {"concepts": [{}]},
        {"concepts": [{"id": None}]},
        {"concepts": "cat"},
        {"concepts": [{"id": "a"}, {"id": "a"}]},
        {"concepts": [{"id": {}}]},
        {"concepts": [7]},
        {"concepts": [{"id": "x" * 300}]},
        {"concepts": [{"id": "a"}] * 129},
    ),
)
def test_what_is_no_concept(seen: Wire, body: dict[str, Any]) -> None:
    assert seen.fails(400, 40003, "POST", "/v2/concepts", body)["concepts"] == []


def test_public_concepts_cannot_be_renamed(w: Wire) -> None:
    for id in ("t0000", "ai_l8TKp2h5"):
        body = {"action": "overwrite", "concepts": [{"id": id, "name": "mine"}]}
        w.fails(400, 40003, "PATCH", "/v2/concepts", body)
        assert w.ok("GET", f"/v2/concepts/{id}")["concept"]["app_id"] == "main"
    w.fails(404, 11101, "PATCH", "/v2/concepts", {"concepts": [{"id": "none", "name": "x"}]})
    w.fails(400, 40003, "PATCH", "/v2/concepts", {"action": "remove", "concepts": [{"id": "x"}]})


def test_adding_makes_concepts_and_tags_of_the_library_are_some(w: Wire) -> None:
    w.add(by_bytes("a", concepts=[{"id": "cat", "name": "Cat"}, {"id": "ai_8S2Vq3cR"}]))
    w.library.tag("a", "by hand")
    found = [(one["id"], one["name"]) for one in w.ok("GET", "/v2/concepts")["concepts"]]
    assert sorted(found[:2]) == [("ai_8S2Vq3cR", "dog"), ("cat", "Cat")]
    assert found[2:] == [("by hand", "by hand")]
    w.fails(400, 40003, "POST", "/v2/concepts", {"concepts": [{"id": "by hand"}]})


def test_lists_of_concepts_end(w: Wire) -> None:
    w.ok("POST", "/v2/concepts", {"concepts": [{"id": f"c{n:02}"} for n in range(25)]})
    sizes = [len(w.ok("GET", "/v2/concepts", query=f"page={n}")["concepts"]) for n in (1, 2, 3)]
    assert sizes == [20, 5, 0]


@pytest.mark.parametrize(
    ("name", "names"),
    (
        ("peo*", ["people of mine", "people"]),
        ("PEO*", ["people of mine", "people"]),
        ("*ople", ["people"]),
        ("p*p*e", ["people of mine", "people"]),
        ("people", ["people"]),
        ("persons", ["people"]),  # a synonym, where no name fits
        ("no such*", []),
        ("no such", []),
        ("no per*", ["no person"]),
        ("[a-z]+", []),
    ),
)
def test_concepts_are_searched_with_wildcards(w: Wire, name: str, names: list[str]) -> None:
    w.ok("POST", "/v2/concepts", {"concepts": [{"id": "mine", "name": "people of mine"}]})
    for language in (None, "en", "zh"):
        query = {"concept_query": {"name": name, "language": language}}
        found = w.ok("POST", "/v2/concepts/searches/", query)["concepts"]
        assert [one["name"] for one in found] == names


def test_a_search_for_concepts_pages(seen: Wire) -> None:
    body = {"concept_query": {"name": "*"}}
    first = seen.ok("POST", "/v2/concepts/searches", body, "page=1&per_page=30")["concepts"]
    last = seen.ok("POST", "/v2/concepts/searches", {**body, "pagination": {"page": 99}})
    assert len(first) == 30 and last["concepts"] == []
    golden(
        "concepts_search",
        seen.answer("POST", "/v2/concepts/searches", {"concept_query": {"name": "out*"}}),
    )


# -- old names ---------------------------------------------------------------------------------


def test_the_table_of_old_names() -> None:
    table = OldNames.read(None)
    ids = [one.id for one in table.lines if one.id]
    names = [one.name for one in table.lines if one.name]
    assert table.by_id("ai_dP13sXL4").own == "people"  # type: ignore[union-attr]  # of the guide
    assert len(ids) == len(set(ids)) and len(names) == len(set(names))
    asked = (
        "people",
        "man",
        "woman",
        "adult",
        "no person",
        "outdoors",
        "indoors",
        "one",
        "group",
        "portrait",
        "travel",
        "nature",
        "business",
    )
    for name in asked:
        line = table.by_name(name)
        assert line is not None and line.id.startswith("ai_")
        assert table.by_id(line.id) == line
    assert str(table.by_name("no person").meaning) == "-concept:people>=0.5"  # type: ignore[union-attr]


def test_every_old_name_means_something_in_the_general_pack(tmp_path: Path) -> None:
    with ls.open(tmp_path) as library:
        known = {one.id for one in library.concepts()}
        for line in OldNames.read(None).lines:
            for leaf in leaves_of(line.meaning):
                assert isinstance(leaf, Concept) and library.concept(leaf.name).id in known


def test_old_ids_and_names_are_searched_and_answered(w: Wire) -> None:
    w.add(*(by_bytes(id, id) for id in ("red", "green", "blue", "white")))
    people = w.search({"output": {"data": {"concepts": [{"id": "ai_l8TKp2h5"}]}}})
    assert people == w.search({"output": {"data": {"concepts": [{"name": "people"}]}}})
    nobody = w.ids({"output": {"data": {"concepts": [{"name": "no person"}]}}})
    some = {hit["input"]["id"] for hit in people if hit["score"] >= 0.5}
    assert nobody == [id for id in ("red", "green", "blue", "white") if id not in some]
    both = w.ids({"output": {"data": {"concepts": [{"id": "ai_786Zr311", "value": 0}]}}})
    assert {*both} == some
    assert w.ids({"output": {"data": {"concepts": [{"name": "travel"}]}}}) == []  # of no use here
    told = predict(w, RED, select_concepts=[{"name": "people"}, {"name": "red"}])
    assert {one["id"] for one in told} == {"ai_l8TKp2h5", "t0000"}


def test_no_person_is_predicted_where_nobody_is(w: Wire) -> None:
    """Programs look for this very id in predictions, to know that nobody is to be seen."""
    for seed in range(12):
        image = {"base64": b64(seeded(seed))}
        people = {one.name: one.value for one in w.library.predict(data=seeded(seed), limit=99)}
        only = predict(w, image, select_concepts=[{"id": "ai_786Zr311"}])
        assert predict(w, image, select_concepts=[{"name": "No Person"}]) == only
        if people["people"] >= 0.5:
            assert only == []
        else:
            told = [(one["id"], one["name"], one["value"], one["app_id"]) for one in only]
            value = pytest.approx(1 - people["people"], abs=1e-6)
            assert told == [("ai_786Zr311", "no person", value, "main")]


def test_a_table_of_ones_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = tmp_path / "mine.tsv"
    table.write_text(
        "id\tname\tquery\n# a comment\n\nai_sunset\tsunset\tred or orange\n\tpeople\tsky\\ blue\n"
        '\tcalm\tconcept:"sky blue" -red>=0.5\nai_l8TKp2h5\t\tconcept:green\n'.replace(
            "sky\\ blue", 'concept:"sky blue"'
        ),
        encoding="utf-8",
    )
    with wire(tmp_path, concepts=table) as w:
        w.add(*(by_bytes(id, id) for id in ("red", "green", "blue")))

        def best(**concept: Any) -> str:
            return w.ids({"output": {"data": {"concepts": [concept]}}})[0]

        assert best(id="ai_sunset") == best(name="Sunset") == best(id="sunset") == "red"
        assert best(name="people") == best(name="calm") == "blue"  # the user's word comes first
        assert best(id="ai_l8TKp2h5") == "green"


@pytest.mark.parametrize(
    "line", ("only one field", "a\tb\t", "\t\tred", "a\tb\tc\td", "a\tb\t(red", "a\tb\tfoo:x")
)
def test_a_table_that_is_none(tmp_path: Path, line: str) -> None:
    table = tmp_path / "mine.tsv"
    table.write_text(f"id\tname\tquery\n{line}\n", encoding="utf-8")
    (tmp_path / "photos").mkdir()
    with open_library(tmp_path / "photos") as library:
        with pytest.raises(ls.InputError, match="line 2"):
            Face(library, FaceOptions(concepts=table))
        with pytest.raises(ls.InputError, match="cannot be read"):
            Face(library, FaceOptions(concepts=tmp_path / "none.tsv"))

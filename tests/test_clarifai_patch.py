"""PATCH on the wire: merge, overwrite, remove; of concepts, metadata, places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import localsearch as ls
from localsearch.clarifai.patching import merged, without
from tests.clarifai.world import Wire, by_bytes, golden, wire


@pytest.fixture
def w(tmp_path: Path) -> Iterator[Wire]:
    with wire(tmp_path) as made:
        made.add(
            by_bytes("a", concepts=[{"id": "cat"}, {"id": "dog", "value": 0}], metadata=BEFORE),
            by_bytes("b"),
        )
        yield made


BEFORE = {"album": "spring", "n": {"a": 1, "b": 2}, "list": [1, 2]}


def patched(w: Wire, action: str | None, **data: Any) -> dict[str, Any]:
    body = {"action": action, "inputs": [{"id": "a", "data": data}]}
    return dict(w.ok("PATCH", "/v2/inputs", body)["inputs"][0]["data"])


def tags_of(data: dict[str, Any]) -> dict[str, int]:
    return {one["id"]: one["value"] for one in data.get("concepts", ())}


@pytest.mark.parametrize(
    ("action", "concepts", "tags"),
    (
        ("merge", [{"id": "pet"}], {"cat": 1, "dog": 0, "pet": 1}),
        (None, [{"id": "dog", "value": True}], {"cat": 1, "dog": 1}),
        ("", [{"id": "cat", "value": 0.0}], {"cat": 0, "dog": 0}),
        ("MERGE", [{"name": "Cat", "value": 1.0}], {"cat": 1, "dog": 0}),
        ("merge", None, {"cat": 1, "dog": 0}),
        ("merge", [], {}),  # an empty list replaces
        ("overwrite", [{"id": "pet", "value": False}], {"pet": 0}),
        ("overwrite", [{"id": "cat"}, {"id": "pet"}], {"cat": 1, "pet": 1}),
        ("overwrite", [], {}),
        ("overwrite", None, {"cat": 1, "dog": 0}),
        ("remove", [{"id": "cat"}], {"dog": 0}),
        ("remove", [{"id": "dog", "value": True}, {"id": "unheard"}], {"cat": 1}),
        ("remove", [{"id": "cat", "value": 0}, {"name": "dog"}], {}),
        ("remove", [], {"cat": 1, "dog": 0}),
        ("delete_concepts", [{"id": "cat"}], {"dog": 0}),
    ),
)
def test_concepts(w: Wire, action: str | None, concepts: Any, tags: dict[str, int]) -> None:
    data = patched(w, action, concepts=concepts)
    assert tags_of(data) == tags
    assert data["metadata"] == BEFORE  # the rest stays
    assert ("concepts" in data) == bool(tags)


@pytest.mark.parametrize(
    ("action", "metadata", "after"),
    (
        ("merge", {"album": "autumn"}, {**BEFORE, "album": "autumn"}),
        ("merge", {"n": {"b": 3, "c": 4}}, {**BEFORE, "n": {"a": 1, "b": 3, "c": 4}}),
        ("merge", {"list": [3]}, {**BEFORE, "list": [1, 2, 3]}),
        ("merge", {"list": []}, {**BEFORE, "list": []}),
        ("merge", {"n": {}}, {**BEFORE, "n": {}}),
        ("merge", {"n": None, "new": None}, BEFORE),
        ("merge", None, BEFORE),
        ("merge", {}, {}),
        ("merge", {"n": 7}, {**BEFORE, "n": 7}),
        ("overwrite", {"n": {"c": 4}}, {**BEFORE, "n": {"c": 4}}),
        ("overwrite", {"new": "x", "album": None}, {**BEFORE, "new": "x"}),
        ("overwrite", {}, {}),
        ("remove", {"album": True}, {"n": {"a": 1, "b": 2}, "list": [1, 2]}),
        ("remove", {"n": {"a": True}}, {**BEFORE, "n": {"b": 2}}),
        ("remove", {"n": {"a": True, "b": True}}, {"album": "spring", "list": [1, 2]}),
        ("remove", {"album": False, "unheard": True}, BEFORE),
        ("remove", {"album": "spring"}, {"n": {"a": 1, "b": 2}, "list": [1, 2]}),
    ),
)
def test_metadata(w: Wire, action: str, metadata: Any, after: dict[str, Any]) -> None:
    data = patched(w, action, metadata=metadata)
    assert data.get("metadata", {}) == after
    assert tags_of(data) == {"cat": 1, "dog": 0}


def test_places_are_replaced(w: Wire) -> None:
    here = {"geo_point": {"longitude": 14.5, "latitude": 46.05}}
    assert patched(w, "merge", geo=here)["geo"] == here
    there = {"geo_point": {"longitude": -40, "latitude": 30}}
    assert patched(w, "overwrite", geo=there)["geo"] == there
    assert patched(w, "merge", metadata={"k": 1})["geo"] == there
    assert "geo" not in patched(w, "remove", geo=there)
    assert patched(w, "merge", geo=there)["geo"] == there
    box = [
        {"geo_point": {"longitude": lon, "latitude": lat}} for lon, lat in ((-41, 29), (-39, 31))
    ]
    assert w.ids({"input": {"data": {"geo": {"geo_box": box}}}}) == ["a"]


def test_regions_are_kept_shown_and_replaced(w: Wire) -> None:
    box = {"top_row": 0.1, "left_col": 0.2, "bottom_row": 0.5, "right_col": 0.9}
    region = {"id": "r1", "region_info": {"bounding_box": box, "feedback": None}, "odd": 1}
    kept = [{"id": "r1", "region_info": {"bounding_box": box}}]
    (one,) = w.add(by_bytes("c", "green", regions=[{**region, "data": {"concepts": None}}]))
    assert one["data"]["regions"] == [{**kept[0], "data": {}}]
    assert "regions" not in patched(w, "merge", metadata={"k": 1})
    assert patched(w, "overwrite", regions=[region])["regions"] == kept
    assert patched(w, "merge", concepts=[{"id": "cat"}])["regions"] == kept
    assert "regions" not in patched(w, "merge", regions=[])
    w.fails(400, 10020, "PATCH", "/v2/inputs", {"inputs": [{"id": "a", "data": {"regions": [1]}}]})
    w.ok("DELETE", "/v2/inputs/c")
    (again,) = w.add(by_bytes("c"))
    assert "regions" not in again["data"]


def test_what_is_answered(w: Wire) -> None:
    body = {"action": "merge", "inputs": [{"id": "a", "data": {"concepts": [{"id": "pet"}]}}]}
    golden("patch", w.answer("PATCH", "/v2/inputs", body))
    unknown = {"action": "merge", "inputs": [{"id": "none", "data": {}}]}
    golden("patch_unknown", w.answer("PATCH", "/v2/inputs/", unknown))
    both = {"inputs": [{"id": "none", "data": {}}, {"id": "b", "data": {"metadata": {"k": 1}}}]}
    golden("patch_mixed", w.answer("PATCH", "/v2/inputs", both))
    w.fails(400, 10020, "PATCH", "/v2/inputs", {"inputs": [{"id": "x"}, {"id": "y"}]})
    one = w.ok("PATCH", "/v2/inputs/b", {"action": "merge", "data": {"concepts": [{"id": "cat"}]}})
    assert tags_of(one["input"]["data"]) == {"cat": 1}
    w.fails(404, 30102, "PATCH", "/v2/inputs/none", {"data": {}})


def test_modified_changes_and_created_does_not(w: Wire) -> None:
    before = w.library.get("a")
    for data in ({"concepts": [{"id": "new"}]}, {"metadata": {"x": 1}}):
        patched(w, "merge", **data)
        after = w.library.get("a")
        assert after.created_at == before.created_at and after.modified_at > before.modified_at
        before = after


@pytest.mark.parametrize(
    ("body", "http", "code"),
    (
        ({}, 400, 11102),
        ({"inputs": []}, 400, 11102),
        ({"action": "explode", "inputs": [{"id": "a"}]}, 400, 11102),
        ({"action": 7.5, "inputs": [{"id": "a"}]}, 400, 11102),
        ({"inputs": [{"id": "a"}] * 129}, 400, 11102),
        (
            {"inputs": [{"id": "a", "data": {"concepts": [{"id": "x", "value": "maybe"}]}}]},
            400,
            10020,
        ),
        ({"inputs": [{"id": "a", "data": {"metadata": []}}]}, 400, 10020),
        ({"inputs": [{"data": {}}]}, 404, 30102),
    ),
)
def test_what_cannot_be_changed(w: Wire, body: dict[str, Any], http: int, code: int) -> None:
    w.fails(http, code, "PATCH", "/v2/inputs", body)
    assert w.library.get("a").metadata == BEFORE


def test_a_500_leaves_all_as_it_was(w: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, update = [w.library.get(id) for id in "ab"], ls.Library.update
    body = {
        "inputs": [
            {
                "id": "a",
                "data": {
                    "concepts": [{"id": "x"}],
                    "metadata": {"list": [9]},
                    "geo": {"geo_point": {"longitude": 14.5, "latitude": 46.05}},
                    "regions": [{"id": "r"}],
                },
            },
            {"id": "b", "data": {"concepts": [{"id": "x"}], "metadata": {"list": [9]}}},
        ]
    }
    with monkeypatch.context() as patch:

        def breaks(library: ls.Library, id: str, **options: Any) -> ls.Input:
            if id == "b" and options["metadata"]:
                raise RuntimeError("the disk went away")
            return update(library, id, **options)

        patch.setattr(ls.Library, "update", breaks)
        for _ in range(3):
            w.fails(500, 99009, "PATCH", "/v2/inputs", body)
    for one in plain:
        after = w.library.get(one.id)
        assert (after.tags, after.metadata) == (one.tags, one.metadata)
        assert (after.lat, after.lon) == (one.lat, one.lon)
        assert w.library.notes("regions", [one.id]) == ()


def test_merging_and_removing_are_each_others_opposite() -> None:
    told = {"p": {"q": {"r": 1}}, "s": 2}
    assert without(merged(BEFORE, told), told) == BEFORE
    assert merged(BEFORE, {}) == BEFORE == without(BEFORE, {})

"""What the program prints: JSON shapes, columns, and text that file names cannot abuse."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import localsearch as ls
from localsearch.cli import output, progress, terminal
from localsearch.cli.telling import specific
from localsearch.records import ConceptValue, Hit, Input, Progress, Root, Status, SyncReport, Why

DOG = ConceptValue("n02084071", "dog", 0.98)


def a_hit(path: Path | None, score: float = 0.5) -> Hit:
    return Hit(
        score=score,
        id="0123",
        path=path,
        root="home",
        available=True,
        taken_at="2024-05-01T10:00:00",
        width=640,
        height=480,
        tags={"pet": True},
        concepts=(DOG,),
        why=(Why("dog", 0.98, "postings"),),
    )


def an_input(path: Path | None, **changes: Any) -> Input:
    fields: dict[str, Any] = dict.fromkeys(Input.__dataclass_fields__)
    fields.update(id="0123", row=1, state="ok", reason="", path=path, available=True)
    fields.update(removed=False, created_at="2026-01-01T00:00:00Z", metadata={}, tags={})
    return Input(**{**fields, **changes})


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_document_starts_with_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"hits": []})
    assert printed(capsys) == '{"version": 1, "hits": []}\n'


def test_search_has_the_promised_keys() -> None:
    body = output.hits_json([a_hit(Path("/p/é.jpg"))], total=9, page=2, route="postings")
    assert (body["total"], body["page"], body["route"]) == (9, 2, "postings")
    (hit,) = body["hits"]
    assert hit["path"] == str(Path("/p/é.jpg"))
    assert "path_b64" not in hit
    assert hit["concepts"] == [{"id": "n02084071", "name": "dog", "value": 0.98}]
    assert hit["why"] == [{"term": "dog", "score": 0.98, "route": "postings"}]


def test_a_hit_without_a_file_has_a_null_path() -> None:
    assert output.hit_json(a_hit(None))["path"] is None


@pytest.mark.skipif(os.name == "nt", reason="paths are Unicode on Windows")
def test_a_path_that_is_no_unicode_has_its_bytes_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    raw = b"/p/\xff\xe9.jpg"
    output.print_json({"hits": [output.hit_json(a_hit(Path(os.fsdecode(raw))))]})
    text = printed(capsys)
    text.encode("utf-8")  # no lone surrogate left
    (hit,) = json.loads(text)["hits"]
    assert base64.b64decode(hit["path_b64"]) == raw
    assert hit["path"] == "/p/\ufffd\ufffd.jpg"


def test_sync_has_the_promised_keys() -> None:
    report = SyncReport(added=2, failed=1, seconds=1.23456, failures=(("a.jpg", "ok", "x"),))
    body = output.sync_json(report)
    promised = [
        "added",
        "changed",
        "moved",
        "missing",
        "offline",
        "failed",
        "unchanged",
        "skipped",
        "seconds",
    ]
    assert set(promised) <= set(body)
    assert body["seconds"] == 1.235
    assert body["failures"] == [{"path": "a.jpg", "state": "ok", "reason": "x"}]


def test_status_has_the_promised_keys() -> None:
    status = Status(Path("/s"), 9, 8, 1, 0, 0, 0, "general 1", 1, 100, 2, 1, 3, "cpu", ("n",))
    body = json.loads(json.dumps(output.status_json(status)))
    promised = [
        "inputs",
        "failed",
        "missing",
        "offline",
        "pack",
        "schema",
        "bytes",
        "generation",
        "tail",
        "provider",
    ]
    assert set(promised) <= set(body)
    assert body["store"] == str(Path("/s"))


def test_failures_roots_and_inputs_are_json() -> None:
    one = an_input(Path("/p/a.jpg"), state="undecodable", reason="cut short")
    assert output.failure_json(one) == {
        "id": "0123",
        "path": str(Path("/p/a.jpg")),
        "state": "undecodable",
        "reason": "cut short",
    }
    root = output.root_json(Root("home", Path("/p"), True, ("*.tmp",), 7))
    assert root == {
        "name": "home",
        "path": str(Path("/p")),
        "online": True,
        "ignore": ["*.tmp"],
        "inputs": 7,
    }
    json.dumps(output.input_json(an_input(Path("/p/a.jpg"), relative_path="a.jpg")))


def test_hits_in_a_pipe_are_aligned_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_hits([a_hit(Path("/p/a.jpg"), 0.875), a_hit(Path("/p/longer.jpg"), 1.0)])
    first, second = printed(capsys).splitlines()
    assert first.split() == ["0.875", str(Path("/p/a.jpg")), "dog", "0.98"]
    assert first.index("dog") == second.index("dog")


def test_control_characters_of_a_name_never_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.print_hits([a_hit(Path("/p/\x1b[2Jevil\n.jpg"))])
    text = printed(capsys)
    assert "\x1b" not in text
    assert text.count("\n") == 1


@given(st.text())
def test_harmless_text_is_printable(text: str) -> None:
    assert terminal.harmless(text).isprintable()


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N", "P", "Zs"))))
def test_harmless_leaves_printable_text_alone(text: str) -> None:
    if text.isprintable():
        assert terminal.harmless(text) == text


def test_csv_quotes_what_needs_it(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_csv([a_hit(Path('/p/a,"b".jpg'))])
    header, row = list(csv.reader(io.StringIO(printed(capsys))))
    record = dict(zip(header, row, strict=True))
    assert record["path"] == str(Path('/p/a,"b".jpg'))
    assert record["tags"] == "pet=true"
    assert record["concepts"] == "dog=0.9800"


def test_ndjson_is_a_hit_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_ndjson([a_hit(Path("/p/a\nb.jpg")), a_hit(None)])
    lines = [json.loads(line) for line in printed(capsys).splitlines()]
    assert [line["path"] for line in lines] == [str(Path("/p/a\nb.jpg")), None]


def test_paths_are_exact_and_end_with_nul(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = b"/p/a\nb.jpg" if os.name == "nt" else b"/p/a\n\xff.jpg"
    stream = io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    output.print_paths([a_hit(Path(os.fsdecode(raw))), a_hit(None)], nul=True)
    stream.flush()
    assert capfdbinary.readouterr().out == os.fsencode(Path(os.fsdecode(raw))) + b"\0"


def test_redirected_output_takes_every_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.txt"
    with target.open("w", encoding="cp1252") as stream:  # what a Windows redirect would be
        monkeypatch.setattr(sys, "stdout", stream)
        terminal.prepare_streams()
        terminal.say("日本 █ é")
    assert target.read_text(encoding="utf-8") == "日本 █ é\n"


def test_a_sync_line_tells_what_matters(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_sync(SyncReport(added=1200, failed=1, unchanged=3, seconds=61.0, notes=("hm",)))
    text = printed(capsys)
    assert "1,200 added, 1 failed, 3 unchanged in 1 min 1 s" in text
    assert "note: hm" in text
    assert "localsearch failures" in text
    assert "missing" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.42, "0.42 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert output.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (25_000_000, "25.0 MB")]
)
def test_sizes(count: int, text: str) -> None:
    assert output.size(count) == text


@given(st.floats(min_value=0, max_value=1), st.integers(min_value=1, max_value=40))
def test_a_bar_has_its_width_whatever_the_value(value: float, cells: int) -> None:
    assert len(terminal.bar(value, cells)) == cells


def test_a_path_below_here_is_shown_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert terminal.short_path(tmp_path / "a" / "b.jpg", 80) == str(Path("a") / "b.jpg")
    long = terminal.short_path(tmp_path / ("x" * 50) / "b.jpg", 20)
    assert len(long) == 20
    assert long.startswith("…")
    assert long.endswith("b.jpg")


def test_progress_texts() -> None:
    event = Progress("photos", 1204, 50_000, failed=2, per_second=12.34, seconds_left=3725.0)
    assert progress.count_text(event) == "1,204/50,000, 2 failed"
    assert progress.pace_text(event) == "12.3/s, 1:02:05 left"
    assert progress.pace_text(Progress("walk", 5, 0)) == ""


def test_there_is_no_bar_in_a_pipe() -> None:
    with progress.progress_bar() as draw:
        assert draw is None


def test_errors_are_one_document() -> None:
    error = ls.QueryUnknownConcept("no such concept", hint="dog?")
    body = output.error_json(error.code, error.message, error.hint)
    assert body == {
        "error": {"code": "unknown-concept", "message": "no such concept", "hint": "dog?"}
    }


def test_a_photo_is_told_by_its_most_specific_concepts() -> None:
    parents = {"shepherd": ["dog"], "dog": ["canine", "pet"], "canine": ["animal"], "pet": []}
    values = [
        ConceptValue(name, name, value)
        for name, value in [
            ("animal", 0.99),
            ("pet", 0.98),
            ("dog", 0.97),
            ("outdoors", 0.8),
            ("shepherd", 0.3),
        ]
    ]
    assert [one.name for one in specific(values, parents)] == ["dog", "outdoors", "shepherd"]
    assert [one.name for one in specific(values[:1], parents)] == ["animal"]
    assert specific([], parents) == ()


@pytest.mark.parametrize("lon", [0.0, 12.5])
def test_a_place_on_the_meridian_is_a_place(lon: float, capsys: pytest.CaptureFixture[str]) -> None:
    output.print_input(an_input(Path("/p/a.jpg"), lat=51.5, lon=lon), [])
    assert f"51.50000, {lon:.5f}" in printed(capsys)


def test_a_table_without_rows_has_no_header(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_hits([])
    assert printed(capsys) == ""

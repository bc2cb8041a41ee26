"""Export and import: what a user made comes back, in another library, to the byte."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import localsearch as ls
from localsearch.exchange import import_, lines
from tests.make_library import ids_by_path, open_library, write_photo
from tests.tiny_pack import tiny_pack_folder


@pytest.fixture
def library(photos: Path, tmp_path: Path) -> ls.Library:
    """Six photos with tags, metadata, a removed one, a missing one, one without a file."""
    for n in range(6):
        write_photo(photos / ("trip" if n % 2 else "") / f"{n}.png", n)
    library = open_library(photos, store=tmp_path / "store")
    library.sync()
    ids = ids_by_path(library)
    library.tag(ids["0.png"], "pet")
    library.tag([ids["0.png"], ids["2.png"]], "=odd; tag\\", False)
    library.update(ids["2.png"], metadata={"album": "home", "n": [1, {"é": None}]})
    library.update(ids["trip/1.png"], source_url="https://example.org/=1")
    library.remove(ids["trip/3.png"])
    library.add(write_photo(tmp_path / "own.png", 50).read_bytes(), id="my-own", tags=["kept"])
    (photos / "trip/5.png").unlink()
    library.sync(allow_removals=True)
    return library


def exported(library: ls.Library, **options: Any) -> list[dict[str, Any]]:
    file = io.BytesIO()
    library.export(file, **options)
    return [json.loads(line) for line in file.getvalue().splitlines()]


def made(library: ls.Library) -> dict[str, Any]:
    """All that users made, by id."""
    told = [*library.inputs(), *library.inputs(removed=True)]
    return {
        one.id: (dict(one.tags), dict(one.metadata), one.source_url, one.removed) for one in told
    }


def test_lines_tell_all_inputs_under_a_header(library: ls.Library) -> None:
    head, *told = exported(library)
    assert next(iter(head)) == "version"
    assert (head["version"], head["localsearch"], head["inputs"]) == (1, "inputs", 7)
    assert head["roots"] == [{"name": "photos", "path": str(library.roots()[0].path)}]
    by_id = {one["id"]: one for one in told}
    assert set(by_id) == set(made(library))
    for one in [*library.inputs(), *library.inputs(removed=True)]:
        line = by_id[one.id]
        assert line["relative_path"] == one.relative_path
        assert line["path"] == (str(one.path) if one.path else None)
        for key in ("root", "state", "digest", "size", "taken_at", "camera", "created_at"):
            assert line[key] == getattr(one, key), key
        assert (line["tags"], line["metadata"]) == (dict(one.tags), dict(one.metadata))


def test_concepts_and_vectors_are_those_of_the_library(library: ls.Library) -> None:
    head, *told = exported(library, concepts=True, vectors=True)
    own = next(one for one in told if one["id"] == "my-own")
    assert own["concepts"][0]["value"] == library.predict(id="my-own", limit=1)[0].value
    vector = np.frombuffer(base64.b64decode(own["vector_f16_b64"]), "<f2").astype(np.float32)
    assert len(vector) == head["dimensions"]
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-2)


@pytest.mark.parametrize("format", ["ndjson", "csv"])
@pytest.mark.parametrize("moved", [False, True])
def test_a_fresh_library_gets_ids_and_all_that_was_made(
    library: ls.Library, photos: Path, tmp_path: Path, format: str, moved: bool
) -> None:
    write_photo(photos / "trip/5.png", 5)
    library.sync()
    before = made(library)
    before.pop("my-own")  # its bytes stand in no export
    library.export(tmp_path / "list", format)
    if moved:  # another root name, another place: found by content
        photos = photos.rename(tmp_path / "elsewhere")
    with open_library(photos, store=tmp_path / "fresh") as fresh:
        fresh.sync()
        assert not set(made(fresh)) & set(before)
        dry = fresh.import_(tmp_path / "list", dry_run=True)
        assert not set(made(fresh)) & set(before)
        done = fresh.import_(tmp_path / "list")
        assert made(fresh) == before
        assert (done.matched, done.ids, done.unknown, done.failed) == (6, 6, 1, 0)
        assert (dry.matched, dry.ids, dry.changed, dry.unknown) == (6, 6, 6, 1)
        assert done.unknown_lines == ((8, "my-own"),)
        again = fresh.import_(tmp_path / "list")
        assert (again.matched, again.changed, again.ids) == (6, 0, 0)
        changes = fresh.changes().items
        assert {one.id for one in changes if not one.gone} == set(before)


def test_copies_keep_apart(photos: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "sub/a.png"):
        write_photo(photos / name, 1)
    with open_library(photos, store=tmp_path / "store") as library:
        library.sync()
        for path, id in ids_by_path(library).items():
            library.tag(id, path.replace("/", "-"))
        before = {one.relative_path: (one.id, dict(one.tags)) for one in library.inputs()}
        library.export(tmp_path / "list")
    moved = photos.rename(tmp_path / "moved")
    with open_library(moved, store=tmp_path / "fresh") as fresh:
        fresh.sync()
        fresh.import_(tmp_path / "list")
        after = {one.relative_path: (one.id, dict(one.tags)) for one in fresh.inputs()}
    assert after == before


def test_files_become_inputs_with_their_ids(library: ls.Library, tmp_path: Path) -> None:
    before = made(library)
    library.export(tmp_path / "list")
    (root,) = library.roots()
    with ls.open(
        store=tmp_path / "fresh", roots={"photos": root.path}, pack=str(tiny_pack_folder())
    ) as fresh:
        report = fresh.import_(tmp_path / "list", add=True)
        assert (report.added, report.unknown, report.failed) == (5, 2, 0)
        gone = {"my-own", *(one.id for one in library.inputs("missing"))}
        assert made(fresh) == {id: told for id, told in before.items() if id not in gone}
        assert fresh.sync().added == 0


def test_an_id_of_the_users_own_stays(library: ls.Library, tmp_path: Path) -> None:
    data = write_photo(tmp_path / "x.png", 77).read_bytes()
    library.add(data, id="chosen")
    digest = library.get("chosen").digest
    lines_ = [{"id": "0" * 32, "digest": digest, "tags": ["seen"]}]
    report = library.import_(io.BytesIO(b"".join(map(lines.json_line, lines_))))
    assert (report.matched, report.ids) == (1, 0)
    assert dict(library.get("chosen").tags) == {"seen": True}


def test_plain_lists_are_read(library: ls.Library, photos: Path) -> None:
    some = f'path;tags;metadata\n{photos / "0.png"};new;\n2.png;a=false;"{{""k"": 1}}"\n'
    report = library.import_(io.BytesIO(b"\xef\xbb\xbf" + some.encode()))
    assert (report.matched, report.changed, report.failed) == (2, 2, 0)
    one, other = library.find(photos / "0.png"), library.find(photos / "2.png")
    assert one is not None and one.tags["new"] and one.tags["pet"]
    assert other is not None and dict(other.metadata) == {"k": 1}
    assert other.tags["a"] is False


def test_bad_lines_are_told_with_their_numbers_and_change_nothing(library: ls.Library) -> None:
    ids = ids_by_path(library)
    wrong = [
        b'{"id": "%s", "tags": {"fine": true}}' % ids["0.png"].encode(),
        b"no json",
        b'{"tags": ["a"]}',
        b'{"id": "%s", "tags": {"half": true, "": true}}' % ids["0.png"].encode(),
        b'{"id": "%s", "metadata": [1]}' % ids["0.png"].encode(),
        b'{"path": "nowhere.png"}',
    ]
    report = library.import_(io.BytesIO(b"\n".join(wrong)))
    assert [line for line, _ in report.failures] == [2, 3, 4, 5]
    assert report.unknown_lines == ((6, "nowhere.png"),)
    assert (report.lines, report.matched, report.failed, report.unknown) == (6, 1, 4, 1)
    tags = library.get(ids["0.png"]).tags
    assert "fine" in tags and "half" not in tags


def test_a_dry_run_tells_what_would_happen(library: ls.Library) -> None:
    wrong = [
        rb'{"path": "0.png", "metadata": {"a": NaN}}',
        rb'{"path": "0.png", "metadata": {"a": 1e999}}',
        rb'{"path": "0.png", "tags": [""]}',
        rb'{"path": "0.png", "tags": {"a\u0000b": false}}',
        rb'{"path": "0.png", "id": "a\u0000b"}',
        rb'{"path": "2.png", "id": "mine", "tags": ["cafe\u0301 "]}',
    ]
    data = b"\n".join(wrong)
    dry = library.import_(io.BytesIO(data), dry_run=True)
    done = library.import_(io.BytesIO(data))
    assert (done.matched, done.changed, done.ids, done.failed) == (1, 1, 1, 5)
    assert (dry.matched, dry.changed, dry.ids, dry.failures) == (1, 1, 1, done.failures)
    # A tag is compared as it is stored.
    assert library.import_(io.BytesIO(wrong[-1])).changed == 0


def test_a_list_of_nothing_but_faults_copies_none_of_them(library: ls.Library) -> None:
    """A thousand are told; each of millions more once copied these."""
    data = b'{"x": 1}\n' * 1500 + b'{"path": "nowhere.png"}\n' * 1500
    report = library.import_(io.BytesIO(data), dry_run=True)
    assert (report.failed, report.unknown) == (1500, 1500)
    assert (len(report.failures), len(report.unknown_lines)) == (1000, 1000)
    work = import_._Work(library._parts.truth, lambda path: (), True, {}, {}, report)
    work.fail(9, ls.InputError("wrong"))
    work.unknown(lines.Told(9, id="x"))
    assert work.report.failures is report.failures
    assert work.report.unknown_lines is report.unknown_lines


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "the list: it is empty"),
        (b"a" * 200_000, "columns"),
        (b"[1, 2]", "one JSON document"),
        (b"name,size\na,1\n", "columns"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no text"),
        (b'{"version": 99, "localsearch": "inputs"}\n', "version 99"),
        (b'{"version": 1, "localsearch": "hits"}\n', "no inputs"),
    ],
)
def test_what_is_no_list_is_refused(library: ls.Library, data: bytes, word: str) -> None:
    before = made(library)
    with pytest.raises(ls.InputError, match=word):
        library.import_(io.BytesIO(data))
    assert made(library) == before


def test_a_cut_file_is_noticed(library: ls.Library) -> None:
    file = io.BytesIO()
    library.export(file)
    cut = b"".join(file.getvalue().splitlines(keepends=True)[:4])
    (note,) = library.import_(io.BytesIO(cut)).notes
    assert "7 inputs" in note and "holds 3" in note


def test_the_file_is_replaced_whole_or_not_at_all(library: ls.Library, tmp_path: Path) -> None:
    target = tmp_path / "list"
    target.write_text("old")
    with pytest.raises(ls.Cancelled):
        library.export(target, stop=lambda: True)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if "list" in path.name] == ["list"]
    assert library.export(target) == 7
    assert target.read_bytes().count(b"\n") == 8
    with pytest.raises(ls.InputError):
        library.export(tmp_path)
    with pytest.raises(ls.InputError, match="vectors"):
        library.export(target, "csv", vectors=True)


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_is_followed(library: ls.Library, tmp_path: Path) -> None:
    link, real = tmp_path / "link", tmp_path / "real"
    link.symlink_to(real)
    for data in (b"", b"old"):  # where nothing is yet; over a file
        assert library.export(link) == 7
        assert link.is_symlink() and real.read_bytes().count(b"\n") == 8
        real.write_bytes(data)


@pytest.mark.skipif(os.name == "nt", reason="pipes have no names in folders there")
def test_a_pipe_is_written_not_replaced(library: ls.Library, tmp_path: Path) -> None:
    """Nor is a device: /dev/null would be a file from then on, for all programs."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        assert library.export(pipe) == 7
        assert read.result(30).count(b"\n") == 8
    assert pipe.is_fifo()
    with pytest.raises(ls.InputError, match="is no file"):
        library.backup(pipe, replace=True)
    assert pipe.is_fifo()


def test_a_spreadsheet_runs_nothing(library: ls.Library, photos: Path) -> None:
    write_photo(photos / "=cmd|' !A0.png", 60)
    library.sync()
    ids = ids_by_path(library)
    library.update(ids["=cmd|' !A0.png"], source_url="@SUM(1)")
    file = io.BytesIO()
    library.export(file, "csv")
    rows = list(csv.DictReader(io.StringIO(file.getvalue().decode(), newline="")))
    assert {row["relative_path"] for row in rows} >= {"'=cmd|' !A0.png", "0.png"}
    for row in rows:
        for column, cell in row.items():
            if column not in ("lat", "lon"):
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (column, cell)
    report = library.import_(io.BytesIO(file.getvalue()))
    assert (report.matched, report.changed, report.failed) == (8, 0, 0)


@pytest.mark.skipif(os.name == "nt", reason="paths are Unicode on Windows")
@pytest.mark.parametrize("format", ["ndjson", "csv"])
def test_a_path_that_is_no_unicode_comes_back(photos: Path, tmp_path: Path, format: str) -> None:
    raw = os.path.join(os.fsencode(photos), b"\xff\xe9 caf.png")
    shutil.copy(write_photo(tmp_path / "x.png", 3), raw)
    with open_library(photos, store=tmp_path / "store") as library:
        library.sync()
        (one,) = library.inputs()
        library.tag(one.id, "raw")
        library.export(tmp_path / "list", format)
    with open_library(photos, store=tmp_path / "fresh") as fresh:
        fresh.sync()
        assert fresh.import_(tmp_path / "list").ids == 1
        assert dict(fresh.get(one.id).tags) == {"raw": True}


def test_changes_while_it_is_exported_tear_nothing(
    library: ls.Library, monkeypatch: pytest.MonkeyPatch, photos: Path
) -> None:
    """Every input that is there all the time stands in the file once, whatever it does."""
    from localsearch.exchange import export

    monkeypatch.setattr(export, "_PAGE", 1)
    ids = [id for id in ids_by_path(library).values() if id != "my-own"]

    def meddle(event: ls.Progress) -> None:
        library.remove(ids)  # new rows when they come back
        library.restore(ids)

    file = io.BytesIO()
    library.export(file, progress=meddle)
    told = [json.loads(line)["id"] for line in file.getvalue().splitlines()[1:]]
    assert sorted(told) == sorted(made(library))


_tag_names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@given(st.dictionaries(_tag_names, st.booleans(), max_size=4))
def test_tags_as_text_come_back(tags: dict[str, bool]) -> None:
    assert lines.tags_from(lines.tags_text(tags)) == tags


@given(st.sampled_from(lines.COLUMNS), st.text(st.characters(codec="utf-8")))
def test_a_cell_comes_back(column: str, text: str) -> None:
    cell = lines._cell(column, text)
    assert lines._uncell(column, cell) == text
    if column in lines._TEXT_COLUMNS:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_an_input_error(data: bytes) -> None:
    from localsearch.exchange.reading import lines_in

    try:
        with lines_in(io.BytesIO(data)) as found:
            for one in found:
                assert isinstance(one, lines.Told) or isinstance(one[1], ls.InputError)
    except ls.InputError:
        pass

"""One input as one line: the keys and columns of an export, and how a line is read back.

Pure: opens nothing. Invariants: keys and columns are added, never renamed; what `line_of` writes,
`told_of` reads as the same id, place, content, tags, metadata and source, to the byte.

A cell of a spreadsheet that begins with `= + - @`, a tab or a line break would be run as a
formula: a text that begins so, or with an apostrophe, gets one apostrophe in front (spreadsheets
hide it), which reading takes off again. Numbers are no texts and stay as they are.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from localsearch.catalog.input_reads import InputRow, is_text
from localsearch.catalog.inputs import document_of
from localsearch.catalog.tags import stored_name
from localsearch.deferred import dataclass
from localsearch.errors import InputError
from localsearch.records import ConceptValue, Input

VERSION: Final = 1
"""Of the lines; raised only if a key had to change its meaning. Frozen."""

MARK: Final = "inputs"
"""Value of the key `localsearch` in the first line: what the lines are. Frozen."""

COLUMNS: Final = (
    *("id", "root", "relative_path", "path", "state", "removed", "digest", "size", "width"),
    *("height", "format", "taken_at", "lat", "lon", "camera", "tags", "metadata", "source_url"),
    *("created_at", "modified_at", "concepts", "relative_path_b64", "path_b64"),
)
"""Columns of the CSV form, in order; new ones come at the end. Frozen."""

_FORMULA: Final = re.compile(r"[=+\-@\t\r\n']")
_TEXT_COLUMNS: Final = frozenset(COLUMNS) - {"size", "width", "height", "lat", "lon", "removed"}


@dataclass(frozen=True, slots=True)
class Told:
    """What one line says of an input. None: it says nothing, so that stays as it is.

    `relative` is a path in the root `root`; `path` is absolute, or relative to any root.
    """

    line: int
    id: str | None = None
    root: str | None = None
    relative: bytes | None = None
    path: bytes | None = None
    digest: bytes | None = None
    tags: Mapping[str, bool] | None = None
    metadata: Mapping[str, Any] | None = None
    source_url: str | None = None
    removed: bool | None = None

    @property
    def name(self) -> str:
        """What to call it in a report."""
        place = self.relative if self.relative is not None else self.path
        if place is not None:
            return place.decode("utf-8", "replace")
        return self.id or (self.digest.hex() if self.digest else "")


def line_of(
    row: InputRow,
    one: Input,
    path: bytes | None,
    concepts: Sequence[ConceptValue] | None = None,
    vector: bytes | None = None,
) -> dict[str, Any]:
    """The keys of one input. `path`: its absolute native path; `vector`: little-endian float16."""
    relative = row.relative if row.root is not None else None
    line: dict[str, Any] = {"id": one.id, "root": one.root}
    line |= _path_keys("relative_path", relative) | _path_keys("path", path)
    names = ("state", "reason", "removed", "digest", "size", "width", "height", "format")
    line |= {name: getattr(one, name) for name in names}
    line |= {"taken_at": one.taken_at, "lat": one.lat, "lon": one.lon, "camera": one.camera}
    line |= {"tags": dict(one.tags), "metadata": dict(one.metadata), "source_url": one.source_url}
    line |= {"created_at": one.created_at, "modified_at": one.modified_at}
    if concepts is not None:
        line["concepts"] = [{"id": c.id, "name": c.name, "value": c.value} for c in concepts]
    if vector is not None:
        line["vector_f16_b64"] = base64.b64encode(vector).decode("ascii")
    return line


def _path_keys(name: str, raw: bytes | None) -> dict[str, str | None]:
    """The path as text; its bytes in base64 beside it where they are no Unicode."""
    if raw is None:
        return {name: None}
    try:
        return {name: raw.decode("utf-8")}
    except UnicodeDecodeError:
        exact = base64.b64encode(raw).decode("ascii")
        return {name: raw.decode("utf-8", "replace"), f"{name}_b64": exact}


def json_line(line: Mapping[str, Any]) -> bytes:
    """A line of NDJSON in UTF-8; halves of characters, which UTF-8 has not, stay escaped."""
    text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(line, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def cells_of(line: Mapping[str, Any]) -> list[str]:
    """A line as the cells of `COLUMNS`."""
    flat = {
        **line,
        "removed": str(line["removed"]).lower(),
        "tags": tags_text(line["tags"]),
        "metadata": json.dumps(line["metadata"], ensure_ascii=False) if line["metadata"] else "",
        "concepts": ";".join(f"{c['name']}={c['value']:.4f}" for c in line.get("concepts", ())),
    }
    return [_cell(column, flat.get(column)) for column in COLUMNS]


def _cell(column: str, value: object) -> str:
    text = "" if value is None else str(value)
    if column in _TEXT_COLUMNS and _FORMULA.match(text):
        text = f"'{text}"
    return text.encode("utf-8", "replace").decode()


def _uncell(column: str, text: str) -> str:
    guarded = column in _TEXT_COLUMNS and text.startswith("'") and _FORMULA.match(text[1:])
    return text[1:] if guarded else text


def tags_text(tags: Mapping[str, bool]) -> str:
    r"""`pet=true;home=false`; a `;`, `=` or `\` inside a name has a `\` before it."""
    escaped = {re.sub(r"([;=\\])", r"\\\1", name): value for name, value in tags.items()}
    return ";".join(f"{name}={str(value).lower()}" for name, value in escaped.items())


def tags_from(text: str) -> dict[str, bool]:
    """The tags of such a text; a name alone is true. Raises InputError."""
    found = {}
    for item in re.findall(r"(?:\\.|[^;\\])+", text, re.DOTALL):
        name, value = item, "true"
        cut = re.fullmatch(r"((?:\\.|[^=\\])*)=((?:\\.|[^\\])*)", item, re.DOTALL)
        if cut is not None:
            name, value = cut[1], cut[2].strip().lower()
        if value not in ("true", "false"):
            raise InputError(f"a tag is true or false, not {value!r}")
        if name.strip():
            found[re.sub(r"\\(.)", r"\1", name, flags=re.DOTALL).strip()] = value == "true"
    return found


# ---------------------------------------------------------------- reading


def told_of_json(text: str, line: int) -> Told | None:
    """What a line of NDJSON says; None for the first line of an export. Raises InputError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise InputError(f"it is no JSON: {fault}") from fault
    if not isinstance(found, dict):
        raise InputError("it is no JSON object")
    if "localsearch" in found:
        check_header(found)
        return None
    return told_of(found, line)


def check_header(found: Mapping[str, Any]) -> None:
    """InputError for the first line of something else, or of a newer export."""
    if found["localsearch"] != MARK:
        raise InputError(f"these are no {MARK}, but {found['localsearch']!r}")
    version = found.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise InputError(
            f"its lines have version {version!r}, this program knows up to {VERSION}",
            hint="install a newer localsearch",
        )


def told_of_cells(cells: Mapping[str, str], line: int) -> Told:
    """What a line of CSV says; an empty cell says nothing. Raises InputError."""
    found: dict[str, Any] = {
        column: _uncell(column, text) for column, text in cells.items() if text not in ("", None)
    }
    if "tags" in found:
        found["tags"] = tags_from(found["tags"])
    if "metadata" in found:
        found["metadata"] = _json_of(found["metadata"])
    if "removed" in found:
        word = found["removed"].strip().lower()
        if word not in ("true", "false"):
            raise InputError(f"removed is true or false, not {word!r}")
        found["removed"] = word == "true"
    return told_of(found, line)


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise InputError(f"its metadata is no JSON: {fault}") from fault


def told_of(found: Mapping[str, Any], line: int) -> Told:
    """What the keys of a line say; those that are not known are passed over. InputError."""
    told = Told(
        line,
        id=_text(found, "id"),
        root=_text(found, "root"),
        relative=_path(found, "relative_path"),
        path=_path(found, "path"),
        digest=_digest(found),
        tags=_tags(found.get("tags")),
        metadata=_metadata(found),
        source_url=_text(found, "source_url"),
        removed=_typed(found, "removed", bool, "true or false"),
    )
    if told.id is None and told.relative is None and told.path is None and told.digest is None:
        raise InputError("it names no input: none of id, relative_path, path and digest")
    return told


def _typed(found: Mapping[str, Any], key: str, kind: type, allowed: str) -> Any:
    value = found.get(key)
    if value is not None and not isinstance(value, kind):
        raise InputError(f"{key} is {allowed}, not {value!r:.60}")
    return value


def _text(found: Mapping[str, Any], key: str) -> str | None:
    text: str | None = _typed(found, key, str, "a text")
    if text and not is_text(text):
        raise InputError(f"{key} is no UTF-8")
    return text or None


def _path(found: Mapping[str, Any], key: str) -> bytes | None:
    exact = _text(found, f"{key}_b64")
    text = _typed(found, key, str, "a text") or None
    try:
        raw = base64.b64decode(exact, validate=True) if exact is not None else None
        if raw is None and text is not None:
            raw = text.encode("utf-8", "surrogateescape")  # a list may hold names as they are
    except ValueError as fault:
        raise InputError(f"{key} cannot be read: {fault}") from fault
    if raw is not None and b"\0" in raw:
        raise InputError(f"{key} holds a NUL")
    return raw


def _digest(found: Mapping[str, Any]) -> bytes | None:
    text = _text(found, "digest")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise InputError("digest is 64 hex digits")
    return bytes.fromhex(text)


def _metadata(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The document, if it can be kept: Python reads NaN and 1e999, which JSON has not."""
    value: Mapping[str, Any] | None = _typed(found, "metadata", dict, "an object")
    if value is not None:
        document_of(value)
    return value


def _tags(value: Any) -> dict[str, bool] | None:
    """A mapping, or names alone: then it is so. Names are as they will be stored."""
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {stored_name(name): True for name in value}
    if not isinstance(value, dict) or not all(isinstance(said, bool) for said in value.values()):
        raise InputError("tags are names, or an object of names with true or false")
    return {stored_name(name): said for name, said in value.items()}

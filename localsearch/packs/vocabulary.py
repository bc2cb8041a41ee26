"""The concepts of a pack without a classifier: a table, and the prompts that give them vectors.

Reads tables of packs and a user's list; never runs a network. Invariant: what `zero_shot_table`
gives is a concept table whose every probe is one of its rows, in order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from localsearch.deferred import NamedTuple
from localsearch.errors import InputError
from localsearch.pack.vocabulary import HEADER, MOST, Vocabulary, folded, kind_of

PROMPTS: Final = ("a photo of {}.", "a photo of a {}.", "a photo with {} in it.", "{}")
"""What a concept is said in; the vector of a concept is the mean of theirs.

Four, with and without an article: names are things (dog), stuffs (snow) and doings (walking)."""


SOURCE_OF_LIST: Final = "a vocabulary of the user's, said in prompts"
"""Where the concepts of a user's own list come from, as a manifest says it."""


class Said(NamedTuple):
    """A concept table, and of each of its probes the name that prompts are made of."""

    table: str
    names: tuple[str, ...]


class Row(NamedTuple):
    """A concept without what gives it: a line of a table, or of a user's list."""

    id: str
    name: str
    synonyms: str
    parents: str
    definition: str


def zero_shot_table(vocabulary: Vocabulary) -> Said:
    """All concepts of a pack as probes of the vector."""
    return _said([], _rows(vocabulary))


def beside_classes(vocabulary: Vocabulary, own: Sequence[Row] | None = None) -> Said:
    """Classes and ancestors of a pack as its classifier gives them; the others, or `own`, probes.

    Those that a probe of that pack gives are given by one of the vector here: its probes read
    another one.
    """
    inner, others, probed = list[str](), list[Row](), list[str]()
    for row, output in zip(_rows(vocabulary), vocabulary.outputs, strict=True):
        if kind_of(output) == "probe":
            others.append(row)
            continue
        left, plus, _ = output.partition("+probe:")
        if plus:
            left += f"+probe:{len(probed)}"
            probed.append(row.name)
        inner.append(_line(row, left))
    return _said(inner, others if own is None else own, probed)


def read_list(path: Path) -> list[Row]:
    """A user's own vocabulary: a concept a line, its synonyms behind a tab, between bars.

    Empty lines and those that begin with # are passed over. Raises InputError with the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"{path} cannot be read: {fault}") from fault
    found, seen = list[Row](), dict[str, int]()
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, *rest = (part.strip() for part in line.split("\t"))
        key = folded(name)
        if not key or len(rest) > 1:
            raise InputError(
                f"{path}, line {number}: expected a name, or a name, a tab and its synonyms"
            )
        if key in seen:
            raise InputError(f"{path}, line {number}: {name} stands in line {seen[key]} already")
        seen[key] = number
        synonyms = "|".join(one.strip() for one in "".join(rest).split("|") if one.strip())
        # The number keeps ids apart where names have no letters of ASCII.
        slug = re.sub(r"[^a-z0-9]+", "-", key).strip("-")
        found.append(Row(f"u-{slug or number}", name, synonyms, "", ""))
    if not 0 < len(found) <= MOST:
        raise InputError(f"{path} has {len(found)} concepts; 1 to {MOST} can be")
    ids = [row.id for row in found]
    return [
        row._replace(id=f"{row.id}-{at}") if ids.index(row.id) < at else row
        for at, row in enumerate(found)
    ]


def table_of_list(rows: Sequence[Row]) -> Said:
    """The table of a user's own vocabulary."""
    return _said([], rows)


def _said(inner: Sequence[str], others: Sequence[Row], probed: Sequence[str] = ()) -> Said:
    lines = [_line(row, f"probe:{len(probed) + at}") for at, row in enumerate(others)]
    table = "\n".join(["\t".join(HEADER), *inner, *lines]) + "\n"
    return Said(table, (*probed, *(row.name for row in others)))


def _rows(vocabulary: Vocabulary) -> list[Row]:
    return [
        Row(one.id, one.name, "|".join(one.synonyms), "|".join(one.parents), one.definition)
        for one in vocabulary.concepts
    ]


def _line(row: Row, output: str) -> str:
    return "\t".join((row.id, row.name, row.synonyms, row.parents, output, row.definition))

"""Old names: ids and names of the public concepts that programs hard-code, and what they mean here.

One table comes with the house (`known_concepts.tsv`), another may be the user's, whose lines come
first. A line is an old id, an old name and a query in the words of `localsearch.parse`, parted by
tabs; any of the first two may be empty. Never searches. Invariant: every query of a table parses,
or the table is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

import localsearch as ls
from localsearch.deferred import NamedTuple
from localsearch.search.terms import Concept, Not

_BUILT_IN: Final = "known_concepts.tsv"


class OldName(NamedTuple):
    """One line: `meaning` is the query as a term, `own` the name of the concept that it is alone
    ("" where it is more than one concept, or its opposite)."""

    id: str
    name: str
    meaning: ls.Term
    own: str

    @property
    def denied(self) -> Concept | None:
        """The concept whose opposite this is, if it is just that."""
        inner = self.meaning.term if isinstance(self.meaning, Not) else None
        return inner if isinstance(inner, Concept) else None


class OldNames:
    """Looks old ids and names up; of two lines for one, the first counts."""

    def __init__(self, theirs: list[OldName], ours: list[OldName]) -> None:
        self.lines = (*theirs, *ours)
        self._by_id = {one.id: one for one in reversed(self.lines) if one.id}
        self._by_name = {_key(one.name): one for one in reversed(self.lines) if one.name}
        self._theirs = {_key(one.name) for one in theirs}
        self.opposites = tuple(
            one for one in self.lines if isinstance(one.meaning, Not) and one.denied is not None
        )
        self._by_own = {
            _key(one.own): one
            for one in reversed(self.lines)
            if one.id and one.own and _key(one.own) == _key(one.name)
        }

    @classmethod
    def read(cls, path: Path | None) -> OldNames:
        """The table of the house, and the user's before it. Raises InputError for one that
        cannot be read or understood."""
        text = files(__package__).joinpath(_BUILT_IN).read_text(encoding="utf-8")
        ours = list(_lines(text, _BUILT_IN))
        return cls([] if path is None else list(_lines(_text_of(path), str(path))), ours)

    def by_id(self, id: str) -> OldName | None:
        """The line of an old id."""
        return self._by_id.get(id)

    def by_name(self, name: str) -> OldName | None:
        """The line of an old name."""
        return self._by_name.get(_key(name))

    def is_users(self, name: str) -> bool:
        """Whether the user's own table says what this name means."""
        return _key(name) in self._theirs

    def of_concept(self, name: str) -> OldName | None:
        """The line whose old name is that of one of our concepts, and means just it: the id by
        which old programs know the concept."""
        return self._by_own.get(_key(name))


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ls.InputError(
            f"the table of concepts {path} cannot be read: {error}",
            hint="a text of lines: old id, old name, query, parted by tabs",
        ) from error


def _lines(text: str, where: str) -> Iterator[OldName]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [each.strip() for each in line.split("\t")]
        if number == 1 and fields[:1] == ["id"]:
            continue
        try:
            yield _line(fields)
        except (ls.InputError, ls.QueryError) as error:
            raise ls.InputError(
                f"{where}, line {number}: {error.message}",
                hint="a line is: old id, old name, query, parted by tabs",
            ) from error


def _line(fields: list[str]) -> OldName:
    if len(fields) != 3 or not fields[2] or not (fields[0] or fields[1]):
        raise ls.InputError(f"expected an old id, an old name and a query, found {len(fields)}")
    meaning = ls.parse(fields[2])
    own = meaning.name if isinstance(meaning, Concept) else ""
    return OldName(fields[0], fields[1], meaning, own)

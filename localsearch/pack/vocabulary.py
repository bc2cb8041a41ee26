"""The concepts of a pack by index, id, name and synonym.

Never knows a probability or a photo. Invariant: a concept's index is its line in the table, which
is its column in every array of probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

from localsearch.deferred import NamedTuple
from localsearch.errors import PackDamaged, QueryUnknownConcept

Kind = Literal["class", "ancestor", "probe"]

HEADER = ("id", "name", "synonyms", "parents", "output", "definition")  # frozen
_SPACES = str.maketrans({"_": " ", "-": " "})
_ABSENT = "\0"  # stands for the empty name, which no concept has
_KEPT = 10_000  # names whose look-up is remembered: a search asks for each several times
MOST = 65_535
"""Concepts of a pack: their indices are kept in 16 bits beside each photo."""

_SHOWN = 5  # nearest names in a message: more is no help


class Concept(NamedTuple):
    """One concept. `parents` are ids; `index` is its column in arrays of probabilities."""

    index: int  # type: ignore[assignment]  # hides the method of tuples
    id: str
    name: str
    synonyms: tuple[str, ...]
    parents: tuple[str, ...]
    kind: Kind
    definition: str


class Vocabulary:
    """The concept table; everything but the split into lines is made when first asked for."""

    def __init__(self, text: str, where: str = "concepts.tsv") -> None:
        """Raises PackDamaged where `text` is no concept table; `where` names it in messages."""
        lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
        if tuple(lines[0].split("\t")) != HEADER:
            raise PackDamaged(f"{where} does not begin with the line {' '.join(HEADER)}")
        self._rows = [line.split("\t") for line in lines[1:]]
        if len(self._rows) > MOST:
            raise PackDamaged(f"{where} has {len(self._rows)} concepts; {MOST} are the most")
        self._asked: dict[str, int | None] = {}  # what was looked up, by the name as it was given
        for number, row in enumerate(self._rows, start=2):
            if len(row) != len(HEADER):
                raise PackDamaged(
                    f"{where}, line {number}: expected {len(HEADER)} columns, found {len(row)}"
                )

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def concepts(self) -> tuple[Concept, ...]:
        """All concepts in the order of their index."""
        return tuple(self._concept(index) for index in range(len(self)))

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Their ids, without making records of the rest."""
        return tuple(row[0] for row in self._rows)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Their display names, without making records of the rest."""
        return tuple(row[1] for row in self._rows)

    @property
    def outputs(self) -> Sequence[str]:
        """The column `output` as written: what `probabilities` is built from."""
        return [row[4] for row in self._rows]

    @property
    def parents(self) -> Sequence[tuple[str, ...]]:
        """The ids of the parents of each concept."""
        return [_listed(row[3]) for row in self._rows]

    def find(self, name_or_id: str) -> Concept:
        """The concept of that id, name or synonym, in this order; case, `_` and `-` don't matter.

        Raises QueryUnknownConcept with the nearest names in its hint.
        """
        index = self._index_of(name_or_id)
        if index is None:
            near = self.nearest(name_or_id)
            hint = (
                f"did you mean {', '.join(near)}?" if near else "`localsearch concepts` lists all"
            )
            raise QueryUnknownConcept(f"there is no concept {name_or_id!r}", hint=hint)
        return self._concept(index)

    def knows(self, name_or_id: str) -> bool:
        """Whether `find` would find one; looks for no nearest names."""
        return self._index_of(name_or_id) is not None

    def nearest(self, name: str, limit: int = _SHOWN) -> tuple[str, ...]:
        """Display names whose id, name or synonym looks like `name`, best first."""
        from rapidfuzz import fuzz, process  # only a mistyped word needs it

        wanted = folded(name)
        # Twice as many keys as names wanted: several synonyms may lead to one concept.
        # The first of equal keys stays, as for `find`.
        index = dict(reversed(self._every_key))
        found = process.extract(
            wanted, index.keys(), scorer=fuzz.ratio, limit=4 * limit, score_cutoff=60
        )
        names = [self._rows[index[key]][1] for key, _, _ in found]
        return tuple(dict.fromkeys(names))[:limit]

    def starting_with(self, prefix: str) -> list[Concept]:
        """Concepts whose id, name or a synonym starts with `prefix`, by name; "" gives all."""
        wanted = folded(prefix)
        found = {index for key, index in self._every_key if key.startswith(wanted)}
        return sorted(map(self._concept, found), key=lambda concept: (concept.name, concept.index))

    @cached_property
    def _lines(self) -> str:
        """All folded keys, each between line ends: ids, then names, then synonyms.

        One text, not a dictionary: making that takes longer than all the look-ups of a search.
        """
        rows = self._rows
        columns = [[row[0] for row in rows], [row[1] for row in rows]]
        synonyms = [row[2].replace("|", "\n") for row in rows if row[2]]
        text = "\n".join([*columns[0], *columns[1], *synonyms]).casefold()
        text = text.replace("_", " ").replace("-", " ")
        if " ".join(text.split()) != text.replace("\n", " "):  # blanks not single, or at an end
            text = "\n".join(" ".join(key.split()) for key in text.split("\n"))
        return f"\n{text}\n"

    @cached_property
    def _owners(self) -> list[int]:
        """The index that each line of `_lines` belongs to."""
        every = [*range(len(self))] * 2
        for index, row in enumerate(self._rows):
            every += [index] * len(_listed(row[2]))
        return every

    def _owner(self, line: int) -> int:
        return line % len(self) if line < 2 * len(self) else self._owners[line]

    def _index_of(self, name_or_id: str) -> int | None:
        if name_or_id in self._asked:
            return self._asked[name_or_id]
        # The first of equal keys wins, so ids before names before synonyms.
        place = self._lines.find(f"\n{folded(name_or_id) or _ABSENT}\n")
        found = None if place < 0 else self._owner(self._lines.count("\n", 0, place))
        if len(self._asked) < _KEPT:
            self._asked[name_or_id] = found
        return found

    @property
    def _every_key(self) -> list[tuple[str, int]]:
        """(folded key, index) in the order of `_lines`."""
        return list(zip(self._lines[1:-1].split("\n"), self._owners, strict=True))

    def _concept(self, index: int) -> Concept:
        id, name, synonyms, parents, output, definition = self._rows[index]
        return Concept(
            index, id, name, _listed(synonyms), _listed(parents), kind_of(output), definition
        )


def folded(name: str) -> str:
    """A name as it is compared: case folded, `_` and `-` as blanks, single blanks."""
    return " ".join(name.translate(_SPACES).casefold().split())


def kind_of(output: str) -> Kind:
    """What the column `output` says the concept is: "class:I", "" for an ancestor, or "probe:J".

    With "+probe:J" behind it a class or an ancestor stays one, but its own value is the probe's.
    """
    if not output or output.startswith("+"):
        return "ancestor"
    return "class" if output.startswith("class:") else "probe"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()

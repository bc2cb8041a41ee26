"""The concepts that a search knows: those of the pack, and those that a user taught.

Immutable: whoever teaches, renames or forgets makes a new one. Never computes a probability.
Invariant: a taught concept comes before one of the pack by the same name, which only a pack that
came later can have; so a saved query means for ever what it meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from localsearch.deferred import NamedTuple
from localsearch.errors import QueryUnknownConcept
from localsearch.pack.vocabulary import folded

if TYPE_CHECKING:
    from localsearch.pack import Vocabulary
    from localsearch.segments.probed import Asked, Probe

_SHOWN: Final = 5  # nearest names in a message: more is no help
_ALIKE: Final = 60  # of 100, as for the names of a pack


class TaughtConcept(NamedTuple):
    """A concept by its id and name; `probe` is None where none was learned for this pack."""

    id: str
    name: str
    probe: Probe | None


class Known:
    """Looks names up; the grammar, the clauses and messages ask it. Any thread may."""

    def __init__(self, vocabulary: Vocabulary, taught: Sequence[TaughtConcept] = ()) -> None:
        self.vocabulary = vocabulary
        self.taught = tuple(taught)
        self._by_key = {
            folded(key): one for one in reversed(self.taught) for key in (one.name, one.id)
        }

    def find(self, name_or_id: str) -> Asked:
        """What a live set is asked for by that name or id: an index of the pack, or a probe.

        Raises QueryUnknownConcept with the nearest names in its hint.
        """
        taught = self.taught_as(name_or_id)
        if taught is None:
            return self._in_pack(name_or_id)
        if taught.probe is None:
            raise QueryUnknownConcept(
                f"the concept {taught.name!r} is not learned for this pack",
                hint=f'teach it again: localsearch teach "{taught.name}" --replace ...',
            )
        return taught.probe

    def knows(self, name_or_id: str) -> bool:
        """Whether there is a concept of that name, synonym or id; looks for no nearest names."""
        return self.taught_as(name_or_id) is not None or self.vocabulary.knows(name_or_id)

    def answers(self, name_or_id: str) -> bool:
        """Whether `find` would give one."""
        taught = self.taught_as(name_or_id)
        return self.vocabulary.knows(name_or_id) if taught is None else taught.probe is not None

    def taught_as(self, name_or_id: str) -> TaughtConcept | None:
        """The taught concept of that name or id, or None."""
        return self._by_key.get(folded(name_or_id)) if self._by_key else None

    def nearest(self, name: str) -> tuple[str, ...]:
        """Names that look like it, best first; taught ones before those of the pack."""
        return tuple(dict.fromkeys((*self._near(name), *self.vocabulary.nearest(name))))[:_SHOWN]

    def starting_with(self, prefix: str) -> list[TaughtConcept]:
        """Taught concepts whose name or id begins with `prefix`, by name."""
        wanted = folded(prefix)
        return [
            one
            for one in self.taught
            if folded(one.name).startswith(wanted) or folded(one.id).startswith(wanted)
        ]

    def _in_pack(self, name_or_id: str) -> int:
        try:
            return self.vocabulary.find(name_or_id).index
        except QueryUnknownConcept as error:
            if not self._near(name_or_id):
                raise
            near = ", ".join(self.nearest(name_or_id))
            raise QueryUnknownConcept(error.message, hint=f"did you mean {near}?") from error

    def _near(self, name: str) -> list[str]:
        if not self.taught:
            return []
        from rapidfuzz import fuzz, process  # only a mistyped word needs it

        names = [one.name for one in self.taught]
        found = process.extract(
            folded(name), map(folded, names), scorer=fuzz.ratio, limit=_SHOWN, score_cutoff=_ALIKE
        )
        return [names[place] for _, _, place in found]

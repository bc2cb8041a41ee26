"""What is printed of concepts that were taught, for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import localsearch as ls
from localsearch.cli import terminal
from localsearch.cli.output.keeping import count_of
from localsearch.cli.terminal import Column

_FEW = 10  # positives, below which more of them are the best that one can give


def taught_json(one: ls.Taught) -> dict[str, Any]:
    return asdict(one)


def print_lesson(one: ls.Taught) -> None:
    """How good it is and how sure that is, then what to do next."""
    terminal.say(f"{one.name}: {quality_words(one)}")
    negatives = f"{one.negatives:,} others"
    if one.sampled:
        negatives += f" ({one.sampled:,} taken at random)"
    terminal.say(f"learned from {count_of(one.positives, 'example')} and {negatives}")
    if one.positives > 1:
        terminal.say(
            f"each left out in turn: found {one.found:,} of {one.positives:,} "
            f"(so {one.found_low:.0%} to {one.found_high:.0%} of such photos), "
            f"wrong {one.wrong:,} of {one.negatives:,}"
        )
    if one.quality != "good":
        more = "show it more photos" if one.positives < _FEW else "show it what it takes for one"
        terminal.note(f"to make it better: {more} (--not: photos that only look like it)")
    if not one.stored:
        terminal.say("dry run, nothing was stored")
    else:
        terminal.say(f"next: localsearch search '{ls.concept(one.name)}'")


def quality_words(one: ls.Taught) -> str:
    """`good, average precision 0.93`; or why it cannot be told."""
    if not one.ready:
        return "not learned: this pack knows none of its examples"
    if one.quality == "unknown":
        return "too few examples to tell how good it is"
    return f"{one.quality}, average precision {one.average_precision:.2f}"


def print_taught(found: Sequence[ls.Taught]) -> None:
    """A line a concept."""
    columns = [
        Column("Concept", style="cyan", wrap=True),
        Column("Examples", "right"),
        Column("Others", "right"),
        Column("Quality", wrap=True),
        Column("Id", style="dim"),
    ]
    rows = [
        [one.name, f"{one.positives:,}", f"{one.negatives:,}", quality_words(one), one.id]
        for one in found
    ]
    terminal.draw_table(columns, rows)

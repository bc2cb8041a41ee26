"""Which provider runs a library's networks, what was asked for, and why not another: to be told.

Loads no network. What a sync found out is kept in the catalog, so that `status` knows it in a
process that looks at no photo; what this process found out itself counts more.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Final

from localsearch.catalog import settings
from localsearch.deferred import NamedTuple
from localsearch.library.models import Models
from localsearch.library.parts import Parts

if TYPE_CHECKING:
    from localsearch.encoders.choice import Choice

PROVIDER_SETTING: Final = "provider"
"""Of the catalog: the word of what ran the image network last."""

REASONS_SETTING: Final = "provider reasons"
"""Of the catalog: {"asked": word, "why": [sentence, ...], "warnings": [...]} of that run."""


class Running(NamedTuple):
    """What runs (empty: nothing has run yet), what was asked for, why none that comes before it
    (a sentence each), and what of it should worry somebody."""

    runs: str
    asked: str
    why: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def running(parts: Parts, conn: sqlite3.Connection) -> Running:
    """What is known of it, here or from the last sync."""
    asked = parts.models.wanted_provider
    here = parts.models.choice()
    if here is not None:
        return Running(here.runs, asked, _why(here), warnings_of(parts.models))
    kept = settings.value(conn, REASONS_SETTING, {})
    runs = settings.value(conn, PROVIDER_SETTING, "")
    if kept.get("asked", asked) != asked:
        return Running(runs, asked, (), warnings_of(parts.models))
    why, warnings = tuple(kept.get("why", ())), tuple(kept.get("warnings", ()))
    return Running(runs, asked, why, warnings or warnings_of(parts.models))


def note(parts: Parts, models: Models) -> tuple[str, ...]:
    """Remember what runs the image network of some models, if it does; gives their warnings."""
    choice, warnings = models.choice(), warnings_of(models)
    if choice is None:
        return warnings
    kept = {"asked": choice.asked, "why": [*_why(choice)], "warnings": [*warnings]}
    with parts.truth.catalog.reading() as conn:
        same = settings.value(conn, PROVIDER_SETTING, "") == choice.runs
        same = same and settings.value(conn, REASONS_SETTING) == kept
    if not same:
        with parts.truth.catalog.writing("sync") as conn:
            settings.put(conn, PROVIDER_SETTING, choice.runs)
            settings.put(conn, REASONS_SETTING, kept)
    return warnings


def warnings_of(models: Models) -> tuple[str, ...]:
    """What the networks that are loaded have to tell, each once."""
    return tuple(dict.fromkeys(choice.warning for choice in models.choices() if choice.warning))


def _why(choice: Choice) -> tuple[str, ...]:
    return tuple(f"{word}: {reason}" for word, reason in choice.passed_over)

"""Syncs a few named files and folders, for watchers and apps: milliseconds, no walk of the rest."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from localsearch.catalog import Catalog
from localsearch.catalog import known as known_rows
from localsearch.catalog.truth import Truth
from localsearch.errors import InputError
from localsearch.records import SyncReport
from localsearch.sources.ignore import Ignore
from localsearch.sources.walk import look_at_file
from localsearch.sync import finish
from localsearch.sync.commit import commit_away
from localsearch.sync.lost import Lost
from localsearch.sync.plan import plan_folder
from localsearch.sync.report import Teller, report_of
from localsearch.sync.roots import FoundRoot, place_below
from localsearch.sync.run import Orders, Sums, read_and_commit, settle
from localsearch.sync.survey import RootSurvey, ToRead, lacking_features, native, survey_root


def sync_paths(
    truth: Truth, founds: Sequence[FoundRoot], paths: Sequence[Path], orders: Orders
) -> SyncReport:
    """Sync just these. Raises InputError for a path outside every root."""
    began = time.monotonic()
    teller = Teller(orders.progress)
    of_roots = [
        [_survey_place(truth, found, relative, orders) for relative in _outermost(found, inside)]
        for found, inside in _by_root(founds, paths)
    ]
    surveys = [survey for of_root in of_roots for survey in of_root]
    gone = [had for survey in surveys for _, had in survey.gone]
    lost = Lost(gone, {found.row.key: found.path for found in founds}, whole=False)
    for survey in surveys:
        finish.mark_back(truth.catalog, survey.back)
        commit_away(truth, survey.found.row.key, survey.away)
    to_read = [read for survey in surveys for read in survey.to_read]
    tally = read_and_commit(truth, to_read, lost, orders, teller)
    sums = Sums()
    if not orders.stop():
        settle(truth, of_roots, lost, orders, sums)
    teller.end()
    return report_of(tally, surveys, sums.missing, sums.offline, sums.notes, began, orders.stop())


def _by_root(
    founds: Sequence[FoundRoot], paths: Sequence[Path]
) -> list[tuple[FoundRoot, set[bytes]]]:
    """The relative places that are asked for, each once, root by root."""
    asked: dict[int, tuple[FoundRoot, set[bytes]]] = {}
    for path in paths:
        found, relative = _place_of(founds, path)
        asked.setdefault(found.row.key, (found, set()))[1].add(relative)
    return list(asked.values())


def _outermost(found: FoundRoot, inside: set[bytes]) -> list[bytes]:
    """Without the places that lie in a folder that is asked for too."""
    root = os.fsencode(found.path or "")
    folders = {place for place in inside if os.path.isdir(native(root, place, b""))}

    def covered(place: bytes) -> bool:
        parts = place.split(b"/") if place else []
        above = {b"/".join(parts[:depth]) for depth in range(len(parts))}
        return not folders.isdisjoint(above)

    return sorted(place for place in inside if not covered(place))


def _survey_place(truth: Truth, found: FoundRoot, relative: bytes, orders: Orders) -> RootSurvey:
    assert found.path is not None
    path = native(os.fsencode(found.path), relative, b"")
    survey = RootSurvey(found, below=relative)
    if not os.path.lexists(path):
        _take_vanished(truth.catalog, survey, relative)
    elif not os.path.isdir(path):
        _take_file(truth, survey, relative)
    elif relative and Ignore(found.row.ignore).hides(relative, True) is not None:
        survey.skipped["ignored"] += 1
    else:
        survey = survey_root(
            truth, found, below=relative, stop=orders.stop, list_folder=orders.list_folder
        )
        survey.below = relative
    return survey


def _place_of(founds: Sequence[FoundRoot], path: Path) -> tuple[FoundRoot, bytes]:
    for found in founds:
        if found.path is None:
            continue
        relative = place_below(found.path, path)
        if relative is not None:
            return found, relative
    names = ", ".join(str(found.path) for found in founds if found.path) or "none is online"
    raise InputError(
        f"{path} lies in no photo folder of this library",
        hint=f"its folders: {names}; add one with `localsearch roots add FOLDER`",
    )


def _take_vanished(catalog: Catalog, survey: RootSurvey, relative: bytes) -> None:
    """A file that is gone, or a folder with all that was in it."""
    folder, _, name = relative.rpartition(b"/")
    root = survey.found.row.key
    with catalog.reading() as conn:
        had = known_rows.known_at(conn, root, folder, name)
        if had is not None and had.state != "missing":
            survey.gone.append((folder, had))
        elif had is None:
            below = known_rows.known_below(conn, root, relative)
            survey.gone += [(h.folder, h) for h in below if h.state != "missing"]


def _take_file(truth: Truth, survey: RootSurvey, relative: bytes) -> None:
    """One file, by the rules of the walk."""
    row, root_path = survey.found.row, survey.found.path
    assert root_path is not None
    shown = look_at_file(root_path, relative, Ignore(row.ignore))
    survey.skipped.update(shown.other)
    name = relative.rpartition(b"/")[2]
    with truth.catalog.reading() as conn:
        had = known_rows.known_at(conn, row.key, shown.path, name)
    known = {name: had} if had is not None and shown.photos else {}
    plan = plan_folder(known, shown.photos, lacking_features(truth, known.values()))
    if shown.ignored:
        survey.skipped["ignored"] += 1
        survey.hidden += [had] if had is not None and had.state != "missing" else []
    survey.unchanged += plan.unchanged
    survey.back += plan.back
    survey.away += [(shown.path, sighting, had) for sighting, had in plan.away]
    top = os.fsencode(root_path)
    survey.to_read += [ToRead(row.key, top, shown.path, s, known_) for s, known_ in plan.read]

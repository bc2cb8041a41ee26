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
from localsearch.sources.formats import kind_of_suffix
from localsearch.sources.ignore import Ignore
from localsearch.sources.walk import sighting_of
from localsearch.sync import finish
from localsearch.sync.commit import commit_away
from localsearch.sync.lost import Lost
from localsearch.sync.plan import plan_folder
from localsearch.sync.report import Teller, report_of
from localsearch.sync.roots import FoundRoot
from localsearch.sync.run import Orders, read_and_commit
from localsearch.sync.survey import RootSurvey, ToRead, lacking_features, survey_root


def sync_paths(
    truth: Truth, founds: Sequence[FoundRoot], paths: Sequence[Path], orders: Orders
) -> SyncReport:
    """Sync just these. Raises InputError for a path outside every root."""
    began = time.monotonic()
    teller = Teller(orders.progress)
    surveys = [_survey_path(truth, founds, path, orders) for path in paths]
    gone = [had for survey in surveys for _, had in survey.gone]
    lost = Lost(gone, {found.row.key: found.path for found in founds}, whole=False)
    for survey in surveys:
        finish.mark_back(truth.catalog, survey.back)
        commit_away(truth, survey.found.row.key, survey.away)
    to_read = [read for survey in surveys for read in survey.to_read]
    tally = read_and_commit(truth, to_read, lost, orders, teller)
    missing = offline = 0
    if not orders.stop():
        for survey in surveys:
            more_missing, more_offline = finish.settle(
                truth.catalog, survey, lost.moved, allow_removals=orders.allow_removals
            )
            missing, offline = missing + more_missing, offline + more_offline
    teller.end()
    return report_of(tally, surveys, missing, offline, (), began, orders.stop())


def _survey_path(
    truth: Truth, founds: Sequence[FoundRoot], path: Path, orders: Orders
) -> RootSurvey:
    found, relative = _place_of(founds, path)
    assert found.path is not None
    if path.is_dir():
        return survey_root(
            truth, found, below=relative, stop=orders.stop, list_folder=orders.list_folder
        )
    folder, _, name = relative.rpartition(b"/")
    survey = RootSurvey(found, below=relative)
    if not os.path.lexists(path):
        _take_vanished(truth.catalog, survey, relative, folder, name)
    elif Ignore(found.row.ignore).ignored(relative, False) is not None:
        survey.skipped["ignored"] += 1
    elif kind_of_suffix(path.suffix) == "other":
        survey.skipped[path.suffix.lower() or "no suffix"] += 1
    else:
        _take_file(truth, survey, path, folder, name)
    return survey


def _place_of(founds: Sequence[FoundRoot], path: Path) -> tuple[FoundRoot, bytes]:
    for found in founds:
        if found.path is None:
            continue
        for candidate in (path, _resolved_parent(path)):
            if candidate == found.path or found.path in candidate.parents:
                inside = candidate.relative_to(found.path).as_posix()
                return found, b"" if inside == "." else os.fsencode(inside)
    names = ", ".join(str(found.path) for found in founds if found.path) or "none is online"
    raise InputError(
        f"{path} lies in no photo folder of this library",
        hint=f"its folders: {names}; add one with `localsearch roots add FOLDER`",
    )


def _resolved_parent(path: Path) -> Path:
    """The path with its folder resolved (macOS: /tmp is a link), the file itself left as named."""
    return path.parent.resolve() / path.name


def _take_vanished(
    catalog: Catalog, survey: RootSurvey, relative: bytes, folder: bytes, name: bytes
) -> None:
    with catalog.reading() as conn:
        had = known_rows.known_in(conn, survey.found.row.key, folder).get(name)
        if had is not None and had.state != "missing":
            survey.gone.append((folder, had))
        below = known_rows.folders_of(conn, survey.found.row.key) if had is None else []
        for known_folder in below:
            if known_folder == relative or known_folder.startswith(relative + b"/"):
                known = known_rows.known_in(conn, survey.found.row.key, known_folder)
                survey.gone += [(known_folder, h) for h in known.values() if h.state != "missing"]


def _take_file(truth: Truth, survey: RootSurvey, path: Path, folder: bytes, name: bytes) -> None:
    row = survey.found.row
    with truth.catalog.reading() as conn:
        had = known_rows.known_at(conn, row.key, folder, name)
    known = {name: had} if had is not None else {}
    plan = plan_folder(known, [sighting_of(path)], lacking_features(truth, known.values()))
    survey.unchanged += plan.unchanged
    survey.back += plan.back
    survey.away += [(folder, sighting, had) for sighting, had in plan.away]
    root_path = os.fsencode(survey.found.path or "")
    survey.to_read += [ToRead(row.key, root_path, folder, s, known_) for s, known_ in plan.read]

"""Plain records that rooms hand to each other; frozen, without behaviour or I/O.

Imports nothing of the house but its own files, and nothing heavy; arrays are named in types only.
A file of it is loaded when one of its names is first asked for: making a record's class takes
nearly a millisecond, and a search needs few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localsearch.records.alike import DuplicateGroup, DuplicatePhoto, Duplicates
    from localsearch.records.explained import Explained, Explanation
    from localsearch.records.hits import ConceptValue, Hit, Ranked, Why
    from localsearch.records.inputs import Input
    from localsearch.records.lists import Added, Change, Changes, ConceptInfo, Note, Root
    from localsearch.records.originals import Original
    from localsearch.records.pictures import Facts, Picture, Refusal
    from localsearch.records.reports import (
        BackupReport,
        Compacted,
        Finding,
        ImportReport,
        Progress,
        Recovered,
        ReindexReport,
        Status,
        SyncEstimate,
        SyncReport,
    )
    from localsearch.records.states import ELSEWHERE, FAILED, STATES
    from localsearch.records.taught import Taught

__all__ = [
    "ELSEWHERE",
    "FAILED",
    "STATES",
    "Added",
    "BackupReport",
    "Change",
    "Changes",
    "Compacted",
    "ConceptInfo",
    "ConceptValue",
    "DuplicateGroup",
    "DuplicatePhoto",
    "Duplicates",
    "Explained",
    "Explanation",
    "Facts",
    "Finding",
    "Hit",
    "ImportReport",
    "Input",
    "Note",
    "Original",
    "Picture",
    "Progress",
    "Ranked",
    "Recovered",
    "Refusal",
    "ReindexReport",
    "Root",
    "Status",
    "SyncEstimate",
    "SyncReport",
    "Taught",
    "Why",
]

_FILES = {
    "Added": "lists",
    "BackupReport": "reports",
    "Change": "lists",
    "Changes": "lists",
    "Compacted": "reports",
    "ConceptInfo": "lists",
    "ConceptValue": "hits",
    "DuplicateGroup": "alike",
    "DuplicatePhoto": "alike",
    "Duplicates": "alike",
    "Explained": "explained",
    "Explanation": "explained",
    "ELSEWHERE": "states",
    "FAILED": "states",
    "Facts": "pictures",
    "Finding": "reports",
    "Hit": "hits",
    "ImportReport": "reports",
    "Input": "inputs",
    "Note": "lists",
    "Original": "originals",
    "Picture": "pictures",
    "Progress": "reports",
    "Ranked": "hits",
    "Recovered": "reports",
    "ReindexReport": "reports",
    "Refusal": "pictures",
    "Root": "lists",
    "STATES": "states",
    "Status": "reports",
    "SyncEstimate": "reports",
    "SyncReport": "reports",
    "Taught": "taught",
    "Why": "hits",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
    globals()[name] = value
    return value

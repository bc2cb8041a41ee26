"""Packs as a user sees them: which there are, what is in one, how one comes and goes.

`installed` reads; `pull` (of the `catalogue`), `add` and `export` bring one to the user's `own`,
`calibrate` fits its scores anew, `remove` takes it away. Never changes a library. Only `pull` and
`export` have anything fetched, when they are called. What a pack computes is not known here.
"""

from localsearch.packs.add import add_pack
from localsearch.packs.calibrate import Calibrated, calibrate_pack
from localsearch.packs.catalogue import Entry, RemoteFile, read_catalogue
from localsearch.packs.export import Exported, export_pack
from localsearch.packs.export.options import ExportOptions
from localsearch.packs.installed import PackInfo, concepts_of, list_packs, show_pack, verify_pack
from localsearch.packs.pull import Pulled, pull_pack
from localsearch.packs.remove import Removable, removable, remove_pack
from localsearch.packs.standing import is_installed
from localsearch.packs.trial import predict

__all__ = [
    "Calibrated",
    "Entry",
    "ExportOptions",
    "Exported",
    "PackInfo",
    "Pulled",
    "RemoteFile",
    "Removable",
    "add_pack",
    "calibrate_pack",
    "concepts_of",
    "export_pack",
    "is_installed",
    "list_packs",
    "predict",
    "pull_pack",
    "read_catalogue",
    "removable",
    "remove_pack",
    "show_pack",
    "verify_pack",
]

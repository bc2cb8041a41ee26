"""Publishing: the tail becomes segments, segments become fewer, leftovers are swept.

`plan` decides (pure), `build` writes and names, `merge` makes one of several, `sweep` deletes.
Never changes an input. Write order: files, each synced, their folder, open and probe, then the
catalog names them; so a crash at any point leaves the old list valid and at worst a folder that is
swept later.
"""

from localsearch.publish.build import PublishReport, publish, replace_damaged
from localsearch.publish.merge import compact_segments, is_due, merge_segments
from localsearch.publish.renew import switch_pack
from localsearch.publish.sweep import sweep_segments

__all__ = [
    "PublishReport",
    "compact_segments",
    "is_due",
    "merge_segments",
    "publish",
    "replace_damaged",
    "sweep_segments",
    "switch_pack",
]

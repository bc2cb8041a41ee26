"""Publishing: the tail becomes segments, damaged segments are built anew, leftovers are swept.

`plan` decides (pure), `build` writes and names, `sweep` deletes. Never changes an input. Write
order: files, each synced, their folder, open and probe, then the catalog names them; so a crash
at any point leaves the old list valid and at worst a folder that is swept later.
"""

from localsearch.publish.build import PublishReport, publish, replace_damaged
from localsearch.publish.sweep import sweep_segments

__all__ = ["PublishReport", "publish", "replace_damaged", "sweep_segments"]

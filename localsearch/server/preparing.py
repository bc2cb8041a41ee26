"""What a server does before somebody asks, so that the first ones do not wait for it.

In the background; a server answers all the same while it is under way, or if it fails.
"""

from __future__ import annotations

import localsearch as ls
from localsearch.log import logger


def prepare(library: ls.Library) -> None:
    """Build what is due, a graph too, and load the one that is there. Never raises."""
    try:
        if not library.read_only:
            library.tend()
        indexed = next((one for one in library.inputs("ok")), None)
        if indexed is not None:
            library.search(ls.like(id=indexed.id), limit=1)  # its first visual query loads a graph
    except ls.LocalsearchError as error:
        logger().info("not prepared: %s", error)

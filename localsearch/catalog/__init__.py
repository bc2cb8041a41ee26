"""The truth of a store: inputs, tags, roots, features, thumbnails, and which segments exist.

One file a table, each a module of functions that take the connection of a transaction of
`Catalog` first; `features` and `thumbnails` are files of their own. Never decodes a picture, never
touches a photo, never knows a score. SQL stands in this room only.
"""

from localsearch.catalog.catalog import FILE_NAME, Catalog, create_catalog, open_catalog

__all__ = ["FILE_NAME", "Catalog", "create_catalog", "open_catalog"]

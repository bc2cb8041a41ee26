"""The only client sockets of the house: for pictures that were allowed, for packs asked for.

`hosts` finds a host and makes a line to it; `pictures` fetches a picture under strict guard;
`streams` fetches a large file piece by piece, by the `proxies` of the environment. Stores nothing,
knows no library and no pack. Nothing is fetched that a caller did not ask for.
"""

from localsearch.net.hosts import refused_because
from localsearch.net.pictures import DEFAULT_LIMITS, FetchLimits, fetch
from localsearch.net.streams import Stream, StreamLimits, Trust, open_stream

__all__ = [
    "DEFAULT_LIMITS",
    "FetchLimits",
    "Stream",
    "StreamLimits",
    "Trust",
    "fetch",
    "open_stream",
    "refused_because",
]

"""The handle that programs hold: opens a store and composes the flows over it.

What one flow needs of another (publishing after a commit, rebuilding a damaged segment) is handed
over here, as an argument; flows never import each other.
"""

from localsearch.library.handle import Library
from localsearch.library.opening import find_store, init, open

__all__ = ["Library", "find_store", "init", "open"]

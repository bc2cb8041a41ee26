"""The module where the old client kept all its classes: programs imported from both places."""

from __future__ import annotations

from localsearch.rest import *  # noqa: F403 - the same names, whatever they become
from localsearch.rest import __all__ as __all__

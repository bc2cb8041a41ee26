"""A room that is imported when it is first asked for: a concept search needs no network."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from localsearch.catalog.forks import inside


class Later:
    """Stands for a module until one of its names is wanted."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        # An import that a fork cuts off in the parent would never end in the child.
        with inside():
            value = getattr(import_module(self._name), name)
        setattr(self, name, value)
        return value

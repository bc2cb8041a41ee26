"""The description of the wire for programs (OpenAPI 3.1), with this server's address in it.

Reads the file beside the room that knows the wire; adds the address and how to show a key.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import localsearch


def description(base: str, *, with_keys: bool) -> dict[str, Any]:
    """The document, as `/openapi.json` gives it."""
    told = dict(_document())
    told["info"] = {**told["info"], "version": localsearch.__version__}
    told["servers"] = [{"url": base}]
    if with_keys:
        told["security"] = [{"key": []}]
    return told


@cache
def _document() -> dict[str, Any]:
    text = files("localsearch.clarifai").joinpath("openapi.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document

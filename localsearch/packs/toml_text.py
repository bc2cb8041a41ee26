"""A manifest as TOML: plain values, lists of them, tables, and lists of tables.

Pure. Invariant: `tomllib` gives back what was written, in the same order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def toml_of(table: Mapping[str, Any]) -> str:
    """The document of a table; what is plain stands before the tables below it."""
    return "\n".join(_sections("", table)).lstrip("\n") + "\n"


def _sections(path: str, table: Mapping[str, Any]) -> list[str]:
    lines, below = list[str](), list[str]()
    for key, value in table.items():
        name = key if _BARE.fullmatch(key) else _value(key)
        inner = f"{path}.{name}" if path else name
        if isinstance(value, Mapping):
            head = (
                []
                if value and all(isinstance(v, Mapping) for v in value.values())
                else ["", f"[{inner}]"]
            )
            below += [*head, *_sections(inner, value)]
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for one in value:
                below += ["", f"[[{inner}]]", *_sections(inner, one)]
        else:
            lines.append(f"{name} = {_value(value)}")
    return lines + below


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, and so is its quotation mark; DEL is the one that JSON leaves.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, int):
        return repr(int(value))
    raise TypeError(f"no value of a manifest: {value!r}")

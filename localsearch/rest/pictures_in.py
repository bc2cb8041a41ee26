"""The picture that a caller gives: a file, a file object, bytes or base64, read once.

Takes whatever the old client's documentation shows, also what that client itself refused: base64
as text, wrapped or as a data URI, and any object whose `read` gives bytes.
"""

from __future__ import annotations

import base64 as coding
import os
import re
from pathlib import Path
from typing import Any

from localsearch.rest.errors import UserError

_DATA_URI = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)


def base64_text(value: Any) -> str:
    """Base64 as text, without white space or the head of a data URI. Raises UserError."""
    if isinstance(value, bytes | bytearray):
        try:
            value = bytes(value).decode("ascii")
        except UnicodeDecodeError as error:
            raise UserError(
                "this is no base64, but bytes", hint="encoded pictures go in as bytes"
            ) from error
    if not isinstance(value, str):
        raise UserError(f"base64 is text or bytes, not {type(value).__name__}")
    text = "".join(value.split())
    head = _DATA_URI.match(text)
    return text[head.end() :] if head else text


def base64_of_bytes(data: Any, name: str) -> bytes:
    """The base64 of an encoded picture. Raises UserError for anything but bytes."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise UserError(
            f"{name} takes the bytes of a picture, not {type(data).__name__}",
            hint="open files with mode 'rb'; base64 text has an argument of its own",
        )
    return coding.b64encode(data)


def base64_of_file(filename: str | os.PathLike[str]) -> bytes:
    """The base64 of a file's bytes. Raises UserError if it is no file."""
    path = Path(filename)
    if not path.exists():
        raise UserError(f"Invalid file path {path}. Please check!")
    if not path.is_file():
        raise UserError(f"Not a regular file {path}. Please check!")
    return coding.b64encode(path.read_bytes())


def base64_of_object(file: Any) -> bytes:
    """The base64 of all bytes of a file object, from its beginning; it is left open."""
    if hasattr(file, "getvalue"):
        data = file.getvalue()
    elif hasattr(file, "read"):
        if hasattr(file, "seek") and getattr(file, "seekable", lambda: True)():
            file.seek(0)
        data = file.read()
    else:
        raise UserError(
            f"{type(file).__name__} is no file object", hint="it needs a `read` that gives bytes"
        )
    if not isinstance(data, bytes | bytearray | memoryview):
        raise UserError("this file object gives text, not bytes", hint="open it with mode 'rb'")
    return coding.b64encode(data)

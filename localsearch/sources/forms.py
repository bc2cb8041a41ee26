"""Every form in which a caller may hand over a picture, as encoded bytes.

A `str` or path is always a file, never a URL and never base64: those have their own functions.
Pictures in memory become lossless PNG (TIFF for the colour modes that PNG lacks). Decodes nothing.
"""

from __future__ import annotations

import binascii
import io
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from localsearch.deferred import NamedTuple
from localsearch.errors import InputError, PictureError
from localsearch.sources.limits import DEFAULT_LIMITS, Limits, check_bytes

if TYPE_CHECKING:
    from PIL import Image

_ALLOWED = (
    "a path, encoded bytes, a binary file object, a PIL image, or a uint8 array of shape "
    "HxWx3 (RGB), HxW or HxWx4"
)
_PNG_MODES = frozenset(("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"))
_TIFF_MODES = frozenset(("CMYK", "YCbCr", "LAB", "F"))


class Encoded(NamedTuple):
    """Encoded bytes of a picture. `path`: absolute, None without a file. `name`: for messages."""

    data: bytes
    path: Path | None
    name: str


def encoded_of(source: Any, *, limits: Limits = DEFAULT_LIMITS) -> Encoded:
    """The encoded bytes of any source.

    Raises InputError for a wrong type or shape, PictureError "unreadable" for a file that cannot
    be read and "too-large" for one over `limits.max_bytes` (a file is then not read).
    """
    if isinstance(source, str | os.PathLike):
        return _of_file(_path_of(source), limits)
    if isinstance(source, bytes | bytearray | memoryview):
        return Encoded(_bounded(bytes(source), limits), None, "")
    if hasattr(source, "__array_interface__") and not hasattr(source, "tobitmap"):
        return Encoded(_of_array(source), None, "")
    if hasattr(source, "tobitmap"):  # only PIL images have it; tells without importing Pillow
        return Encoded(_of_image(source), None, "")
    if hasattr(source, "read"):
        return _of_stream(source, limits)
    raise InputError(f"a {type(source).__name__} is no picture", hint=f"give {_ALLOWED}")


def from_base64(text: str | bytes) -> bytes:
    """Bytes from base64 or a data URI; white space, missing padding and `-_` are tolerated.

    Raises InputError.
    """
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)
    if raw[:5].lower() == b"data:":
        head, comma, raw = raw.partition(b",")
        if not comma or not head.rstrip().lower().endswith(b";base64"):
            raise InputError("a data URI must hold ;base64, and then the picture")
        raw = unquote_to_bytes(raw)
    raw = re.sub(rb"\s+", b"", raw).rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    try:
        decoded = binascii.a2b_base64(raw + b"=" * (-len(raw) % 4), strict_mode=True)
    except binascii.Error as fault:
        raise InputError(f"this is no base64: {fault}") from fault
    if not decoded:
        raise InputError("the base64 text is empty")
    return decoded


def read_file(path: str | bytes | Path, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The bytes of a photo file, its size checked before it is read. Raises PictureError."""
    try:
        with open(path, "rb", opener=_opener) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PictureError("unreadable", "this is no regular file")
            check_bytes(status.st_size, limits)
            return _bounded(file.read(limits.max_bytes + 1), limits)
    except IsADirectoryError as fault:
        raise PictureError("unreadable", "this is a folder, not a file") from fault
    except FileNotFoundError as fault:
        raise PictureError("unreadable", "there is no such file") from fault
    except (OSError, ValueError) as fault:  # ValueError: a NUL in the name
        reason = getattr(fault, "strerror", None) or str(fault)
        raise PictureError("unreadable", f"the file cannot be read: {reason}") from fault


def _opener(path: str, flags: int) -> int:
    """Opening a named pipe would wait for its writer, for ever: do not wait."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _path_of(source: str | os.PathLike[Any]) -> Path:
    path = Path(os.fsdecode(os.fspath(source)))
    try:
        return path.expanduser().absolute()
    except RuntimeError:  # "~nobody"
        return path.absolute()


def _of_file(path: Path, limits: Limits) -> Encoded:
    return Encoded(read_file(path, limits=limits), path, path.name)


def _bounded(data: bytes, limits: Limits) -> bytes:
    check_bytes(len(data), limits)
    return data


def _of_stream(source: Any, limits: Limits) -> Encoded:
    try:
        data = source.read(limits.max_bytes + 1)
    except OSError as fault:
        raise PictureError("unreadable", f"the file object cannot be read: {fault}") from fault
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError("the file object gives text, not bytes", hint='open it with mode "rb"')
    name = getattr(source, "name", "")
    return Encoded(
        _bounded(bytes(data), limits), None, Path(name).name if isinstance(name, str) else ""
    )


def _of_array(source: Any) -> bytes:
    import numpy as np
    from PIL import Image

    array = np.asarray(source)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if array.dtype != np.uint8 or not fits or array.size == 0:
        raise InputError(
            f"an array of shape {array.shape} and type {array.dtype} is no picture",
            hint=f"give {_ALLOWED}",
        )
    return _of_image(Image.fromarray(np.ascontiguousarray(array)))


def _of_image(image: Image.Image) -> bytes:
    """Lossless, with the ICC profile, and EXIF (whose orientation the image still waits for)."""
    try:
        image.load()
        if image.width < 1 or image.height < 1:
            raise InputError("the image has no pixels")
        kept = image if image.mode in _PNG_MODES | _TIFF_MODES else image.convert("RGBA")
        file = io.BytesIO()
        extras = {"icc_profile": image.info.get("icc_profile"), "exif": _exif_of(image)}
        if kept.mode in _PNG_MODES:
            kept.save(file, "PNG", compress_level=1, **extras)
        else:
            kept.save(file, "TIFF", compression="tiff_adobe_deflate", **extras)
        return file.getvalue()
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, AttributeError) as fault:
        raise PictureError("undecodable", f"the image cannot be read: {fault}") from fault


def _exif_of(image: Image.Image) -> bytes:
    exif = image.getexif()
    return exif.tobytes() if len(exif) else b""

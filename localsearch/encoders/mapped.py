"""An ONNX file without its large weights: each says where in that same file it lies.

ONNX Runtime maps such weights instead of copying them twice: a text network of 254 MB is there in a
third of the time and half of the memory. Knows no provider. Invariant: nothing but where a weight
lies is changed, and what is not understood gives None, never a guess.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from localsearch.durable.mapping import map_file

# Smaller ones stay: they cost nothing, and only matrices and tables are read at any address.
_LARGE: Final = 64 << 10
# Field numbers of onnx.proto, frozen by that format; and of how a field is written.
_GRAPH, _INITIALIZER, _RAW_DATA, _EXTERNAL, _LOCATION = 7, 5, 9, 13, 14
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5

_Span = tuple[int, int, int, int]
"""A field: its number, where it begins, where what it holds begins and ends."""


def without_weights(network: Path) -> bytes | None:
    """The network with its large weights told as places in `network`, a few hundred KB.

    None where there are none, or where the file is not built as expected. Raises OSError.
    """
    mapping = map_file(network)
    try:
        return _model(mapping.view, network.name)
    except (IndexError, ValueError):
        return None
    finally:
        mapping.close()


def _model(data: memoryview, name: str) -> bytes | None:
    made, moved = bytearray(), 0
    for number, begin, start, end in _fields(data, 0, len(data)):
        if number != _GRAPH:
            made += data[begin:end]
            continue
        graph = bytearray()
        for inner, first, at, to in _fields(data, start, end):
            tensor = _elsewhere(data, at, to, name) if inner == _INITIALIZER else None
            if tensor is None:
                graph += data[first:to]
            else:
                graph += _written(_INITIALIZER, tensor)
                moved += 1
        made += _written(_GRAPH, graph)
    return bytes(made) if moved else None


def _elsewhere(data: memoryview, start: int, end: int, name: str) -> bytes | None:
    """A weight without its bytes; None if it is small, or not kept as plain bytes."""
    if end - start < _LARGE:
        return None
    kept, raw = bytearray(), None
    for number, begin, at, to in _fields(data, start, end):
        if number == _RAW_DATA:
            raw = (at, to - at)
        elif number in (_EXTERNAL, _LOCATION):
            return None
        else:
            kept += data[begin:to]
    if raw is None or raw[1] < _LARGE:
        return None
    for key, value in (("location", name), ("offset", str(raw[0])), ("length", str(raw[1]))):
        entry = _written(1, key.encode()) + _written(2, value.encode())
        kept += _written(_EXTERNAL, entry)
    return bytes(kept + _number(_LOCATION << 3 | _VARINT) + _number(1))


def _fields(data: memoryview, at: int, end: int) -> list[_Span]:
    found: list[_Span] = []
    while at < end:
        begin = at
        key, at = _read(data, at)
        kind = key & 7
        if kind == _BYTES:
            size, at = _read(data, at)
            start, at = at, at + size
        elif kind == _VARINT:
            start, at = at, _read(data, at)[1]
        elif kind in (_EIGHT, _FOUR):
            start, at = at, at + (8 if kind == _EIGHT else 4)
        else:
            raise ValueError(f"no field of kind {kind}")
        if at > end:
            raise ValueError("a field goes beyond its end")
        found.append((key >> 3, begin, start, at))
    return found


def _read(data: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and what comes after it."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _written(number: int, content: bytes | bytearray) -> bytes:
    return _number(number << 3 | _BYTES) + _number(len(content)) + bytes(content)


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])

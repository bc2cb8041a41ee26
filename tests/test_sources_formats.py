"""Formats are told by content; each one with a decoder names a class that exists."""

from __future__ import annotations

import importlib

import pytest

from localsearch.sources.formats import FORMATS, format_of
from tests.make_pictures import PICTURES, golden

OPENED = {name: out.split()[0] for name, out in golden().items() if " " in out}


@pytest.mark.parametrize("name", OPENED)
def test_content_tells_the_format(name: str) -> None:
    data = PICTURES[name]()
    for head in (data[:64], data[:4096], data):
        form = format_of(head)
        assert form is not None
        assert form.name == OPENED[name]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"II*\0\x10\0\0\0CR\x02\0", "Canon RAW photo"),
        (b"FUJIFILMCCD-RAW 0201", "Fujifilm RAW photo"),
        (b"%PDF-1.4", "PDF document"),
        (b"\0\0\0\x20ftypqt  \0\0\0\0qt  ", "video"),
        (b"\0\0\0\x1cftypM4A \0\0\0\0M4A ", "audio file"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIF"),
        (b"\0\0\0\x18ftypavis\0\0\0\0avismsf1", "AVIF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "Canon RAW photo"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "audio file"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL picture"),
        (b"\0\x05\x16\x07\0\x02\0\0", "macOS resource file"),
        (b"  \r\n<!doctype HTML>", "web page"),
        (b"hello\n", "text file"),
        (b"BMW is a car", "text file"),
    ],
)
def test_other_files_are_named(head: bytes, name: str) -> None:
    form = format_of(head)
    assert form is not None
    assert form.name == name


@pytest.mark.parametrize("head", [b"", b"\0" * 64, bytes(range(128, 255)), b"\xff\xd8"])
def test_unknown(head: bytes) -> None:
    assert format_of(head) is None


def test_every_decoder_exists() -> None:
    for form in FORMATS:
        if form.opener:
            assert hasattr(importlib.import_module(form.module), form.opener), form.name

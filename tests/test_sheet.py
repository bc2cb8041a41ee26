"""The contact sheet: complete in itself, everything escaped."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as some

from localsearch.sheet import SheetRow, contact_sheet

ROW = SheetRow(b"\xff\xd8jpeg", "cat.jpg", "/photos/cat.jpg", 0.875, (("cat", 0.91), ("pet", 0.8)))


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> _Seen:
    parser = _Seen()
    parser.feed(page)
    return parser


def test_a_row_is_shown() -> None:
    page = contact_sheet("dog & cat", [ROW, SheetRow(None, "x", "y", 0.0)])
    shown = seen(page)
    for part in ("dog & cat", "2 photos", "cat.jpg", "/photos/cat.jpg", "0.88", "91%", "0.00"):
        assert part in shown.text
    assert shown.links == ["data:image/jpeg;base64,/9hqcGVn"]
    assert "width:87.5%" in page
    assert shown.tags.count("figure") == 2


def test_empty() -> None:
    assert "Nothing found" in contact_sheet("none", [])


@given(some.text(), some.text(), some.text())
def test_nothing_gets_out_of_its_place(title: str, name: str, concept: str) -> None:
    row = SheetRow(None, name, f"<script>{name}", 2.0, ((concept, 0.5),))
    page = contact_sheet(title + "<img src=x onerror=y>", [row])
    page.encode("utf-8")
    shown = seen(page)
    assert "script" not in shown.tags
    assert shown.links == []
    assert shown.tags == seen(contact_sheet("t", [SheetRow(None, "n", "p", 1, (("c", 1),))])).tags


def test_names_that_are_no_unicode_can_be_written() -> None:
    assert "caf\ufffd" in contact_sheet("t", [SheetRow(None, "caf\udce9", "caf\udce9", 1.0)])

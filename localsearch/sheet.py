"""Contact sheets: hits as one HTML page that needs nothing beside it and no network.

Pure: text in, text out; writes no file. Everything that comes from outside (names, paths, tags)
is escaped; the page holds no script, and its thumbnails are data URIs.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from localsearch.deferred import dataclass


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One photo. `image`: a small JPEG, None where there is none; `score` in [0, 1]."""

    image: bytes | None
    caption: str
    path: str
    score: float
    concepts: tuple[tuple[str, float], ...] = ()


def contact_sheet(title: str, rows: Sequence[SheetRow]) -> str:
    """The page as text, to be written as UTF-8. Rows keep their order."""
    heading = _text(title)
    count = f"{len(rows):,} photo{'' if len(rows) == 1 else 's'}"
    cards = "\n".join(_card(row) for row in rows) or '<p class="none">Nothing found.</p>'
    return _PAGE.format(title=heading, style=_STYLE, count=count, cards=cards)


def _card(row: SheetRow) -> str:
    score = min(max(row.score, 0.0), 1.0)
    return (
        f'<figure title="{_text(row.path)}">{_picture(row)}<figcaption>'
        f'<div class="line"><b>{_text(row.caption)}</b><span>{score:.2f}</span></div>'
        f'<div class="bar"><i style="width:{score:.1%}"></i></div>'
        f'<div class="path">{_text(row.path)}</div>{_concepts(row)}</figcaption></figure>'
    )


def _picture(row: SheetRow) -> str:
    if not row.image:
        return '<div class="gap">no thumbnail</div>'
    data = b64encode(row.image).decode("ascii")
    return f'<img loading="lazy" alt="{_text(row.caption)}" src="data:image/jpeg;base64,{data}">'


def _concepts(row: SheetRow) -> str:
    if not row.concepts:
        return ""
    items = "".join(f"<li>{_text(name)} <i>{value:.0%}</i></li>" for name, value in row.concepts)
    return f"<ul>{items}</ul>"


def _text(value: str) -> str:
    """Escaped; control characters and what is no Unicode (surrogates) become \\ufffd."""
    shown = "".join(
        "\ufffd" if "\ud800" <= c <= "\udfff" or (c < " " or c == "\x7f") else c for c in value
    )
    return escape(shown, quote=True)


_STYLE = """
:root { color-scheme: light dark; --ink: #1b1d21; --soft: #676c75; --paper: #f5f5f3;
  --card: #ffffff; --line: #e2e2de; --mark: #2f6fb5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e9eaec; --soft: #9aa0aa; --paper: #17181b;
  --card: #212327; --line: #33363c; --mark: #6ea8e6; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem clamp(1rem, 3vw, 3rem) 4rem; background: var(--paper);
  color: var(--ink); font: 15px/1.45 system-ui, "Segoe UI", Roboto, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline;
  margin-bottom: 1.5rem; }
h1 { font-size: 1.35rem; margin: 0; overflow-wrap: anywhere; }
header span, .path, .none, .gap, li i { color: var(--soft); }
main { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  overflow: hidden; display: flex; flex-direction: column; }
img, .gap { display: block; width: 100%; aspect-ratio: 4 / 3; background: var(--line); }
img { object-fit: contain; }
.gap { display: grid; place-items: center; font-size: .85rem; }
figcaption { padding: .7rem .85rem .85rem; }
.line { display: flex; gap: .75rem; justify-content: space-between; }
.line b { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.line span { font-variant-numeric: tabular-nums; }
.bar { height: 4px; margin: .35rem 0 .5rem; border-radius: 2px; background: var(--line); }
.bar i { display: block; height: 100%; border-radius: 2px; background: var(--mark); }
.path { font-size: .78rem; overflow-wrap: anywhere; }
ul { list-style: none; margin: .5rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem; }
li { font-size: .78rem; padding: .05rem .5rem; border: 1px solid var(--line); border-radius: 1rem; }
li i { font-style: normal; font-variant-numeric: tabular-nums; }
@media print { body { padding: 0; } figure { break-inside: avoid; } }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header><h1>{title}</h1><span>{count}</span></header>
<main>
{cards}
</main>
</body>
</html>
"""

"""Ten thousand varied texts, the same on every machine: what people type, paste and mistype.

Only `Random.random` is used: it is what Python promises to keep. Signs are of Unicode 12 or older,
whose classes and lower case every Python from 3.11 on knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

COUNT: Final = 10_000

_WORDS: Final = (
    *("a", "photo", "of", "the", "two", "dogs", "playing", "in", "snow", "sunset", "beach", "IMG"),
    *("Photograph", "HELLO", "iPhone", "don't", "it's", "we're", "I'll", "they've", "he'd", "I'm"),
    *("rock'n'roll", "O'Brien's", "mother-in-law", "e-mail", "C++", "#hashtag", "@user", "50%"),
    *("$9.99", "3.14159", "2024-05-17", "10:45", "1st", "MP3", "x264", "v2.0.1", "😀", "naïve"),
    *("façade", "Straße", "ﬁsh", "Ångström", "İstanbul", "ΣΊΣΥΦΟΣ", "ǅungla", "Ǆ", "ß", "ſtop"),
    *("собака", "фотография", "κύμα", "犬", "狗在雪地里", "写真を撮る", "사진", "ภาพถ่าย", "तस्वीर"),
    *("صورة", "תמונה", "ảnh", "ñandú", "łódź", "København", "supercalifragilisticexpialidocious"),
    *("antidisestablishmentarianism", "zzyzx", "qwrtpsdfg", "aaaaaaaaaaaa", "ABABABABABAB", "_"),
    *("<start_of_text>", "<end_of_text>", "<|endoftext|>", "</w>", "##ing", "[MASK]", "{}", "\\n"),
)
_ENTITIES: Final = (
    *(
        "&amp;",
        "&lt;b&gt;",
        "&quot;",
        "&#39;",
        "&#x27;",
        "&nbsp;",
        "&eacute;",
        "&hearts;",
        "&copy;",
    ),
    *(
        "&amp;amp;",
        "&amp;lt;",
        "&amp;amp;lt;",
        "&#128054;",
        "&#x1F436;",
        "&bogus;",
        "&",
        "&;",
        "&#;",
    ),
    *(
        "&#0;",
        "&#xD800;",
        "&AMP",
        "&notin;",
        "&notit;",
        "&ThickSpace;",
        "<br/>",
        "&ldquo;hi&rdquo;",
    ),
)
_EMOJI: Final = (
    *(
        "😀",
        "🐶",
        "❤️",
        "❤",
        "👨‍👩‍👧‍👦",
        "👍🏽",
        "🏳️‍🌈",
        "🇩🇪",
        "1️⃣",
        "☺",
        "♥",
        "🧑‍🚀",
        "🤷🏿‍♀️",
        "🎉🎉🎉",
    ),
)
_SPACES: Final = (" ", " ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b")
_SIGNS: Final = (
    *(".", ",", "!", "?", "...", "…", "--", "—", "–", "'", "’", "‘", "“", "”", "«", "»", "(", ")"),
    *(
        "/",
        "\\",
        "|",
        "*",
        "~",
        "^",
        "`",
        "´",
        "°",
        "™",
        "®",
        "№",
        "½",
        "²",
        "€",
        "¥",
        "→",
        "∞",
        "≠",
    ),
    *("\u200d", "\ufeff", "\u0301", "\u0308", "\u202e", "\x00", "\x07", "\x1b[31m", "\x7f", "\x85"),
    *("＂ｆｕｌｌ", "𝐛𝐨𝐥𝐝", "𝓼𝓬𝓻𝓲𝓹𝓽", "Ⅻ", "㎏", "ﷺ", "٣", "߁", "௧", "๓", "₹", "\ue000", "\ufffd"),
)
# First and last sign of blocks from which any sign is drawn, assigned or not in a few holes.
_BLOCKS: Final = (
    *((0x20, 0x7E), (0xA1, 0x17F), (0x180, 0x24F), (0x250, 0x2AF), (0x391, 0x3C9), (0x400, 0x52F)),
    *((0x5D0, 0x5EA), (0x621, 0x64A), (0x905, 0x939), (0xE01, 0xE2E), (0x10D0, 0x10F0)),
    *((0x1E00, 0x1EFF), (0x2010, 0x2027), (0x2190, 0x21FF), (0x2600, 0x26FF), (0x3041, 0x3096)),
    *((0x30A1, 0x30FA), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xFF01, 0xFF5E), (0x1D400, 0x1D454)),
    *((0x1F300, 0x1F320), (0x1F600, 0x1F64F), (0x20000, 0x20100)),
)
_MISREAD: Final = ("latin-1", "cp1252", "cp437", "mac_roman", "cp1251")


def strings(count: int = COUNT, seed: int = 13) -> list[str]:
    """`count` texts; the first are the odd ones that chance seldom gives."""
    rng = Random(seed)
    edges = [
        *("", " ", "\n\t ", "\u00a0", "'", "''s", "'S", "'RE", "A", "0", "\u0130", "\ufeffa"),
        *("a" * 30_000, "dog " * 5_000, "犬" * 3_000, "ab" * 9_000, "é" * 4_000, "!?" * 4_000),
        *("1234567890" * 300, "🐶" * 500, "\u0301" * 300, "x'y's z't" * 100, "&amp;" * 800),
        *("<end_of_text>" * 3, "<START_OF_TEXT> dog", "_a_b_", "{}", "a {} b", "don’t", "#" * 90),
    ]
    return [*edges, *(_one(rng) for _ in range(count - len(edges)))]


def _one(rng: Random) -> str:
    makers: Sequence[Callable[[Random], str]] = (
        *(_sentence, _sentence, _mixed, _mixed, _random_signs, _misread, _entities, _glued),
    )
    return _pick(rng, makers)(rng)


def _below(rng: Random, limit: int) -> int:
    return int(rng.random() * limit)


def _pick(rng: Random, choices: Sequence[T]) -> T:
    return choices[_below(rng, len(choices))]


def _sentence(rng: Random) -> str:
    words = [_pick(rng, _WORDS) for _ in range(1 + _below(rng, 14))]
    if rng.random() < 0.3:
        words = [word.upper() if rng.random() < 0.5 else word.title() for word in words]
    return _pick(rng, _SPACES).join(words) + _pick(rng, ("", "", ".", "!", "?!"))


def _mixed(rng: Random) -> str:
    found = list[str]()
    for _ in range(1 + _below(rng, 24)):
        found.append(_pick(rng, _pick(rng, (_WORDS, _SIGNS, _EMOJI, _ENTITIES))))
        found.append(_pick(rng, _SPACES) if rng.random() < 0.6 else "")
    return "".join(found)


def _random_signs(rng: Random) -> str:
    blocks = [_pick(rng, _BLOCKS) for _ in range(1 + _below(rng, 3))]
    signs = list[str]()
    for _ in range(_below(rng, 120)):
        first, last = _pick(rng, blocks)
        signs.append(chr(first + _below(rng, last - first + 1)))
        signs.append(" " if rng.random() < 0.15 else "")
    return "".join(signs)


def _misread(rng: Random) -> str:
    """UTF-8 that something took for another encoding, once or twice."""
    text = _sentence(rng)
    for _ in range(1 + _below(rng, 2)):
        text = text.encode("utf-8").decode(_pick(rng, _MISREAD), errors="ignore")
    return text


def _entities(rng: Random) -> str:
    return " ".join(
        _pick(rng, _ENTITIES) + (_pick(rng, _WORDS) if rng.random() < 0.5 else "")
        for _ in range(1 + _below(rng, 10))
    )


def _glued(rng: Random) -> str:
    """Words without blanks, long ones among them: many merges at once."""
    return "".join(_pick(rng, _WORDS) for _ in range(2 + _below(rng, 40)))

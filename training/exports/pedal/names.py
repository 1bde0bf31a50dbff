"""Names for a small display: at most 11 printable ASCII characters."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable

from training.exports.pedal.layout import SHORT_NAME

_LETTERS = str.maketrans(
    {"ß": "ss", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l"}
    | {"Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "ı": "i", "Ω": "Ohm"}
    | {"μ": "u", "♯": "#", "♭": "b", "−": "-", "–": "-", "—": "-", "×": "x", "’": "'"}
)


def short_names(names: Iterable[str], fallback: str) -> tuple[str, ...]:
    """Each name in at most 11 printable ASCII characters, no two the same whatever their case.

    Accents are dropped, then spaces and, from the end, vowels inside words, until it fits. A name
    of which nothing is left is called after ``fallback`` and its number.
    """
    taken: set[str] = set()
    shorts = []
    for number, name in enumerate(names, 1):
        short = _shorten(_to_ascii(name)) or f"{fallback} {number}"
        candidate = short
        for suffix in map(str, itertools.count(2)):
            if candidate.casefold() not in taken:
                break
            candidate = short[: SHORT_NAME - len(suffix)] + suffix
        taken.add(candidate.casefold())
        shorts.append(candidate)
    return tuple(shorts)


def _to_ascii(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).translate(_LETTERS))
    kept = "".join(c if " " <= c <= "~" else " " if c.isspace() else "" for c in folded)
    return " ".join(kept.split())


def _shorten(text: str) -> str:
    if len(text) > SHORT_NAME:
        text = "".join(word[0].upper() + word[1:] for word in text.split())
    for i in range(len(text) - 1, 0, -1):
        if len(text) <= SHORT_NAME:
            break
        if text[i] in "aeiou":
            text = text[:i] + text[i + 1 :]
    return text[:SHORT_NAME]

"""What the name of a `.nam` file says of the knobs it was captured at."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from rigs.errors import UserError

LONGEST_NAME = 255
"""Characters; what file systems allow, and what a pattern is let loose on."""

_TOKEN = re.compile(r"([^@]+)@([^@]+)")
_REPEATED_GROUP = re.compile(r"\)\s*[*+{]")

Words = dict[str, tuple[str, str]]
"""For each knob, by its name in lower case: the name as it is written, and what it is said of."""


def compile_pattern(text: str) -> re.Pattern[str]:
    """A regular expression whose named groups are knobs: ``G(?P<Gain>[0-9]+)``.

    Raises ValueError if it is none, names no group, or repeats a group: that can take for ever.
    """
    try:
        pattern = re.compile(unicodedata.normalize("NFC", text))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"this is no regular expression: {error}") from None
    if not pattern.groupindex:
        raise ValueError("name a group for each knob, as in G(?P<Gain>[0-9]+)")
    if _REPEATED_GROUP.search(re.sub(r"\\.|\[[^\]]*\]", "", text)):
        raise ValueError("no group may be repeated with *, + or {}: such a search may never end")
    return pattern


def read_name(path: Path, pattern: re.Pattern[str] | None) -> Words:
    """The words in a file's name; raises UserError if there are none.

    Without ``pattern`` they are written `Gain@8`, between underscores or spaces.
    """
    stem = unicodedata.normalize("NFC", path.name)[:LONGEST_NAME].rpartition(".")[0]
    if pattern is None:
        tokens = [_TOKEN.fullmatch(token) for token in re.split(r"[_\s]+", stem)]
        pairs = [(token[1], token[2]) for token in tokens if token]
        example = "Gain@8_Bass@6.5, or give [path] a pattern"
    else:
        found = pattern.search(stem)
        groups = found.groupdict() if found else {}
        pairs = [(name, word.strip()) for name, word in groups.items() if word and word.strip()]
        example = f"as the pattern {pattern.pattern!r} expects"
    if not pairs:
        raise UserError(
            f"The name of {path.name!r} says no setting; write it as in {example}, or leave the "
            "file out with [path] files."
        )
    words: Words = {}
    for name, word in pairs:
        if name.casefold() in words:
            raise UserError(f"The name of {path.name!r} says {name} twice; correct it.")
        words[name.casefold()] = (name, word)
    return words


def read_names(paths: list[Path], pattern: re.Pattern[str] | None) -> dict[Path, Words]:
    """The words of every file; raises UserError if one lacks a knob that another has."""
    said = {path: read_name(path, pattern) for path in paths}
    first = paths[0]
    for path, words in said.items():
        for here, there, missing in ((first, path, said[first].keys() - words.keys()),
                                     (path, first, words.keys() - said[first].keys())):  # fmt: skip
            if missing:
                name = said[here][min(missing)][0]
                raise UserError(
                    f"The name of {here.name!r} says {name}, that of {there.name!r} does not; "
                    "correct one, or leave it out with [path] files."
                )
    return said

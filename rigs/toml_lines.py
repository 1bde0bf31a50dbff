"""Where in a TOML file a value stands, so that an error can name the line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

_KEYS = re.compile(r"""\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+|\s*\.\s*)+?)\s*(=|\]|$)""")


def _split(dotted: str) -> list[str]:
    """``a."b c".d`` as its keys."""
    table: Any = tomllib.loads(f"{dotted} = 0")
    keys = []
    while isinstance(table, dict):
        key, table = next(iter(table.items()))
        keys.append(key)
    return keys


def find_line(text: str, where: Sequence[object]) -> int | None:
    """The line, from 1, of the key ``where`` in a valid TOML ``text``, or of its nearest parent.

    None if not even its first key is there. Keys inside inline tables and arrays are found as the
    line their value begins on.
    """
    wanted = [str(key) for key in where]
    best, line_of_best, table = 0, None, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        header = re.match(r"\[\[?(.*)", stripped)
        found = _KEYS.match(header[1] if header else stripped)
        if not found or found[2] != ("]" if header else "="):
            continue
        try:
            keys = _split(found[1])
        except tomllib.TOMLDecodeError:  # a line of a multi-line string or array
            continue
        table, path = (keys, keys) if header else (table, table + keys)
        common = 0
        while common < min(len(path), len(wanted)) and path[common] == wanted[common]:
            common += 1
        # A header counts as its parents, too: [actuator.knobs.Gain] for actuator.knobs.
        if common > best and (header or common == len(path)):
            best, line_of_best = common, number
    return line_of_best

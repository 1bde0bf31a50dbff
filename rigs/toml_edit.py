"""Putting a measured number into a rig's TOML, with everything else left as somebody wrote it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rigs.errors import UserError
from rigs.files import write_whole

Keys = Sequence[str]
"""From the top of the file down: ("actuator", "knobs", "Gain", "backlash")."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def put_numbers(path: Path, numbers: Mapping[tuple[str, ...], str]) -> None:
    """Put ``numbers``, as they are to be written, into the file; all else stays as it is.

    Raises UserError, with the file as it was, if it cannot be read, edited or written.
    """
    path = path.resolve()  # a link stays one
    try:
        text = path.read_bytes().decode("utf-8")
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        edited = text.removeprefix(mark)
        for keys, value in numbers.items():
            edited = _with_number(edited, keys, value)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be edited ({error}); nothing was changed.") from None
    write_whole(path, (mark + edited).encode("utf-8"))


def _with_number(text: str, keys: Keys, value: str) -> str:
    """The TOML ``text`` with ``value`` at ``keys``; raises ValueError if no way is found."""
    before = tomllib.loads(text)
    wanted = _put(before, keys, float(value))
    if wanted == before:
        return text
    for edited in _edits(text, keys, value):
        with suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(edited) == wanted:
                return edited
    raise ValueError(f"write {keys[-1]} = {value} under [{_dotted(keys[:-1])}] yourself")


def _put(table: Mapping[str, Any], keys: Keys, value: float) -> dict[str, Any]:
    """``table`` with ``value`` at ``keys``; raises ValueError where they lead through no table."""
    key, *rest = keys
    if not rest:
        return {**table, key: value}
    inner = table.get(key, {})
    if not isinstance(inner, dict):
        raise ValueError(f"its {key} are no section")
    return {**table, key: _put(inner, rest, value)}


def _dotted(keys: Keys) -> str:
    return ".".join(key if _BARE.fullmatch(key) else json.dumps(key) for key in keys)


def _spelt(keys: Keys) -> str:
    """A pattern of ``keys``, dotted, whichever way they are quoted."""
    return r"[ \t]*\.[ \t]*".join(rf"""["']?{re.escape(key)}["']?""" for key in keys)


def _edits(text: str, keys: Keys, value: str) -> Iterator[str]:
    """``text`` with ``value`` where it may belong; one of these at most means what is wanted."""
    *table, key = keys
    newline = "\r\n" if "\r\n" in text else "\n"
    for old in re.finditer(rf"""\b{re.escape(key)}["']?[ \t]*=[ \t]*([^\s,}}#]+)""", text):
        yield text[: old.start(1)] + value + text[old.end(1) :]
    for header in re.finditer(rf"^[ \t]*\[[ \t]*{_spelt(table)}[ \t]*\][^\r\n]*", text, re.M):
        yield f"{text[: header.end()]}{newline}{key} = {value}{text[header.end() :]}"
    for inline in re.finditer(rf"{_spelt(table[-1:])}[ \t]*=[ \t]*\{{", text):
        for comma in (",", ""):
            yield f"{text[: inline.end()]} {key} = {value}{comma}{text[inline.end() :]}"
    for depth in range(len(table)):  # keys dotted from the top, or from a section of their own
        own = table[depth:]
        for dotted in re.finditer(rf"^[ \t]*{_spelt(own)}[ \t]*\.", text, re.M):
            line = f"{_dotted([*own, key])} = {value}"
            yield f"{text[: dotted.start()]}{line}{newline}{text[dotted.start() :]}"
    end = "" if not text or text.endswith("\n") else newline
    yield f"{text}{end}{newline}[{_dotted(table)}]{newline}{key} = {value}{newline}"

"""The text of a new rig's TOML: a piece for each half, with what was chosen filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from rigs.knobs import Knob, KnobTable

_DETENT = 30.0
"""Degrees from one detent of a rotary switch to the next, most often."""
_BLANK = re.compile(r"@([a-z]+)@")
_PIECES = Path(__file__).parent / "starters"


def compose(
    name: str,
    device: str,
    actuator: str,
    path: str,
    values: Mapping[str, object],
    knobs: Sequence[Knob] = (),
) -> str:
    """A commented TOML for a rig of these two types.

    ``values`` fill the pieces' blanks; the line of one that is None is left out. ``knobs`` are
    those of a device that only its owner knows.
    """
    blanks = {"name": name, "device": device, "about": f"{device}: {path}, {actuator}", **values}
    parts = [
        _filled("head", {**blanks, "about": _Plain(blanks["about"])}),
        _filled(f"actuator-{actuator}", blanks, f'[actuator]\ntype = "{actuator}"\n'),
    ]
    for number, knob in enumerate(knobs):
        kind = "switch" if knob.detents else "knob"
        own = {**blanks, **_guesses(knob, number), "knob": _Plain(key(knob.name))}
        parts.append(_filled(f"actuator-{actuator}-{kind}", own))
    parts.append(_filled(f"path-{path}", blanks, f'[path]\ntype = "{path}"\n'))
    parts += [_section(knob) for knob in knobs]
    return "\n".join(part for part in parts if part)


def describe(knobs: KnobTable) -> str:
    """The knobs that a path has by itself, as comments: what may be said of each."""
    lines = [
        "",
        "# The knobs it has. To capture one over a part of its range, or to begin elsewhere, take",
        "# the # away from its section and from what should change.",
    ]
    for knob in knobs:
        lines += [f"# {line}".rstrip() for line in _section(knob).splitlines()]
    return "\n".join(lines) + "\n"


def _guesses(knob: Knob, number: int) -> dict[str, object]:
    """What the pieces say of a knob until its owner knows better."""
    last = max(1, len(knob.detents) - 1)
    return {
        "axis": "XYZABC"[number % 6],
        "travel": _DETENT * last,
        "places": [_DETENT * index for index in range(last + 1)],
        "controller": 20 + number % 100,
        "values": [round(127 * index / last) for index in range(last + 1)],
    }


def key(name: str) -> str:
    """``name`` as a TOML key."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else literal(name)


def literal(value: object) -> str:
    """``value`` as TOML writes it: JSON's text, numbers, lists and true are the same there."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


class _Plain(str):
    """Text that goes in as it is."""


def _filled(piece: str, blanks: Mapping[str, object], otherwise: str = "") -> str:
    file = _PIECES / f"{piece}.toml"
    text = file.read_text("utf-8") if file.is_file() else otherwise
    # What was not said is not written.
    lines = text.splitlines(keepends=True)
    text = "".join(line for line in lines if not _unsaid(line, blanks))

    def fill(match: re.Match[str]) -> str:
        value = blanks[match[1]]
        return str(value) if isinstance(value, _Plain) else literal(value)

    return _BLANK.sub(fill, text)


def _unsaid(line: str, blanks: Mapping[str, object]) -> bool:
    found = _BLANK.search(line)
    return found is not None and blanks[found[1]] is None


def _list(labels: Sequence[str]) -> str:
    """On one line, or, if that grows long, on one line each."""
    line = literal(list(labels))
    return (
        line if len(line) <= 80 else "\n  ".join(["[", *(f"{literal(x)}," for x in labels)]) + "\n]"
    )


def _section(knob: Knob) -> str:
    """A knob, as [knobs.NAME] says it."""
    lines = [f"[knobs.{key(knob.name)}]"]
    if knob.detents:
        lines.append(f"detents = {_list(knob.detents)}")
    else:
        lines += [f"minimum = {literal(knob.minimum)}", f"maximum = {literal(knob.maximum)}"]
    lines.append(f"default = {literal(knob.default)}")
    if knob.unit:
        lines.append(f"unit = {literal(knob.unit)}")
    return "\n".join(lines) + "\n"

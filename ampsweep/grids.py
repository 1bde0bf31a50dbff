"""`--grid Gain=5,Bass=3`, `--grid 5x3`, `--grid settings.csv`: many settings as they are typed."""

from __future__ import annotations

import re
from pathlib import Path

from dataset.plans.table import read_settings
from rigs.errors import UserError
from rigs.knobs import KnobTable, Setting
from training.exports.grid import grid
from training.exports.pack import MOST

HELP = (
    "A pack: how many positions of which knobs (Gain=5,Bass=3; or 5x3, in the panel's order), or a "
    "CSV file of settings. OUT is then its folder."
)


def parse_grid(text: str, knobs: KnobTable, fixed: Setting) -> list[Setting]:
    """``fixed`` are the knobs that --set names. Raises UserError for what is not on the panel."""
    others = knobs.check(fixed)
    if text.lower().endswith(".csv"):
        rows = read_settings(Path(text), knobs, MOST, others)
        return [{name: round(value, 6) for name, value in knobs.to_setting(row).items()}
                for row in rows]  # fmt: skip
    counts = _by_order(text, knobs) if re.fullmatch(r"\d+(x\d+)*", text) else _by_name(text, knobs)
    twice = next((name for name in counts if name in fixed), None)
    if twice is not None:
        raise UserError(f"{twice} is in --grid and in --set; leave it out of one.")
    return grid(knobs, counts, others, MOST)


def _by_order(text: str, knobs: KnobTable) -> dict[str, int]:
    numbers = [_count(number, text) for number in text.split("x")]
    if len(numbers) > len(knobs):
        raise UserError(
            f"--grid {text} is for {len(numbers)} knobs, and there are {len(knobs)}: "
            f"{', '.join(knobs.names)}."
        )
    return {name: n for name, n in zip(knobs.names, numbers, strict=False) if n > 1}


def _by_name(text: str, knobs: KnobTable) -> dict[str, int]:
    counts: dict[str, int] = {}
    for pair in text.split(","):
        name, _, number = pair.partition("=")
        knob = knobs[name.strip()].name
        if knob in counts:
            raise UserError(f"--grid {text} names {knob} twice; leave one out.")
        counts[knob] = _count(number.strip(), text)
    return counts


def _count(text: str, given: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,3}", text, re.ASCII):
        raise UserError(
            f"--grid {given}: {text!r} is no number of positions; write --grid Gain=5,Bass=3."
        )
    return int(text)

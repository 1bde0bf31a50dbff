"""How the pages write numbers and settings, and where their templates are."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rigs.audio import rms_dbfs
from rigs.knobs import Knob, KnobTable, Setting
from training.evaluate import Result

TURN = 270.0
"""Degrees from a knob's lowest position to its highest."""


@cache
def pages() -> Environment:
    """The templates: everything that they are given is escaped, unless it is markup."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"esr": ratio, "share": share, "db": decibels, "whole": whole}
    return environment


def ratio(value: float) -> str:
    """Three digits that mean something."""
    if value >= 1000:
        return f"{value:.1e}"
    return f"{value:.2e}" if 0 < value < 1e-5 else f"{value:#.3g}".rstrip(".")


def share(value: float) -> str:
    if value >= 10:
        return "over 1000 %"
    return f"{100 * value:.2g} %" if value < 0.1 else f"{100 * value:.0f} %"


def decibels(value: float) -> str:
    """One decimal and a true minus."""
    return f"{value:.1f}".replace("-", "−").replace("−0.0", "0.0").replace("inf", "∞")


def whole(value: float) -> str:
    """A whole number in groups of three digits, which narrow spaces part."""
    return f"{round(value):,}".replace(",", "\u202f")


def describe(knobs: KnobTable, result: Result) -> dict[str, Any]:
    """A judged setting for a page; what is nan becomes None."""
    return {
        "capture_id": result.capture.capture_id,
        "dials": dials(knobs, result.capture.setting),
        "esr": None if math.isnan(result.esr) else result.esr,
        "mrstft": None if math.isnan(result.mrstft) else result.mrstft,
        "level_error_db": result.level_error_db,
        "wet_dbfs": rms_dbfs(result.capture.wet),
    }


def dials(knobs: KnobTable, setting: Setting) -> list[dict[str, Any]]:
    """Each knob's name, its position in words, and how far its hand is turned."""
    return [
        {
            "name": knob.name,
            "text": position(knob, setting[knob.name]),
            "turn": TURN
            * ((setting[knob.name] - knob.minimum) / (knob.maximum - knob.minimum) - 0.5),
        }
        for knob in knobs
    ]


def position(knob: Knob, value: float) -> str:
    if knob.detents:
        return knob.detents[int(value)]
    digits = max(0, 1 - math.floor(math.log10((knob.maximum - knob.minimum) / 10)))
    return f"{value:.{min(digits, 6)}f}" + (f" {knob.unit}" if knob.unit else "")

"""Tying dBFS to dBu, in NAM's definition, and keeping it in the rig's file.

``input_dbu`` is the level at the device's input of a sine that peaks at 0 dBFS; ``output_dbu`` is
the level of a sine at the device's output that we record peaking at 0 dBFS. Both are RMS levels of
a sine, 0 dBu being √0.6 V (S. Atkinson, Neural Amp Modeler, "How to determine the calibration
levels of your recording setup").
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE, rms_dbfs
from rigs.errors import UserError
from rigs.rig import Progress, Rig
from rigs.takes import clips, take
from rigs.toml_edit import put_numbers

HERTZ = 220.0
"""What is played. Cheap voltmeters are only specified for 40 to 400 Hz, and read kilohertz low;
and this is no multiple of 50 or 60 Hz, so hum cannot beat against it."""

LOWEST_DBU, HIGHEST_DBU = -40.0, 40.0
"""7.7 mV to 77 V: beyond these, somebody has mistyped."""
IMPURE = 0.03
"""What beside the sine may be in the return, in RMS, before meters begin to disagree about it."""

_QUIETEST = -40.0
_RISE, _FADE = SAMPLE_RATE, SAMPLE_RATE // 4
_LATEST = SAMPLE_RATE // 4  # by how much a path that is not aligned may come late


def dbu_of(volts: float) -> float:
    """RMS volts as dBu."""
    return 20 * math.log10(volts / math.sqrt(0.6))


def volts_of(dbu: float) -> float:
    return math.sqrt(0.6) * 10 ** (dbu / 20)


def parse_volts(typed: str) -> float:
    """RMS volts as a person types them: "1.23", "1,23 V", "775 mV".

    Raises UserError if it is not a voltage, or outside -40 to +40 dBu.
    """
    match = re.fullmatch(r"\s*(\d{0,6}(?:[.,]\d{1,9})?)\s*(mV|V)?\s*", typed, re.IGNORECASE)
    if not match or not match[1]:
        raise UserError(f"{typed.strip()!r} is not a voltage; type what the meter shows, as 1.23.")
    unit = 1e-3 if (match[2] or "").lower() == "mv" else 1.0
    volts = float(match[1].replace(",", ".")) * unit
    if not volts_of(LOWEST_DBU) <= volts <= volts_of(HIGHEST_DBU):
        raise UserError(
            f"{volts:g} V is no level to calibrate with; set the meter to AC volts and look for "
            "0.01 to 75 V."
        )
    return volts


def check_dbu(dbu: float, what: str) -> float:
    """``dbu``, rounded to a hundredth; raises UserError if it cannot be right."""
    if not LOWEST_DBU <= dbu <= HIGHEST_DBU:
        raise UserError(
            f"{what} would be {dbu:.1f} dBu, which no interface has; it lies between "
            f"{LOWEST_DBU:g} and {HIGHEST_DBU:g}."
        )
    return round(dbu, 2)


def sine(seconds: float, level_dbfs: float) -> NDArray[np.float64]:
    """The sine that is measured: shape (frames,). It rises from -40 dBFS to ``level_dbfs``."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    level = np.minimum(level_dbfs, _QUIETEST + (level_dbfs - _QUIETEST) * t * SAMPLE_RATE / _RISE)
    fade = np.minimum(1, (t[-1] - t) * SAMPLE_RATE / _FADE)
    return np.asarray(10 ** (level / 20) * fade * np.sin(2 * np.pi * HERTZ * t))


@dataclass(frozen=True)
class Returned:
    """What came back of a sine that peaked at ``played_dbfs``."""

    played_dbfs: float
    level_dbfs: float
    """The peak of a sine with the RMS of what came back."""
    impurity: float
    """RMS of what is not the sine over that of what is."""
    clipped: bool


def play(
    rig: Rig, seconds: float, level_dbfs: float, progress: Progress = lambda _: None
) -> Returned:
    """Play the sine through the open ``rig``, its knobs at their defaults, and measure it.

    Raises UserError as ``take``.
    """
    wet = np.asarray(
        take(rig, sine(seconds, level_dbfs), rig.knobs.default, progress).wet, np.float64
    )
    steady = wet[_RISE + _LATEST : len(wet) - _FADE]
    steady = steady - steady.mean()
    t = 2 * np.pi * HERTZ * np.arange(len(steady)) / SAMPLE_RATE
    basis = np.stack([np.cos(t), np.sin(t)], axis=1)
    tone = basis @ np.linalg.solve(basis.T @ basis, basis.T @ steady)
    size = float(np.linalg.norm(tone))
    impurity = float(np.linalg.norm(steady - tone)) / size if size > 0 else math.inf
    level = rms_dbfs(steady) + 20 * math.log10(math.sqrt(2))
    return Returned(level_dbfs, level, impurity, clips(rig, wet))


def write_levels(path: Path, levels: Mapping[str, float]) -> None:
    """Put ``levels`` ("input_dbu", "output_dbu") into the rig's file; all else stays as it is.

    Raises UserError, with the file as it was, if it cannot be read, edited or written.
    """
    put_numbers(path, {("levels", key): f"{value:.2f}" for key, value in levels.items()})

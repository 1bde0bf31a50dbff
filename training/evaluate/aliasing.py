"""Aliasing: what a sine brings out of the model at frequencies that are no multiple of its own.

A nonlinear device makes harmonics; at a finite sample rate those above half of it come back at
wrong frequencies. The sine has an odd number k of cycles in a power of two N of samples, and only
the last N are looked at, in which the answer is periodic: every harmonic lies in a multiple of bin
k. A harmonic that folds comes back in bin |mk - jN|, and as k and N have no common divisor that is
a multiple of k for no j from 1 to k - 1: energy between the multiples is aliasing, and noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rigs.knobs import Knob, Setting
from training.checkpoint import Model
from training.play import play

PERIOD = 1 << 14
FREQUENCIES = (500.0, 1000.0, 2000.0, 4000.0)
"""About these, in Hz: the odd number of cycles decides."""
LEVELS_DBFS = (-36.0, -24.0, -12.0, 0.0)
"""Peaks of the sine."""
SILENT_DBFS = -100.0
"""An answer whose harmonics are quieter has no ratio."""


@dataclass(frozen=True)
class Aliasing:
    """The answer to one sine: RMS of its harmonics in dBFS, and the energy between them against
    theirs in dB, nan if there is hardly an answer."""

    where: str
    frequency: float
    level_dbfs: float
    harmonics_dbfs: float
    ratio_db: float


def settings(model: Model, drive: Knob) -> dict[str, Setting]:
    """Every knob at its default, and that with the drive knob turned up, by what to call them."""
    default = model.knobs.default
    found = {"every knob at its default": default}
    if default[drive.name] != drive.maximum:
        top = drive.detents[-1] if drive.detents else f"{drive.maximum:g}"
        found[f"{drive.name} at {top}"] = {**default, drive.name: drive.maximum}
    return found


def cases(model: Model, drive: Knob) -> list[tuple[str, Setting, float, float]]:
    """What to try: words for a setting, the setting, a frequency in Hz, a level in dBFS."""
    return [
        (words, setting, frequency, level)
        for words, setting in settings(model, drive).items()
        for frequency in FREQUENCIES
        for level in LEVELS_DBFS
        if frequency < model.sample_rate / 4
    ]


def answer(model: Model, words: str, setting: Setting, frequency: float, level: float) -> Aliasing:
    """Play one sine, at the odd number of cycles nearest to ``frequency``."""
    cycles = 2 * round((frequency * PERIOD / model.sample_rate - 1) / 2) + 1
    # Whole periods before, until nothing that began with the sine is heard any more.
    periods = -(-model.net.receptive_field // PERIOD) + 1
    turn = 2 * np.pi * cycles * np.arange(PERIOD) / PERIOD
    dry = np.tile(10 ** (level / 20) * np.sin(turn), periods).astype(np.float32)
    knobs = model.knobs.to_inputs(model.knobs.to_array(setting))
    wet = play(model.net, dry, knobs)[-PERIOD:].astype(np.float64)
    energy = np.abs(np.fft.rfft(wet)) ** 2
    energy[1:-1] *= 2  # as much again at negative frequencies
    harmonic = np.arange(len(energy)) % cycles == 0
    own, between = float(energy[harmonic][1:].sum()), float(energy[~harmonic].sum())
    rms = np.sqrt(own) / PERIOD
    loud = rms > 10 ** (SILENT_DBFS / 20)
    return Aliasing(
        where=words,
        frequency=cycles * model.sample_rate / PERIOD,
        level_dbfs=level,
        harmonics_dbfs=20 * float(np.log10(rms)) if rms > 0 else -np.inf,
        ratio_db=10 * float(np.log10(max(between / own, 1e-20))) if loud else float("nan"),
    )


def aliasing_table(found: Iterable[Aliasing]) -> pd.DataFrame:
    """One row a sine."""
    names = ["setting", "frequency_hz", "level_dbfs", "harmonics_dbfs", "aliasing_db"]
    rows = [(a.where, a.frequency, a.level_dbfs, a.harmonics_dbfs, a.ratio_db) for a in found]
    return pd.DataFrame(rows, columns=names)

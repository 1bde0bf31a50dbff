"""A cabinet's impulse response out of a sound file, for what plays here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr

from rigs.audio import SAMPLE_RATE, Audio, read_wav
from rigs.errors import UserError
from training.native.cabinet import MOST_TAPS

FADED = 256
"""Samples over which one that is too long ends."""


def read_cabinet(path: Path, rate: int = SAMPLE_RATE) -> Audio:
    """The impulse response of a file at ``rate`` Hz, as loud as no cabinet: at most 2048 samples.

    Raises UserError as :func:`rigs.audio.read_wav` does, or if nothing of it would sound.
    """
    taps = read_wav(path)[0]
    if rate != SAMPLE_RATE:
        taps = np.asarray(soxr.resample(taps, SAMPLE_RATE, rate, quality="VHQ"), np.float32)
    loudest = int(np.argmax(np.abs(taps)))
    if loudest >= MOST_TAPS:
        raise UserError(
            f"{path} is loudest after {loudest} samples, and a cabinet has {MOST_TAPS}; cut off "
            "what is before its sound."
        )
    if len(taps) > MOST_TAPS:
        taps = taps[:MOST_TAPS].copy()
        taps[-FADED:] *= np.cos(np.linspace(0, np.pi / 2, FADED, dtype=np.float32)) ** 2
    loudness = loudness_of(taps, rate)
    if not loudness > 0:
        raise UserError(f"{path} lets no sound through; give another impulse response.")
    return np.asarray(taps / loudness, np.float32)


def loudness_of(taps: Audio, rate: int) -> float:
    """How much louder than no cabinet it is: the root of its mean power from 80 Hz to 5 kHz.

    That is where a guitar is, octave by octave; as ampsweep/web/cabinet.js has it.
    """
    hertz = 80 * 2 ** np.linspace(0, 6, 48)
    turns = np.exp(-2j * np.pi / rate * np.outer(hertz, np.arange(len(taps))))
    return float(np.sqrt(np.mean(np.abs(turns @ taps.astype(np.float64)) ** 2)))

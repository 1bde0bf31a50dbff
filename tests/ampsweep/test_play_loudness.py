"""The loudness by which the page makes a recording as loud as the model."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ampsweep.page import WEB
from tests.ampsweep import bs1770
from tests.players import nam_core
from tests.training.random_nets import plucked

PLAYERS = Path(nam_core.__file__).parent


def measured(audio: NDArray[np.floating], rate: int = 48_000) -> float:
    command = ["node", PLAYERS / "loudness.mjs", WEB, str(rate)]
    data = audio.astype("<f4").tobytes()
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    return float(done.stdout)


def sine(seconds: float, dbfs: float, hertz: float = 997, rate: int = 48_000) -> np.ndarray:
    """A sine whose peak is at ``dbfs``."""
    turns = hertz / rate * np.arange(round(seconds * rate))
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * turns)


@pytest.mark.parametrize("rate", [48_000, 44_100, 96_000])
def test_a_full_sine_is_the_standard_s_at_any_rate(rate: int) -> None:
    """0 dBFS at 997 Hz in one channel reads −3.01 LKFS: annex 1 of the standard."""
    assert measured(sine(2, 0, rate=rate), rate) == pytest.approx(-3.01, abs=0.02)


def test_what_is_much_quieter_does_not_count() -> None:
    """After EBU Tech 3341, case 3 (in stereo there: 3 LU more), but shorter: edges count more."""
    parts = [sine(2, -36), sine(12, -23), sine(2, -36)]
    assert measured(np.concatenate(parts)) == pytest.approx(-26, abs=0.15)
    silent = np.concatenate([sine(2, -23), np.zeros(20 * 48_000)])
    assert measured(silent) == pytest.approx(-26, abs=0.5)
    assert measured(np.zeros(48_000)) == -np.inf


@pytest.mark.parametrize("frames", [144_000, 50_000, 7_200])
def test_playing_is_as_loud_as_by_the_printed_coefficients(frames: int) -> None:
    dry = plucked(frames)
    hiss = dry + np.random.default_rng(1).normal(0, 0.2, frames)
    for audio in (dry, hiss):
        assert measured(audio) == pytest.approx(bs1770.loudness(audio), abs=1e-3)
    by_rms = 10 * np.log10(np.mean(hiss**2) / np.mean(dry**2))
    assert abs(measured(hiss) - measured(dry) - by_rms) > 0.1, "this says little of the filter"

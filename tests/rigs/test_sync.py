"""A synchronised output is heard to the sample, also through inputs that let no DC pass."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from rigs.interface.sync import edges

RATE = 48_000
AT = (4_000.0, 28_000.25, 52_321.5, 76_999.75)


def line(at: tuple[float, ...], level: float = 0.3, frames: int = 100_000) -> NDArray[np.float64]:
    """An output that changes at those times, as a converter of linear phase hears it."""
    fine = 4
    x = np.zeros(frames * fine)
    for number, when in enumerate(at):
        x[round(when * fine) :] = level * (1 - number % 2)
    low_pass = signal.firwin(31 * fine + 1, 20_000, fs=RATE * fine)
    return np.convolve(x, low_pass, "same")[::fine]


@pytest.mark.parametrize("coupling", ["dc", "ac"])
@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_edges_are_found_to_a_fraction_of_a_sample(coupling: str, noise: float) -> None:
    heard = line(AT)
    if coupling == "ac":
        heard = signal.sosfilt(signal.butter(1, 20, "highpass", fs=RATE, output="sos"), heard)
    heard = heard + noise * np.random.default_rng(0).standard_normal(len(heard))
    assert edges(heard) == pytest.approx(AT, abs=0.6)


def test_a_line_upside_down_has_the_same_edges() -> None:
    assert edges(-line(AT)) == pytest.approx(edges(line(AT)), abs=1e-9)


@pytest.mark.parametrize("frames", [0, 3, 8, 9, 48_000])
def test_where_nothing_jumps_nothing_is_found(frames: int) -> None:
    assert len(edges(1e-4 * np.random.default_rng(1).standard_normal(frames))) == 0

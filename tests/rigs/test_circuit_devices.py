"""The built-in circuits against theory that is written down elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from circuit_bench import built_in, bursts, decibels, play, response, sine
from numpy.typing import NDArray

from rigs.audio import esr, peak_dbfs
from rigs.virtual.components import Pot, ToneStack
from rigs.virtual.tonestack import tone_stack_polynomials


def taper(base: float, position: float) -> float:
    return (base ** (position / 10) - 1) / (base - 1)


@pytest.mark.parametrize(
    ("treble", "bass", "middle"), [(5, 5, 5), (10, 0, 0), (0, 10, 0), (0, 0, 10), (10, 10, 10)]
)
def test_the_tone_stack_is_yehs(tmp_path: Path, treble: float, bass: float, middle: float) -> None:
    """Yeh & Smith's equation, from plate to treble wiper, with nothing connected to the wiper.

    The amp's middle pot is a rheostat under the third capacitor: theirs, always at its top.
    """
    parts = ToneStack(
        c1=250e-12, c2=100e-9, c3=47e-9, slope=100e3,
        treble=Pot(250e3), bass=Pot(250e3), middle=Pot(1 + 10e3 * middle / 10),
    )  # fmt: skip
    zeros, poles = tone_stack_polynomials(parts, taper(81, bass), 1.0, treble / 10)
    f, (plate, wiper) = response(
        tmp_path, "fender", (20, 20e3, 10), ("plate1", "twiper"),
        {"above(1Meg": "above(1000G"}, Treble=treble, Bass=bass, Middle=middle, Volume=5,
    )  # fmt: skip
    s = 2j * np.pi * f
    expected = np.polyval(zeros, s) / np.polyval(poles, s)
    np.testing.assert_allclose(decibels(wiper / plate), decibels(expected), atol=0.05)


def test_the_triodes_are_biased_as_in_the_amp(tmp_path: Path) -> None:
    """A 12AX7 with 100 kOhm in its plate, loaded by the stack, gains 50 to 60 times, inverted."""
    f, (plate,) = response(tmp_path, "fender", (100, 10e3, 10), ("plate1",))
    at_1_khz = plate[np.argmin(np.abs(f - 1000))]
    assert 45 < -at_1_khz.real < 60
    assert abs(at_1_khz.imag) < 6


@pytest.mark.parametrize("drive", [0, 5, 10])
def test_the_clipping_amplifier_as_analysed(tmp_path: Path, drive: float) -> None:
    """Small signals see 1 + Zf/Zg: Yeh, Abel & Smith, DAFx 2007. Here with the diodes' small
    conductance, and as far as 3 MHz of gain-bandwidth go."""
    f, (plus, out) = response(tmp_path, "ts808", (50, 8e3, 8), ("plus1", "out1"), Drive=drive)
    s = 2j * np.pi * f
    resistance = 51e3 + 1 + 500e3 * taper(32.11, drive)
    diodes = 2 * 2.52e-9 / (1.752 * 0.025865)
    feedback = 1 / (1 / resistance + s * (51e-12 + 2 * 4e-12) + diodes)
    leg = 4.7e3 + 1 / (s * 47e-9)
    ideal = 1 + feedback / leg
    expected = ideal / (1 + ideal * s / (2 * np.pi * 3e6))
    np.testing.assert_allclose(decibels(out / plus), decibels(expected), atol=0.1)


def test_the_hump_of_the_middle(tmp_path: Path) -> None:
    """What the pedal is known for: most gain between 500 Hz and 1 kHz, less on either side."""
    f, (out,) = response(tmp_path, "ts808", (20, 20e3, 20), ("out",), Drive=5, Tone=5)
    gain = decibels(out)
    peak = f[np.argmax(gain)]
    assert 400 < peak < 1200
    assert gain.max() - np.interp(100, f, gain) > 10
    assert gain.max() - np.interp(5000, f, gain) > 10
    _, (bright,) = response(tmp_path, "ts808", (20, 20e3, 20), ("out",), Drive=5, Tone=10)
    _, (dark,) = response(tmp_path, "ts808", (20, 20e3, 20), ("out",), Drive=5, Tone=0)
    tilt = decibels(bright) - decibels(dark)
    assert np.interp(5000, f, tilt) > 15
    assert abs(np.interp(100, f, tilt)) < 1


def harmonics(wet: NDArray[np.float32], frequency: float) -> NDArray[np.float64]:
    """Magnitudes of harmonics 1 to 5 of the last whole periods before the fade, the first as 1."""
    periods = int(0.05 * frequency)
    length = round(periods * 48000 / frequency)
    end = len(wet) - 480
    spectrum = np.abs(np.fft.rfft(wet[end - length : end].astype(np.float64)))
    found = spectrum[periods : 5 * periods + 1 : periods]
    return np.asarray(found / found[0], np.float64)


def test_the_pedal_clips_alike_up_and_down() -> None:
    wet = play(built_in("ts808", oversample=4), sine(240, 0.3, 0.12), Drive=7, Tone=10)
    found = harmonics(wet, 240)
    assert found[1] < 0.0015  # the two diodes are the same
    assert found[3] < 0.001
    assert found[2] > 0.1
    assert found[4] > 0.03


def test_the_amp_does_not() -> None:
    """Single-ended triodes: clean when quiet, then the second harmonic first."""
    path = built_in("fender", oversample=2)
    quiet = harmonics(play(path, sine(240, 0.02, 0.12)), 240)
    assert quiet[1:].max() < 0.005
    loud = harmonics(play(path, sine(240, 0.9, 0.12), Volume=7), 240)
    assert loud[1] > 0.04
    assert loud[1] > loud[2] > loud[3]


@pytest.mark.parametrize(("name", "others"), [("ts808", {}), ("fender", {"Volume": 3})])
def test_every_knob_is_heard(name: str, others: dict[str, float]) -> None:
    """And both ends of its travel are played, at a level that a converter could have sent."""
    path, dry = built_in(name, oversample=2), 0.2 * bursts(0.06)
    assert path.knobs is not None
    for knob in path.knobs:
        low = play(path, dry, **(others | {knob.name: knob.minimum}))
        high = play(path, dry, **(others | {knob.name: knob.maximum}))
        assert esr(high, low) > 0.01, knob.name
        assert -40 < peak_dbfs(high) < 0, knob.name

"""The tuner, on strings whose pitch is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.firmware.effects_parts import RATE, make, play

READINGS, FREQUENCY, CLARITY, NUMBER, CENTS = range(5)
SECONDS = 0.6
WARM = 250
"""Blocks before the readings that count: of the window before, a part was another string's."""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    make("effects")


def string(frequency: float, kind: str) -> np.ndarray:
    time = np.arange(round(SECONDS * RATE)) / RATE
    if kind == "sine":
        return 0.3 * np.sin(2 * np.pi * frequency * time)
    out = np.zeros(len(time))
    for h in range(1, int(min(20, 15000 / frequency)) + 1):
        strength = h**-0.6 * (0.3 if kind == "weak fundamental" and h == 1 else 1)
        decay = np.exp(-time * (1 + h / 2))  # high harmonics die first
        out += 0.2 * strength * decay * np.sin(2 * np.pi * frequency * h * time + h * h)
    return out


def cents_off(rows: np.ndarray, frequency: float) -> np.ndarray:
    assert np.all(rows[WARM:, FREQUENCY] > 0)
    return 1200 * np.log2(rows[WARM:, FREQUENCY] / frequency)


E6 = 1318.51
LOWEST = 41.2  # the E of a bass; drop A is 55
PITCHES = np.append(np.geomspace(LOWEST, E6, 23), [55.0, 61.74, 65.41, 73.42, 82.41, 440.0])


@pytest.mark.parametrize("kind", ["sine", "string", "weak fundamental"])
def test_pitch_within_two_cents(kind: str) -> None:
    pitches = PITCHES[PITCHES < 700] if kind == "weak fundamental" else PITCHES
    rows = np.split(  # one after another, each from silence
        play("tuner", np.concatenate([string(f, kind) for f in pitches])), len(pitches)
    )
    worst = [np.abs(cents_off(r, f)).max() for r, f in zip(rows, pitches, strict=True)]
    assert max(worst) < 1, dict(zip(pitches, worst, strict=True))  # two are asked for


def test_a_string_slightly_out_of_tune() -> None:
    for cents in (-40.0, -7.0, 3.0, 22.0):
        frequency = 110.0 * 2 ** (cents / 1200)
        rows = play("tuner", string(frequency, "string"))[WARM:]
        assert set(rows[:, NUMBER]) == {45}
        assert np.abs(rows[:, CENTS] - cents).max() < 1
        assert rows[:, CLARITY].min() > 0.95


def test_noise_under_a_string_does_not_disturb() -> None:
    noise = 0.003 * np.random.default_rng(1).standard_normal(round(SECONDS * RATE))
    for frequency in (82.41, 1174.66):
        rows = play("tuner", string(frequency, "string") + noise)
        assert np.abs(cents_off(rows, frequency)).max() < 2


def test_an_offset_does_not_disturb() -> None:
    rows = play("tuner", string(196.0, "string") + 0.5)
    assert np.abs(cents_off(rows, 196.0)).max() < 2


def test_no_pitch_where_there_is_none() -> None:
    rng = np.random.default_rng(2)
    offset = np.full(RATE, 0.5)
    for audio in (np.zeros(RATE), 0.1 * rng.standard_normal(RATE), 1e-5 * string(110, "sine")):
        assert not play("tuner", audio)[:, FREQUENCY].any()
    assert not play("tuner", offset)[RATE // 96 :, FREQUENCY].any()


def test_a_reading_every_57_ms_whatever_the_blocks() -> None:
    audio = string(196.0, "string")
    whole = play("tuner", audio)
    assert whole[-1, READINGS] == int(SECONDS * 12000) // 688
    cut = play("tuner", audio, blocks=(16,))[2::3]
    assert np.array_equal(cut, whole)

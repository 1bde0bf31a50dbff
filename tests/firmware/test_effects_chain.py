"""The whole chain, around a model that is a mere gain: then all else can be told from outside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.firmware.effects_parts import BLOCK, RATE, db, make, play, settings, sine, splatter

START = 480
"""Samples after which the first model has faded in."""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    make("effects")


def chain(audio: np.ndarray, *of: Any, **now: Any) -> np.ndarray:
    return play("chain", audio, *settings(*of, **now))


def same(audio: np.ndarray) -> np.ndarray:
    return audio.astype(np.float32)


def test_silence_before_there_is_a_model() -> None:
    assert not chain(sine(440, 0.1)).any()


@pytest.mark.parametrize("blocks", [(48,), (1, 17, 48), (200,)])
def test_at_unity_every_bit_passes_at_once(blocks: tuple[int, ...]) -> None:
    audio = np.random.default_rng(1).standard_normal(4800)
    out = play("chain", audio, "model=1", blocks=blocks)
    assert np.array_equal(out[START:], same(audio)[START:])
    assert not np.array_equal(out[:96], same(audio)[:96])  # it came softly


def test_levels_are_matched_where_both_are_known() -> None:
    audio = sine(440, 0.2, 0.01)
    known = {"model_input": 12.5, "model_output": 8.0, "own_input": 6.0, "own_output": 11.0}
    # A model that is louder for what it is given: it is the sum that is seen.
    out = chain(audio, **known, model=2)
    gained = db(np.abs(out[START:]).max() / np.abs(audio[START:]).max())
    assert gained == pytest.approx((6 - 12.5) + 6.02 + (8 - 11), abs=0.01)
    without = {name: value for name, value in known.items() if name != "own_output"}
    out = chain(audio, **without, model=2)
    gained = db(np.abs(out[START:]).max() / np.abs(audio[START:]).max())
    assert gained == pytest.approx((6 - 12.5) + 6.02, abs=0.01)


def test_the_gate_listens_after_the_trim() -> None:
    hum = sine(100, 1, 10 ** (-55 / 20))
    assert not chain(hum, model=1, gate=-50)[-4800:].any()
    assert db(np.abs(chain(hum, model=1, gate=-50, trim=12)[-4800:]).max()) > -44


def test_bypass_is_of_everything() -> None:
    audio = sine(440, 0.2, 0.1)
    out = chain(audio, delay=5, model=3, trim=6, level=-12, gate=-10, bypass=1)
    assert np.array_equal(out[START:], same(audio)[START:])


def test_the_cabinet_is_behind_the_model() -> None:
    audio = np.random.default_rng(1).standard_normal(9600)
    out = chain(audio, delay=100, model=2)
    assert np.abs(out[START:] - 2 * same(audio)[START - 100 : -100]).max() < 1e-5


def test_a_model_is_switched_without_a_click_and_with_a_gap_under_5_ms() -> None:
    """From one polarity to the other, which no cross-fade would come through without a gap."""
    audio = same(sine(220, 1, 0.5))
    out = chain(audio, (24000, {"model": -1}), model=1)
    switched = np.flatnonzero(out[START:] != audio[START:])[0] + START
    whole = np.flatnonzero(out != -audio)[-1] + 1
    assert switched == 24000
    assert whole - switched <= 0.005 * RATE
    assert np.array_equal(out[START:switched], audio[START:switched])
    assert np.array_equal(out[whole:], -audio[whole:])
    assert db(splatter(out)) < -90
    hard = np.concatenate([audio[:24050], -audio[24050:]])
    assert db(splatter(hard)) > -50  # what it would be without


def test_switching_again_and_again() -> None:
    audio = sine(220, 0.5, 0.5)
    moments = [(2400 + 480 * k, {"model": (-1.0) ** k}) for k in range(40)]
    out = chain(audio, *moments, model=1)
    assert np.array_equal(out[-960:], -same(audio)[-960:])
    assert np.abs(np.diff(out, 2)).max() < 2e-3


def test_a_late_block_is_followed_by_a_short_silence() -> None:
    audio = same(sine(220, 1, 0.5))
    late = 24048  # where the tone is at its loudest
    out = chain(audio, (late, {"late": 1}), model=1)
    assert np.abs(out[late - 1]) > 0.48
    assert np.array_equal(out[START:late], audio[START:late])
    assert np.abs(np.diff(out)).max() < 0.025  # the tone's own steps are 0.0144
    assert not out[late + 48 : late + 4800].any()
    assert np.array_equal(out[late + 5760 :], audio[late + 5760 :])


def test_one_late_block_in_a_while_is_forgotten() -> None:
    audio = same(sine(220, 8, 0.5))
    late = [(RATE * 3 // 2 * k + 4800, {"late": 1}) for k in range(5)]
    out = chain(audio, *late, model=-1)
    assert np.array_equal(out[-4800:], -audio[-4800:])


def test_who_is_late_again_and_again_is_replaced_by_the_dry_guitar_until_another_model() -> None:
    audio = same(sine(220, 3, 0.5))
    late = [(4800 * k, {"late": 1}) for k in range(1, 8)]
    out = chain(audio, *late, (96000, {"model": 2}), model=-1)
    assert np.array_equal(out[60000:95000], audio[60000:95000])
    assert np.array_equal(out[-4800:], 2 * audio[-4800:])
    assert np.abs(np.diff(out[START:])).max() < 0.04  # of the louder model: 0.0288


def test_muted_for_the_tuner() -> None:
    audio = same(sine(220, 0.5, 0.5))
    out = chain(audio, (9600, {"mute": 1, "tune": 1}), (14400, {"mute": 0}), model=1)
    assert not out[9600 + 480 : 14400].any()
    assert np.array_equal(out[14400 + 480 :], audio[14400 + 480 :])
    assert db(splatter(out)) < -90
    assert len(out) % BLOCK == 0

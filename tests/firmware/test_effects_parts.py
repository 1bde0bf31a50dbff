"""The small parts around the net, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter, oaconvolve

from tests.firmware.effects_parts import BLOCK, RATE, db, make, play, settings, sine, splatter

RNG = np.random.default_rng(1)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    make("effects")


def smoothstep(position: np.ndarray) -> np.ndarray:
    held = np.clip(position, 0, 1)
    return held**2 * (3 - 2 * held)


def test_decibels() -> None:
    gains = 10 ** RNG.uniform(-37, 37, 2000)
    levels = RNG.uniform(-700, 700, 2000)
    of_gains, _ = play("decibels", gains).T
    _, of_levels = play("decibels", levels).T
    wanted = 20 * np.log10(gains.astype(np.float32).astype(float))
    assert np.abs(of_gains - wanted).max() < 1e-4
    wanted = 10 ** (levels.astype(np.float32).astype(float) / 20)
    assert np.abs(of_levels / wanted - 1).max() < 1e-5  # at 700 dB, a float's own last digit
    worst = play("decibels", [0.0, -1.0, np.nan, np.inf, 1e-42])
    assert worst[:3, 0] == pytest.approx([-758.6] * 3, abs=0.1)
    assert np.all(np.isfinite(worst))


def test_trim_follows_as_two_filters_do_and_arrives() -> None:
    gain = play("trim", np.ones(RATE), *settings((4800, {"gain": -20})))
    step = 1 - np.exp(-1 / (0.008 * RATE))
    target = np.where(np.arange(RATE) < 4800, 1.0, 0.1)
    once = lfilter([step], [1, step - 1], target - 1)
    wanted = 1 + lfilter([step], [1, step - 1], once)
    assert np.abs(gain - wanted).max() < 1e-5
    assert gain[-1] == pytest.approx(0.1, rel=3e-7)
    back = play("trim", sine(440, 0.5), *settings((2400, {"gain": 0}), jump=-30))
    assert np.array_equal(back[-4800:], sine(440, 0.5).astype(np.float32)[-4800:])


@pytest.mark.parametrize("jump", [-30, 24])
@pytest.mark.parametrize("part", ["trim", "trim_at_twice_the_rate"])
def test_trim_turned_back_is_exactly_one(part: str, jump: float) -> None:
    """Even where a filter's steps, at a high rate, become too small for a float early."""
    back = play(part, np.ones(2 * RATE), *settings((2400, {"gain": 0}), jump=jump))
    assert np.abs(back - 1).max() > 0.5
    assert np.all(back[-4800:] == 1)


def test_trim_turned_has_no_zipper() -> None:
    steps = [(4800 + BLOCK * k, {"gain": -40 + k / 5}) for k in range(201)]
    turned = play("trim", sine(1000, 1, 0.5), *settings(*steps, jump=-40))
    assert db(splatter(turned, 3000)) < -80
    stairs = np.repeat(10 ** ((-40 + np.arange(201) / 5) / 20), BLOCK)
    gain = np.concatenate([np.full(4800, 0.01), stairs, np.ones(RATE)])[:RATE]
    assert db(splatter(gain * sine(1000, 1, 0.5), 3000)) > -70  # what it would be without


def test_trim_ends_in_silence_at_its_lower_end() -> None:
    assert not play("trim", np.ones(RATE), *settings(gain=-90))[-100:].any()
    assert not play("trim", np.ones(4800), *settings(jump=float("nan"))).any()
    assert play("trim", np.ones(4800), *settings(jump=60))[-1] == pytest.approx(10**1.2, rel=1e-5)


def gate(audio: np.ndarray, threshold: float) -> np.ndarray:
    """The gate as its header describes it, sample by sample."""
    opens, closes = 10 ** (threshold / 20), 10 ** ((threshold - 6) / 20)
    decay, level, since, position, hold = np.exp(-1 / (0.02 * RATE)), 0.0, 2400, 1.0, 2400
    out = np.zeros(len(audio))
    for i, sample in enumerate(audio):
        level = max(abs(sample), level * decay)
        was_open = since < hold
        if level > (closes if was_open else opens):
            since = 0
        elif was_open:
            since += 1
        away = 1 / (48 - 0.5) if since < hold else -1 / (3840 - 0.5)
        position = min(max(position + away, 0), 1)
        out[i] = sample * smoothstep(np.array(position))
    return out


@pytest.mark.parametrize("blocks", [(48,), (7, 48, 13)])
def test_gate_does_what_it_says(blocks: tuple[int, ...]) -> None:
    """Hum, a note that decays through both thresholds, hum, a click in it, and a second note."""
    note = sine(82.4, 0.6) * 10 ** (-np.arange(28800) / 28800 * 3)
    hum = sine(100, 0.3, 10 ** (-70 / 20))
    audio = np.concatenate([hum, note, hum, hum, note]).astype(np.float32)
    audio[57600] = 1.0
    out = play("gate", audio, *settings(threshold=-50), blocks=blocks)
    assert np.abs(out - gate(audio.astype(float), -50)).max() < 2e-5
    assert not out[12000:14400].any()  # after hold and release, the hum is gone


def test_gate_stays_as_it_is_between_its_thresholds() -> None:
    between = sine(200, 0.4, 10 ** (-53 / 20))
    loud, quiet = sine(200, 0.2, 0.1), np.zeros(14400)
    out = play("gate", np.concatenate([loud, between, quiet, between]), *settings(threshold=-50))
    assert db(np.abs(out[9600:28800]).max()) == pytest.approx(-53, abs=0.1)
    assert not out[-19200:].any()


def test_gate_opens_in_a_millisecond_and_does_not_click() -> None:
    audio = np.concatenate([np.zeros(14400), sine(200, 0.3, 0.5), np.zeros(4800)])
    gain = play("gate", np.concatenate([np.zeros(14400), np.full(9600, 0.5)]), "threshold=-50")
    assert gain[14400] < 0.01
    assert np.all(gain[14447:] == 0.5)
    tone = np.concatenate([sine(200, 0.3, 0.001), sine(200, 0.3, 0.5), sine(200, 0.3, 0.001)])
    out = play("gate", tone, *settings(threshold=-40))
    assert db(splatter(out, 8000)) < db(splatter(tone, 8000)) + 6  # no worse than the tone's own
    assert np.array_equal(play("gate", audio, "disable=1"), audio.astype(np.float32))


@pytest.mark.parametrize("taps", [1, 2, 48, 49, 512, 1000, 2048])
def test_cabinet_is_a_convolution(taps: int) -> None:
    response = RNG.standard_normal(taps) * np.exp(-np.arange(taps) / 300)
    audio = RNG.standard_normal(9600)
    # The response is loaded within a block, whose rest is lost.
    fed = np.concatenate([response, np.zeros(BLOCK), audio])
    wanted = oaconvolve(audio, response)[: len(audio)]
    for blocks in [(48,), (7, 48, 13, 1), (32,)]:
        out = play("cabinet", fed, f"taps={taps}", blocks=blocks)[-len(audio) :]
        assert db(np.sqrt(np.mean((out - wanted) ** 2) / np.mean(wanted**2))) < -120


def test_cabinet_has_no_latency_and_forgets() -> None:
    response = np.concatenate([[0.5, -0.25], np.zeros(46)])
    audio = np.zeros(4800)
    audio[[31, 2048]] = 1.0
    out = play("cabinet", np.concatenate([response, audio]), "taps=48", blocks=(48, 5, 43))[48:]
    assert np.flatnonzero(np.abs(out) > 1e-6).tolist() == [31, 32, 2048, 2049]
    assert out[[31, 32]] == pytest.approx([0.5, -0.25], abs=1e-6)
    long = np.concatenate([np.ones(2064), np.ones(4800)])
    out = play("cabinet", long, *settings((4800, {"clear": 1}), taps=2048))
    assert out[4799] == pytest.approx(2048, rel=1e-5)
    assert out[4800] == pytest.approx(1, rel=1e-3)


def test_cabinet_of_nothing_passes() -> None:
    audio = RNG.standard_normal(480).astype(np.float32)
    assert np.array_equal(play("cabinet", audio, "taps=0"), audio)


def test_bypass_is_exact_at_its_ends_and_an_equal_gain_cross_fade_between() -> None:
    audio = (RNG.standard_normal(14400) + 3).astype(np.float32)  # never zero
    out = play("bypass", audio, *settings((4800, {"on": 1}), (9600, {"on": 0})))
    assert np.array_equal(out[:4800], -2 * audio[:4800])
    assert np.array_equal(out[5280:9600], audio[5280:9600])
    assert np.array_equal(out[10080:], -2 * audio[10080:])
    wet = (1 - out[4800:5280] / audio[4800:5280]) / 3  # of dry + wet (-2 dry - dry)
    assert np.abs(wet - smoothstep(1 - np.arange(1, 481) / 479.5)).max() < 1e-5


def test_meter_has_its_ballistics() -> None:
    tone = np.concatenate([np.tile(sine(1000, 0.001, 0.5), 2000), np.zeros(4 * RATE)])
    peak, held, rms, clips = play("meter", tone).T

    def at(seconds: float) -> int:
        return round(seconds * RATE / BLOCK) - 1

    assert peak[at(1)] == pytest.approx(-6.02, abs=0.1)
    assert peak[at(2)] - peak[at(3.7)] == pytest.approx(20, abs=0.2)
    assert held[at(2.99)] == pytest.approx(-6.02, abs=0.02)
    assert held[at(3)] - held[at(3 + 1.7)] == pytest.approx(20, abs=0.4)
    assert rms[at(2)] == pytest.approx(-9.03, abs=0.02)
    assert rms[at(2)] - rms[at(2.3)] == pytest.approx(4.34, abs=0.02)  # a time constant: e
    assert not clips.any()
    parts = play("meter", tone, blocks=(16,))[2::3]
    assert np.abs(parts[at(1) : at(5)] - play("meter", tone)[at(1) : at(5)]).max() < 0.3


def test_meter_counts_clips_and_survives_what_is_no_number() -> None:
    audio = sine(997, 1, 0.9)
    audio[[1000, 5000]] = 1.0
    audio[9000] = np.nan
    audio[9600] = np.inf
    rows = play("meter", audio)
    assert rows[-1, 3] == 4
    assert np.all(np.isfinite(rows))
    assert rows[-1, 2] == pytest.approx(-3.01 - 0.92, abs=0.4)


def test_load_meter_counts_through_the_clocks_wrap() -> None:
    """48 million ticks a second: 48,000 for a block of 48 frames at 48 kHz."""
    starts = 2**32 - 30_000 + 48_000 * (np.arange(24) - 5)  # it wraps within the long one
    took = np.full(24, 24_000)
    took[5] = 60_000
    ticks = np.stack([starts % 2**32, (starts + took) % 2**32], 1)
    ticks = ticks // 256 * 256  # what a float holds exactly
    average, worst, overruns, late = play("load", ticks.ravel()).T
    assert worst[4] == pytest.approx(0.5, abs=0.01)
    assert worst[-1] == pytest.approx(1.25, abs=0.01)
    assert overruns.tolist() == [0] * 5 + [1] * 19
    assert late.tolist() == [0] * 5 + [1] + [0] * 18
    assert average[-1] == pytest.approx(0.5 * (1 - (1 - 1 / 64) ** 24), abs=0.02)

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import signal

from rigs.audio import SAMPLE_RATE
from rigs.clicks import FRAMES, click_train, find_latency
from rigs.errors import UserError

Filter = Callable[[np.ndarray], np.ndarray]
LENGTH = 32_000
NOISE = 1e-3 * np.random.default_rng(0).standard_normal(LENGTH)  # -60 dBFS


def sent() -> np.ndarray:
    """The clicks, then something louder."""
    tone = 0.9 * np.sin(0.03 * np.arange(LENGTH - FRAMES))
    return np.concatenate([click_train().astype(np.float64), tone])


def delayed(x: np.ndarray, samples: float) -> np.ndarray:
    f = np.fft.rfftfreq(1 << 16)
    return np.fft.irfft(np.fft.rfft(x, 1 << 16) * np.exp(-2j * np.pi * f * samples))[:LENGTH]


def butter(order: int, hertz: float, kind: str) -> Filter:
    sos = signal.butter(order, hertz, kind, fs=SAMPLE_RATE, output="sos")
    return lambda x: signal.sosfilt(sos, x)


def amp(x: np.ndarray) -> np.ndarray:
    driven = np.tanh(10 * butter(1, 80, "highpass")(x))
    return -butter(2, 5000, "lowpass")(driven)


def test_click_train_is_a_quarter_second_of_four_short_clicks() -> None:
    x = click_train()
    assert (x.shape, x.dtype) == ((FRAMES,), np.float32)
    assert sorted(x[x != 0]) == [-0.5, -0.5, 0.5, 0.5]
    gaps = np.diff(np.flatnonzero(x))
    assert len(set(gaps)) == 3
    assert gaps.min() > 2048


@pytest.mark.parametrize("delay", [0.0, 0.25, 1.5, 77.77, 1000.0, 4800.0])
@pytest.mark.parametrize(
    "path", [lambda x: x, lambda x: -x, lambda x: 0.5 * np.tanh(20 * x)], ids=["", "-", "tanh"]
)
def test_pure_delay(path: Filter, delay: float) -> None:
    wet = delayed(path(sent()), delay) + NOISE
    assert find_latency(wet) == pytest.approx(delay, abs=0.05)


@pytest.mark.parametrize("delay", [3.0, 77.77, 4800.0])
@pytest.mark.parametrize(
    "path",
    [
        butter(1, 80, "highpass"),
        butter(2, 300, "highpass"),
        butter(1, 5000, "lowpass"),
        butter(2, 4000, "lowpass"),
        butter(4, 5000, "lowpass"),
        amp,
    ],
    ids=["hp1", "hp2", "lp1", "lp2", "lp4", "amp"],
)
def test_minimum_phase_paths_count_from_their_onset(path: Filter, delay: float) -> None:
    wet = delayed(path(sent()), delay) + NOISE
    assert find_latency(wet) == pytest.approx(delay, abs=0.5)


def test_a_converters_linear_phase_filter_is_delay() -> None:
    taps = signal.firwin(127, 21_500, fs=SAMPLE_RATE)
    wet = signal.lfilter(taps, 1, amp(signal.lfilter(taps, 1, sent()))) + NOISE
    assert find_latency(wet) == pytest.approx(126, abs=0.5)
    steep = signal.firwin(1023, 20_500, fs=SAMPLE_RATE)
    wet = signal.lfilter(steep, 1, sent()) + NOISE
    assert find_latency(wet) == pytest.approx(511, abs=0.05)


def test_faint_clicks_under_hum_and_dc() -> None:
    hum = 0.9 + 0.05 * np.sin(2 * np.pi * 50 / SAMPLE_RATE * np.arange(LENGTH))
    wet = delayed(0.05 * sent(), 3.3) + NOISE + hum
    assert find_latency(wet) == pytest.approx(3.3, abs=0.5)


def test_clicks_may_start_later_and_latency_be_longer() -> None:
    wet = np.concatenate([0.5 * np.sin(0.1 * np.arange(5000)), delayed(sent(), 12_000)])
    assert find_latency(wet, start=5000, longest=15_000) == pytest.approx(12_000, abs=0.05)


def test_the_recording_may_end_with_the_train() -> None:
    assert find_latency(delayed(sent(), 100)[: FRAMES + 100]) == pytest.approx(100, abs=0.05)


@pytest.mark.parametrize(
    "wet",
    [
        np.zeros(0),
        np.zeros(LENGTH),
        0.1 * np.random.default_rng(1).standard_normal(LENGTH),
        np.sin(0.1 * np.arange(LENGTH)),
        np.where(np.arange(LENGTH) == 777, 1.0, 0.0),
        np.arange(LENGTH) / LENGTH,
    ],
    ids=["empty", "silence", "noise", "tone", "crackle", "ramp"],
)
def test_no_clicks_no_latency(wet: np.ndarray) -> None:
    with pytest.raises(UserError, match="cannot be heard"):
        find_latency(wet)


def test_broken_recordings_are_refused() -> None:
    with pytest.raises(UserError, match="NaN"):
        find_latency(np.full(LENGTH, np.nan))

"""What the virtual amp promises, from the outside."""

import numpy as np
import pytest
from virtual_signals import (
    KNOB_NAMES,
    RATE,
    decibels,
    esr,
    linear_residual,
    plucked_strings,
    settings,
)

from rigs.errors import UserError
from rigs.virtual import KNOBS, VirtualAmp


@pytest.fixture(scope="module")
def amp():
    return VirtualAmp()


@pytest.fixture(scope="module")
def dry():
    return plucked_strings()


def test_the_panel_is_the_one_the_tests_name():
    assert KNOBS.names == KNOB_NAMES
    assert all((k.minimum, k.default, k.maximum) == (0, 5, 10) for k in KNOBS)


def test_the_test_signal_is_like_playing(dry):
    assert decibels(np.abs(dry).max()) == pytest.approx(-1)
    levels = decibels(np.sqrt(np.mean(dry.reshape(-1, 2400) ** 2, axis=1)))
    assert np.ptp(levels) > 30


def harmonics_and_rest(amp, positions):
    """dBFS of the fundamental and of the strongest component that is no harmonic of it.

    A -6 dBFS sine of 4999.8 Hz: an odd number of periods, prime to the length, so that every
    alias has a bin of its own.
    """
    periods, length = 8533, 81_920
    sine = 0.5 * np.sin(2 * np.pi * periods / length * np.arange(length + 24_000))
    spectrum = 2 / length * np.abs(np.fft.rfft(amp.render(sine, positions)[-length:]))
    harmonic = np.arange(0, length // 2, periods)
    fundamental = spectrum[periods]
    spectrum[harmonic] = 0
    return decibels(fundamental), decibels(spectrum.max())


@pytest.mark.parametrize(
    "positions", [settings(Gain=10), settings(Gain=10, Master=10), np.full(6, 10.0)]
)
def test_aliasing_stays_below_70_dbfs(amp, positions):
    fundamental, rest = harmonics_and_rest(amp, positions)
    assert fundamental > -10
    assert rest < -70


def test_full_gain_is_hard_for_a_linear_filter_and_low_gain_easy(amp, dry):
    assert linear_residual(dry, amp.render(dry, settings(Gain=10))) >= 0.3
    assert linear_residual(dry, amp.render(dry, settings(Gain=1))) <= 0.03


@pytest.mark.parametrize("name", KNOB_NAMES)
def test_every_knob_matters(amp, dry, name):
    low = amp.render(dry, settings(**{name: 0}))
    high = amp.render(dry, settings(**{name: 10}))
    assert esr(high, low) >= 0.05


def test_level_at_noon_master_suits_a_converter(amp, dry):
    """Gain from 2 up and the tone knobs anywhere: peaks within -20…-1 dBFS."""
    rng = np.random.default_rng(4)
    panel = rng.uniform(0, 10, (12, 6))
    panel[:, 0] = np.linspace(2, 10, 12)
    panel[:, 5] = 5
    short = dry[: 3 * RATE]
    peaks = decibels([np.abs(amp.render(short, row)).max() for row in panel])
    assert peaks.min() > -20
    assert peaks.max() < -1


def test_gain_at_zero_is_clean_and_audible(amp, dry):
    quiet = amp.render(dry, settings(Gain=0))
    assert decibels(quiet.std()) > -50
    assert linear_residual(dry, quiet) < 0.01


def test_master_at_zero_is_silent(amp, dry):
    assert np.abs(amp.render(dry[:RATE], settings(Gain=10, Master=0))).max() < 1e-9


def test_silence_in_silence_out(amp):
    wander = np.random.default_rng(0).uniform(0, 10, (50, 6))
    assert np.abs(amp.render(np.zeros(RATE // 2), wander, rate=100)).max() < 1e-9


def test_full_scale_noise_stays_bounded(amp):
    noise = np.random.default_rng(1).uniform(-1, 1, 2 * RATE)
    square = np.sign(np.sin(2 * np.pi * 40 / RATE * np.arange(RATE)))
    for loud in (noise, np.sign(noise), square):
        wet = amp.render(loud, np.full(6, 10.0))
        assert np.isfinite(wet).all()
        assert np.abs(wet).max() <= 1.0


def test_same_input_same_bits_whatever_was_played_before(amp, dry):
    positions = np.random.default_rng(2).uniform(0, 10, (40, 6))
    first = amp.render(dry[:20_000], positions, rate=100)
    amp.render(dry[::-1][:9_000], np.full(6, 10.0))
    assert amp.render(dry[:20_000], positions, rate=100).tobytes() == first.tobytes()
    assert VirtualAmp().render(dry[:20_000], positions, rate=100).tobytes() == first.tobytes()


def test_constant_trajectory_equals_still_knobs(amp, dry):
    positions = settings(Gain=8, Bass=2, Treble=9)
    still = amp.render(dry[:RATE], positions)
    moving = amp.render(dry[:RATE], np.tile(positions, (700, 1)), rate=731.3)
    np.testing.assert_allclose(moving, still, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(amp.render(dry[:RATE], positions[None]), still)


def test_trajectory_is_linear_between_frames_and_then_held(amp, dry):
    ends = np.array([settings(Gain=2, Treble=10, Master=3), settings(Gain=9, Bass=0)])
    coarse = amp.render(dry[:RATE], ends, rate=2)  # half a second from end to end
    fine = ends[0] + (ends[1] - ends[0]) * np.linspace(0, 1, 501)[:, None]
    fine = amp.render(dry[:RATE], fine, rate=1000)
    np.testing.assert_allclose(fine, coarse, atol=1e-9)
    held = amp.render(dry[:RATE], np.vstack([ends, ends[1]]), rate=2)
    np.testing.assert_allclose(held, coarse, atol=1e-9)


@pytest.mark.parametrize("knob", [0, 3, 5])
def test_knobs_act_when_the_trajectory_says(amp, knob):
    """A knob thrown in the millisecond before 0.25 s, before or behind the oversampling."""
    sine = 1e-4 * np.sin(2 * np.pi * 5000 / RATE * np.arange(RATE // 2))
    panel = np.tile(settings(Treble=0), (500, 1))
    panel[250:, knob] = 10
    change = amp.render(sine, panel) - amp.render(sine, panel[0])
    step = RATE // 4
    size = np.abs(change[step + 2400 : step + 4800]).max()
    assert np.abs(change[: step - 60]).max() < 0.02 * size
    assert np.abs(change[step + 10 : step + 60]).max() > 0.8 * size


@pytest.mark.parametrize("name", KNOB_NAMES)
def test_moving_knobs_do_not_zip(amp, name):
    """A clean 100 Hz tone under a knob swept in half a second has nothing above 600 Hz."""
    frames = RATE // 2
    sine = 1e-4 * np.sin(2 * np.pi * 100 / RATE * np.arange(frames))
    panel = settings(Gain=3) + np.zeros((51, 6))
    panel[:, KNOB_NAMES.index(name)] = np.linspace(0, 10, 51)
    wet = amp.render(sine, panel, rate=100)
    spectrum = decibels(np.abs(np.fft.rfft(wet * np.blackman(frames) ** 2)))
    above = int(600 * frames / RATE)
    assert spectrum[above:].max() < spectrum.max() - 100


def test_length_and_blocks_leave_no_mark(amp, dry):
    whole = amp.render(dry[:10_000], settings(Gain=10))
    for frames in (1, 47, 1920, 1921, 9_000):
        part = amp.render(dry[:frames], settings(Gain=10))
        assert part.shape == (frames,)
        # The filters look ahead by twice 96 samples; before that, the same.
        sure = max(frames - 192, 0)
        np.testing.assert_allclose(part[:sure], whole[:sure], atol=1e-12)
    assert amp.render(np.zeros(0), settings()).shape == (0,)


def test_progress_ends_at_one(amp, dry):
    seen = []
    amp.render(dry[:9_000].astype(np.float32), settings(), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize(
    ("dry", "positions", "rate", "says"),
    [
        (np.zeros((2, 2)), settings(), 1000, "one channel"),
        (np.array([0.0, np.nan]), settings(), 1000, "sample 1"),
        (np.array([np.inf]), settings(), 1000, "sample 0"),
        (np.zeros(3), settings()[:5], 1000, "Gain, Bass"),
        (np.zeros(3), np.zeros((0, 6)), 1000, "control frames"),
        (np.zeros(3), settings(Bass=10.5), 1000, "Bass is at 10.5"),
        (np.zeros(3), settings(Master=np.nan), 1000, "Master is at nan"),
        (np.zeros(3), settings(), 0, "0 Hz"),
    ],
)
def test_what_cannot_be_played_is_refused(amp, dry, positions, rate, says):
    with pytest.raises(UserError, match=says):
        amp.render(dry, positions, rate)

"""The linear parts: tone stack, gain control, presence, oversampling, and the whole chain."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import freqz
from virtual_signals import RATE, settings

from rigs.virtual import VirtualAmp
from rigs.virtual.components import COMPONENTS, Pot
from rigs.virtual.filters import (
    CONTROL_STEP,
    FixedFilter,
    TimeVaryingFilter,
    interpolate,
    one_pole,
    solve_recurrence,
)
from rigs.virtual.oversampling import BLOCK, FACTOR, LATENCY, Downsampler, Upsampler, lowpass
from rigs.virtual.pots import wiper
from rigs.virtual.preamp import coupling_network
from rigs.virtual.tonestack import gain_control, presence, tone_stack, tone_stack_polynomials
from rigs.virtual.triode import Waveshaper

FREQUENCIES = np.geomspace(20, 18_000, 60)


def response(network, frequencies=FREQUENCIES, frame=0):
    """Of a discrete network, exactly: D + C (z - A)⁻¹ B (z + 1)."""
    z = np.exp(2j * np.pi * frequencies / RATE)
    order = network.transition.shape[1]
    resolvent = np.linalg.inv(z[:, None, None] * np.eye(order) - network.transition[frame])
    states = resolvent @ network.feed[frame] * (z + 1)[:, None]
    return network.direct[frame] + states @ network.output[frame]


def warped(frequencies=FREQUENCIES):
    """s at which the analog filter does what its bilinear transform does at ``frequencies``."""
    return 2j * RATE * np.tan(np.pi * frequencies / RATE)


@pytest.mark.parametrize("bass", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("middle", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("treble", [0.0, 0.5, 1.0])
def test_tone_stack_is_the_formula_of_yeh_and_smith(bass, middle, treble):
    parts = COMPONENTS.tone_stack
    network = tone_stack(parts, *(np.array([v]) for v in (bass, middle, treble)), rate=RATE)
    top, bottom = tone_stack_polynomials(parts, bass, middle, treble)
    expected = np.polyval(top, warped()) / np.polyval(bottom, warped())
    np.testing.assert_allclose(response(network), expected, rtol=1e-7, atol=1e-10)


def test_gain_control_is_its_circuit():
    parts, fraction, s = COMPONENTS.input, 0.3, warped()
    above = 1 / (parts.source + (1 - fraction) * parts.gain.resistance) + s * parts.bright
    below = 1 / (parts.foot + fraction * parts.gain.resistance) + s * parts.miller
    network = gain_control(parts, np.array([fraction]), RATE)
    np.testing.assert_allclose(response(network), above / (above + below), rtol=1e-9)


@pytest.mark.parametrize("fraction", [0.01, 0.4, 1.0])
def test_presence_is_a_feedback_amplifier(fraction):
    parts, s = COMPONENTS.presence, warped()
    above, below = (1 - fraction) * parts.pot.resistance, fraction * parts.pot.resistance
    tail = above + below / (1 + s * below * parts.capacitor)
    closed = parts.open_loop / (1 + parts.open_loop * tail / (tail + parts.feedback))
    still = parts.pot.resistance / (parts.pot.resistance + parts.feedback)
    closed /= parts.open_loop / (1 + parts.open_loop * still)
    network = presence(parts, np.array([fraction]), RATE)
    np.testing.assert_allclose(response(network), closed, rtol=1e-9)


def test_moving_knobs_cannot_store_up_energy():
    """At every setting the stack's A shrinks the energy in its capacitors: C-norm at most 1."""
    parts = COMPONENTS.tone_stack
    bass, middle, treble = np.random.default_rng(3).uniform(0, 1, (3, 500))
    bass[:50], middle[:50] = 0.01, 1.0
    scale = np.sqrt([parts.c1, parts.c2, parts.c3])
    transition = tone_stack(parts, bass, middle, treble, RATE).transition
    norms = np.linalg.norm(transition * scale[:, None] / scale, ord=2, axis=(1, 2))
    assert norms.max() < 1


def test_banded_solution_is_the_recurrence():
    rng = np.random.default_rng(5)
    transition, drive = rng.normal(0, 0.4, (200, 3, 3)), rng.normal(size=(200, 3))
    state = rng.normal(size=3)
    expected, x = [], state
    for matrix, push in zip(transition, drive, strict=True):
        x = matrix @ x + push
        expected.append(x)
    np.testing.assert_allclose(solve_recurrence(transition, drive, state), expected, rtol=1e-9)


def test_interpolation_is_linear_and_starts_on_the_frame():
    frames = np.array([[1.0, 0.0], [3.0, -1.0], [3.0, 5.0]])
    at = np.arange(2 * CONTROL_STEP) / CONTROL_STEP
    expected = np.stack([np.interp(at, range(3), column) for column in frames.T], axis=1)
    np.testing.assert_allclose(interpolate(frames), expected, atol=1e-15)


def test_time_varying_filter_carries_its_state():
    position = np.full(3, 0.3)
    one, other = TimeVaryingFilter(1), FixedFilter(*_one_state_biquad(position))
    samples = np.random.default_rng(6).normal(size=4 * CONTROL_STEP)
    network = gain_control(COMPONENTS.input, position, RATE)
    parts = [one.process(piece, network) for piece in np.split(samples, 2)]
    np.testing.assert_allclose(np.concatenate(parts), other.process(samples), atol=1e-12)


def _one_state_biquad(position):
    network = gain_control(COMPONENTS.input, position, RATE)
    a, b = network.transition[0, 0, 0], network.feed[0, 0] * network.output[0, 0]
    direct = network.direct[0]
    return np.array([direct + b, b - direct * a]), np.array([1.0, -a])


def test_audio_taper_goes_through_its_midpoint():
    pot = Pot(1e6, midpoint=0.15)
    ends = wiper(pot, np.array([0.0, 5.0, 10.0]))
    np.testing.assert_allclose(ends, [0, 0.15, 1], atol=1e-12)
    assert wiper(replace(pot, residual=0.01), np.zeros(1))[0] == pytest.approx(0.01)


def test_up_and_down_delay_by_whole_samples_and_nothing_else():
    samples = np.random.default_rng(7).normal(size=4 * BLOCK)
    tone = np.sin(2 * np.pi * 15_000 / RATE * np.arange(len(samples)))
    up, down = Upsampler(), Downsampler(early=0.0)
    blocks = [down.process(up.process(block)) for block in np.split(tone, 4)]
    late = np.concatenate(blocks)
    np.testing.assert_allclose(late[BLOCK:], tone[BLOCK - LATENCY : -LATENCY], atol=1e-4)


@pytest.mark.parametrize("early", [0.0, 1.0])
def test_lowpass_passes_20_khz_and_stops_from_24_khz(early):
    frequencies, levels = freqz(lowpass(early), worN=1 << 15, fs=RATE * FACTOR)
    levels = 20 * np.log10(np.abs(levels) + 1e-12)
    assert np.abs(levels[frequencies <= 20_000]).max() < 0.01
    assert levels[frequencies >= RATE / 2].max() < -100


def test_small_signals_meet_the_circuit_and_no_stray_delay():
    """A tiny impulse through the amp has the response of the linear parts in series.

    Magnitude to 0.1 dB and phase to the equivalent of 0.01 sample.
    """
    parts, positions = COMPONENTS, settings(Gain=2)
    frequencies = np.array([80.0, 200.0, 1000.0, 5000.0, 12_000.0, 16_000.0])
    impulse = np.zeros(RATE)
    impulse[1000] = 1e-5
    wet = VirtualAmp().render(impulse, positions)
    turns = frequencies[:, None] / RATE * (np.arange(RATE) - 1000)
    measured = np.exp(-2j * np.pi * turns) @ wet / 1e-5

    def at(pot, position):
        return wiper(pot, np.array([position]))

    def fixed(pair, rate):
        return freqz(*pair, worN=frequencies, fs=rate)[1]

    stack, power = parts.tone_stack, parts.power
    toned = [at(pot, 5.0) for pot in (stack.bass, stack.middle, stack.treble)]
    grids = 1 / (2 * np.pi * power.inverter_source * power.inverter_capacitor)
    slopes = 1.0
    for stage in (parts.first, parts.second):
        slopes *= np.diff(Waveshaper(stage.sigmoids).curve(np.array([-1e-6, 1e-6])))[0] / 2e-6
    slopes /= power.tube_headroom * np.hypot(1, power.mismatch) ** 3
    expected = (
        parts.input.volts_full_scale
        * response(gain_control(parts.input, at(parts.input.gain, 2.0), RATE), frequencies)
        * fixed(coupling_network(parts.coupling, RATE * FACTOR), RATE * FACTOR)
        * response(tone_stack(stack, *toned, rate=RATE), frequencies)
        * at(power.master, 5.0)
        * response(presence(parts.presence, at(parts.presence.pot, 5.0), RATE), frequencies)
        * fixed(one_pole("low", grids, RATE * FACTOR), RATE * FACTOR)
        * fixed(one_pole("high", power.transformer_low, RATE), RATE)
        * fixed(one_pole("low", power.transformer_high, RATE), RATE)
        * np.cos(np.pi * frequencies / (RATE * FACTOR)) ** 4  # the four antialiased stages
        * slopes
        * power.full_output
    )
    ratio = measured / expected
    assert np.abs(20 * np.log10(np.abs(ratio))).max() < 0.1
    assert np.abs(np.angle(ratio) / (2 * np.pi * frequencies / RATE)).max() < 0.01

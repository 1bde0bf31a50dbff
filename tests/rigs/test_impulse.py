from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from scipy import signal

from rigs.actuators.parameters import Parameters
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.impulse.measure import LATE, QUIET, Method, evaluate, measure
from rigs.impulse.picture import draw, facts
from rigs.impulse.shaping import (
    BEFORE,
    find_end,
    find_onset,
    minimum_phase,
    scaled,
    windowed,
)
from rigs.impulse.sweep import Sweep
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options, Recording, Rig, SignalPath
from tests.rigs.bench_rig import cabinet

CABINET = cabinet()
ONSET = find_onset(CABINET)


def through(response, shape=lambda x: x, delay=0, noise=0.0, seed=1):
    """What a path does: a curve, a response, a delay, and noise of that RMS."""

    def path(dry):
        wet = signal.oaconvolve(shape(dry), response)[: len(dry)]
        wet = np.concatenate([np.zeros(delay), wet])[: len(dry)]
        return wet + noise * np.random.default_rng(seed).standard_normal(len(wet))

    return path


def found(path, latency=0, **method):
    how = Method(**{"normalise": "none", **method})
    return evaluate(path(how.dry), how, latency)


def expected(frames, response=CABINET):
    """``response`` as it is written: the onset at the 24th sample."""
    onset = find_onset(response)
    whole = np.concatenate([np.zeros(BEFORE - onset), response])
    return np.pad(whole, (0, max(0, frames - len(whole))))[:frames]


def error_db(response, target):
    return 10 * math.log10(np.sum((response - target) ** 2) / np.sum(target**2))


def fitted(response, target):
    """``response`` at the level that fits ``target`` best."""
    return response * np.dot(response, target) / np.dot(response, response)


# --- the sweep ------------------------------------------------------------------------------


def test_the_sweep_spends_as_long_in_every_octave():
    sweep = Sweep(5.0, -12.0)
    x = sweep.signal
    assert len(x) == 5 * SAMPLE_RATE
    assert np.abs(x).max() == pytest.approx(10 ** (-12 / 20), rel=1e-3)
    octave = sweep.lead(2)
    crossings = np.flatnonzero(np.diff(np.signbit(x)))
    counts = [
        np.count_nonzero((crossings >= k * octave) & (crossings < (k + 1) * octave))
        for k in range(4, 10)
    ]
    assert counts[1:] == pytest.approx([2 * count for count in counts[:-1]], rel=0.01)


def test_the_sweep_undone_is_a_pulse():
    sweep = Sweep(2.0)
    pulse = sweep.deconvolve(np.pad(sweep.signal, (0, 48_000)), 3 * SAMPLE_RATE)
    assert np.argmax(np.abs(pulse)) == 0
    f = np.fft.rfftfreq(len(pulse), 1 / SAMPLE_RATE)
    inside = (f >= 20) & (f <= 20_000)
    assert np.fft.rfft(pulse)[inside] == pytest.approx(1.0, abs=1e-4)


# --- the response ---------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0, 1, 777, LATE - ONSET])
def test_a_cabinet_is_recovered(delay):
    it = found(through(CABINET, delay=delay))
    assert len(it.response) == BEFORE + 9600
    assert error_db(it.response, expected(len(it.response))) <= -90
    assert it.delay == delay + ONSET
    assert it.distortion < 1e-4
    assert list(it.remarks) == []


def test_a_response_that_comes_early_is_recovered():
    it = found(lambda dry: np.roll(through(CABINET)(dry), -100))
    assert error_db(it.response, expected(len(it.response))) <= -90
    assert it.delay == ONSET - 100


def test_polarity_and_level_are_kept():
    it = found(through(-0.03 * CABINET))
    assert error_db(it.response, -0.03 * expected(len(it.response))) <= -90


@pytest.mark.parametrize("repeats", [1, 4])
@pytest.mark.parametrize("level", [-80, -60, -40])
def test_noise_does_no_more_than_it_says(level, repeats):
    it = found(through(CABINET, noise=10 ** (level / 20)), repeats=repeats)
    assert it.noise_dbfs == pytest.approx(level, abs=0.5)
    error = error_db(it.response, expected(len(it.response)))
    assert error == pytest.approx(-it.snr_db, abs=1.5)
    assert it.end < 9600
    assert not it.response[BEFORE + it.end :].any()


def test_averaging_lowers_the_noise():
    once = found(through(CABINET, noise=1e-3))
    often = found(through(CABINET, noise=1e-3), repeats=4)
    errors = [error_db(it.response, expected(len(it.response))) for it in (once, often)]
    assert errors[0] - errors[1] == pytest.approx(6, abs=2)
    assert often.end > once.end


def test_too_much_noise_is_refused_and_much_is_told():
    with pytest.raises(UserError, match="dB out of the noise"):
        found(through(0.01 * CABINET, noise=0.1))
    (remark,) = found(through(CABINET, noise=0.02)).remarks
    assert "Noise is only" in remark


def test_silence_is_refused():
    with pytest.raises(UserError, match="Nothing came back"):
        found(np.zeros_like)


def test_noise_alone_is_no_response():
    with pytest.raises(UserError):
        found(through(0 * CABINET, noise=0.01))


def test_dc_is_no_response():
    it = found(lambda dry: through(CABINET)(dry) + 0.1, seconds=2.3013)
    assert error_db(it.response, expected(len(it.response))) < -80


def test_hum_is_noise():
    hum = 1e-3 * np.sin(2 * np.pi * 50 * np.arange(Method().frames) / SAMPLE_RATE)
    it = found(lambda dry: through(CABINET)(dry) + hum)
    error = error_db(it.response, expected(len(it.response)))
    assert error < -40
    assert it.noise_dbfs == pytest.approx(-63, abs=0.5)
    assert error < -it.snr_db + 3


def test_of_a_path_that_distorts_the_linear_part_is_found():
    for drive in (1.0, 5.0):
        it = found(through(CABINET, shape=lambda x, drive=drive: np.tanh(drive * x) / drive))
        target = expected(len(it.response))
        assert error_db(fitted(it.response, target), target) <= -60
    assert any("distorts" in remark for remark in it.remarks)


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_distortion_is_measured(noise):
    # x − x³/2 of amplitude a: a third harmonic of a³/8, a fundamental of a − 3a³/8; the third
    # harmonic is heard up to 20 kHz, over so many octaves of the fundamental.
    a = 10 ** (-12 / 20)
    third, first = a**3 / 8, a - 3 * a**3 / 8
    octaves = math.log2(20_000 / 3 / 40) / math.log2(20_000 / 40)
    it = found(through(np.array([1.0]), shape=lambda x: x - x**3 / 2, noise=noise))
    assert it.distortion == pytest.approx(third / first * math.sqrt(octaves), rel=0.05)


def test_even_harmonics_count_too():
    a = 10 ** (-12 / 20)
    octaves = math.log2(20_000 / 2 / 40) / math.log2(20_000 / 40)
    it = found(through(np.array([1.0]), shape=lambda x: x + 0.1 * x**2))
    assert it.distortion == pytest.approx(0.1 * a / 2 * math.sqrt(octaves), rel=0.05)


# --- what is made of it ---------------------------------------------------------------------


def test_the_delay_is_kept_on_request():
    it = found(through(CABINET, delay=500), latency=1000, keep_delay=True)
    assert it.delay == 1500 + ONSET
    assert find_onset(it.response) == it.delay
    short = found(through(CABINET, delay=10), keep_delay=True)
    assert find_onset(short.response) == 10 + ONSET


def test_minimum_phase_keeps_the_magnitude_and_comes_early():
    reflected = CABINET.copy()
    reflected[400:] += 1.5 * CABINET[:-400]  # louder than what came first: not of minimum phase
    it = found(through(reflected), minimum_phase=True)
    plain = found(through(reflected))
    magnitudes = [np.abs(np.fft.rfft(r, 1 << 16)) for r in (it.response, plain.response)]
    f = np.fft.rfftfreq(1 << 16, 1 / SAMPLE_RATE)
    audible = (f > 60) & (f < 6000)
    ratio = 20 * np.log10(magnitudes[0][audible] / magnitudes[1][audible])
    assert np.abs(ratio).max() < 1.0
    energy = [np.cumsum(r**2) / np.sum(r**2) for r in (it.response, plain.response)]
    assert energy[0][100] > energy[1][100 + BEFORE] + 0.3


def test_minimum_phase_takes_an_all_pass_away_and_nothing_else():
    x = np.zeros(4800)
    x[0] = 1.0
    # Zeros and poles within the unit circle, and no zero near either end of the band.
    least = signal.lfilter([1.0, -0.5, 0.3], [1.0, -1.9, 0.93], x)
    passed = np.concatenate([np.zeros(200), signal.lfilter([0.7, 1.0], [1.0, 0.7], least)])
    for response in (least, passed):
        assert error_db(minimum_phase(response)[:4800], least) < -60


def test_scaling():
    assert np.abs(scaled(CABINET, "peak")[0]).max() == pytest.approx(10 ** (-0.1 / 20))
    assert np.sum(scaled(CABINET, "energy")[0] ** 2) == pytest.approx(1)
    response, gain_db = scaled(CABINET, "energy")
    assert response == pytest.approx(CABINET * 10 ** (gain_db / 20))
    assert scaled(CABINET, "none")[0] is CABINET


def test_the_window_keeps_the_onset_and_fades_the_tail():
    x = windowed(np.ones(1000), 100, 900)
    assert not x[: 100 - BEFORE].any()
    assert (x[100 - BEFORE // 2 : 820] == 1).all()
    assert (np.diff(x[820:900]) < 0).all()
    assert not x[900:].any()


def test_the_end_is_where_the_response_sinks_into_the_noise():
    rng = np.random.default_rng(0)
    t = np.arange(48_000) / SAMPLE_RATE
    decay = rng.standard_normal(48_000) * 10 ** (-60 * t / 20)  # 60 dB a second
    end = find_end(decay + 1e-2 * rng.standard_normal(48_000), 1e-4)
    assert end / SAMPLE_RATE == pytest.approx(40 / 60, abs=0.05)
    assert find_end(decay, 0.0) == 48_000


def test_a_room_that_is_cut_short_is_told():
    rng = np.random.default_rng(0)
    room = 0.02 * rng.standard_normal(48_000) * np.exp(-np.arange(48_000) / 8000)
    room[0] = 1.0
    (remark,) = found(through(room)).remarks
    assert "--length" in remark
    assert list(found(through(room), seconds=12.0, length=1.0).remarks) == []


def test_what_does_not_go_together():
    with pytest.raises(UserError, match=r"at least 11\.2 s"):
        Method(length=1.0)
    Method(length=1.0, seconds=11.2)
    with pytest.raises(UserError, match="no delay to keep"):
        Method(minimum_phase=True, keep_delay=True)
    with pytest.raises(UserError, match="longer than 30 minutes"):
        Method(seconds=100, repeats=20)


def test_the_dry_is_silence_and_sweeps_with_room_for_their_echo():
    method = Method(seconds=2.0, length=0.1, repeats=3)
    assert method.dry.shape == (method.frames,)
    assert not method.dry[:QUIET].any()
    rows = method.dry[QUIET:].reshape(3, -1)
    assert (rows == rows[0]).all()
    assert not rows[0, 2 * SAMPLE_RATE :].any()
    assert rows.shape[1] == 2 * SAMPLE_RATE + 4800 + LATE


# --- through a rig --------------------------------------------------------------------------


class CabinetPath(SignalPath):
    """Live: clips at full scale, and says what latency it took away."""

    gain = 1.0
    shape = staticmethod(lambda x: x)

    def play(self, dry, motion, progress):
        wet = through(CABINET, self.shape)(np.asarray(dry, np.float64)) * self.gain
        progress(len(dry) / SAMPLE_RATE)
        return Recording(np.clip(wet, -1, 1).astype(np.float32), 321.4, ("no latency",))


@pytest.fixture
def rig():
    table = KnobTable((Knob("Mic"),))
    return Rig("cab", "cab", table, Parameters(Options(), None), CabinetPath(Options(), None))


def test_through_a_rig(rig):
    seen = []
    it = measure(rig, {"Mic": 3.0}, Method(normalise="none"), seen.append)
    assert error_db(it.response, expected(len(it.response))) <= -80
    assert it.delay == 321 + ONSET
    assert seen


def test_a_clipped_return_is_refused(rig):
    rig.path.gain = 20.0
    with pytest.raises(UserError, match="clipped"):
        measure(rig, {"Mic": 3.0}, Method())


# --- the picture ----------------------------------------------------------------------------


def lines(svg):
    """The curves of an SVG, each as an array of points, shape (points, 2)."""
    root = ET.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    return [
        np.array([point.split(",") for point in curve.attrib["points"].split()], float)
        for curve in root.iter(f"{space}polyline")
    ]


def test_the_picture_shows_spectrum_beginning_and_decay():
    it = found(through(CABINET, noise=1e-3), normalise="peak")
    svg = draw(it, 'A <cab> & "room"')
    assert "A &lt;cab&gt; &amp;" in svg
    assert facts(it) in svg
    assert "55 dB above the noise, in which it is lost after 62 ms" in svg
    noise, spectrum, beginning, floor, decay = lines(svg)
    # The cabinet is loudest near 120 Hz, and 40 dB down at its upper end; down is a larger y.
    hertz = 20 * 1000 ** (spectrum[:, 0] / spectrum[-1, 0])
    assert hertz[np.argmin(spectrum[:, 1])] == pytest.approx(122, rel=0.1)
    assert spectrum[-1, 1] > spectrum[240, 1] + 100
    assert (noise[:, 1] > spectrum[:, 1])[50:200].all()
    assert np.isfinite(np.concatenate([beginning, decay])).all()
    assert floor[0, 1] == floor[1, 1]
    assert decay[-1, 1] > decay[0, 1]


@pytest.mark.parametrize(
    "method", [{"length": 0.005}, {"minimum_phase": True}, {"keep_delay": True}]
)
def test_every_kind_has_a_picture(method):
    it = found(through(np.array([1.0]), delay=100), **method)
    assert len(lines(draw(it, "loop"))) == 5
    assert "no noise" in facts(it)

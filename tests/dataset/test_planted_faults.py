"""Each check finds the fault that is planted, and nothing where there is none."""

import numpy as np
import pytest
from tanh_rig import KNOBS

from dataset.checks import THRESHOLDS, faults, judge, quiet, thresholds
from dataset.checks.company import Company, at_ends, off_course
from dataset.checks.levels import Levels
from dataset.checks.sameness import compare
from dataset.checks.stillness import stood_still
from dataset.checks.wire import response
from dataset.signals import make
from rigs.audio import rms_dbfs

RNG = np.random.default_rng(0)
DRY = make("validation", 12, 1).audio
AT = np.arange(len(DRY)) / 48_000


def amp(dry=DRY, gain=4.0, noise=1e-5):
    """A driven stage behind a high-pass and before a low-pass, with a converter's noise."""
    bright = np.diff(dry, prepend=np.float32(0)) + 0.1 * dry
    driven = np.tanh(gain * 3 * bright)
    wet = 0.3 * np.convolve(driven, np.ones(12) / 12)[: len(dry)]
    return (wet + noise * RNG.standard_normal(len(dry))).astype(np.float32)


WET = amp()
LOUD = int(np.argmax(np.abs(WET[10_000:-10_000]))) + 9_500
"""A sample where the amp is loud."""


def look(wet, dry=DRY, **changes):
    return judge(dry, wet.astype(np.float32), False, thresholds(changes)).flags


def test_the_amp_is_good_as_it_is():
    assert look(WET) == ()
    assert look(amp(gain=0.2)) == ()
    assert abs(WET[LOUD : LOUD + 600]).max() > 0.2


# --- dropouts -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [48, 64, 128, 441, 1024])
@pytest.mark.parametrize("kind", ["zeros", "held", "again", "four before"])
def test_a_lost_buffer_is_a_dropout(size, kind):
    wet = WET.copy()
    lost = slice(LOUD, LOUD + size)
    back = 4 * size if kind == "four before" else size
    wet[lost] = {"zeros": 0.0, "held": wet[LOUD - 1]}.get(
        kind, WET[LOUD - back : LOUD - back + size]
    )
    assert look(wet) == ("dropout",)
    assert look(wet, still_run=2000) == ()


def test_what_devices_do_by_themselves_is_no_dropout():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * AT)
    fuzz = np.clip(40 * WET, -0.3, 0.3)  # digital: flat for hundreds of samples at a time
    coarse = np.round(WET * 100) / 100
    looped = np.tile(amp(DRY[:48_000], noise=0), 3)
    same = np.tile(DRY[:48_000], 3)
    for wet in (tone, fuzz, coarse, np.zeros_like(WET), np.full_like(WET, 0.001)):
        assert not stood_still(DRY, wet.astype(np.float32), 32)
    assert not stood_still(same, looped, 32)
    quiet_end = WET.copy()
    quiet_end[-4800:] = 0  # a gate that shuts where the amp is silent
    quiet_end[-9600:-4800] *= np.linspace(1, 0, 4800)
    assert not stood_still(DRY, quiet_end, 32)


# --- hum and noise --------------------------------------------------------------------------


@pytest.mark.parametrize("mains", [50.0, 60.0, 49.95])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_hum_is_found_in_the_pauses(mains, order):
    hum = 0.02 * np.sin(2 * np.pi * mains * order * AT + 1)
    heard = quiet.listen(DRY, WET + hum)
    assert heard.hum_dbfs == pytest.approx(-37, abs=0.5)
    if order == 1:
        assert heard.mains == pytest.approx(mains, abs=1)
    assert look(WET + hum) == ("hum",)
    assert look(WET + hum, hum_dbfs=-30) == ()
    assert look(WET + 0.05 * hum) == ()
    assert look(WET + 0.05 * hum, hum_dbfs=-70) == (), "30 dB below the take it is any amp's"
    assert look(WET + 0.05 * hum, hum_dbfs=-70, hum_below=60) == ("hum",)


def test_noise_is_found_in_the_pauses():
    hiss = 0.01 * RNG.standard_normal(len(DRY))
    assert quiet.listen(DRY, WET + hiss).noise_dbfs == pytest.approx(-40, abs=1)
    assert quiet.listen(DRY, WET + hiss).hum_dbfs == -np.inf
    assert look(WET + hiss) == ("noise",)
    assert look(WET + hiss, noise_dbfs=-30) == ()
    assert look(WET + 0.1 * hiss) == ()
    assert look(WET + 0.1 * hiss, noise_dbfs=-80, noise_below=60) == ("noise",)


def test_a_note_that_dies_away_is_no_hum_and_a_dry_without_pauses_tells_nothing():
    struck = np.zeros(48_000)
    struck[:24_000] = 0.3 * RNG.standard_normal(24_000)
    note = 0.1 * np.sin(2 * np.pi * 100 * AT[:48_000])
    assert look(struck + note, struck) == ("hum",)
    dying = np.exp(-6 * np.maximum(0, AT[:48_000] - 0.5))
    assert look(struck + note * dying, struck) == ()
    busy = 0.1 * RNG.standard_normal(48_000)
    assert quiet.listen(busy, busy + 0.1) is None
    assert quiet.noise_share(busy, busy) == 0
    assert 0 < quiet.noise_share(DRY, WET) < 1e-6
    # A volume at 0 leaves nothing but noise, which is all there is.
    assert look(1e-4 * RNG.standard_normal(len(DRY))) == ()


# --- beside other captures ------------------------------------------------------------------


def at(gain, tone=5.0, bright=0.0):
    return {"Gain": gain, "Tone": tone, "Bright": bright}


def company(**changes):
    return Company(KNOBS, thresholds(changes))


def test_a_latency_that_jumps():
    known = company()
    for _ in range(3):
        known.add(at(5), DRY, WET, 312.4)
    assert known.judge(at(5), DRY, WET, 318.0) == ()
    assert known.judge(at(5), DRY, WET, 376.4) == ("latency jump",)
    wide = company(latency_jump=100)
    wide.add(at(5), DRY, WET, 312.4)
    assert wide.judge(at(5), DRY, WET, 376.4) == ()
    known.reopened()
    assert known.judge(at(5), DRY, WET, 376.4) == ()


def a_volume(share):
    """An audio taper: the level of a real knob, which changes fastest near its lower end."""
    return 20 * np.log10(0.002 + share**2)


def test_a_level_that_jumps():
    rng = np.random.default_rng(1)
    levels = Levels(KNOBS, THRESHOLDS["level_jump"])
    alarms = missed = judged = 0
    for number in range(120):
        gain, tone, bright = rng.uniform(0, 10), rng.uniform(0, 10), float(rng.integers(2))
        if number % 5 == 0:
            gain, tone = 10.0 * rng.integers(2), 10.0 * rng.integers(2)
        setting = at(gain, tone, bright)
        level = a_volume(gain / 10) + 0.6 * tone + 4 * bright + rng.normal(0, 1)
        alarms += levels.jumps(setting, level)
        if number > 60 and gain > 3:
            judged += 1
            missed += not levels.jumps(setting, level - 30)
        levels.add(setting, level)
    assert alarms == 0
    assert judged > 20
    assert missed <= 0.1 * judged


def test_a_device_whose_level_jumps_by_its_nature_sets_its_own_limit():
    rng = np.random.default_rng(2)
    levels = Levels(KNOBS, THRESHOLDS["level_jump"])
    for _ in range(80):
        setting = at(*rng.uniform(0, 10, 2))
        level = 25.0 * (rng.uniform() < 0.5)
        assert not levels.jumps(setting, level)
        levels.add(setting, level)


def test_few_captures_say_nothing_of_levels():
    levels = Levels(KNOBS, THRESHOLDS["level_jump"])
    for gain in range(11):
        assert not levels.jumps(at(float(gain)), 60.0 * (gain % 2))
        levels.add(at(float(gain)), 0.0)


def wire(gain):
    return (gain * DRY + 1e-5 * RNG.standard_normal(len(DRY))).astype(np.float32)


def test_an_amp_that_was_bypassed_meanwhile():
    known = company()
    known.add(at(5), DRY, WET, 0)
    assert known.judge(at(2), DRY, wire(0.4), 0) == ("bypassed",)
    assert company(bypass_ripple=0).judge(at(2), DRY, wire(0.4), 0) == ()
    assert known.judge(at(2), DRY, WET, 0) == ()
    assert known.judge(at(2), DRY, amp(gain=0.2), 0) == (), "clean, but with a tone of its own"


def test_an_amp_that_was_bypassed_from_the_beginning():
    known = company()
    assert known.judge(at(5), DRY, wire(0.4), 0) == ("like the dry",)
    known.add(at(5), DRY, wire(0.4), 0)
    assert known.judge(at(5), DRY, wire(0.4), 0) == ("like the dry",), "the same setting"
    assert known.judge(at(2), DRY, wire(0.4), 0) == ("bypassed",)
    assert faults(("like the dry",)) == ()


def test_a_clean_boost_is_not_bypassed():
    known = company()
    for gain in (0.1, 0.2, 0.3, 0.4):
        assert known.judge(at(20 * gain), DRY, wire(gain), 0) == ("like the dry",)
        known.add(at(20 * gain), DRY, wire(gain), 0)
    overdrive = company()
    overdrive.add(at(10), DRY, np.tanh(3 * DRY), 0)
    overdrive.add(at(10, 0.0), DRY, WET, 0)
    assert overdrive.judge(at(0), DRY, wire(0.3), 0) == ("like the dry",)


def test_a_wire_behind_converters_is_a_wire():
    from scipy import signal

    blocked = signal.lfilter(*signal.butter(1, 8, "high", fs=48_000), wire(0.5))
    late = np.fft.irfft(
        np.fft.rfft(blocked) * np.exp(-2j * np.pi * np.fft.rfftfreq(len(DRY)) * 0.4)
    )
    found = response(DRY, late)
    assert found.gain_db == pytest.approx(-6.02, abs=0.1)
    assert found.ripple_db < THRESHOLDS["bypass_ripple"] / 2
    assert found.residue_db < THRESHOLDS["bypass_residue"] - 3
    assert response(DRY[:1000], late[:1000]) is None
    assert response(np.zeros(48_000), late[:48_000]) is None


def test_silence_and_quiet_dries_are_not_compared():
    known = company()
    known.add(at(5), DRY, WET, 0)
    assert known.judge(at(2), DRY, np.zeros_like(DRY), 0) == ()
    assert known.judge(at(2), DRY * 1e-4, wire(0.4) * 1e-4, 0) == ()


@pytest.mark.parametrize(
    ("reached", "off"),
    [
        ({"Gain": 5.1, "Tone": 3.0, "Bright": 1.0}, ()),
        ({"Gain": 5.3, "Tone": 3.0, "Bright": 1.0}, ("Gain",)),
        ({"Gain": 5.0, "Bright": 0.0}, ("Bright",)),
        ({}, ()),
    ],
)
def test_a_knob_that_is_not_where_it_was_told(reached, off):
    asked = {"Gain": 5.0, "Tone": 3.0, "Bright": 1.0}
    assert off_course(KNOBS, asked, reached, THRESHOLDS["knob_off"]) == off
    assert off_course(KNOBS, asked, reached, 0.1) == tuple(k for k in off if k == "Bright")


def test_a_switch_is_at_no_end():
    assert at_ends(KNOBS, at(0.1, 10.0, 1.0)) == ("Gain", "Tone")
    assert at_ends(KNOBS, at(5.0, 9.7, 0.0)) == ()


def test_the_same_take_again():
    again = amp()
    assert compare(WET, again).esr < 1e-5
    assert compare(WET, -again).correlation < -0.99
    assert compare(WET, -again).esr == pytest.approx(4, abs=0.01)
    assert compare(WET, 1.1 * again).esr == pytest.approx(0.01, rel=0.01)
    moved = np.fft.irfft(np.fft.rfft(again) * np.exp(-2j * np.pi * np.fft.rfftfreq(len(DRY)) * 0.3))
    assert np.square(moved - WET).sum() / np.square(WET).sum() > 5e-4
    assert compare(WET, moved).esr < 1e-4, "a part of a sample is the converters'"
    assert compare(WET, np.roll(again, 30)).esr > 0.1
    nothing = np.zeros(10)
    assert compare(nothing, nothing).esr == 0
    assert compare(nothing, np.ones(10)).esr == np.inf
    with pytest.raises(ValueError, match="shapes"):
        compare(nothing, np.ones(9))


def test_levels_are_those_of_the_take():
    assert rms_dbfs(WET) == pytest.approx(judge(DRY, WET, False, THRESHOLDS).rms_dbfs)

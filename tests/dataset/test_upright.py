"""A take with swapped poles is found, and a device that turns phases by itself is not blamed."""

from dataclasses import replace

import numpy as np
import pytest
import shelf
from as_if_live import as_if_live
from scipy import signal
from tanh_rig import KNOBS, recipe, tanh_rig

from dataset.checks import thresholds
from dataset.checks.company import Company
from dataset.offline import recheck
from dataset.parts import write_dry
from dataset.planning import make_plan
from dataset.session import capture
from dataset.signals import make
from dataset.store import Dataset

RNG = np.random.default_rng(0)
DRIES = [make("train", 2.0, number).audio for number in range(3)]


def played(number):
    return DRIES[number % len(DRIES)]


def amp(number, gain, tone):
    """A driven stage that inverts, between a coupling capacitor and a treble control."""
    sections = signal.butter(1, 80, "high", fs=48_000, output="sos")
    driven = -np.tanh((1 + gain) * signal.sosfilt(sections, played(number)))
    sections = signal.butter(1, 700 + 700 * tone, "low", fs=48_000, output="sos")
    wet = 0.3 * signal.sosfilt(sections, driven)
    return (wet + 1e-5 * RNG.standard_normal(len(wet))).astype(np.float32)


def at(gain, tone, bright=0.0):
    return {"Gain": gain, "Tone": tone, "Bright": bright}


def company_of(count, device=amp, bright=lambda number: 0.0):
    known = Company(KNOBS, thresholds({"level_jump": 100}))
    for number in range(count):
        gain, tone = RNG.uniform(0, 10, 2)
        setting, wet = at(gain, tone, bright(number)), device(number, gain, tone)
        assert known.judge(setting, played(number), wet, 0) == ()
        known.add(setting, played(number), wet, 0)
    return known


def test_a_take_that_is_upside_down():
    known = company_of(12)
    wet = amp(1, 3, 9)
    assert known.judge(at(3, 9), played(1), wet, 0) == ()
    assert known.judge(at(3, 9), played(1), -wet, 0) == ("polarity",)
    known.limits = thresholds({"polarity": 1.0})
    known.__post_init__()
    assert known.judge(at(3, 9), played(1), -wet, 0) == (), "of nothing but what it has seen"


def test_few_captures_say_nothing_and_what_was_accepted_is_the_measure():
    known = company_of(7)
    assert known.judge(at(5, 5), played(1), -amp(1, 5, 5), 0) == ()
    known = company_of(12)
    known.changed()
    assert known.judge(at(5, 5), played(1), -amp(1, 5, 5), 0) == ()


def test_a_switch_that_inverts_is_the_devices_own():
    known = company_of(12)
    assert known.judge(at(5, 5, 1), played(1), -amp(1, 5, 5), 0) == ()
    known = company_of(24, bright=lambda number: float(number % 2))
    assert known.judge(at(5, 5, 1), played(1), -amp(1, 5, 5), 0) == ("polarity",)


def turned(number, gain, tone):
    """A phaser that stands still: its knob turns low notes by up to a whole circle."""
    wet = amp(number, gain, 5)
    for _ in range(4):
        a = (np.tan(np.pi * (50 + 150 * tone) / 48_000) - 1) / (
            np.tan(np.pi * (50 + 150 * tone) / 48_000) + 1
        )
        wet = signal.lfilter([a, 1], [1, a], wet)
    return wet.astype(np.float32)


def test_a_device_that_turns_the_phase_is_not_blamed():
    known = company_of(30, turned)
    wet = turned(1, 5, 5)
    assert known.judge(at(5, 5), played(1), -wet, 0) == (), "which cannot be told there"


PLAN = recipe(
    train={"design": "sobol", "settings": 14, "seconds": 1},
    validation={"settings": 0, "seconds": 1},
    test={"settings": 0, "seconds": 1},
    sentinels={"every": 20, "seconds": 1},
)


@pytest.mark.parametrize("times", [1, 3])
def test_a_session_repeats_what_is_upside_down(tmp_path, times):
    plan, dries = make_plan(KNOBS, "tanh-amp", PLAN)
    takes = [None] * 13 + [lambda dry, wet: -wet] * times
    rig = as_if_live(tanh_rig(), spoil=takes)
    rig = replace(rig, checks={"warm_up_minutes": 0})
    summary = capture(rig, plan, dries, tmp_path)
    frame = Dataset.open(tmp_path).captures.set_index("plan_index")
    assert summary.flagged == (times == 3)
    assert frame["attempt"].max() == min(times + 1, 3)
    if times == 3:
        assert frame["flags"][frame["attempt"] == 3].tolist() == [["polarity"]]
        assert recheck(tmp_path).faults == [], "which is known"


def test_a_check_afterwards_finds_it_too(tmp_path):
    made = []
    for number in range(14):
        gain, tone = RNG.uniform(0, 10, 2)
        source = shelf.dry("noise", number, seconds=0.6)
        sign = -1 if number == 12 else 1
        knobs = shelf.Trajectory(KNOBS.to_array(at(gain, tone)).astype(np.float32)[None])
        wet = sign * 0.5 * shelf.tanh_amp(source.audio, knobs)
        wet = wet + 1e-4 * RNG.standard_normal(len(wet))
        one = shelf.capture(number, at(gain, tone), source=source, frames=source.frames, wet=wet)
        made.append((source, one))
    folder = shelf.write(tmp_path / "tanh-amp", [one for _, one in made])
    for source, _ in made:
        write_dry(folder, source)
    faults = recheck(folder).faults
    assert [(f.what, f.where) for f in faults] == [("polarity", made[12][1].capture_id)]

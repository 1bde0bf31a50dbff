"""Planned sweeps are no faster than the rig's knobs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tanh_rig import DEVICE, KNOBS, recipe, tanh_rig

from dataset.planning import make_plan
from dataset.session import capture
from rigs.actuators.parameters import Parameters
from rigs.errors import UserError
from rigs.rig import Options, Reach

SWEEP = {"design": "sweep", "minutes": 0.5, "seconds": 5, "interval": 0.5}


def sweeps(plan):
    return [entry.trajectory for entry in plan.entries if entry.role == "train"]


def test_sweeps_are_slowed_to_what_the_knobs_can_do():
    limits = {"Gain": 4.0, "Tone": 9.0}
    slow, _ = make_plan(KNOBS, DEVICE, recipe(train=SWEEP), Reach(speeds=limits))
    free, _ = make_plan(KNOBS, DEVICE, recipe(train=SWEEP), Reach(speeds={"Gain": 1e3}))
    rates = [trajectory.rate for trajectory in sweeps(slow)]
    assert all(rate < 2.0 for rate in rates)
    for one, other in zip(sweeps(slow), sweeps(free), strict=True):
        assert other.rate == 2.0
        speeds = np.abs(np.diff(other.positions, axis=0)).max(0) * one.rate
        assert (speeds[:2] <= np.array([4.0, 9.0]) * (1 + 1e-6)).all()
        # One of the knobs is as fast as it may be, and the way is the same, as far as it goes.
        assert (speeds[:2] / [4.0, 9.0]).max() == pytest.approx(1.0, rel=1e-3)
        assert (one.positions == other.positions[: len(one.positions)]).all()
        assert (len(one.positions) - 2) / one.rate < 5 <= (len(one.positions) - 1) / one.rate


def test_a_sweep_that_is_slow_enough_is_left_alone():
    free, _ = make_plan(KNOBS, DEVICE, recipe(train=SWEEP))
    kept, _ = make_plan(KNOBS, DEVICE, recipe(train=SWEEP), Reach(speeds={"Gain": 20.0}))
    assert [t.rate for t in sweeps(kept)] == [t.rate for t in sweeps(free)]
    assert kept.plan_id == free.plan_id


def test_the_slower_half_of_a_rig_sets_the_pace():
    rig = tanh_rig()
    actuator, path = Reach(speeds={"Gain": 3.0, "Tone": 8.0}), Reach(speeds={"Gain": 5.0})
    both = replace(rig, actuator=Limited(actuator), path=Limited(path))
    assert both.reach.speeds == {"Gain": 3.0, "Tone": 8.0}


class Limited:
    def __init__(self, reach):
        self.reach = reach


def test_a_plan_older_than_the_rigs_limits_is_refused_before_anything_opens(tmp_path):
    plan, dries = make_plan(KNOBS, DEVICE, recipe(train=SWEEP))
    rig = tanh_rig()
    slower = replace(rig, actuator=Slowed(Options(), Path()))
    with pytest.raises(UserError, match=r"Entry \d+ of the plan moves Gain by .* a second, but"):
        capture(slower, plan, dries, tmp_path)
    assert rig.path.opens == rig.path.plays == 0
    assert not list((tmp_path / "captures").glob("*.parquet"))


class Slowed(Parameters):
    reach = Reach(speeds={"Gain": 0.5})

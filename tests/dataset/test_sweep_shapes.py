"""Sweeps of every shape: bounded in speed, on the panel, and the same for the same seed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dataset.plans.sweep import Sweep
from rigs.knobs import Knob, KnobTable

KNOBS = KnobTable(
    (
        Knob("Gain"),
        Knob("Bright", 0, 1, 0, detents=("off", "on")),
        Knob("Depth", -12, 12, 0),
        Knob("Master"),
    )
)
RANGES = KNOBS.maximum - KNOBS.minimum
SHAPES = {"lines": 1.0, "smooth": np.pi / 2, "one at a time": 1.0}
"""And how many ranges in an interval are the fastest."""
EVERY = list(itertools.product(SHAPES, ["even", "ends"]))


def sweeps(shape="lines", density="even", seed=3, **more):
    row = {"minutes": 2, "seconds": 10, "interval": 0.7, "shape": shape, "density": density}
    return Sweep.model_validate({**row, **more}).trajectories(KNOBS, [seed])


def shares(trajectories, column):
    """Where in its range a knob was, every 10 ms."""
    times = np.arange(0, 10, 0.01)
    at = np.concatenate([t.at(times)[:, column] for t in trajectories])
    return (at - KNOBS.minimum[column]) / RANGES[column]


@pytest.mark.parametrize(("shape", "density"), EVERY)
def test_a_sweep_keeps_its_speed_its_panel_and_its_length(shape, density):
    made = sweeps(shape, density)
    assert len(made) == 12
    for trajectory in made:
        trajectory.check(KNOBS)
        steps = np.abs(np.diff(trajectory.positions, axis=0)) / RANGES
        assert (steps * trajectory.rate).max() <= SHAPES[shape] / 0.7 * 1.0001
        assert (len(trajectory.positions) - 1) / trajectory.rate >= 10 - 1e-6
        assert np.ptp(trajectory.positions[:, 1]) == 0  # the switch stands
    fastest = max(
        float((np.abs(np.diff(t.positions, axis=0)) / RANGES).max() * t.rate) for t in made
    )
    assert fastest > 0.8 * SHAPES[shape] / 0.7  # the bound is not one because nothing moves
    assert {float(t.positions[0, 1]) for t in made} == {0.0, 1.0}


@pytest.mark.parametrize(("shape", "density"), EVERY)
def test_a_seed_makes_the_same_sweeps_and_another_makes_others(shape, density):
    first, again, other = sweeps(shape, density), sweeps(shape, density), sweeps(shape, density, 4)
    for one, two, three in zip(first, again, other, strict=True):
        assert one.positions.tobytes() == two.positions.tobytes()
        assert one.positions.tobytes() != three.positions.tobytes()


def test_a_smooth_sweep_rests_at_the_points_of_the_straight_one():
    for line, smooth in zip(sweeps("lines"), sweeps("smooth"), strict=True):
        np.testing.assert_array_equal(smooth.positions[::8], line.positions)
        here, middle, there = (smooth.at(np.array([0.7 * s]))[0] for s in (1.0, 1.5, 2.0))
        np.testing.assert_allclose(middle, (here + there) / 2, atol=1e-4)
        near = np.abs(smooth.at(np.array([0.7 * 1.125]))[0] - here)
        assert (near <= 0.04 * np.abs(there - here) + 1e-4).all()  # an eighth of the way is 0.038


def test_one_at_a_time_moves_one_knob_and_in_rounds_each_of_them():
    for trajectory in sweeps("one at a time", overshoot=0):  # held at an end a knob would stand
        moved = np.diff(trajectory.positions, axis=0) != 0
        assert (moved.sum(axis=1) <= 1).all()
        turned = np.flatnonzero(~np.array([bool(knob.detents) for knob in KNOBS]))
        assert moved[:3][:, turned].any(axis=0).sum() == 3


def test_a_pendulum_s_density_is_nearer_to_the_ends():
    for column in (0, 2, 3):
        even, ends = (shares(sweeps(density=d, minutes=8), column) for d in ("even", "ends"))
        assert (ends < 0.1).mean() > 1.3 * (even < 0.1).mean()
        assert (ends > 0.9).mean() > 1.3 * (even > 0.9).mean()


def test_a_device_of_switches_alone_stands_in_each_capture():
    switches = KnobTable((Knob("Mode", 0, 2, 0, detents=("a", "b", "c")),))
    for shape in SHAPES:
        made = Sweep.model_validate({"minutes": 2, "shape": shape}).trajectories(switches, [1])
        assert {float(t.positions[0, 0]) for t in made} == {0.0, 1.0, 2.0}
        assert all(np.ptp(t.positions) == 0 for t in made)

"""The order of settings for a hand: few knobs are turned each time."""

from itertools import pairwise, permutations

import numpy as np
import pytest

from dataset.plans.base import sobol, to_positions
from dataset.plans.order import least_travel
from dataset.plans.reach import snap
from rigs.knobs import Knob, KnobTable
from rigs.rig import Reach
from rigs.travel import OneByOne

SIX = KnobTable(tuple(Knob(name) for name in "ABCDEF"))


def few_moves(positions):
    """An order for a panel from 0 to 10, from the first setting on."""
    knobs = KnobTable(tuple(Knob(name) for name in "ABCDEF"[: positions.shape[1]]))
    rest = least_travel(OneByOne(knobs), positions[1:], positions[1:], positions[0])
    return [0, *(index + 1 for index in rest)]


def planned(count, step, knobs=SIX):
    steps = {knob.name: step for knob in knobs}
    return snap(knobs, Reach(steps=steps), to_positions(knobs, sobol(len(knobs), count, [3, 1])))


def turned(positions):
    """How many knobs are turned between one setting and the next, on average."""
    return (np.diff(positions, axis=0) != 0).sum(1).mean()


def effort(positions):
    """Knobs turned, and up to half a knob for how far."""
    x = positions / 10
    return sum((b != a).sum() + np.abs(b - a).sum() / (2 * len(a)) for a, b in pairwise(x))


def test_a_snapped_position_is_rounded_once():
    knobs = KnobTable((Knob("Gain"),))
    snapped = snap(knobs, Reach(steps={"Gain": 10 / 127}), np.linspace(0, 10, 128)[:, None])
    assert snapped[:, 0].tolist() == [np.float32(k * (10 / 127)) for k in range(128)]


@pytest.mark.parametrize(("step", "most"), [(0.5, 4.95), (1.0, 4.25), (2.5, 3.0)])
def test_few_knobs_are_turned(step, most):
    positions = planned(60, step)
    order = few_moves(positions)
    assert sorted(order) == list(range(60))
    assert turned(positions[order]) < most < turned(positions)
    assert few_moves(positions) == order


def test_a_grid_is_walked_one_knob_at_a_time():
    grid = np.array([(a, b, c) for a in range(3) for b in range(4) for c in range(2)], float)
    shuffled = np.random.default_rng(1).permutation(grid)
    assert turned(shuffled[few_moves(shuffled)]) == 1


def test_no_order_of_a_few_settings_is_better():
    for seed in range(5):
        positions = np.random.default_rng(seed).integers(0, 4, (7, 4)).astype(float)
        best = min(effort(positions[[0, *rest]]) for rest in permutations(range(1, 7)))
        assert effort(positions[few_moves(positions)]) <= 1.03 * best


@pytest.mark.parametrize("count", [1, 2])
def test_little_is_left_as_it_is(count):
    assert few_moves(np.zeros((count, 3))) == list(range(count))
    assert few_moves(planned(4, 1.0)[:count]) == list(range(count))


def test_settings_that_are_the_same_stay_together():
    positions = np.array([[1, 2], [5, 6], [1, 2], [5, 6], [1, 2]], float)
    assert turned(positions[few_moves(positions)]) == 0.5

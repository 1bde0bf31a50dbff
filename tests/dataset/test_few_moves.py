"""The order of settings for a hand: few knobs are turned each time."""

from itertools import pairwise, permutations

import numpy as np
import pytest

from dataset.plans import reach as module
from dataset.plans.base import sobol, to_positions
from dataset.plans.reach import few_moves, snap
from rigs.knobs import Knob, KnobTable
from rigs.rig import Reach

SIX = KnobTable(tuple(Knob(name) for name in "ABCDEF"))


def planned(count, step, knobs=SIX):
    steps = {knob.name: step for knob in knobs}
    return snap(knobs, Reach(steps=steps), to_positions(knobs, sobol(len(knobs), count, [3, 1])))


def turned(positions):
    """How many knobs are turned between one setting and the next, on average."""
    return (np.diff(positions, axis=0) != 0).sum(1).mean()


def effort(positions):
    """Knobs turned, and up to half a knob for how far."""
    x = positions / np.where(np.ptp(positions, axis=0) > 0, np.ptp(positions, axis=0), 1)
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
    assert order[0] == 0
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


def test_mending_shortens_the_way(monkeypatch):
    positions = planned(120, 1.0)
    mended = few_moves(positions)
    monkeypatch.setattr(module, "MENDED", 0)
    left = few_moves(positions)
    assert sorted(left) == sorted(mended)
    assert effort(positions[mended]) < 0.99 * effort(positions[left])


def random_cost(rng, count):
    """Between any two of ``count`` places, and nothing to the end."""
    x = rng.random((count, 3))
    cost = np.zeros((count + 1, count + 1))
    cost[:count, :count] = np.linalg.norm(x[:, None] - x[None], axis=2)
    return cost


@pytest.mark.parametrize("mend", [module._reverse, module._move])
def test_each_mending_shortens_the_way_or_leaves_it(mend):
    rng = np.random.default_rng(2)
    for count in (1, 2, 3, 4, 9, 30):
        cost = random_cost(rng, count)
        order = np.array([0, *rng.permutation(np.arange(1, count)), count])
        lengths = [sum(cost[a, b] for a, b in pairwise(order))]
        while mend(order, cost):
            lengths.append(sum(cost[a, b] for a, b in pairwise(order)))
            assert sorted(order) == list(range(count + 1))
            assert (order[0], order[-1]) == (0, count)
        assert all(b < a for a, b in pairwise(lengths))
        assert sum(cost[a, b] for a, b in pairwise(order)) == lengths[-1]
        assert count < 9 or len(lengths) > 1


def test_a_long_stretch_is_turned_round_at_once():
    order = np.array([0, 6, 5, 4, 3, 2, 1, 7, 8])
    cost = np.abs(np.subtract.outer(np.arange(9.0), np.arange(9.0)))
    cost[8] = cost[:, 8] = 0
    assert module._reverse(order, cost)
    assert order.tolist() == list(range(9))


def test_a_stray_setting_is_put_where_it_belongs():
    order = np.array([0, 1, 2, 3, 7, 4, 5, 6, 8, 9])
    cost = np.abs(np.subtract.outer(np.arange(10.0), np.arange(10.0)))
    cost[9] = cost[:, 9] = 0
    assert module._move(order, cost)
    assert order.tolist() == list(range(10))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_little_is_left_as_it_is(count):
    assert few_moves(np.zeros((count, 3))) == list(range(count))
    assert few_moves(planned(4, 1.0)[:count]) == list(range(count))


def test_settings_that_are_the_same_stay_together():
    positions = np.array([[1, 2], [5, 6], [1, 2], [5, 6], [1, 2]], float)
    assert turned(positions[few_moves(positions)]) == 0.5

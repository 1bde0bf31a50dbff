"""The order of captures follows the rig's own motion."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tanh_rig import DEVICE, KNOBS, recipe

from dataset.planning import make_plan
from dataset.plans import order as module
from dataset.plans.base import sobol, to_positions
from dataset.plans.order import least_travel, way
from rigs.actuators.grbl import GrblOptions
from rigs.actuators.grbl.shafts import Shafts
from rigs.actuators.grbl.travel import ShaftTravel
from rigs.actuators.midi.controls import MidiOptions, controls_of
from rigs.actuators.midi.travel import MessageTravel
from rigs.knobs import Knob, KnobTable
from rigs.rig import Reach
from rigs.travel import OneByOne

FOUR = KnobTable(
    (Knob("A"), Knob("B"), Knob("C"), Knob("S", 0, 2, 0, detents=("off", "half", "on")))
)


def shafts(knobs=FOUR, **changes):
    table = {k.name: {"axis": axis, "travel": 300} for k, axis in zip(knobs, "XYZA", strict=False)}
    for knob in knobs:
        if knob.detents:
            table[knob.name] |= {"travel": 90, "detents": [10, 20, 80][: len(knob.detents)]}
    said = {"port": "none", "homing_current": "fixed", "knobs": table, **changes}
    options = GrblOptions.model_validate(said)
    return ShaftTravel(Shafts.of(knobs, options), options.speed, options.acceleration)


SEEDS = (0, 1, 10, 21)
"""The last two are such that mending alone does not find the best order."""
MOTIONS = [OneByOne(FOUR), shafts()]


def drawn(count, seed=1):
    return to_positions(FOUR, sobol(4, count, [seed]))


def at(*positions):
    return np.array(positions, float)


def test_motors_turn_at_once_and_the_farthest_counts():
    travel = shafts()
    a, b = at(0, 0, 0, 0), at(10, 5, 5, 0)
    assert travel.seconds(a, b) == pytest.approx(300 / 240 + 240 / 2000)
    assert travel.seconds(a, at(10, 0, 0, 2)) == travel.seconds(a, b)
    assert travel.seconds(a, a) == 0
    short = 0.5 * 30  # degrees: too short to get up to speed
    assert travel.seconds(a, at(0.5, 0, 0, 0)) == pytest.approx(2 * np.sqrt(short / 2000))


def test_a_shaft_that_turns_down_goes_past_its_place_and_back():
    travel = shafts()
    up = travel.seconds(at(4, 5, 5, 0), at(6, 5, 5, 0))
    down = travel.seconds(at(6, 5, 5, 0), at(4, 5, 5, 0))
    assert down == pytest.approx(up + 2 / 240 + 2 * np.sqrt(2 / 2000))


def test_a_switch_takes_as_long_as_its_detents_are_apart():
    travel = shafts()
    near, far = (travel.seconds(at(5, 5, 5, 0), at(5, 5, 5, to)) for to in (1, 2))
    assert near == pytest.approx(2 * np.sqrt(10 / 2000))
    assert far == pytest.approx(70 / 240 + 0.12)


def test_messages_take_no_longer_for_farther_and_programs_do():
    knobs = KnobTable((Knob("Gain"), Knob("Preset", 0, 1, 0, detents=("a", "b"))))
    told = {"Gain": {"control": 20, "bits": 14}, "Preset": {"program": [0, 1]}}
    options = MidiOptions.model_validate({"port": "none", "settle": 0.5, "knobs": told})
    travel = MessageTravel(controls_of(options, knobs), 0.01, options.settle)
    assert travel.seconds(at(0, 0), at(10, 0)) == pytest.approx(0.02)
    assert travel.seconds(at(0, 0), at(0, 1)) == pytest.approx(0.02 + 0.01 + 0.5)
    positions = to_positions(knobs, sobol(2, 64, [1]))
    ordered = positions[least_travel(travel, positions, positions, positions[0])]
    assert (np.diff(ordered[:, 1]) != 0).sum() <= 2
    none = KnobTable(knobs.knobs[:1])
    still = MidiOptions.model_validate({"port": "none", "knobs": {"Gain": {"control": 20}}})
    plain = MessageTravel(controls_of(still, none), 0.01, 0.2)
    first = positions[:, :1]
    assert least_travel(plain, first, first, first[0]) == list(range(64))


@pytest.mark.parametrize("travel", MOTIONS)
@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 40), levels=st.integers(1, 11), seed=st.integers(0, 1000))
def test_an_order_has_everything_once_and_is_never_longer(travel, count, levels, seed):
    rng = np.random.default_rng(seed)
    starts, ends = rng.integers(0, levels, (2, count, 4)) / max(1, levels - 1) * [10, 10, 10, 2]
    starts[:, 3], ends[:, 3] = np.round(starts[:, 3]), np.round(starts[:, 3])
    home = np.array([5.0, 5.0, 5.0, 0.0])
    order = least_travel(travel, starts, ends, home)
    assert sorted(order) == list(range(count))
    before = way(travel, starts, ends, home)
    assert way(travel, starts[order], ends[order], home) <= before + 1e-9
    assert least_travel(travel, starts, ends, home) == order


@pytest.mark.parametrize("travel", MOTIONS)
def test_no_order_of_a_few_is_much_shorter_and_the_best_is_kept(travel):
    for seed in SEEDS:
        x = drawn(6, seed)
        orders = [list(order) for order in permutations(range(6))]
        lengths = [way(travel, x[order], x[order], x[0]) for order in orders]
        best = min(lengths)
        order = least_travel(travel, x, x, x[0])
        assert way(travel, x[order], x[order], x[0]) <= 1.06 * best
        y = x[orders[lengths.index(best)]]
        order = least_travel(travel, y, y, x[0])
        assert way(travel, y[order], y[order], x[0]) <= best + 1e-9


@pytest.mark.parametrize("table", [True, False])
def test_many_are_put_in_order_by_a_tree_as_well(monkeypatch, table):
    if not table:
        monkeypatch.setattr(module, "TABLE", 0)
    travel, x = shafts(), drawn(400)
    order = least_travel(travel, x, x, x[0])
    assert sorted(order) == list(range(400))
    assert way(travel, x[order], x[order], x[0]) < 0.4 * way(travel, x, x, x[0])


def test_mending_shortens_the_way(monkeypatch):
    travel, x = shafts(), drawn(300)
    net = module._Net(travel, x, x, x[0])
    nearest = module._nearest(net)
    order = least_travel(travel, x, x, x[0])
    assert net.length(np.array(order)) < 0.97 * net.length(nearest)


@settings(max_examples=40, deadline=None)
@given(places=arrays(np.int64, (12, 2), elements=st.integers(0, 30)), seed=st.integers(0, 99))
def test_each_move_gains_what_it_was_said_to(places, seed):
    """A path's own sums against the length of the path, move by move, with ways of two lengths."""
    rng = np.random.default_rng(seed)
    knobs = KnobTable((Knob("A", 0, 30), Knob("B", 0, 30)))
    starts, ends = places.astype(float), rng.permutation(places).astype(float)
    net = module._Net(shafts(knobs), starts, ends, starts[0])
    path = module._Path(net, rng.permutation(12))
    for _ in range(4):
        for candidates in (path._moves, path._reversals):
            for names in candidates(np.arange(13)):
                before = net.length(path.order[1:-1])
                i, j = path._at[names[0]], path._at[names[1]]
                p = -1 if names[2] < 0 else path._at[names[2]]
                said = 0.0
                if path._try(*names):
                    said = 1.0
                after = net.length(path.order[1:-1])
                assert sorted(path.order) == list(range(14))
                assert (path.order[0], path.order[-1]) == (12, 13)
                assert after < before if said else after == before, (i, j, p)
                onward = net.cost(path.order[:-1], path.order[1:])
                assert path._onward == pytest.approx(onward)
                assert path._extra[-1] == pytest.approx((path._onward - path._back).sum())


def test_roles_are_mixed_where_that_saves_travel_and_sentinels_stay_at_intervals():
    travel = OneByOne(KNOBS)
    design = {"design": "sobol", "settings": 30, "seconds": 0.5}
    asked = recipe(train=design, validation={"settings": 5, "seconds": 0.5})
    ordered, _ = make_plan(KNOBS, DEVICE, asked, Reach(False, travel=travel))
    drawn_plan, _ = make_plan(KNOBS, DEVICE, asked, Reach(False))

    def rows(plan):
        return sorted((e.role, *e.trajectory.positions[0].tolist()) for e in plan.entries)

    def seconds(plan):
        x = np.array([e.trajectory.positions[0] for e in plan.entries if e.role != "sentinel"])
        return way(travel, x, x, x[0])

    assert rows(ordered) == rows(drawn_plan)
    assert seconds(ordered) < 0.9 * seconds(drawn_plan)
    roles = [e.role for e in ordered.entries if e.role != "sentinel"]
    assert roles != sorted(roles)
    sentinels = [e.index for e in ordered.entries if e.role == "sentinel"]
    assert sentinels == [e.index for e in drawn_plan.entries if e.role == "sentinel"]
    again, _ = make_plan(KNOBS, DEVICE, asked, Reach(False, travel=travel))
    assert again.plan_id == ordered.plan_id


def test_each_role_plays_its_own_dry_slice_after_slice_whatever_the_order():
    asked = recipe(train={"design": "sobol", "settings": 9, "seconds": 0.5})
    plan, dries = make_plan(KNOBS, DEVICE, asked, Reach(False, travel=OneByOne(KNOBS)))
    for role in ("train", "validation", "test"):
        entries = [e for e in plan.entries if e.role == role]
        assert len({e.dry_id for e in entries}) == 1
        assert [e.dry_offset for e in entries] == [24000 * n for n in range(len(entries))]
    assert len(dries) == 3

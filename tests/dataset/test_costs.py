"""What a plan will cost, and what its rig could not do, is known beforehand."""

from dataclasses import replace

import numpy as np
import pytest
from tanh_rig import DEVICE, KNOBS, recipe, tanh_rig

from dataset import costs
from dataset.costs import check_disk, check_limits, cost, megabytes
from dataset.plan import Plan, PlanEntry
from dataset.planning import make_plan
from dataset.session import capture
from dataset.signals import Dry
from rigs.audio import quantise24
from rigs.errors import UserError
from rigs.rig import Reach
from rigs.trajectory import Trajectory
from rigs.travel import OneByOne

SLOW = replace(OneByOne(KNOBS, 3.0))


def entry(index, *positions, rate=2.0, role="train"):
    trajectory = Trajectory(np.array(positions, np.float32), rate)
    return PlanEntry(index, role, trajectory, "d" * 64, 0, 48_000)


def plan(*entries):
    return Plan(DEVICE, KNOBS, entries)


def test_the_time_is_that_of_audio_of_knobs_and_of_what_is_around():
    class Waits(OneByOne):
        settle = 0.25

    made = plan(entry(0, [0, 5, 0]), entry(1, [0, 5, 0], [10, 5, 0]), entry(2, [8, 5, 1]))
    found = cost(made, [], Reach(travel=Waits(KNOBS, 3.0), around=0.5))
    # Nothing to the second; to the third, Gain by a fifth of its way, from where the second left
    # it, and the switch by all of its own.
    assert found.travel == pytest.approx(3.0 * (2 + (0.2 + 1.0) / 6))
    assert (found.captures, found.audio, found.settle, found.around) == (3, 3.0, 0.75, 1.5)
    assert found.seconds == pytest.approx(found.travel + 3.0 + 0.75 + 1.5)


def test_what_is_held_costs_nothing_more():
    made = plan(entry(0, [0, 5, 0]), entry(1, [5, 5, 0]), entry(2, [10, 5, 0]))
    reach = Reach(travel=SLOW)
    left = cost(made, [], reach, held={0, 1})
    assert (left.captures, left.audio, left.travel) == (1, 1.0, 0.0)
    assert left.disk < 0.4 * cost(made, [], reach).disk
    assert cost(made, [], reach, held={0, 1, 2}).seconds == 0


def test_a_simulation_has_no_motion(planned):
    made, dries = planned
    found = cost(made, dries, Reach())
    assert found.seconds == found.audio == sum(e.frames for e in made.entries) / 48_000


def test_the_disk_that_is_expected_is_about_what_is_taken(tmp_path):
    asked = recipe(
        train={"design": "sobol", "settings": 6, "seconds": 2},
        validation={"settings": 2, "seconds": 2},
        test={"settings": 2, "seconds": 2},
    )
    made, dries = make_plan(KNOBS, DEVICE, asked)
    capture(tanh_rig(), made, dries, tmp_path / DEVICE)
    taken = sum(path.stat().st_size for path in tmp_path.rglob("*.parquet"))
    assert 0.6 < cost(made, dries, Reach()).disk / taken < 1.6


def test_a_full_disk_is_seen_beforehand(monkeypatch, tmp_path):
    made = plan(entry(0, [0, 5, 0]))
    noise = Dry("noise", "made", "CC0-1.0", quantise24(np.zeros(48_000)))
    expected = cost(made, [noise], Reach())
    check_disk(expected, tmp_path / "not" / "there" / "yet")
    monkeypatch.setattr(costs, "free_bytes", lambda folder: expected.disk - 1)
    with pytest.raises(UserError, match=r"The plan takes about 0 MB, but .* has 0 MB left"):
        check_disk(expected, tmp_path)
    assert megabytes(1_300_000_000) == "1.3 GB"


@pytest.mark.parametrize(
    ("reach", "entries", "message"),
    [
        (Reach(sweeps=False), [entry(0, [0, 0, 0], [5, 0, 0])], "Entry 0 .* moves knobs"),
        (Reach(speeds={"Tone": 9.0}), [entry(0, [0, 0, 0], [5, 5, 0])], "moves Tone by 10 a"),
        (Reach(steps={"Gain": 2.0}), [entry(0, [4, 3, 0]), entry(1, [5, 3, 0])],
         "Entry 1 .* puts Gain at 5, but it stands at whole steps of 2"),
        (Reach(only=({"Gain": 1.0, "Tone": 2.0, "Bright": 0.0},)), [entry(0, [1, 3, 0])],
         "a setting that the device does not have"),
    ],
)  # fmt: skip
def test_what_the_rig_cannot_do_is_refused(reach, entries, message):
    with pytest.raises(UserError, match=message):
        check_limits(plan(*entries), reach)


def test_what_is_held_already_is_not_asked_again():
    moving = entry(0, [0, 0, 0], [5, 5, 0])
    slow = Reach(speeds={"Gain": 1.0})
    check_limits(plan(moving, entry(1, [1, 2, 0])), slow, {0})
    with pytest.raises(UserError, match="Entry 0"):
        check_limits(plan(moving, entry(1, [1, 2, 0])), slow, {1})


def test_what_it_can_do_is_not():
    still = entry(0, [1, 2, 0])
    check_limits(plan(still), Reach(only=({"Gain": 1.0, "Tone": 2.0, "Bright": 0.0},)))
    check_limits(plan(still), Reach(False, {"Gain": 0.5}, {"Gain": 1.0}))
    moving = entry(0, [0, 0, 0], [5, 5, 0])
    check_limits(plan(moving), Reach(speeds={"Gain": 10.0, "Tone": 10.0}))


def test_a_plan_for_a_rig_keeps_to_its_limits():
    reach = Reach(True, {"Gain": 0.5}, {"Gain": 4.0, "Tone": 2.0}, travel=SLOW)
    check_limits(make_plan(KNOBS, DEVICE, recipe(extend=[{"minutes": 0.1}]), reach)[0], reach)

"""Plans keep to what their rig can do."""

from dataclasses import replace

import numpy as np
import pytest
from tanh_rig import DEVICE, KNOBS, TanhPath, recipe, tanh_rig

from dataset.planning import make_plan
from dataset.plans.reach import settings_of, snap
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import Reach
from rigs.travel import OneByOne

SOBOL = {"design": "sobol", "settings": 20, "seconds": 0.5}
PACK = tuple({"Gain": g, "Tone": t, "Bright": 1.0} for g in (1.0, 4.3, 10.0) for t in (2.0, 7.7))


def settings(plan, role):
    return [e.setting(KNOBS) for e in plan.entries if e.role == role]


def test_a_rig_that_cannot_sweep_is_planned_no_sweeps():
    with pytest.raises(UserError, match=r"'sweep' moves knobs.*use the design sobol"):
        make_plan(KNOBS, DEVICE, recipe(), Reach(sweeps=False))
    plan, _ = make_plan(KNOBS, DEVICE, recipe(train=SOBOL), Reach(sweeps=False))
    assert not any(entry.trajectory.moves for entry in plan.entries)


def test_every_role_stands_at_whole_steps():
    reach = Reach(steps={"Gain": 0.5, "Tone": 3.0})
    plan, _ = make_plan(KNOBS, DEVICE, recipe(train=SOBOL), reach)
    gains = {e.setting(KNOBS)["Gain"] for e in plan.entries}
    assert len(gains) > 8
    assert all(gain * 2 == round(gain * 2) for gain in gains)
    assert {e.setting(KNOBS)["Tone"] for e in plan.entries} == {0.0, 3.0, 6.0, 9.0}
    unsnapped, _ = make_plan(KNOBS, DEVICE, recipe(train=SOBOL))
    for a, b in zip(settings(plan, "train"), settings(unsnapped, "train"), strict=True):
        assert abs(a["Gain"] - b["Gain"]) <= 0.25 + 1e-6


def test_a_step_counts_from_the_lower_end_and_leaves_switches_alone():
    positions = np.array([[9.9, 9.99, 1.0], [0.1, 0.1, 0.0]])
    snapped = snap(KNOBS, Reach(steps={"Gain": 4.0, "Bright": 5.0}), positions)
    assert snapped.tolist() == [[8.0, pytest.approx(9.99), 1.0], [0.0, pytest.approx(0.1), 0.0]]


def test_of_a_list_of_settings_each_has_one_role():
    held = {"validation": {"settings": 1, "seconds": 0.5}, "test": {"settings": 2, "seconds": 0.5}}
    every = {"design": "every", "seconds": 0.5}
    plan, _ = make_plan(KNOBS, DEVICE, recipe(train=every, **held), Reach(False, only=PACK))
    found = [settings(plan, role) for role in ("train", "validation", "test")]
    assert [len(rows) for rows in found] == [3, 1, 2]
    together = [s for rows in found for s in rows]
    for listed in PACK:
        assert sum(s == pytest.approx(listed) for s in together) == 1
    assert all(any(s == pytest.approx(p) for p in PACK) for s in settings(plan, "sentinel"))
    usual = {"Gain": 4.3, "Tone": 7.7, "Bright": 1.0}
    assert settings(plan, "sentinel")[0] == pytest.approx(usual)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train": SOBOL}, "has only 6 settings.*use design 'every'"),
        ({"test": {"settings": 6, "seconds": 1}}, "hold out fewer"),
        (
            {"train": {"design": "list", "seconds": 1, "settings": [{"Gain": 2}]}},
            "none of those the device has",
        ),
    ],
)
def test_what_a_list_does_not_have_is_refused(changes, words):
    every = {"train": {"design": "every", "seconds": 0.5}}
    held = {"test": {"settings": 1, "seconds": 0.5}}
    with pytest.raises(UserError, match=words):
        make_plan(KNOBS, DEVICE, recipe(**{**every, **held, **changes}), Reach(False, only=PACK))


def test_a_list_may_name_settings_that_there_are():
    named = {"design": "list", "seconds": 0.5, "settings": [PACK[0], PACK[1]]}
    none = {"settings": 0, "seconds": 1}
    made = recipe(train=named, validation=none, test=none)
    plan, _ = make_plan(KNOBS, DEVICE, made, Reach(False, only=PACK))
    assert settings(plan, "train") == [pytest.approx(PACK[0]), pytest.approx(PACK[1])]


def test_every_is_for_lists_only():
    with pytest.raises(UserError, match="knobs go anywhere"):
        make_plan(KNOBS, DEVICE, recipe(train={"design": "every", "seconds": 1}))


def turns(positions):
    return int((np.abs(np.diff(positions, axis=0)) > 1e-6).sum())


def test_a_hand_turns_fewer_knobs_and_captures_the_same_settings():
    steps = {"Gain": 2.5, "Tone": 2.5}
    hand = Reach(False, steps, travel=OneByOne(KNOBS))
    by_hand, _ = make_plan(KNOBS, DEVICE, recipe(train=SOBOL), hand)
    by_motor, _ = make_plan(KNOBS, DEVICE, recipe(train=SOBOL), Reach(False, steps))
    hand, motor = (
        np.array([list(s.values()) for s in settings(plan, "train")])
        for plan in (by_hand, by_motor)
    )
    assert sorted(hand.tolist()) == sorted(motor.tolist())
    assert turns(hand) < 0.7 * turns(motor)


def test_few_settings_are_listed_and_many_are_not():
    steps = {"Gain": 2.5, "Tone": 3.0}
    found = settings_of(KNOBS, Reach(steps=steps))
    assert len(np.unique(found, axis=0)) == len(found) == 5 * 4 * 2
    assert set(found[:, 1]) == {0, 3, 6, 9}
    assert len(settings_of(KNOBS, Reach(steps={"Gain": 0.01, "Tone": 0.05}))) == 0
    assert len(settings_of(KNOBS, Reach(steps={"Gain": 2.5}))) == 0
    assert len(settings_of(KNOBS, Reach(only=PACK))) == len(PACK)


class Pack(TanhPath):
    @property
    def reach(self):
        return Reach(sweeps=False, only=PACK)


def test_narrowed_knobs_leave_the_settings_within():
    narrow = KnobTable((Knob("Gain", 2.0, 10.0), *KNOBS.knobs[1:]))
    rig = replace(tanh_rig(), knobs=narrow, path=Pack())
    assert [s["Gain"] for s in rig.reach.only] == [4.3, 4.3, 10.0, 10.0]
    none = KnobTable((Knob("Gain", 6.0, 9.0, 7.0), *KNOBS.knobs[1:]))
    with pytest.raises(UserError, match="no setting at all"):
        _ = replace(rig, knobs=none).reach

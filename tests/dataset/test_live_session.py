"""Sessions with rigs that are not simulated: cables are pulled, and knobs are where they are."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tanh_rig import DEVICE, KNOBS, TanhPath, recipe, tanh_rig

from dataset.planning import make_plan
from dataset.session import Kept, Paused, Retrying, Started, capture
from dataset.store import Dataset
from rigs.actuators.parameters import Parameters
from rigs.errors import DeviceLost, UserError
from rigs.rig import Actuator, Motion, Moved, Options, Recording
from rigs.trajectory import Trajectory


@pytest.fixture(scope="module")
def small():
    """A plan of seven captures, three of them sweeps."""
    train = {"design": "sweep", "minutes": 0.05, "seconds": 1, "interval": 0.3}
    return make_plan(KNOBS, DEVICE, recipe(train=train, sentinels={"every": 0}, test=HELD))


HELD = {"settings": 2, "seconds": 0.5}


def live(**path):
    return tanh_rig(simulated=False, level=0.3, **path)


def test_each_part_is_on_disk_before_the_next_audio_starts(small, tmp_path):
    plan, dries = small
    folder = tmp_path / DEVICE / "captures"

    @dataclass
    class Watchful(TanhPath):
        def play(self, dry, motion, progress):
            assert len(list(folder.glob("*.parquet"))) == self.plays
            return super().play(dry, motion, progress)

    rig = replace(live(), path=Watchful(simulated=False, level=0.3))
    assert capture(rig, plan, dries, folder.parent).captured == len(plan.entries)


def test_knobs_may_turn_while_the_last_part_is_written(small, tmp_path):
    plan, dries = small
    order = []

    class Slow(Parameters):
        def go(self, knobs, trajectory):
            order.append("turn")
            return super().go(knobs, trajectory)

    rig = replace(live(), actuator=Slow(Options(), Path()))
    capture(rig, plan, dries, tmp_path, lambda e: order.append(type(e).__name__))
    first = order.index("Kept")
    assert order[first - 1] == "turn"
    assert order[first + 1] == "Progressed"


def test_a_lost_rig_is_waited_for_and_the_capture_repeated(small, tmp_path):
    plan, dries = small
    rig = live(lost=[False, False, True], refused=[False, True])
    events = []
    summary = capture(rig, plan, dries, tmp_path, events.append)
    assert summary.captured == len(plan.entries)
    (paused,) = [event for event in events if isinstance(event, Paused)]
    assert paused.entry.index == 2
    assert "plug it in" in paused.reason
    assert rig.path.opens == 2
    assert rig.path.closed
    started = [event.entry.index for event in events if isinstance(event, Started)]
    assert started[:5] == [0, 1, 2, 2, 3]
    frame = Dataset.open(tmp_path).captures.sort_values("plan_index")
    assert frame["attempt"].tolist() == [1] * len(plan.entries), "a lost take is no bad take"


def test_a_rig_that_stays_away_ends_the_session_and_keeps_what_was_captured(small, tmp_path):
    plan, dries = small
    rig = live(lost=[False, False, True], refused=[False] + [True] * 100)
    with pytest.raises(UserError, match="There is no amp"):
        capture(rig, plan, dries, tmp_path, patience=0)
    assert len(Dataset.open(tmp_path)) == 2
    assert capture(live(), plan, dries, tmp_path).held == 2


def test_a_rig_that_cannot_be_opened_is_told_at_once(small, tmp_path):
    plan, dries = small
    with pytest.raises(UserError, match="There is no amp"):
        capture(live(refused=[True]), plan, dries, tmp_path)


def test_a_finished_plan_opens_no_rig(small, tmp_path):
    plan, dries = small
    capture(live(), plan, dries, tmp_path)
    rig = live(refused=[True])
    assert capture(rig, plan, dries, tmp_path).captured == 0
    assert rig.path.opens == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, UserError("no"), DeviceLost("gone")])
def test_whatever_ends_a_take_stops_and_closes_the_rig(small, tmp_path, error):
    plan, dries = small
    log = []

    class Hand(Parameters):
        def prepare(self):
            log.append("prepare")

        def stop(self):
            log.append("stop")

        def close(self):
            log.append("close")

    def spoil(wet):
        raise error

    rig = replace(live(spoil=[np.array, spoil, spoil]), actuator=Hand(Options(), Path()))
    events = []
    if isinstance(error, DeviceLost):
        rig.path.spoil = [np.array, spoil]
        capture(rig, plan, dries, tmp_path, events.append)
        assert log == ["prepare", "stop", "close", "prepare", "close"]
        return
    with pytest.raises((KeyboardInterrupt, UserError)):
        capture(rig, plan, dries, tmp_path, events.append)
    assert log == ["prepare", "stop", "close"]
    assert rig.path.closed
    assert sum(isinstance(event, Kept) for event in events) == 1
    assert len(Dataset.open(tmp_path)) == 1


class Sticky(Actuator):
    """Knobs that lag: its motion tells where they were."""

    class Lagging(Motion):
        def end(self):
            moved = self.parameters.positions
            late = np.vstack([moved[:1], moved[:-1]])
            return Moved({"Gain": 1.25}, Trajectory(late, self.parameters.rate))

    def go(self, knobs, trajectory):
        kind = self.Lagging if trajectory.moves else Motion
        return kind(knobs.to_setting(trajectory.positions[0]), trajectory)


def test_what_is_stored_of_a_sweep_is_where_the_knobs_were(small, tmp_path):
    plan, dries = small
    capture(replace(live(), actuator=Sticky(Options(), Path())), plan, dries, tmp_path)
    data = Dataset.open(tmp_path)
    moving = 0
    for entry, row in zip(plan.entries, data.rows(), strict=True):
        found, asked = data.trajectory(row).positions, entry.trajectory.positions
        assert row["setting"] == pytest.approx(entry.setting(KNOBS))
        if entry.trajectory.moves:
            moving += 1
            assert (found[1:] == asked[:-1]).all()
            assert row["reached"]["Gain"] == 1.25
            assert row["reached"]["Tone"] is None or pd.isna(row["reached"]["Tone"])
        else:
            assert (found == asked).all()
    assert moving == 3


def test_what_a_path_notices_repeats_the_take_and_a_remark_does_not(small, tmp_path):
    plan, dries = small

    @dataclass
    class Noticing(TanhPath):
        notices: tuple = (("xrun",), (), ("normalised",))

        def play(self, dry, motion, progress):
            made = super().play(dry, motion, progress)
            flags = self.notices[self.plays - 1] if self.plays <= len(self.notices) else ()
            return Recording(made.wet, made.latency, flags)

    events = []
    rig = replace(live(), path=Noticing(simulated=False, level=0.3))
    capture(rig, plan, dries, tmp_path, events.append)
    (retry,) = [event for event in events if isinstance(event, Retrying)]
    assert retry.flags == ("xrun",)
    data = Dataset.open(tmp_path)
    flags = data.captures.sort_values("plan_index")["flags"].map(list).tolist()
    assert flags[:3] == [[], ["normalised"], []]
    assert len(data.select()) == len(plan.entries), "a remark is no fault"

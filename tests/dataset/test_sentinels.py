"""Warm-up, drift, silence by the knobs: what a live session decides while it goes."""

from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from as_if_live import as_if_live
from tanh_rig import DEVICE, KNOBS, TanhPath, recipe, tanh_rig

from dataset.planning import PlanRecipe, make_plan
from dataset.session import Decided, Heard, Kept, Paused, Retrying, Waiting, capture
from dataset.store import Dataset
from rigs.actuators.parameters import Parameters
from rigs.config import load_rig
from rigs.errors import DeviceLost, UserError
from rigs.rig import Moved, Options


@pytest.fixture(scope="module")
def small():
    """A plan of nine captures, 0, 3, 6 and 8 of them sentinels."""
    train = {"design": "sobol", "settings": 3, "seconds": 0.5}
    held = {"settings": 1, "seconds": 0.5}
    sentinels = {"every": 2, "seconds": 0.5}
    plan, dries = make_plan(
        KNOBS, DEVICE, recipe(train=train, validation=held, test=held, sentinels=sentinels)
    )
    assert [e.index for e in plan.entries if e.role == "sentinel"] == [0, 3, 6, 8]
    return plan, dries


@dataclass
class Changing(TanhPath):
    """An amp whose gain at the n-th take, from 0, is ``gains[n]``, then the last of them."""

    gains: list[float] = field(default_factory=lambda: [1.0])
    lose: int = -1

    def play(self, dry, motion, progress):
        if self.plays == self.lose:
            self.lose = -1
            raise DeviceLost("The cable was pulled; plug it in.")
        gain = self.gains[min(self.plays, len(self.gains) - 1)]
        made = super().play(dry, motion, progress)
        return replace(made, wet=gain * made.wet)


def amp(*gains, **checks):
    rig = tanh_rig(checks)
    path = Changing(simulated=False, level=0.3, gains=list(gains) or [1.0])
    return replace(rig, path=path)


def run(rig, plan, folder, **options):
    events = []
    try:
        summary = capture(rig, *plan, folder, events.append, **options)
    except UserError as error:
        return events, str(error)
    return events, summary


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def flags(folder):
    rows = Dataset.open(folder).captures.sort_values("plan_index")
    return {
        row["plan_index"]: list(row["flags"]) for _, row in rows.iterrows() if len(row["flags"])
    }


# --- warm-up --------------------------------------------------------------------------------


def test_a_cold_amp_is_played_until_two_takes_agree(small, tmp_path):
    events, summary = run(amp(0.5, 0.8, 0.9, 0.97, 1.0, 1.001, 1.0), small, tmp_path)
    heard = of(Heard, events)
    assert [(h.why, h.number) for h in heard] == [("warm-up", n) for n in range(1, 7)]
    assert heard[0].esr is None
    assert heard[1].esr == pytest.approx(0.36)
    assert heard[-1].esr == pytest.approx(1e-6, rel=0.01)
    assert summary.captured == 9
    assert Waiting("two takes that agree (warm-up)") in events
    assert "differ by -60.0 dB" in of(Decided, events)[0].what
    assert len(Dataset.open(tmp_path)) == 9, "nothing of the warm-up is stored"
    assert not flags(tmp_path)


def test_the_limit_of_a_warm_up_is_the_rigs(small, tmp_path):
    events, _ = run(amp(0.9, 1.0, settled_esr=0.02), small, tmp_path)
    assert len(of(Heard, events)) == 2
    events, _ = run(amp(warm_up_minutes=0), small, tmp_path / "none")
    assert not of(Heard, events)


def test_an_amp_that_never_rests_is_captured_all_the_same(small, tmp_path):
    restless = [1 + 0.05 * (n % 2) for n in range(100)]
    rig = amp(*restless, warm_up_minutes=1e-9, drift_esr=0.1)
    events, summary = run(rig, small, tmp_path)
    assert summary.captured == 9
    assert len(of(Heard, events)) == 2
    assert "did not come to rest" in of(Decided, events)[0].what


def test_an_amp_in_standby_is_told_before_the_night(small, tmp_path):
    _, said = run(amp(1e-9), small, tmp_path)
    assert "Nothing comes back from the rig at the sentinel's setting" in said
    assert "standby" in said
    assert not list((tmp_path / "captures").glob("*.parquet"))


def test_a_plan_without_sentinels_says_so(tmp_path):
    plan = make_plan(KNOBS, DEVICE, recipe(sentinels={"every": 0}))
    events, summary = run(amp(), plan, tmp_path)
    assert summary.captured == len(plan[0].entries)
    assert "no sentinels" in of(Decided, events)[0].what


def test_an_amp_that_was_without_power_warms_up_again(small, tmp_path, monkeypatch):
    monkeypatch.setattr("dataset.session.player.COLD", -1.0)
    rig = amp()
    rig.path.lose = 4
    events, summary = run(rig, small, tmp_path)
    assert summary.captured == 9
    assert len(of(Paused, events)) == 1
    assert [h.number for h in of(Heard, events)] == [1, 2, 1, 2]


# --- drift ----------------------------------------------------------------------------------

BEFORE = [1.0] * 5
"""Two takes of warm-up, and captures 0 to 2: the next is sentinel 3."""


def test_a_drift_that_passes_is_waited_for(small, tmp_path):
    events, summary = run(amp(*BEFORE, 1.3, 1.2, 1.05, 1.0), small, tmp_path)
    assert summary.captured == 9
    assert not flags(tmp_path)
    drift = [h for h in of(Heard, events) if h.why == "drift"]
    assert [round(h.drift, 4) for h in drift] == [0.04, 0.0025]
    kept = of(Kept, events)[3]
    assert kept.attempt == 3
    assert kept.facts.drift == pytest.approx(0.0025)
    assert "again after 2 takes" in of(Decided, events)[-1].what


def test_a_drift_that_stays_is_flagged_and_ends_the_session(small, tmp_path):
    rig = amp(*BEFORE, 1.3)
    events, said = run(rig, small, tmp_path)
    assert said.startswith("Sentinel 3 differs from the first one by -10.5 dB, and stays so")
    assert "doubt captures 1 to 2" in said
    assert "--accept-drift" in said
    assert said.count(". ") == 0, "one sentence"
    assert flags(tmp_path) == {3: ["drift"]}
    assert [e.entry.index for e in of(Kept, events)] == [0, 1, 2, 3], "the last one is told too"
    assert rig.path.closed

    # It is found again before anything is captured, and by no more than the warm-up.
    events, said = run(amp(1.3), small, tmp_path)
    assert said.startswith("The sentinel, played before anything else, differs")
    assert not of(Kept, events)
    # And what was mended goes on.
    _, summary = run(amp(1.0), small, tmp_path)
    assert (summary.held, summary.captured) == (4, 5)


def test_a_drift_that_is_accepted_is_the_new_measure(small, tmp_path):
    _, summary = run(amp(*BEFORE, 1.3), small, tmp_path, accept_drift=True)
    assert summary.captured == 9
    assert flags(tmp_path) == {3: ["drift accepted"]}
    assert len(Dataset.open(tmp_path).select()) == 9, "which is no fault"
    for part in sorted((tmp_path / "captures").glob("*.parquet"))[-3:]:
        part.unlink()
    assert "played before" in run(amp(1.0), small, tmp_path)[1]
    assert run(amp(1.3), small, tmp_path)[1].captured == 3


def test_the_limit_of_drift_is_the_rigs(small, tmp_path):
    assert run(amp(*BEFORE, 1.3, drift_esr=0.1), small, tmp_path)[1].captured == 9
    said = run(amp(*BEFORE, 1.05, drift_esr=0.001), small, tmp_path / "strict")[1]
    assert "Sentinel 3 differs from the first one by -26.0 dB" in said


def test_a_drift_is_waited_for_only_so_long(small, tmp_path):
    on_and_on = [*BEFORE, *(1.3 + 0.1 * (n % 2) for n in range(100))]
    events, said = run(amp(*on_and_on, drift_minutes=0), small, tmp_path)
    assert "Sentinel 3 differs" in said
    assert len(of(Heard, events)) == 2


def test_a_sentinel_that_is_upside_down(small, tmp_path):
    _, said = run(amp(*BEFORE, -1.0), small, tmp_path)
    assert "Sentinel 3 is upside down against the first one" in said
    assert flags(tmp_path) == {3: ["polarity"]}
    inverting = amp(-1.0)
    assert run(inverting, small, tmp_path / "rightly")[1].captured == 9, "an amp may invert"


def test_the_first_sentinel_is_remembered_from_session_to_session(small, tmp_path):
    def until(index):
        def stop():
            return len(list((tmp_path / "captures").glob("*.parquet"))) >= index

        return stop

    assert run(amp(), small, tmp_path, stop=until(2))[1].stopped
    assert len(Dataset.open(tmp_path)) < 9
    assert "played before anything else" in run(amp(0.7), small, tmp_path)[1]


# --- other things that a live session decides -----------------------------------------------


def test_asked_to_stop_it_finishes_the_capture_and_parks(small, tmp_path):
    rig = amp()
    asked = []
    events = []

    def on_event(event):
        events.append(event)
        if isinstance(event, Kept) and event.entry.index == 1:
            asked.append(True)

    summary = capture(rig, *small, tmp_path, on_event, stop=lambda: bool(asked))
    assert summary.stopped
    assert summary.captured == len(Dataset.open(tmp_path)) == 3, "capture 2 was in hand"
    assert rig.path.closed
    assert not capture(rig, *small, tmp_path).stopped


@pytest.mark.parametrize("when", ["warm-up", "drift", "retry", "away"])
def test_asked_to_stop_it_waits_for_nothing(small, tmp_path, when):
    restless = [1 + 0.5 * (n % 2) for n in range(1000)]
    rig = {
        "warm-up": amp(*restless),
        "drift": amp(*BEFORE, *(1 + gain for gain in restless[1:])),
        "retry": amp(*BEFORE[:3], 1e-9, warm_up_minutes=1),
        "away": amp(),
    }[when]
    if when == "away":
        rig.path.lose, rig.path.refused = 3, [False] + [True] * 1000
    asked = []

    def on_event(event):
        waits = isinstance(event, Heard) and event.why == when and event.number > 1
        if waits or isinstance(event, Paused | Retrying):
            asked.append(True)

    summary = capture(rig, *small, tmp_path, on_event, stop=lambda: bool(asked))
    assert summary.stopped
    assert rig.path.closed
    assert summary.captured == {"warm-up": 0, "drift": 3, "retry": 1, "away": 1}[when]


def test_a_knob_that_silences_costs_one_take_and_no_exclusion(small, tmp_path):
    plan, dries = small
    silent = {e.index for e in plan.entries if e.role == "test"}

    @dataclass
    class Volume(TanhPath):
        def play(self, dry, motion, progress):
            made = super().play(dry, motion, progress)
            gone = motion.parameters.positions[0, 0] < 0.1
            return replace(made, wet=made.wet * (1e-9 if gone else 1))

    entries = tuple(
        replace(e, trajectory=replace(e.trajectory, positions=np.array([[0, 5, 0]], np.float32)))
        if e.index in silent
        else e
        for e in plan.entries
    )
    plan = replace(plan, entries=entries)
    rig = replace(tanh_rig(), path=Volume(simulated=False, level=0.3))
    events, summary = run(rig, (plan, dries), tmp_path)
    assert summary.captured == 9
    assert not of(Retrying, events)
    assert flags(tmp_path) == {index: ["silent as set"] for index in silent}
    assert len([h for h in of(Heard, events) if h.why == "probe"]) == len(silent)
    assert len(Dataset.open(tmp_path).select()) == 9

    # With the cable out nothing sounds at all, whatever the knobs.
    dead = replace(tanh_rig(), path=Changing(simulated=False, gains=[0.3] * 9 + [1e-12]))
    events, _ = run(dead, (plan, dries), tmp_path / "dead")
    assert any("silent" in found for found in flags(tmp_path / "dead").values())
    assert "silent as set" not in chain(*flags(tmp_path / "dead").values())


@dataclass
class Mixer(Changing):
    """Two volumes and some noise, and nothing that distorts."""

    def play(self, dry, motion, progress):
        made = super().play(dry, motion, progress)
        volumes = 0.1 + motion.parameters.positions[0, :2] / 10
        noise = 0.02 * np.std(dry) * np.random.default_rng(self.plays).standard_normal(len(dry))
        gain = self.gains[min(self.plays - 1, len(self.gains) - 1)]
        return replace(made, wet=0.3 * gain * np.prod(volumes) * (dry + noise))


def test_a_level_that_jumps_once_is_taken_again_and_one_that_stays_is_the_devices(tmp_path):
    train = {"design": "sobol", "settings": 40, "seconds": 0.5}
    none = {"settings": 0, "seconds": 1}
    plan = make_plan(
        KNOBS, DEVICE, recipe(train=train, validation=none, test=none, sentinels={"every": 0})
    )
    # (The dry is silent at 33.)
    once, twice = [
        e.index
        for e in plan[0].entries
        if e.index > 33 and (e.trajectory.positions[0, :2] > 2).all()
    ][:2]
    gains = [1.0] * 60
    gains[once] = gains[twice + 1] = gains[twice + 2] = 0.05
    rig = replace(tanh_rig(), path=Mixer(simulated=False, gains=gains))
    events, summary = run(rig, plan, tmp_path)
    assert summary.captured == 40
    assert [(r.entry.index, r.flags) for r in of(Retrying, events)] == [
        (once, ("level jump",)),
        (twice, ("level jump",)),
    ]
    assert not flags(tmp_path)
    assert f"Capture {twice} is louder or fainter" in of(Decided, events)[-1].what


def test_a_knob_that_sticks_is_flagged(small, tmp_path):
    class Sticking(Parameters):
        def go(self, knobs, trajectory):
            motion = super().go(knobs, trajectory)
            return replace(motion, reached=Moved({"Gain": 9.9, "Tone": 5.0}).reached)

    rig = replace(amp(warm_up_minutes=0), actuator=Sticking(Options(), Path()))
    events, _ = run(rig, small, tmp_path)
    off = flags(tmp_path)
    assert off
    assert set(chain(*off.values())) == {"knob off"}
    assert all(e.flags == ("knob off",) for e in of(Retrying, events))
    wide = amp(warm_up_minutes=0, knob_off=1.0)
    run(replace(wide, actuator=Sticking(Options(), Path())), small, tmp_path / "wide")
    assert not flags(tmp_path / "wide")


def test_nothing_is_flagged_on_an_honest_amp(tmp_path):
    """The built-in amp, with a converter's noise: corners, silent ones among them, and sweeps."""
    rig = as_if_live(load_rig(Path(__file__).parents[2] / "rigs" / "virtual.toml"))
    section = {
        "seed": 5,
        "train": [
            {"design": "sobol", "settings": 34, "seconds": 0.5, "corners": 8},
            {"design": "sweep", "minutes": 0.05, "seconds": 1.5, "interval": 0.5},
        ],
        "validation": {"settings": 1, "seconds": 0.5},
        "test": {"settings": 1, "seconds": 0.5},
        "sentinels": {"every": 12, "seconds": 1},
    }
    plan = make_plan(rig.knobs, rig.device, PlanRecipe.model_validate(section))
    _, summary = run(rig, plan, tmp_path)
    assert summary.captured == len(plan[0].entries)
    assert set(chain(*flags(tmp_path).values())) <= {"silent as set"}

"""MIDI to a modeller that listens to JACK."""

import itertools
import threading
import time

import numpy as np
import pytest
from jack_midi import KNOBS, LiveAmp, Modeller, amp, hexes, midi, options
from jack_server import jack_server

from dataset.plan import Plan, PlanEntry
from dataset.planning import PlanRecipe, make_plan
from dataset.session import Kept, Paused, capture
from dataset.signals import Dry
from dataset.store import Dataset
from rigs.actuators.midi.controls import controls_of
from rigs.actuators.midi.port import Port
from rigs.audio import quantise24
from rigs.errors import DeviceLost, UserError
from rigs.rig import Rig, nobody
from rigs.trajectory import Trajectory

pytestmark = pytest.mark.realtime

NOON = {"Gain": 5.0, "Tone": 5.0, "Bright": 1.0, "Preset": 0.0}


def noise_dry(seconds=1.0, seed=0):
    noise = 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * 48000))
    return Dry("noise", "made", "CC0-1.0", quantise24(noise))


def still(**changes):
    return Trajectory.still(KNOBS, {**NOON, **changes})


@pytest.fixture(scope="module")
def server():
    with jack_server() as running:
        yield running


@pytest.fixture
def modeller(server):
    made = Modeller()
    yield made
    made.pull()


@pytest.fixture
def actuator(modeller, tmp_path):
    made = midi(tmp_path)
    made.open(KNOBS, nobody)
    yield made
    made.close()


def test_connecting_sends_nothing_and_a_setting_sends_this(actuator, modeller):
    motion = actuator.go(KNOBS, still(Tone=2.5))
    heard = modeller.wait(5)
    assert heard == hexes("c204", "b21440", "b21520", "b23500", "b25040")
    assert motion.end().reached == {
        "Gain": 64 * (10 / 127),
        "Tone": 4096 * (10 / 16383),
        "Bright": 1.0,
        "Preset": 0.0,
    }
    assert motion.end().trajectory is None


def test_a_program_is_sent_first_and_once(actuator, modeller):
    actuator.go(KNOBS, still(Preset=1.0))
    actuator.go(KNOBS, still(Preset=1.0, Gain=0.0))
    actuator.go(KNOBS, still(Preset=0.0, Gain=0.0))
    rest = ["b21540", "b23500", "b25040"]
    assert modeller.wait(14) == hexes(
        "c209", "b21440", *rest, "b21400", *rest, "c204", "b21400", *rest
    )


def test_the_program_is_sent_again_after_a_new_connection(actuator, modeller):
    actuator.go(KNOBS, still())
    modeller.wait(5)
    actuator.close()
    actuator.open(KNOBS, nobody)
    actuator.go(KNOBS, still())
    assert modeller.wait(10)[5] == bytes.fromhex("c204")


def test_messages_keep_their_distance(modeller):
    port = Port("Modeller", "jack", 100)
    times = [port.send(bytes.fromhex("b01400")) for _ in range(8)]
    assert np.diff(times).min() >= 0.01
    port.close()
    port.close()


def test_a_plan_is_captured(modeller, tmp_path):
    rig = Rig("stage", "modeller", KNOBS, midi(tmp_path), LiveAmp(modeller))
    recipe = PlanRecipe.model_validate(
        {
            "train": {"design": "sobol", "settings": 4, "seconds": 0.2},
            "validation": {"settings": 1, "seconds": 0.2},
            "test": {"settings": 1, "seconds": 0.2},
        }
    )
    plan, dries = make_plan(KNOBS, "modeller", recipe, rig.reach)
    assert capture(rig, plan, dries, tmp_path / "data").captured == 6
    data = Dataset.open(tmp_path / "data")
    for entry, row in zip(plan.entries, data.rows(), strict=True):
        planned = entry.setting(KNOBS)
        assert {k: np.float32(v) for k, v in row["reached"].items()} == pytest.approx(planned)
        wet = amp(data.dry(row), row["reached"])
        assert np.abs(data.audio(row) - wet).max() < 1e-5
    assert len({tuple(row["reached"].values()) for row in data.rows()}) == 6


def sweep(seconds=1.0):
    """Gain and Tone move against each other; the switches rest."""
    corners = [(0, 10, 2, 1), (10, 4, 2, 1), (3, 5, 2, 1)]
    return Trajectory(np.array(corners, np.float32), 2 / seconds)


def test_a_sweep_is_captured_as_it_was_sent(modeller, tmp_path, record_testsuite_property):
    rig = Rig("stage", "modeller", KNOBS, midi(tmp_path), LiveAmp(modeller))
    dry = noise_dry(1.0)
    plan = Plan("modeller", KNOBS, (PlanEntry(0, "train", sweep(), dry.dry_id, 0, dry.frames),))
    capture(rig, plan, [dry], tmp_path / "data")
    data = Dataset.open(tmp_path / "data")
    row = data.row(0)
    stored = data.trajectory(row)
    assert stored.rate == 1000
    assert len(stored.positions) >= 1001

    gain, tone, *_ = controls_of(options(), KNOBS)
    states = [
        [told.state(float(p)) for p in stored.positions[:, column]]
        for column, told in enumerate((gain, tone))
    ]
    changes = [
        [column[0], *(b for a, b in itertools.pairwise(column) if a != b)] for column in states
    ]
    assert (changes[0][0], changes[0][-1], max(changes[0])) == (0, 38, pytest.approx(127, abs=4))
    assert (changes[1][0], changes[1][-1]) == (16383, 8192)
    number = 5 + len(changes[0]) - 1 + 2 * (len(changes[1]) - 1)
    heard = modeller.wait(number)
    assert len(heard) == number
    assert [m[2] for m in heard if m[:2] == b"\xb2\x14"] == changes[0]
    high = [m[2] for m in heard if m[:2] == b"\xb2\x15"]
    low = [m[2] for m in heard if m[:2] == b"\xb2\x35"]
    assert [128 * h + n for h, n in zip(high, low, strict=True)] == changes[1]
    assert row["reached"]["Gain"] == 0
    assert (stored.positions[:, 2] == 2).all()
    # The steps of Tone are too many for the line: what was left out is told by what was stored.
    asked = sweep().at(np.arange(len(stored.positions)) / 1000)
    error = np.abs(stored.positions - asked)[:, :2]
    record_testsuite_property(
        "farthest from the sweep asked for, panel units", error.max(0).tolist()
    )


def test_jitter_of_a_sweep(actuator, modeller, record_testsuite_property):
    """Records how late messages are, from the call that sends them to the modeller's own clock."""
    motion = actuator.go(KNOBS, sweep(1.0))
    at = time.monotonic() + 0.2
    motion.begin(at)
    trajectory = motion.end().trajectory
    steps = np.flatnonzero(np.diff(trajectory.positions[:, 0])) + 1
    number = 5 + len(steps) + 2 * np.count_nonzero(np.diff(trajectory.positions[:, 1]))
    modeller.wait(number)
    times = [when - at for when, m in modeller.heard if m[:2] == b"\xb2\x14"][1:]
    late = 1000 * (np.array(times) - steps / 1000)
    record_testsuite_property("milliseconds from sent to heard, median", float(np.median(late)))
    record_testsuite_property(
        "their 5th and 95th percentile", np.percentile(late, [5, 95]).tolist()
    )
    record_testsuite_property("messages a second", (number - 5) / 1.0)
    assert len(times) == len(steps) > 50


def test_no_knob_is_heard_before_its_time(modeller, tmp_path):
    actuator = midi(tmp_path, delay=0.15)
    actuator.open(KNOBS, nobody)
    rising = Trajectory(np.array([(0, 0, 1, 1), (10, 10, 1, 1)], np.float32), 2.0)
    motion = actuator.go(KNOBS, rising)
    at = time.monotonic() + 0.2
    motion.begin(at)
    stored = motion.end().trajectory
    actuator.close()
    times = np.arange(len(stored.positions)) / stored.rate
    ahead = (stored.positions - rising.at(times))[:, :2]
    assert (ahead <= np.array([5 / 127, 5 / 16383]) + 1e-5).all()
    wanted = [message[2] for _, message in modeller.heard if message[:2] == b"\xb2\x14"]
    heard = [when - at for when, message in modeller.heard if message[:2] == b"\xb2\x14"]
    for value, seconds in list(zip(wanted, heard, strict=True))[1:]:
        assert seconds + 0.15 >= (value - 0.5) / 127 / 2 - 1e-6


def test_a_stopped_sweep_sends_no_more(actuator, modeller):
    motion = actuator.go(KNOBS, sweep(600.0))
    motion.begin(time.monotonic())
    modeller.wait(10)
    actuator.stop()
    assert not any(thread.name == "midi" for thread in threading.enumerate())
    before = motion.sweep.end()
    actuator.go(KNOBS, still(Preset=1.0))
    last = hexes("b21440", "b21540", "b23500", "b25040")
    modeller.wait_for(
        {"Gain": 64 * (10 / 127), "Tone": 8192 * (10 / 16383), "Bright": 1.0, "Preset": 1.0}
    )
    assert modeller.messages[-4:] == last
    gain, *_ = controls_of(options(), KNOBS)
    assert modeller.messages[-5][2] != 0x40
    assert gain.state(float(before.positions[-1, 0])) < 64


def test_a_program_cannot_be_swept(actuator):
    positions = np.array([[5, 5, 0, 0], [5, 5, 0, 1]], np.float32)
    with pytest.raises(UserError, match="Preset is set by program changes"):
        actuator.go(KNOBS, Trajectory(positions))


def test_a_path_without_a_clock_cannot_be_swept(actuator):
    with pytest.raises(UserError, match="does not say when its audio begins"):
        actuator.go(KNOBS, sweep()).end()


# --- unplugged ------------------------------------------------------------------------------


def test_a_pulled_cable_is_noticed_before_and_after_audio(actuator, modeller):
    motion = actuator.go(KNOBS, still())
    modeller.pull()
    with pytest.raises(DeviceLost, match=r"The MIDI output stage:Modeller in is gone"):
        motion.end()
    with pytest.raises(DeviceLost):
        actuator.go(KNOBS, still())


def test_a_cable_pulled_in_a_sweep_is_noticed(actuator, modeller):
    motion = actuator.go(KNOBS, sweep(2.0))
    motion.begin(time.monotonic())
    modeller.pull()
    with pytest.raises(DeviceLost):
        motion.end()


def test_a_session_goes_on_when_the_cable_is_back(modeller, tmp_path):
    path = LiveAmp(modeller)
    rig = Rig("stage", "modeller", KNOBS, midi(tmp_path), path)
    dry = noise_dry(0.1)
    entries = tuple(
        PlanEntry(
            i, "train", still(Gain=i * 130 / 127, Preset=float(i % 2)), dry.dry_id, 0, dry.frames
        )
        for i in range(3)
    )
    kept = []

    def on_event(event):
        if isinstance(event, Kept):
            kept.append(event.entry.index)
            if kept == [0]:
                path.modeller.pull()
        if isinstance(event, Paused):
            assert event.entry.index == 1
            assert "stage:Modeller in is gone" in event.reason
            path.modeller = Modeller()

    try:
        plan = Plan("modeller", KNOBS, entries)
        capture(rig, plan, [dry], tmp_path / "data", on_event)
    finally:
        path.modeller.pull()
    assert kept == [0, 1, 2]
    data = Dataset.open(tmp_path / "data")
    assert [row["reached"]["Preset"] for row in data.rows()] == [0, 1, 0]

import itertools
import sys
import threading
import time

import numpy as np
import pytest
from jack_midi import KNOBS, OPTIONS, LiveAmp, Modeller, Silent, amp, hexes
from jack_server import jack_server
from pydantic import ValidationError

from dataset.plan import Plan, PlanEntry
from dataset.planning import PlanRecipe, make_plan
from dataset.plans.reach import snap
from dataset.session import Kept, Paused, capture
from dataset.signals import Dry
from dataset.store import Dataset
from rigs import registry
from rigs.actuators.midi import Midi, MidiOptions
from rigs.actuators.midi.controls import KnobOptions, controls_of
from rigs.actuators.midi.port import Port
from rigs.actuators.midi.sweep import Sent, most_behind, staircase
from rigs.audio import quantise24
from rigs.config import load_rig
from rigs.errors import DeviceLost, UserError
from rigs.knobs import Knob, KnobTable
from rigs.midi_ports import OUT, choose, ports
from rigs.rig import Rig, nobody
from rigs.trajectory import Trajectory

pytestmark = pytest.mark.realtime

NOON = {"Gain": 5.0, "Tone": 5.0, "Bright": 1.0, "Preset": 0.0}


def options(**changes):
    return MidiOptions.model_validate({**OPTIONS, **changes})


def midi(tmp_path, **changes):
    actuator = Midi(options(**changes), tmp_path)
    actuator.check(KNOBS)
    return actuator


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


# --- values ---------------------------------------------------------------------------------


def control(knob, **how):
    table = KnobTable((knob,))
    return controls_of(options(knobs={knob.name: how}, channel=1), table)[0]


@pytest.mark.parametrize(
    ("how", "position", "messages"),
    [
        ({"control": 7}, 0.0, ["b00700"]),
        ({"control": 7}, 10.0, ["b0077f"]),
        ({"control": 7}, 5.0, ["b00740"]),
        ({"control": 7, "minimum": 10, "maximum": 20}, 5.0, ["b0070f"]),
        ({"control": 7, "minimum": 127, "maximum": 0}, 0.0, ["b0077f"]),
        ({"control": 7, "minimum": 127, "maximum": 0}, 10.0, ["b00700"]),
        ({"control": 7, "bits": 14}, 10.0, ["b0077f", "b0277f"]),
        ({"control": 7, "bits": 14}, 5.0, ["b00740", "b02700"]),
        ({"control": 31, "bits": 14, "maximum": 129}, 10.0, ["b01f01", "b03f01"]),
    ],
)
def test_a_position_becomes_these_bytes(how, position, messages):
    knob = control(Knob("Gain"), **how)
    assert knob.messages(knob.state(position)) == hexes(*messages)


@pytest.mark.parametrize(
    "how",
    [
        {"control": 7},
        {"control": 7, "minimum": 100, "maximum": 3},
        {"control": 7, "bits": 14},
        {"control": 7, "bits": 14, "minimum": 16000, "maximum": 123},
    ],
)
@pytest.mark.parametrize("ends", [(0.0, 10.0), (-15.0, 15.0), (0.3, 11.0)])
def test_what_is_planned_is_what_is_reached(how, ends, tmp_path):
    knob = Knob("Gain", *ends, default=ends[0])
    actuator = Midi(options(knobs={"Gain": how}), tmp_path)
    actuator.check(KnobTable((knob,)))
    wanted = np.linspace(*ends, 1001, dtype=np.float32)[:, None]
    planned = snap(KnobTable((knob,)), actuator.reach, wanted)[:, 0]
    told = control(knob, **how)
    reached = np.array([told.position(told.state(float(p))) for p in planned])
    assert np.abs(reached - planned).max() < 2e-6 * (ends[1] - ends[0])
    assert np.abs(planned - wanted[:, 0]).max() < 0.501 * told.step
    assert len(set(planned)) == min(told.steps + 1, 1001)


def test_all_states_are_their_own_positions():
    for how in ({"control": 1}, {"control": 1, "bits": 14, "minimum": 9000, "maximum": 3}):
        knob = control(Knob("Gain", 0.1, 0.9, 0.5), **how)
        states = range(min(knob.ends), max(knob.ends) + 1)
        assert [knob.state(knob.position(state)) for state in states] == list(states)


def test_switches_send_what_each_detent_is_given():
    switch = Knob("Bright", 0.0, 2.0, 0.0, detents=("off", "on", "deep"))
    told = control(switch, control=80, values=[0, 127, 64])
    assert [told.messages(told.state(p)) for p in (0.0, 1.0, 2.0)] == [
        hexes("b05000"),
        hexes("b0507f"),
        hexes("b05040"),
    ]
    told = control(switch, program=[5, 0, 127])
    assert [told.messages(told.state(p)) for p in (0.0, 2.0)] == [hexes("c005"), hexes("c07f")]


def test_a_plan_need_not_keep_switches_to_steps(tmp_path):
    assert midi(tmp_path).reach.steps == {"Gain": 10 / 127, "Tone": 10 / 16383}
    assert midi(tmp_path).reach.sweeps


# --- options --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({}, "either a control"),
        ({"control": 3, "program": [1]}, "either a control"),
        ({"program": [1], "maximum": 3}, "nothing else"),
        ({"control": 32, "bits": 14}, "0 to 31"),
        ({"control": 3, "maximum": 128}, "7 bits end at 127"),
        ({"control": 3, "values": [0, 200]}, "7 bits end at 127"),
        ({"control": 3, "minimum": 5, "maximum": 5}, "two different"),
        ({"control": 120}, "119"),
        ({"control": 3, "bits": 8}, "7 or 14"),
        ({"control": 3, "knob": 1}, "knob"),
        ({"control": True}, "integer"),
        ({"program": [128]}, "127"),
    ],
)
def test_a_knob_cannot_be_told_so(how, words):
    with pytest.raises(ValidationError, match=words):
        KnobOptions.model_validate(how)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Gian": {"control": 3}}, "Did you mean Gain"),
        ({"gain": {"control": 3}}, "Gain is listed twice"),
        ({"Tone": {"control": 20}}, "Gain and Tone would both be told by control 20"),
        ({"Tone": {"control": 21, "bits": 14}, "Gain": {"control": 53}}, "control 53"),
        ({"Bright": {"control": 80}}, "3 positions (off, on, deep) and 0 MIDI values"),
        ({"Bright": {"control": 80, "values": [0, 1]}}, "2 MIDI values"),
        ({"Bright": {"control": 80, "values": [0, 1, 1]}}, "the same MIDI value"),
        ({"Bright": {"program": [0, 1, 2]}}, "both be told by program change"),
        ({"Gain": {"control": 20, "values": [0, 1]}}, "no detents"),
        ({"Gain": None}, "No MIDI control is given for Gain"),
    ],
)
def test_these_controls_do_not_fit_the_panel(changes, words, tmp_path):
    knobs = {**OPTIONS["knobs"], **changes}
    given = {name: how for name, how in knobs.items() if how is not None}
    with pytest.raises(UserError) as said:
        midi(tmp_path, knobs=given)
    assert words in str(said.value)
    assert str(said.value).count(".") >= 1


TOML = """
name = "stage"
device = "modeller"

[knobs.Gain]
[knobs.Bright]
detents = ["off", "on"]

[path]
type = "silent"

[actuator]
type = "midi"
port = "Modeller"

[actuator.knobs.Gain]
control = 20
bits = 14
[actuator.knobs.Bright]
control = 80
values = [0, 127]
"""


@pytest.fixture
def toml(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.PATHS, "silent", "jack_midi:Silent")

    def load(text):
        path = tmp_path / "rig.toml"
        path.write_text(text)
        return load_rig(path)

    return load


def test_a_rig_says_it_in_toml(toml):
    rig = toml(TOML)
    assert isinstance(rig.path, Silent)
    assert rig.reach.steps == {"Gain": 10 / 16383}
    rig.close()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("bits = 14", "bits = 13", "line 18: bits must be 7 or 14"),
        ("control = 20", "control = 40", "only controls 0 to 31 carry 14 bits"),
        ("port =", "prot =", "port"),
        ("[actuator.knobs.Bright]", "[actuator.knobs.Brite]", "Did you mean Bright"),
    ],
)
def test_toml_errors_say_where(toml, old, new, words):
    with pytest.raises(UserError) as said:
        toml(TOML.replace(old, new))
    assert words in str(said.value)
    assert "rig.toml, line " in str(said.value)


@pytest.mark.parametrize("package", ["mido", "rtmidi"])
def test_a_missing_package_is_named(package, monkeypatch, toml):
    for name in [name for name in sys.modules if name.startswith("rigs.actuators.midi")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r'pip install "ampsweep\[midi\]"'):
        toml(TOML)


# --- choosing an output ---------------------------------------------------------------------

NAMES = ["Midi Through:Midi Through Port-0 14:0", "HX Stomp:HX Stomp MIDI 1 20:0", "Kemper"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("Kemper", 2), ("kemper", 2), ("HX Stomp", 1), ("through", 0), ("20:0", 1)],
)
def test_an_output_is_found_by_a_part_of_its_name(wanted, found):
    assert choose(wanted, NAMES) == NAMES[found]


def test_a_whole_name_wins_over_longer_ones():
    assert choose("Kemper", ["Kemper 2", "Kemper", "kemper"]) == "Kemper"


@pytest.mark.parametrize(
    ("wanted", "names", "words"),
    [
        ("MIDI", NAMES, "2 MIDI outputs have 'MIDI' in their names: Midi Through"),
        ("Kempr", NAMES, "Did you mean Kemper"),
        ("HX Stmp", NAMES, "Did you mean HX Stomp:HX Stomp MIDI 1 20:0"),
        ("Axe-Fx", NAMES, "there are Midi Through:Midi Through Port-0 14:0, HX Stomp"),
        ("Axe-Fx", [], "plug the device in"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(wanted, names, words):
    with pytest.raises(UserError) as said:
        choose(wanted, names)
    assert words in str(said.value)


def test_no_server_is_one_sentence_and_nothing_else(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none-of-this-name")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    with pytest.raises(UserError, match="No MIDI system runs here"):
        midi(tmp_path, api="jack").open(KNOBS, nobody)
    assert ports(OUT, "jack") == {}
    assert capfd.readouterr().err == ""


def test_an_api_of_another_system_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"no api 'winmm', only .*jack"):
        midi(tmp_path, api="winmm").open(KNOBS, nobody)


# --- the schedule of a sweep ----------------------------------------------------------------


def test_the_knob_most_behind_is_sent_first(tmp_path):
    gain, tone, bright, _ = controls_of(options(), KNOBS)
    assert most_behind((gain, tone), (0, 0), (12, 1000)) == 0
    assert most_behind((gain, tone), (0, 0), (12, 3000)) == 1
    assert most_behind((gain, tone, bright), (0, 0, 1), (12, 3000, 2)) == 2
    assert most_behind((gain, tone), (12, 3000), (12, 3000)) is None


def test_what_was_sent_is_a_staircase():
    sent = [Sent(0.0015, 1, 8.0), Sent(0.003, 0, 2.0), Sent(0.0072, 0, 3.0), Sent(0.0105, 1, 9.0)]
    made = staircase(np.array([1.0, 7.0], np.float32), sent, 0.010)
    assert made.rate == 1000
    assert made.positions[:, 0].tolist() == [1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3]
    assert made.positions[:, 1].tolist() == [7, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 9]
    assert len(staircase(np.zeros(1, np.float32), [], 0.010).positions) == 11


# --- over JACK ------------------------------------------------------------------------------


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

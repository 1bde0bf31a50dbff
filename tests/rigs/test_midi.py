import sys

import numpy as np
import pytest
from jack_midi import KNOBS, OPTIONS, Silent, hexes, midi, options
from pydantic import ValidationError

from dataset.plans.reach import snap
from rigs import registry
from rigs.actuators.midi import Midi
from rigs.actuators.midi.controls import KnobOptions, controls_of
from rigs.actuators.midi.sweep import Sent, most_behind, staircase
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.midi_ports import OUT, choose, ports
from rigs.rig import nobody

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

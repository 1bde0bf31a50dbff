"""The v2 board: its netlist breaks no rule, its pins are the firmware's, and rules see faults."""

import re
from dataclasses import replace

import pytest

from hardware.pedal import pins
from hardware.pedal.v2.board import board
from hardware.pedal.v2.circuit import Circuit, Part, Pin

BOARD = pins.read()["v2"]
CIRCUIT = board(BOARD)


def on(net):
    return {f"{part.reference}.{pin.name}" for part, pin in CIRCUIT.nets()[net]}


def values(net):
    return {part.value for part, _ in CIRCUIT.nets()[net]}


def test_the_circuit_breaks_no_rule():
    assert CIRCUIT.faults() == []


def test_every_signal_of_the_map_is_on_its_pin_of_the_seed():
    seed = next(part for part in CIRCUIT.parts if part.value == "Daisy Seed")
    for signal, pin in BOARD.items():
        number = next(p.number for p in seed.pins if p.name == f"D{pin}")
        assert int(number) == pins.header_pin(pin)
        assert seed.nets[f"D{pin}"] == signal.upper()
        assert len(on(signal.upper())) > 1
    assert [pin.number for pin in seed.pins] == [str(n) for n in range(1, 41)]


def test_what_was_asked_for_is_there():
    assert sum(part.reference.startswith("RV") for part in CIRCUIT.parts) == 6
    for knob in range(1, 7):
        assert any(".wiper" in pin for pin in on(f"KNOB{knob}"))
    assert {"500 mA resettable", "SMBJ12A", "DMP3056L, P channel"} <= values("DC_FUSED")
    assert {"3.3k 1%", "2.2n C0G", "OPA1678, dual"} <= values("OUT_FILTERED")
    assert {"G6K-2F-Y 9 V", "1N4148W", "2N7002, N channel"} <= values("COIL")


def test_without_power_the_relay_joins_the_jacks():
    assert on("BYPASS") == {"K1.nc1", "K1.nc2"}
    assert "K1.com1" in on("JACK_IN")
    assert "K1.com2" in on("JACK_OUT")


def test_midi_in_is_isolated():
    """Nothing on the sender's side of the opto-isolator touches anything else of the board."""
    side = {"MIDI_IN_SOURCE", "MIDI_IN_4", "MIDI_IN_5"}
    for net in side:
        for part, _ in CIRCUIT.nets()[net]:
            others = {n for n in part.nets.values() if n} - side
            assert not others or part.value == "H11L1", part.reference


def test_the_netlist_is_one_expression_with_all_nets():
    text = CIRCUIT.kicad()
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert bare.count("(") == bare.count(")")
    assert len(re.findall(r"\(net \(code", text)) == len(CIRCUIT.nets())
    assert text.count("(comp (ref") == len(CIRCUIT.parts)


def small(*parts, powered=()):
    made = [
        Part(
            f"U{number}", "", "",
            tuple(Pin(str(n), name, kind) for n, (name, kind) in enumerate(pins.items(), 1)),
            nets,
        )
        for number, (pins, nets) in enumerate(parts, 1)
    ]  # fmt: skip
    return Circuit("", tuple(made), dict(powered))


@pytest.mark.parametrize(
    ("circuit", "said"),
    [
        (small(({"a": "passive"}, {"a": "N"})), "net N ends at U1 a"),
        (small(({"a": "passive"}, {})), "U1 a is neither connected nor said to be open"),
        (small(({"a": "passive"}, {"a": None, "b": None})), "U1 has no pin b"),
        (
            small(({"a": "output"}, {"a": "N"}), ({"b": "output"}, {"b": "N"})),
            "net N is driven by U1 a and U2 b",
        ),
        (
            small(({"a": "input"}, {"a": "N"}), ({"b": "input"}, {"b": "N"})),
            "net N has inputs, and nothing drives them",
        ),
        (
            small(({"a": "power_in"}, {"a": "N"}), ({"b": "passive"}, {"b": "N"})),
            "net N feeds a supply pin, and nothing supplies it",
        ),
        (
            small(
                ({"a": "power_in"}, {"a": "N"}), ({"b": "passive"}, {"b": "N"}), powered={"N": "M"}
            ),
            "net N gets its power from M, and no part leads there",
        ),
    ],
)
def test_a_broken_rule_is_seen(circuit, said):
    assert said in circuit.faults()


def test_a_part_twice_is_seen():
    twice = replace(CIRCUIT, parts=(*CIRCUIT.parts, CIRCUIT.parts[-1]))
    assert any("is there 2 times" in fault for fault in twice.faults())


def changed(reference, **nets):
    """The board with pins of one part on other nets."""
    parts = [
        replace(part, nets={**part.nets, **nets}) if part.reference == reference else part
        for part in CIRCUIT.parts
    ]
    return replace(CIRCUIT, parts=tuple(parts))


def without(value):
    """The board with the first part of that value left out."""
    gone = next(part for part in CIRCUIT.parts if part.value == value)
    return replace(CIRCUIT, parts=tuple(part for part in CIRCUIT.parts if part is not gone))


@pytest.mark.parametrize(
    ("circuit", "said"),
    [
        (changed("RV1", wiper="KNOB_1"), "net KNOB_1 ends at RV1 wiper"),
        (changed("U1", OUTB="CODEC_OUT"), "net CODEC_OUT is driven by A1 AUDIO_OUT_1 and U1 OUTB"),
        (changed("A1", VIN="DC_SAFE"), "net DC_SAFE feeds a supply pin, and nothing supplies it"),
        (changed("A1", AUDIO_IN_1="IN_OPEN"), "net IN_OPEN has inputs, and nothing drives them"),
        (changed("K1", no1="BUFFER"), "net BUFFER ends at K1 no1"),
        (changed("U2", VCC="+5V"), "net +5V feeds a supply pin, and nothing supplies it"),
        (without("500 mA resettable"), "net +9V gets its power from DC_IN, and no part leads"),
        (without("DMP3056L, P channel"), "net +9V gets its power from DC_IN, and no part leads"),
        (without("600 Ω at 100 MHz"), "net +9V gets its power from DC_IN, and no part leads there"),
        (without("10k"), "net VREF gets its power from +9V, and no part leads there"),
        (without("star"), "net AGND feeds a supply pin, and nothing supplies it"),
        (without("220R"), "net MIDI_IN_SOURCE ends at"),
    ],
)  # fmt: skip
def test_a_fault_in_the_board_itself_is_seen(circuit, said):
    assert any(fault.startswith(said) for fault in circuit.faults()), circuit.faults()

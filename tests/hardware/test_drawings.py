"""The drawings: what is connected to what, and that the files here are what would be made now."""

import re
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hardware import draw
from hardware.diagram import Diagram, Part, Wire
from hardware.pedal import pins
from hardware.pedal.v2.blocks import blocks
from hardware.pedal.wiring import latching, momentary
from hardware.rig.wiring import wiring as rig_wiring

BOARD = pins.read()["terrarium"]
DIAGRAMS = [latching(BOARD), momentary(BOARD), blocks(), *(rig_wiring(n) for n in (1, 6))]


@pytest.fixture(scope="module")
def texts():
    return draw.texts()


def test_the_files_here_are_what_would_be_made_now(texts):
    stale = [n for n, text in texts.items() if (draw.ROOT / n).read_text("utf-8") != text]
    assert stale == [], "run: ampsweep hardware draw"


def test_templates_for_printing_and_pictures_are_there():
    for name, data in draw.sheets().items():
        assert (draw.ROOT / name).read_bytes() == data, "run: ampsweep hardware draw"
    for name in ("rig", "two-tiers", "side", "coupler", "parts"):
        data = (draw.ROOT / f"hardware/rig/{name}.png").read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", data[16:24])
        assert min(width, height) > 300


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda d: f"{d.title} {len(d.parts)}")
def test_a_diagram_is_one_picture_without_overlaps(diagram):
    ElementTree.fromstring(diagram.svg())
    boxes = [(p.x, p.y, p.x + p.width, p.y + p.height, p.name) for p in diagram.parts]
    for n, (left, top, right, bottom, name) in enumerate(boxes):
        for x1, y1, x2, y2, other in boxes[n + 1 :]:
            apart = right <= x1 or x2 <= left or bottom <= y1 or y2 <= top
            assert apart, f"{name} lies on {other}"


def runs(diagram):
    """Each straight piece of a wire: whether it stands, where, from and to, its net, its start."""
    net_of = {pin: n for n, net in enumerate(diagram.nets()) for pin in net}
    for wire in diagram.wires:
        (x1, y1, _), (x2, y2, _) = diagram.where(wire.start), diagram.where(wire.end)
        pieces = ((False, y1, x1, wire.lane), (True, wire.lane, y1, y2), (False, y2, wire.lane, x2))
        for stands, at, *ends in pieces:
            yield stands, at, min(ends), max(ends), net_of[wire.start], wire.start


def muddled(diagram):
    """What a reader would take for joined, or could not follow."""
    pieces = list(runs(diagram))
    for n, (stands, at, low, high, net, name) in enumerate(pieces):
        for other_stands, other_at, a, b, other, another in pieces[n + 1 :]:
            near = stands == other_stands and abs(at - other_at) < 3
            if near and net != other and a < high and low < b:
                yield f"{name} runs on {another} at {at:g}"
        for part in diagram.parts:
            across, down = (part.x, part.x + part.width), (part.y, part.y + part.height)
            (left, right), (top, bottom) = (down, across) if stands else (across, down)
            if top < at < bottom and low < right and left < high:
                yield f"{name} runs through {part.name}"


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda d: f"{d.title} {len(d.parts)}")
def test_every_wire_can_be_followed(diagram):
    assert list(muddled(diagram)) == []


def test_a_wire_that_cannot_be_followed_is_seen():
    left = Part("A", 0, 0, 50, right=("x", "y"))
    right = Part("B", 200, 0, 50, left=("x", "y"))
    wires = (Wire("A/x", "B/y", 100), Wire("A/y", "B/x", 100))
    assert "A/x runs on A/y at 100" in muddled(Diagram("", (left, right), wires))
    between = Part("C", 80, 0, 60, right=("z",))
    straight = Diagram("", (left, between, right), (Wire("A/x", "B/x", 60),))
    assert list(muddled(straight)) == ["A/x runs through C"]


def test_a_pin_that_is_not_there_is_seen():
    part = Part("A", 0, 0, 50, right=("x",))
    with pytest.raises(KeyError, match="A has no pin y"):
        Diagram("", (part,), (Wire("A/x", "A/y", 80),)).svg()


def joined(diagram, one, other):
    return any({one, other} <= net for net in diagram.nets())


SEED = "Daisy Seed on Terrarium"


@pytest.mark.parametrize("diagram", [latching(BOARD), momentary(BOARD)], ids=["one", "two"])
def test_the_pedal_is_wired_by_the_pin_map(diagram):
    ends = {
        "display_scl": "OLED/SCL",
        "display_sda": "OLED/SDA",
        "encoder_a": "Encoder/A",
        "encoder_b": "Encoder/B",
        "encoder_push": "Encoder/push",
        "led1": "LED 1/anode",
        "midi_tx": "MIDI board/TX",
        "midi_rx": "MIDI board/RX",
    }
    if diagram.title.endswith("two momentary footswitches"):
        ends |= {f"footswitch{n}": f"Footswitch {n}/contact" for n in (1, 2)}
        ends |= {f"toggle{n}": f"Toggles/{n}" for n in (1, 2, 3, 4)} | {"led2": "LED 2/anode"}
    for pin, end in ends.items():
        assert joined(diagram, f"{SEED}/D{BOARD[pin]}", end), pin
    assert joined(diagram, "DC jack/sleeve +", f"{SEED}/9 V")
    assert joined(diagram, "DC jack/pin -", f"{SEED}/GND 2")
    assert not joined(diagram, "DC jack/sleeve +", "DC jack/pin -")
    assert joined(diagram, "2.2 nF/hot", "3.3 kΩ/a")
    assert joined(diagram, "3.3 kΩ/b", f"{SEED}/OUT")
    assert not joined(diagram, "3.3 kΩ/a", "3.3 kΩ/b")


def test_the_latching_footswitch_takes_the_board_out():
    """With its contacts thrown, the jacks are where the name of each contact says."""
    diagram, foot = latching(BOARD), "Footswitch 3PDT"

    def thrown(way):
        closed = [Wire(f"{foot}/{pole}", f"{foot}/{pole} {way}", 0) for pole in "AB"]
        closed += [Wire(f"{foot}/C", f"{foot}/C on", 0)] * (way == "on")
        return Diagram("", diagram.parts, (*diagram.wires, *closed))

    on, off = thrown("on"), thrown("off")
    assert joined(off, "Input jack/tip", "Output jack/tip")
    assert not joined(off, "Input jack/tip", f"{SEED}/IN")
    assert not joined(off, "LED 1/cathode", f"{SEED}/GND")
    assert not joined(on, "Input jack/tip", "Output jack/tip")
    assert joined(on, "Input jack/tip", f"{SEED}/IN")
    assert joined(on, "Output jack/tip", "3.3 kΩ/a")
    assert joined(on, "LED 1/cathode", f"{SEED}/GND")


def test_two_momentary_footswitches_leave_the_jacks_at_the_board():
    diagram = momentary(BOARD)
    assert joined(diagram, "Input jack/tip", f"{SEED}/IN")
    assert joined(diagram, "Output jack/tip", "2.2 nF/hot")


def test_the_emergency_stop_is_between_the_supply_and_the_motors():
    without = rig_wiring(6)
    parts = {"Fuse", "E-stop"}
    straight = [w for w in without.wires if not {w.start, w.end} & {"E-stop/1 in", "E-stop/1 out"}]
    cut = Diagram("", without.parts, tuple(straight))
    assert parts <= {part.name for part in without.parts}
    assert not joined(cut, "Supply/+24 V", "Controller/POWER +")
    for axis in "XYZABC":
        for coil in ("A+", "A-", "B+", "B-"):
            assert joined(without, f"Controller/{axis} {coil}", f"Motor {axis}/{coil}")


def test_every_picture_of_the_guides_is_there():
    for guide in Path(draw.ROOT / "hardware").rglob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", guide.read_text("utf-8")):
            assert (guide.parent / target).exists(), f"{guide.name}: {target}"

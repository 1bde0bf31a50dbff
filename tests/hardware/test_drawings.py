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
from hardware.pedal.wiring import wiring as pedal_wiring
from hardware.rig.wiring import wiring as rig_wiring

BOARD = pins.read()["terrarium"]
DIAGRAMS = [pedal_wiring(BOARD), blocks(), *(rig_wiring(knobs) for knobs in (1, 6))]


@pytest.fixture(scope="module")
def texts():
    return draw.texts()


def test_the_files_here_are_what_would_be_made_now(texts):
    stale = [n for n, text in texts.items() if (draw.ROOT / n).read_text("utf-8") != text]
    assert stale == [], "run: ampsweep hardware draw"


def test_templates_for_printing_and_pictures_are_there():
    for name, data in draw.sheets().items():
        assert (draw.ROOT / name).read_bytes() == data, "run: ampsweep hardware draw"
    for name in ("rig", "two-tiers", "coupler", "parts"):
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


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda d: f"{d.title} {len(d.parts)}")
def test_wires_that_are_not_joined_do_not_run_on_each_other(diagram):
    net_of = {pin: n for n, net in enumerate(diagram.nets()) for pin in net}
    seen = {}
    for wire in diagram.wires:
        (x1, y1, _), (x2, y2, _) = diagram.where(wire.start), diagram.where(wire.end)
        for a, b, y in ((x1, wire.lane, y1), (wire.lane, x2, y2)):
            seen.setdefault(y, []).append((*sorted((a, b)), net_of[wire.start], wire.start))
    for y, runs in seen.items():
        for n, (a, b, net, name) in enumerate(runs):
            for c, d, other, another in runs[n + 1 :]:
                assert net == other or b <= c or d <= a, f"{name} and {another} at y {y}"


def test_a_pin_that_is_not_there_is_seen():
    part = Part("A", 0, 0, 50, right=("x",))
    with pytest.raises(KeyError, match="A has no pin y"):
        Diagram("", (part,), (Wire("A/x", "A/y", 80),)).svg()


def joined(diagram, one, other):
    return any({one, other} <= net for net in diagram.nets())


def test_the_pedal_is_wired_by_the_pin_map():
    diagram, seed = DIAGRAMS[0], "Daisy Seed on Terrarium"
    for pin, end in {
        "display_scl": "OLED/SCL",
        "display_sda": "OLED/SDA",
        "encoder_a": "Encoder/A",
        "encoder_b": "Encoder/B",
        "encoder_push": "Encoder/push",
        "footswitch1": "Footswitch 1/contact",
        "led1": "LED 1/anode",
        "toggle4": "Toggles/4",
        "midi_tx": "MIDI board/TX",
    }.items():
        assert joined(diagram, f"{seed}/D{BOARD[pin]}", end), pin
    assert joined(diagram, "DC jack/sleeve +", f"{seed}/9 V")
    assert not joined(diagram, "DC jack/sleeve +", "DC jack/pin -")
    assert joined(diagram, "2.2 nF/hot", "Output jack/tip")


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

"""The wiring of the v1 pedal: what is soldered beside the Terrarium board itself."""

from __future__ import annotations

from collections.abc import Mapping

from hardware.diagram import Diagram, Part, Wire
from hardware.pedal.pins import Board

POWER, GROUND, SIGNAL, AUDIO, OPTION = "#c00", "#000", "#08a", "#a60", "#999"


def _d(board: Mapping[str, int], signal: str) -> str:
    return f"D{board[signal]}"


def wiring(board: Board) -> Diagram:
    """For the pins of ``board``, the [terrarium] of pins.toml."""
    free = ("display_scl", "display_sda", "encoder_a", "encoder_b", "encoder_push", "midi_tx",
            "midi_rx")  # fmt: skip
    toggles = sorted(name for name in board if name.startswith("toggle"))
    seed = Part(
        "Daisy Seed on Terrarium",
        400,
        60,
        230,
        ("IN", "OUT", "9 V", "GND", "GND 2", _d(board, "footswitch1"), _d(board, "footswitch2"),
         _d(board, "led1"), _d(board, "led2"), *(_d(board, name) for name in toggles), "GND 3"),
        ("3V3", "GND 4", *(_d(board, name) for name in free), "MIDI GND"),
    )  # fmt: skip
    parts = (
        Part("Input jack", 40, 60, 110, (), ("tip", "sleeve")),
        Part("3.3 kΩ", 230, 138, 80, ("a",), ("b",), about="in series"),
        Part("2.2 nF", 230, 230, 80, ("hot",), ("ground",), about="C0G"),
        Part("Output jack", 40, 150, 110, (), ("tip", "sleeve")),
        Part("DC jack", 40, 250, 110, (), ("sleeve +", "pin -"), about="centre negative"),
        Part("Footswitch 1", 40, 350, 120, (), ("contact", "common")),
        Part("Footswitch 2", 40, 430, 120, (), ("contact", "common"), about="option"),
        Part("LED 1", 40, 530, 120, (), ("anode", "cathode"), about="1 kΩ"),
        Part("LED 2", 40, 630, 120, (), ("anode", "cathode"), about="1 kΩ, option"),
        Part("Toggles", 40, 730, 120, (), ("1", "2", "3", "4", "common"), about="option"),
        Part("OLED", 800, 60, 130, ("VCC", "GND", "SCL", "SDA"), about="SSD1306"),
        Part("Encoder", 800, 200, 130, ("A", "B", "push", "C, common"), about="EC11"),
        Part("MIDI board", 800, 350, 130, ("TX", "RX", "GND"), about="option, 3.3 V"),
        seed,
    )
    s = seed.name
    wires = [
        Wire("Input jack/tip", f"{s}/IN", 340, AUDIO),
        Wire("Input jack/sleeve", f"{s}/GND", 360, GROUND),
        Wire(f"{s}/OUT", "3.3 kΩ/b", 365, AUDIO),
        Wire("3.3 kΩ/a", "Output jack/tip", 190, AUDIO),
        Wire("2.2 nF/hot", "3.3 kΩ/a", 210, AUDIO),
        Wire("2.2 nF/ground", f"{s}/GND", 360, GROUND),
        Wire("Output jack/sleeve", f"{s}/GND", 360, GROUND),
        Wire("DC jack/sleeve +", f"{s}/9 V", 330, POWER),
        Wire("DC jack/pin -", f"{s}/GND 2", 370, GROUND),
        Wire("Footswitch 1/contact", f"{s}/{_d(board, 'footswitch1')}", 375, SIGNAL),
        Wire("Footswitch 1/common", f"{s}/GND 3", 190, GROUND),
        Wire("Footswitch 2/contact", f"{s}/{_d(board, 'footswitch2')}", 380, OPTION),
        Wire("Footswitch 2/common", f"{s}/GND 3", 190, GROUND),
        Wire("LED 1/anode", f"{s}/{_d(board, 'led1')}", 383, SIGNAL),
        Wire("LED 1/cathode", f"{s}/GND 3", 190, GROUND),
        Wire("LED 2/anode", f"{s}/{_d(board, 'led2')}", 387, OPTION),
        Wire("LED 2/cathode", f"{s}/GND 3", 190, GROUND),
        Wire("Toggles/common", f"{s}/GND 3", 190, GROUND),
        *(
            Wire(f"Toggles/{n}", f"{s}/{_d(board, name)}", 340 + 7 * n, OPTION)
            for n, name in enumerate(toggles, 1)
        ),
        Wire(f"{s}/3V3", "OLED/VCC", 680, POWER),
        Wire(f"{s}/GND 4", "OLED/GND", 690, GROUND),
        Wire(f"{s}/{_d(board, 'display_scl')}", "OLED/SCL", 700, SIGNAL),
        Wire(f"{s}/{_d(board, 'display_sda')}", "OLED/SDA", 710, SIGNAL),
        Wire(f"{s}/{_d(board, 'encoder_a')}", "Encoder/A", 720, SIGNAL),
        Wire(f"{s}/{_d(board, 'encoder_b')}", "Encoder/B", 730, SIGNAL),
        Wire(f"{s}/{_d(board, 'encoder_push')}", "Encoder/push", 740, SIGNAL),
        Wire("Encoder/C, common", f"{s}/GND 4", 690, GROUND),
        Wire(f"{s}/{_d(board, 'midi_tx')}", "MIDI board/TX", 750, OPTION),
        Wire(f"{s}/{_d(board, 'midi_rx')}", "MIDI board/RX", 760, OPTION),
        Wire(f"{s}/MIDI GND", "MIDI board/GND", 770, GROUND),
    ]
    notes = (
        "Grey belongs to the option. Pots sit on the board itself. Switches connect their pin to "
        "ground; the firmware turns the pull-ups on.",
        "Resistor and capacitor are the Rev7 noise filter: at the output jack, the capacitor's "
        "lead to the jack's sleeve as short as it will go.",
        "With a latching 3PDT in place of two momentary switches, its first two poles swap the "
        "jacks between the board and a wire, and its third lights LED 1.",
    )
    return Diagram("Pedal v1 wiring: Daisy Seed, Terrarium, display", parts, tuple(wires), notes)

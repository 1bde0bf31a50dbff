"""The wiring of the v1 pedal: what is soldered beside the Terrarium board itself.

Twice, for the board takes one latching footswitch or two momentary ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from hardware.diagram import Diagram, Part, Wire
from hardware.pedal.pins import Board

POWER, GROUND, SIGNAL, AUDIO, OPTION = "#c00", "#000", "#08a", "#a60", "#999"
SEED = "Daisy Seed on Terrarium"
FREE = ("display_scl", "display_sda", "encoder_a", "encoder_b", "encoder_push", "midi_tx",
        "midi_rx")  # fmt: skip
"""What goes to pins of the Seed that the Terrarium board does not use."""
ALWAYS = "Pots sit on the board itself. Grey belongs to the option."
FILTER = (
    "Resistor and capacitor are the Rev7 noise filter: the capacitor's lead to the output jack's "
    "sleeve as short as it will go."
)


def _d(board: Mapping[str, int], signal: str) -> str:
    return f"D{board[signal]}"


def _seed(board: Board, x: float, y: float, left: tuple[str, ...]) -> Part:
    """The board; its right side is the same in both wirings."""
    return Part(
        SEED, x, y, 230, left, ("3V3", "GND 4", *(_d(board, name) for name in FREE), "MIDI GND")
    )


def _panel(board: Board, x: float, y: float) -> tuple[tuple[Part, ...], tuple[Wire, ...]]:
    """Display, encoder and MIDI, 170 px right of a board that ends at ``x`` and begins at ``y``."""
    at = x + 170
    parts = (
        Part("OLED", at, y, 130, ("VCC", "GND", "SCL", "SDA"), about="SSD1306"),
        Part("Encoder", at, y + 140, 130, ("A", "B", "push", "C, common"), about="EC11"),
        Part("MIDI board", at, y + 290, 130, ("TX", "RX", "GND"), about="option, 3.3 V"),
    )
    ends = (
        ("3V3", "OLED/VCC", POWER),
        ("GND 4", "OLED/GND", GROUND),
        (_d(board, "display_scl"), "OLED/SCL", SIGNAL),
        (_d(board, "display_sda"), "OLED/SDA", SIGNAL),
        (_d(board, "encoder_a"), "Encoder/A", SIGNAL),
        (_d(board, "encoder_b"), "Encoder/B", SIGNAL),
        (_d(board, "encoder_push"), "Encoder/push", SIGNAL),
        (_d(board, "midi_tx"), "MIDI board/TX", OPTION),
        (_d(board, "midi_rx"), "MIDI board/RX", OPTION),
        ("MIDI GND", "MIDI board/GND", GROUND),
    )
    wires = [
        Wire(f"{SEED}/{pin}", end, x + 50 + 10 * n, colour)
        for n, (pin, end, colour) in enumerate(ends)
    ]
    wires.append(Wire("Encoder/C, common", f"{SEED}/GND 4", x + 60, GROUND))
    return parts, tuple(wires)


def latching(board: Board) -> Diagram:
    """With one latching 3PDT, which joins the jacks by a wire when it is off.

    ``board`` is the [terrarium] of pins.toml.
    """
    seed = _seed(board, 620, 240, ("IN", "OUT", _d(board, "led1"), "9 V", "GND", "GND 2"))
    right, wires = _panel(board, 850, 240)
    switch = Part(
        "Footswitch 3PDT", 230, 60, 120, ("A", "B", "C"),
        ("A on", "A off", "B off", "C on", "B on"), about="latching",
    )  # fmt: skip
    parts = (
        Part("Input jack", 40, 60, 110, (), ("tip", "sleeve")),
        Part("Output jack", 40, 150, 110, (), ("tip", "sleeve")),
        switch,
        Part("3.3 kΩ", 430, 140, 80, ("a",), ("b",), about="in series"),
        Part("2.2 nF", 230, 240, 120, ("ground",), ("hot",), about="C0G"),
        Part("DC jack", 40, 350, 110, (), ("sleeve +", "pin -"), about="centre negative"),
        Part("LED 1", 40, 450, 110, (), ("anode", "cathode"), about="1 kΩ"),
        seed,
        *right,
    )
    s, name = switch.name, seed.name
    wires += (
        Wire("Input jack/tip", f"{s}/A", 190, AUDIO),
        Wire("Output jack/tip", f"{s}/B", 200, AUDIO),
        Wire(f"{s}/A on", f"{name}/IN", 560, AUDIO),
        Wire(f"{s}/A off", f"{s}/B off", 370, AUDIO),
        Wire(f"{name}/OUT", "3.3 kΩ/b", 540, AUDIO),
        Wire("3.3 kΩ/a", f"{s}/B on", 390, AUDIO),
        Wire("2.2 nF/hot", "3.3 kΩ/a", 390, AUDIO),
        Wire("Input jack/sleeve", "2.2 nF/ground", 170, GROUND),
        Wire("Output jack/sleeve", "2.2 nF/ground", 170, GROUND),
        Wire("2.2 nF/ground", f"{name}/GND", 170, GROUND),
        Wire(f"{s}/C on", f"{name}/GND", 380, GROUND),
        Wire("DC jack/sleeve +", f"{name}/9 V", 580, POWER),
        Wire("DC jack/pin -", f"{name}/GND 2", 600, GROUND),
        Wire("LED 1/cathode", f"{s}/C", 210, SIGNAL),
        Wire("LED 1/anode", f"{name}/{_d(board, 'led1')}", 590, SIGNAL),
    )
    notes = (
        ALWAYS,
        FILTER,
        "The footswitch's poles are A, B and C, with what each touches while the pedal is on; off, "
        "A and B are joined: the guitar goes past the board.",
        "LED 1 then lights while the pedal is on and the firmware says that it plays.",
    )
    return Diagram("Pedal v1 wiring, one latching footswitch", parts, wires, notes)


def momentary(board: Board) -> Diagram:
    """With two momentary footswitches, four toggles and a second LED: all that the board carries.

    ``board`` is the [terrarium] of pins.toml.
    """
    toggles = sorted(name for name in board if name.startswith("toggle"))
    seed = _seed(
        board, 400, 60,
        ("IN", "OUT", "9 V", "GND", "GND 2", _d(board, "footswitch1"), _d(board, "footswitch2"),
         _d(board, "led1"), _d(board, "led2"), *(_d(board, name) for name in toggles), "GND 3"),
    )  # fmt: skip
    right, wires = _panel(board, 630, 60)
    parts = (
        Part("Input jack", 40, 60, 110, (), ("tip", "sleeve")),
        Part("3.3 kΩ", 230, 138, 80, ("a",), ("b",), about="in series"),
        Part("2.2 nF", 230, 222, 80, ("hot",), ("ground",), about="C0G"),
        Part("Output jack", 40, 150, 110, (), ("tip", "sleeve")),
        Part("DC jack", 40, 254, 110, (), ("sleeve +", "pin -"), about="centre negative"),
        Part("Footswitch 1", 40, 354, 120, (), ("contact", "common")),
        Part("Footswitch 2", 40, 442, 120, (), ("contact", "common")),
        Part("LED 1", 40, 530, 120, (), ("anode", "cathode"), about="1 kΩ"),
        Part("LED 2", 40, 630, 120, (), ("anode", "cathode"), about="1 kΩ"),
        Part("Toggles", 40, 730, 120, (), ("1", "2", "3", "4", "common"), about="up: closed"),
        seed,
        *right,
    )
    wires += (
        Wire("Input jack/tip", f"{SEED}/IN", 340, AUDIO),
        Wire("Input jack/sleeve", f"{SEED}/GND", 360, GROUND),
        Wire(f"{SEED}/OUT", "3.3 kΩ/b", 365, AUDIO),
        Wire("3.3 kΩ/a", "Output jack/tip", 190, AUDIO),
        Wire("2.2 nF/hot", "3.3 kΩ/a", 210, AUDIO),
        Wire("2.2 nF/ground", f"{SEED}/GND", 360, GROUND),
        Wire("Output jack/sleeve", f"{SEED}/GND", 360, GROUND),
        Wire("DC jack/sleeve +", f"{SEED}/9 V", 330, POWER),
        Wire("DC jack/pin -", f"{SEED}/GND 2", 370, GROUND),
        Wire("Footswitch 1/contact", f"{SEED}/{_d(board, 'footswitch1')}", 375, SIGNAL),
        Wire("Footswitch 1/common", f"{SEED}/GND 3", 190, GROUND),
        Wire("Footswitch 2/contact", f"{SEED}/{_d(board, 'footswitch2')}", 380, SIGNAL),
        Wire("Footswitch 2/common", f"{SEED}/GND 3", 190, GROUND),
        Wire("LED 1/anode", f"{SEED}/{_d(board, 'led1')}", 385, SIGNAL),
        Wire("LED 1/cathode", f"{SEED}/GND 3", 190, GROUND),
        Wire("LED 2/anode", f"{SEED}/{_d(board, 'led2')}", 390, SIGNAL),
        Wire("LED 2/cathode", f"{SEED}/GND 3", 190, GROUND),
        Wire("Toggles/common", f"{SEED}/GND 3", 190, GROUND),
        *(
            Wire(f"Toggles/{n}", f"{SEED}/{_d(board, name)}", 335 + 6 * n, SIGNAL)
            for n, name in enumerate(toggles, 1)
        ),
    )
    notes = (
        ALWAYS,
        FILTER,
        "Switches connect their pin to ground; the firmware turns the pull-ups on.",
    )
    return Diagram("Pedal v1 wiring, two momentary footswitches", parts, wires, notes)

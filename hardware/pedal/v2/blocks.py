"""The v2 board as a block diagram."""

from __future__ import annotations

from hardware.diagram import Diagram, Part, Wire

POWER, AUDIO, CONTROL, BUS = "#c00", "#a60", "#08a", "#a0a"


def blocks() -> Diagram:
    """What is on the board, and what goes where."""
    parts = (
        Part("9 V input", 30, 60, 130, (), ("9 V",), about="centre negative"),
        Part("Protection", 220, 60, 150, ("in",), ("9 V",), about="fuse, TVS, polarity"),
        Part("Filter", 430, 60, 130, ("in",), ("9 V",), about="ferrite, 100 µF"),
        Part("Input jack", 30, 170, 130, (), ("tip",)),
        Part("Relay", 220, 170, 150, ("input", "output", "coil"), ("to effect", "from effect"),
             about="rests on bypass"),
        Part("Input buffer", 430, 170, 130, ("in",), ("out",), about="1 MΩ"),
        Part("Output buffer", 430, 290, 130, ("out",), ("in",), about="100 Ω"),
        Part("Output jack", 30, 250, 130, (), ("tip",)),
        Part("Noise filter", 620, 290, 130, ("out",), ("in",), about="3.3 kΩ, 2.2 nF"),
        Part("Daisy Seed", 840, 60, 160,
             ("VIN", "relay", "audio in", "audio out"),
             ("knobs", "footswitches", "LEDs", "display", "encoder", "MIDI in", "MIDI out", "USB"),
             about="STM32H750, codec"),
        Part("Six pots", 1090, 28, 140, ("wipers",), about="B10K, 3V3A"),
        Part("Two footswitches", 1090, 105, 140, ("contacts",)),
        Part("Two LEDs", 1090, 165, 140, ("anodes",)),
        Part("OLED", 1090, 225, 140, ("I2C",), about="128x64"),
        Part("Encoder", 1090, 300, 140, ("A, B, push",)),
        Part("MIDI in, TRS", 1090, 360, 140, ("RX",), about="opto-isolated"),
        Part("MIDI out, TRS", 1090, 435, 140, ("TX",), about="3.3 V"),
        Part("USB", 1090, 510, 140, ("power, MIDI",), about="on the Seed itself"),
    )  # fmt: skip
    far = {
        "knobs": "Six pots/wipers", "footswitches": "Two footswitches/contacts",
        "LEDs": "Two LEDs/anodes", "display": "OLED/I2C", "encoder": "Encoder/A, B, push",
        "MIDI in": "MIDI in, TRS/RX", "MIDI out": "MIDI out, TRS/TX", "USB": "USB/power, MIDI",
    }  # fmt: skip
    wires = (
        Wire("9 V input/9 V", "Protection/in", 190, POWER),
        Wire("Protection/9 V", "Filter/in", 400, POWER),
        Wire("Filter/9 V", "Daisy Seed/VIN", 700, POWER),
        Wire("Input jack/tip", "Relay/input", 190, AUDIO),
        Wire("Output jack/tip", "Relay/output", 180, AUDIO),
        Wire("Relay/to effect", "Input buffer/in", 400, AUDIO),
        Wire("Input buffer/out", "Daisy Seed/audio in", 790, AUDIO),
        Wire("Daisy Seed/audio out", "Noise filter/in", 800, AUDIO),
        Wire("Noise filter/out", "Output buffer/in", 590, AUDIO),
        Wire("Output buffer/out", "Relay/from effect", 390, AUDIO),
        Wire("Relay/coil", "Daisy Seed/relay", 205, CONTROL),
        *(
            Wire(f"Daisy Seed/{pin}", end, 1020 + 8 * n, BUS if "MIDI" in pin else CONTROL)
            for n, (pin, end) in enumerate(far.items())
        ),
    )
    notes = (
        "Red: supply. Brown: audio. Blue: control. Violet: MIDI. The pins are those of pins.toml, "
        "which the firmware has too.",
        "A plan, its netlist checked by rule; no layout, no board: nothing of this was built.",
    )
    return Diagram("Pedal v2, block diagram", parts, wires, notes)

"""The v2 board's circuit: Daisy Seed, six pots, relay bypass, MIDI, display, encoder, protection.

Sources: Electrosmith's Daisy Seed datasheet for its pins and supply; the MIDI Association's
CA-033 (3.3 V MIDI) and RP-054 (TRS type A) for the MIDI ports; makers' data for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from hardware.pedal.output_filter import SERIES, SHUNT
from hardware.pedal.pins import LAST, Board, header_pin
from hardware.pedal.v2.circuit import Circuit, Kind, Part, Pin

GROUND, AUDIO_GROUND = "GND", "AGND"
R0805, C0805 = "Resistor_SMD:R_0805_2012Metric", "Capacitor_SMD:C_0805_2012Metric"
TRS = "Connector_Audio:Jack_3.5mm_PJ320A"
_PREFIXES = {"R": R0805, "C": C0805}


class _Maker:
    """Adds parts, numbering them as it goes."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._numbers: dict[str, count[int]] = {}

    def add(
        self,
        prefix: str,
        value: str,
        footprint: str,
        pins: tuple[tuple[str, str, Kind], ...],
        nets: Mapping[str, str | None],
    ) -> None:
        number = next(self._numbers.setdefault(prefix, count(1)))
        made = tuple(Pin(*pin) for pin in pins)
        self.parts.append(Part(f"{prefix}{number}", value, footprint, made, nets))

    def two(self, prefix: str, value: str, one: str, other: str, footprint: str = "") -> None:
        """A resistor, a capacitor or whatever has two ends alike."""
        pins: tuple[tuple[str, str, Kind], ...] = (("1", "1", "passive"), ("2", "2", "passive"))
        self.add(prefix, value, footprint or _PREFIXES[prefix], pins, {"1": one, "2": other})

    def diode(self, value: str, anode: str, cathode: str, footprint: str) -> None:
        pins: tuple[tuple[str, str, Kind], ...] = (("1", "K", "passive"), ("2", "A", "passive"))
        self.add("D", value, footprint, pins, {"K": cathode, "A": anode})

    def header(self, value: str, nets: Mapping[str, str | None], footprint: str) -> None:
        """A connector, or a part on wires: its pins in the order given."""
        pins = tuple((str(n), name, _passive()) for n, name in enumerate(nets, 1))
        self.add("J", value, footprint, pins, nets)


def _passive() -> Kind:
    return "passive"


def board(pins: Board) -> Circuit:
    """The circuit with the pins of ``pins``, the [v2] of pins.toml."""
    make = _Maker()
    _seed(make, pins)
    _power(make)
    _audio(make)
    _relay(make)
    _panel(make, pins)
    _midi(make)
    powered = {GROUND: GROUND, "+9V": "DC_IN", "VREF": "+9V"}
    return Circuit("ampsweep pedal v2", tuple(make.parts), powered)


def _seed(make: _Maker, board: Board) -> None:
    used = {pin: signal.upper() for signal, pin in board.items()}
    fixed: dict[str, tuple[str, Kind, str | None]] = {
        "16": ("AUDIO_IN_1", "input", "CODEC_IN"),
        "17": ("AUDIO_IN_2", "input", None),
        "18": ("AUDIO_OUT_1", "output", "CODEC_OUT"),
        "19": ("AUDIO_OUT_2", "output", None),
        "20": ("AGND", "power_in", AUDIO_GROUND),
        "21": ("3V3A", "power_out", "+3V3A"),
        "38": ("3V3D", "power_out", "+3V3"),
        "39": ("VIN", "power_in", "+9V"),
        "40": ("DGND", "power_in", GROUND),
    }
    places = {str(header_pin(d)): (f"D{d}", _both(), used.get(d)) for d in range(LAST + 1)}
    table = {**places, **fixed}
    made = tuple((number, *table[number][:2]) for number in sorted(table, key=int))
    nets = {name: net for name, _, net in table.values()}
    make.add("A", "Daisy Seed", "Daisy:DaisySeed_2x20", made, nets)
    # The Seed's two grounds meet here, and nowhere else.
    make.add(
        "NT", "star", "NetTie:NetTie-2_SMD_Pad0.5mm",
        (("1", "1", "passive"), ("2", "2", "power_out")), {"1": GROUND, "2": AUDIO_GROUND},
    )  # fmt: skip


def _both() -> Kind:
    return "bidirectional"


def _power(make: _Maker) -> None:
    """9 V, centre negative: fused, clamped, held against the wrong polarity, filtered."""
    make.header("DC 2.1 mm, centre negative", {"centre": GROUND, "sleeve": "DC_IN"},
                "Connector_BarrelJack:BarrelJack_Horizontal")  # fmt: skip
    make.two("F", "500 mA resettable", "DC_IN", "DC_FUSED", "Fuse:Fuse_1812_4532Metric")
    make.diode("SMBJ12A", GROUND, "DC_FUSED", "Diode_SMD:D_SMB")
    # The body diode starts it, and with the right polarity the gate is low: almost no drop.
    make.add(
        "Q", "DMP3056L, P channel", "Package_TO_SOT_SMD:SOT-23",
        (("1", "G", "passive"), ("2", "S", "passive"), ("3", "D", "passive")),
        {"G": "POLARITY", "S": "DC_SAFE", "D": "DC_FUSED"},
    )  # fmt: skip
    make.two("R", "100k", "POLARITY", GROUND)
    make.diode("BZX84C12, gate clamp", "POLARITY", "DC_SAFE", "Package_TO_SOT_SMD:SOT-23")
    make.two("FB", "600 Ω at 100 MHz", "DC_SAFE", "+9V", "Inductor_SMD:L_0805_2012Metric")
    make.two("C", "100u 16V", "+9V", GROUND, "Capacitor_SMD:CP_Elec_6.3x5.8")
    make.two("C", "100n", "+9V", GROUND)


def _audio(make: _Maker) -> None:
    """A buffer of 1 MΩ before the codec; the Rev7 filter and a buffer after it."""
    make.two("R", "10k", "+9V", "VREF")
    make.two("R", "10k", "VREF", AUDIO_GROUND)
    make.two("C", "47u 16V", "VREF", AUDIO_GROUND, "Capacitor_SMD:CP_Elec_5x5.3")
    make.two("C", "100n", "BUFFER_IN", "IN_BIASED")
    make.two("R", "1M", "IN_BIASED", "VREF")
    make.add(
        "U", "OPA1678, dual", "Package_SO:SOIC-8_3.9x4.9mm_P1.27mm",
        (("1", "OUTA", "output"), ("2", "-A", "input"), ("3", "+A", "input"),
         ("4", "V-", "power_in"), ("5", "+B", "input"), ("6", "-B", "input"),
         ("7", "OUTB", "output"), ("8", "V+", "power_in")),
        {"OUTA": "IN_BUFFERED", "-A": "IN_BUFFERED", "+A": "IN_BIASED", "V-": AUDIO_GROUND,
         "+B": "OUT_FILTERED", "-B": "OUT_BUFFERED", "OUTB": "OUT_BUFFERED", "V+": "+9V"},
    )  # fmt: skip
    make.two("C", "100n", "+9V", AUDIO_GROUND)
    make.two("C", "10u", "IN_BUFFERED", "IN_AC")
    make.two("R", "100R", "IN_AC", "CODEC_IN")
    make.two("C", "10u", "CODEC_OUT", "OUT_AC")
    make.two("R", f"{SERIES / 1e3:g}k 1%", "OUT_AC", "OUT_FILTERED")
    make.two("C", f"{SHUNT * 1e9:g}n C0G", "OUT_FILTERED", AUDIO_GROUND)
    make.two("R", "1M", "OUT_FILTERED", "VREF")
    make.two("C", "10u", "OUT_BUFFERED", "OUT_SERIES")
    make.two("R", "100R", "OUT_SERIES", "EFFECT_OUT")
    make.two("R", "1M", "EFFECT_OUT", AUDIO_GROUND)


def _relay(make: _Maker) -> None:
    """Bypass by contacts that rest on it: without power the pedal is a wire."""
    for value, tip in (("input", "JACK_IN"), ("output", "JACK_OUT")):
        make.header(f"jack {value}", {"tip": tip, "sleeve": AUDIO_GROUND},
                    "Connector_Audio:Jack_6.35mm_Neutrik_NMJ4HCD2")  # fmt: skip
        make.two("D", "ESD PESD12VL1BA", tip, AUDIO_GROUND, "Diode_SMD:D_SOD-323")
        make.two("R", "1M", tip, AUDIO_GROUND)
    names = ("coil+", "coil-", "com1", "nc1", "no1", "com2", "nc2", "no2")
    make.add(
        "K", "G6K-2F-Y 9 V", "Relay_SMD:Relay_DPDT_Omron_G6K-2F-Y",
        tuple((number, name, _passive()) for number, name in
              zip(("1", "8", "3", "2", "4", "6", "7", "5"), names, strict=True)),
        {"coil+": "+9V", "coil-": "COIL", "com1": "JACK_IN", "nc1": "BYPASS",
         "no1": "BUFFER_IN", "com2": "JACK_OUT", "nc2": "BYPASS", "no2": "EFFECT_OUT"},
    )  # fmt: skip
    make.diode("1N4148W", "COIL", "+9V", "Diode_SMD:D_SOD-123")
    make.add(
        "Q", "2N7002, N channel", "Package_TO_SOT_SMD:SOT-23",
        (("1", "G", "input"), ("2", "S", "passive"), ("3", "D", "open")),
        {"G": "RELAY", "S": GROUND, "D": "COIL"},
    )  # fmt: skip
    make.two("R", "100k", "RELAY", GROUND)


def _panel(make: _Maker, board: Board) -> None:
    pot = "Potentiometer_THT:Potentiometer_Alpha_RD901F-40-00D_Single_Vertical"
    for signal in (name.upper() for name in board if name.startswith("knob")):
        make.add(
            "RV", "B10K 9 mm", pot,
            (("1", "1", "passive"), ("2", "wiper", "passive"), ("3", "3", "passive")),
            {"1": AUDIO_GROUND, "wiper": signal, "3": "+3V3A"},
        )  # fmt: skip
        make.two("C", "100n", signal, AUDIO_GROUND)
    wires = "Connector_PinHeader_2.54mm:PinHeader_1x{:02}_P2.54mm_Vertical"
    for name in (n.upper() for n in board if n.startswith("footswitch")):
        make.header(f"{name.lower()}, momentary", {"contact": name, "common": GROUND},
                    wires.format(2))  # fmt: skip
        make.two("C", "10n", name, GROUND)
    for name in (n.upper() for n in board if n.startswith("led")):
        make.two("R", "1k", name, f"{name}_A")
        make.diode("LED 5 mm", f"{name}_A", GROUND, "LED_THT:LED_D5.0mm")
    make.header("OLED SSD1306", {"GND": GROUND, "VCC": "+3V3", "SCL": "DISPLAY_SCL",
                                 "SDA": "DISPLAY_SDA"}, wires.format(4))  # fmt: skip
    for line in ("DISPLAY_SCL", "DISPLAY_SDA"):
        make.two("R", "4k7", line, "+3V3")
    make.header("encoder EC11", {"A": "ENCODER_A", "C": GROUND, "B": "ENCODER_B",
                                 "push": "ENCODER_PUSH", "push common": GROUND},
                "Rotary_Encoder:RotaryEncoder_Alps_EC11E-Switch_Vertical_H20mm")  # fmt: skip
    for line in ("ENCODER_A", "ENCODER_B"):
        make.two("C", "10n", line, GROUND)


def _midi(make: _Maker) -> None:
    """TRS type A: in through an opto-isolator, its ground left open; out at 3.3 V."""
    make.header("MIDI in", {"tip": "MIDI_IN_5", "ring": "MIDI_IN_SOURCE", "sleeve": None}, TRS)
    make.two("R", "220R", "MIDI_IN_SOURCE", "MIDI_IN_4")
    make.diode("1N4148W", "MIDI_IN_5", "MIDI_IN_4", "Diode_SMD:D_SOD-123")
    make.add(
        "U", "H11L1", "Package_DIP:SMDIP-6_W9.53mm",
        (("1", "A", "passive"), ("2", "K", "passive"), ("3", "NC", "passive"),
         ("4", "VO", "open"), ("5", "GND", "power_in"), ("6", "VCC", "power_in")),
        {"A": "MIDI_IN_4", "K": "MIDI_IN_5", "NC": None, "VO": "MIDI_RX", "GND": GROUND,
         "VCC": "+3V3"},
    )  # fmt: skip
    make.two("R", "1k", "MIDI_RX", "+3V3")
    make.two("C", "100n", "+3V3", GROUND)
    make.header("MIDI out", {"tip": "MIDI_OUT_5", "ring": "MIDI_OUT_4", "sleeve": GROUND}, TRS)
    make.two("R", "33R", "+3V3", "MIDI_OUT_4")
    make.two("R", "10R", "MIDI_TX", "MIDI_OUT_5")

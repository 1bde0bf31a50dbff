"""What an LV2 plugin's description says of its ports, and which of them are knobs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.knobs import Knob
from rigs.lv2.lilv import (
    EXT,
    LV2,
    UNITS,
    World,
    each,
    first_number,
    lilv,
    number_of,
    taken,
    text_of,
    texts,
)
from rigs.plugins.panel import MOST_DETENTS, Control, clean, shortest, unique

MOST_PORTS = 1024
HIDDEN = frozenset({EXT + "port-props#notOnGUI", EXT + "port-props#trigger"})
ALWAYS = {LV2 + "enabled": 1.0, LV2 + "freeWheeling": 1.0}
"""Control inputs that the host decides on, by designation: on, and faster than real time."""
_SYMBOLS = {
    "db": "dB", "hz": "Hz", "khz": "kHz", "mhz": "MHz", "s": "s", "ms": "ms", "min": "min",
    "pc": "%", "cent": "ct", "semitone12TET": "semi", "oct": "oct", "degree": "°", "bpm": "BPM",
    "beat": "beats", "bar": "bars", "m": "m", "cm": "cm", "mm": "mm", "frame": "frames",
}  # fmt: skip


@dataclass(frozen=True)
class Port:
    """One port. ``points`` are a control's labelled values, in order of value."""

    index: int
    symbol: str
    name: str
    classes: frozenset[str]
    properties: frozenset[str]
    designation: str = ""
    minimum: float = 0.0
    maximum: float = 1.0
    default: float = 0.0
    points: tuple[tuple[str, float], ...] = ()
    unit: str = ""

    def is_a(self, *kinds: str) -> bool:
        """Whether it is of all these kinds: "InputPort", "ControlPort" and the like."""
        return all(LV2 + kind in self.classes for kind in kinds)

    def has(self, name: str) -> bool:
        """Whether it has this property of LV2's own: "toggled", "integer" and the like."""
        return LV2 + name in self.properties

    @property
    def reports_latency(self) -> bool:
        return self.is_a("ControlPort", "OutputPort") and (
            self.designation == LV2 + "latency" or self.has("reportsLatency")
        )

    @property
    def at_rest(self) -> float:
        """What the port is given where nothing else is said."""
        return ALWAYS.get(self.designation, self.default)


def read_ports(world: World, plugin: int) -> tuple[Port, ...]:
    """The ports of ``plugin``, in order; raises UserError if there are absurdly many."""
    count = lilv().lilv_plugin_get_num_ports(plugin)
    if count > MOST_PORTS:
        raise UserError(f"This plugin has {count} ports; at most {MOST_PORTS} can be connected.")
    return tuple(_read_port(world, plugin, index) for index in range(count))


def _read_port(world: World, plugin: int, index: int) -> Port:
    library = lilv()
    port = library.lilv_plugin_get_port_by_index(plugin, index)

    def values(predicate: str) -> int | None:
        found: int | None = library.lilv_port_get_value(plugin, port, world.uri(predicate))
        return found

    classes = frozenset(
        text_of(node) for node in each("nodes", library.lilv_port_get_classes(plugin, port))
    )
    properties = frozenset(texts(library.lilv_port_get_properties(plugin, port)))
    symbol = text_of(library.lilv_port_get_symbol(plugin, port))
    name = clean(taken(library.lilv_port_get_name(plugin, port)), symbol or f"Port {index}")
    designation = next(iter(texts(values(LV2 + "designation"))), "")
    low, high, default = 0.0, 1.0, 0.0
    if {LV2 + "ControlPort", LV2 + "InputPort"} <= classes:
        low, high, default = _range(
            *(first_number(values(LV2 + name)) for name in ("minimum", "maximum", "default")),
            scaled=LV2 + "sampleRate" in properties,
        )
    return Port(
        index=index,
        symbol=symbol,
        name=name,
        classes=classes,
        properties=properties,
        designation=designation,
        minimum=low,
        maximum=high,
        default=default,
        points=_scale_points(plugin, port),
        unit=_unit(world, plugin, port),
    )


def _range(low: float, high: float, default: float, *, scaled: bool) -> tuple[float, float, float]:
    """Bounds and default as numbers that can be used, whatever was left out."""
    low = shortest(low) if math.isfinite(low) else 0.0
    high = shortest(high) if math.isfinite(high) else max(1.0, low)
    if scaled:
        low, high = low * SAMPLE_RATE, high * SAMPLE_RATE
    default = shortest(default) if math.isfinite(default) else low
    return low, high, min(max(default, low), high) if low <= high else default


def _scale_points(plugin: int, port: int) -> tuple[tuple[str, float], ...]:
    library = lilv()
    points = library.lilv_port_get_scale_points(plugin, port)
    found: dict[float, str] = {}
    for point in each("scale_points", points):
        value = number_of(library.lilv_scale_point_get_value(point))
        if value is not None and math.isfinite(value):
            label = clean(text_of(library.lilv_scale_point_get_label(point)), f"{value:g}")
            found.setdefault(shortest(value), label)
    if points:
        library.lilv_scale_points_free(points)
    return tuple((label, value) for value, label in sorted(found.items()))


def _unit(world: World, plugin: int, port: int) -> str:
    library = lilv()
    nodes = library.lilv_port_get_value(plugin, port, world.uri(UNITS + "unit"))
    unit = ""
    for node in each("nodes", nodes):
        known = _SYMBOLS.get(text_of(node).removeprefix(UNITS), "")
        unit = unit or known or clean(world.one(node, UNITS + "symbol"), "")
    if nodes:
        library.lilv_nodes_free(nodes)
    return unit


def controls_of(ports: tuple[Port, ...]) -> tuple[Control, ...]:
    """Those control inputs that a person can turn, as knobs."""
    inputs = (p for p in ports if p.is_a("InputPort", "ControlPort"))
    return unique(c for c in map(_control, inputs) if c is not None)


def _control(port: Port) -> Control | None:
    """The port as a knob; None if the host decides on it, or it has but one position."""
    low, high, default = port.minimum, port.maximum, port.default
    if port.designation in ALWAYS or not low < high:
        return None
    hidden = bool(port.properties & HIDDEN)
    if port.has("toggled"):
        # More than zero is on, by LV2's definition.
        off, on = (low, high) if low <= 0 < high else (0.0, 1.0)
        knob = Knob(port.name, 0.0, 1.0, float(default > 0), port.unit, detents=("off", "on"))
        return Control(port.index, knob, (0.0, 1.0), (off, on), hidden=hidden)
    points = [(label, value) for label, value in port.points if low <= value <= high]
    if port.has("enumeration") and 2 <= len(points) <= MOST_DETENTS:
        labels, values = zip(*points, strict=True)
        nearest = int(np.argmin(np.abs(np.array(values) - default)))
        top = float(len(labels) - 1)
        knob = Knob(port.name, 0.0, top, float(nearest), port.unit, detents=labels)
        indices = tuple(map(float, range(len(labels))))
        return Control(port.index, knob, indices, values, hidden=hidden)
    taper = "logarithmic" if EXT + "port-props#logarithmic" in port.properties else "linear"
    knob = Knob(port.name, low, high, default, port.unit, taper)
    step = 1.0 if port.has("integer") or port.has("enumeration") else 0.0
    return Control(port.index, knob, step=step, hidden=hidden)

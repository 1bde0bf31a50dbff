"""Wiring and block diagrams as SVG: boxes with pins at their sides, and wires between the pins.

What is drawn is held as data, so that a test can ask what is connected to what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rigs.svg import INK, document, text

ROW = 20.0
"""Pixels from pin to pin."""
HEAD = 34.0
"""Pixels of a box above its first pin."""
STUB = 7.0


@dataclass(frozen=True)
class Part:
    """A box at (x, y), ``width`` wide; its pins, from above, at the left and at the right side.

    ``about`` is a second line under the name.
    """

    name: str
    x: float
    y: float
    width: float
    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    about: str = ""

    @property
    def height(self) -> float:
        return HEAD + 12 * bool(self.about) + ROW * max(len(self.left), len(self.right), 0) + 4

    def pin(self, name: str) -> tuple[float, float, Literal[-1, 1]]:
        """Where a pin is, and to which side its wire leaves; raises KeyError if there is none."""
        first = self.y + HEAD + 12 * bool(self.about) + ROW / 2 - 4
        if name in self.left:
            return self.x, first + ROW * self.left.index(name), -1
        if name in self.right:
            return self.x + self.width, first + ROW * self.right.index(name), 1
        raise KeyError(f"{self.name} has no pin {name}")


@dataclass(frozen=True)
class Wire:
    """From one "part/pin" to another; it runs up and down at ``lane`` pixels from the left."""

    start: str
    end: str
    lane: float
    colour: str = INK
    label: str = ""


@dataclass(frozen=True)
class Diagram:
    """``notes`` stand below all else."""

    title: str
    parts: tuple[Part, ...]
    wires: tuple[Wire, ...]
    notes: tuple[str, ...] = field(default=())

    def where(self, pin: str) -> tuple[float, float, Literal[-1, 1]]:
        """The place of a "part/pin", and to which side its wire leaves."""
        part, _, name = pin.partition("/")
        return next(p for p in self.parts if p.name == part).pin(name)

    def nets(self) -> list[frozenset[str]]:
        """The pins that are connected to each other, as "part/pin"."""
        found: list[set[str]] = []
        for wire in self.wires:
            both = {wire.start, wire.end}
            touched = [net for net in found if net & both]
            found = [net for net in found if not net & both] + [both.union(*touched)]
        return [frozenset(net) for net in found]

    def svg(self) -> str:
        """Raises KeyError or StopIteration for a wire to a pin that no part has."""
        width = max(part.x + part.width for part in self.parts) + 30
        low = max(part.y + part.height for part in self.parts)
        low = max(
            low, *(self.where(end)[1] for wire in self.wires for end in (wire.start, wire.end))
        )
        shapes = [text(20, 32, self.title, "title")]
        for wire in self.wires:
            shapes += self._wire(wire)
        for part in self.parts:
            shapes += _box(part)
        shapes += [text(20, low + 30 + 18 * n, note) for n, note in enumerate(self.notes)]
        return document(width, low + 34 + 18 * len(self.notes), shapes)

    def _wire(self, wire: Wire) -> Sequence[str]:
        (x1, y1, _), (x2, y2, _) = self.where(wire.start), self.where(wire.end)
        points = [(x1, y1), (wire.lane, y1), (wire.lane, y2), (x2, y2)]
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        line = f'<polyline points="{path}" fill="none" stroke="{wire.colour}" stroke-width="1.6"/>'
        ends = [
            f'<circle cx="{x:g}" cy="{y:g}" r="2.4" fill="{wire.colour}"/>'
            for x, y in ((x1, y1), (x2, y2))
        ]
        if not wire.label:
            return [line, *ends]
        middle = text((x1 + wire.lane) / 2, y1 - 4, wire.label, "mid")
        return [line, *ends, middle]


def _box(part: Part) -> list[str]:
    shapes = [
        f'<rect x="{part.x:g}" y="{part.y:g}" width="{part.width:g}" height="{part.height:g}" '
        f'rx="4" fill="#f6f4ee" stroke="{INK}"/>',
        text(part.x + part.width / 2, part.y + 18, part.name, "mid"),
    ]
    if part.about:
        shapes.append(text(part.x + part.width / 2, part.y + 34, part.about, "mid"))
    for name in (*part.left, *part.right):
        x, y, side = part.pin(name)
        shapes.append(text(x - side * STUB, y + 4, name, "end" if side > 0 else ""))
    return shapes

"""The whole rig over its panel: where every part is, and whether any meets another.

What turns is given the room that it takes up at any angle: so the check holds for all positions of
all knobs at once, and for axes as far beside each other as the couplers take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from build123d import Align, Box, Cylinder, Plane, Pos, Rot

from hardware.rig import parts
from hardware.rig.panel import (
    APART,
    RIGID,
    ROD,
    Heights,
    Station,
    heights,
    outside,
    rail_ends,
    rod,
)
from hardware.rig.parameters import Parameters
from hardware.rig.parts import UP, Solid

PRINTED, ALUMINIUM, STEEL, MOTOR, PANEL, KNOB = (
    "#e8823a", "#b9c0c7", "#8d959c", "#3b3f44", "#d9cfb8", "#55606b",
)  # fmt: skip
TPU = "#4a90c2"
KNOB_TALL = 14.0
"""mm of a fitted knob in the pictures."""
_AROUND = 40.0
"""mm of panel around all in the pictures."""
_PILOT = 1.5
"""mm by which the ring around a motor's shaft stands out."""
_TOUCH = 0.05
"""mm³: parts that touch share no more than rounding."""


@dataclass(frozen=True)
class Item:
    """A part in its place. ``room`` is all that it may take up; ``turns`` is the station whose
    knob it turns with, None for what stands still."""

    name: str
    solid: Solid
    colour: str
    room: Solid
    turns: int | None = None


def standoff_heights(p: Parameters, at: Heights) -> tuple[float, float]:
    """Of the standoffs from the panel to the first rail, and from it to the second."""
    return at.carrier + p.carrier.thickness, at.tier - p.rail.size


def assemble(p: Parameters, stations: Sequence[Station], knob: float) -> list[Item]:
    """All parts, for knobs or shafts that end ``knob`` mm above the panel."""
    at = heights(p, knob)
    left, right = rail_ends(p, stations)
    items = [_still("panel", _panel(left, right), PANEL)]
    tiers = 1 + max(station.tier for station in stations)
    lift = [0.0, at.carrier + p.carrier.thickness + p.rail.size]
    rail = Box(right - left, p.rail.size, p.rail.size, align=(Align.MIN, Align.CENTER, Align.MIN))
    for tier, high in enumerate(standoff_heights(p, at)[:tiers]):
        front = at.plate(tier) + p.carrier.thickness
        bar = Pos(left, parts.rail_height(p), front) * rail
        items.append(_still(f"rail {tier + 1}", bar, ALUMINIUM))
        bracket = parts.standoff(p, high)
        for side, x in (("left", left + APART), ("right", right - APART - p.standoff.width)):
            # On its feet: its width is along the panel now, and its height away from it.
            upright = Plane((x, 0, lift[tier]), x_dir=(0, 1, 0), z_dir=(1, 0, 0))
            stood = upright.location * bracket
            items.append(_still(f"standoff {tier + 1} {side}", stood, PRINTED))
    for number, station in enumerate(stations):
        items += _station(p, at, number, station)
    return items


def coupler(p: Parameters, grip: str | float, apart: float = 0.0) -> list[Item]:
    """The three parts of one coupler as they stand on each other, or ``apart`` mm farther."""
    at = heights(p, 0.0)
    return [
        _flipped(p, name, solid, colour, high + step * apart, wide, 0)
        for step, (name, solid, colour, high, wide) in enumerate(_coupler(p, at, grip))
    ]


def _coupler(
    p: Parameters, at: Heights, grip: str | float
) -> list[tuple[str, Solid, str, float, float]]:
    """Name, solid, colour, the height of its bed's side, and the diameter of the room it takes."""
    c, slack = p.coupler, 2 * p.coupler.misalignment
    return [
        ("pot half", parts.pot_half(p, grip), PRINTED, at.flange, outside(p, grip)),
        ("cross", parts.cross(p), TPU, (at.flange + at.hub + c.cross) / 2, c.diameter + slack),
        ("motor half", parts.motor_half(p), PRINTED, at.hub + c.hub, c.diameter),
    ]


def _flipped(
    p: Parameters, name: str, solid: Solid, colour: str, high: float, wide: float, number: int
) -> Item:
    """A part of a coupler, its bed's side away from the panel, at the height ``high``."""
    placed = Pos(0, 0, high) * (Rot(180, 0, 0) * solid)
    box = placed.bounding_box()
    free = wide + p.print.clearance
    room = Pos(0, 0, box.min.Z) * Cylinder(free / 2, box.size.Z, align=UP)
    return Item(name, placed, colour, room, number)


def _station(p: Parameters, at: Heights, number: int, station: Station) -> list[Item]:
    """The parts that belong to one knob."""
    x, tier, grip = station.fitting.x, station.tier, station.fitting.grip
    name, motor = station.fitting.name, p.motor
    front = at.plate(tier)
    face = front + p.carrier.thickness
    fitted = not isinstance(grip, str)
    wide = float(grip) if fitted else parts.SHAFT
    low = at.knob - KNOB_TALL if fitted else 0.0
    body = Pos(0, 0, face) * Box(motor.frame, motor.frame, motor.length, align=UP)
    body += Pos(0, 0, face - _PILOT) * Cylinder(motor.pilot / 2, _PILOT, align=UP)
    tip = face - motor.shaft_length
    items = [
        _still("carrier", Pos(0, 0, front) * parts.carrier(p), PRINTED),
        _still("motor", body, MOTOR),
        _turning("knob", wide, low, at.knob, KNOB, number),
        _turning("shaft", motor.shaft, tip, face - _PILOT, STEEL, number),
        *(
            _flipped(p, part, solid, colour, high, room, number)
            for part, solid, colour, high, room in _coupler(p, at, grip)
        ),
    ]
    if tier:
        items.append(_turning("rod", ROD, tip - rod(p, at), tip, STEEL, number))
        across, long = RIGID
        items.append(
            _turning("rigid coupler", across, tip - long / 2, tip + long / 2, ALUMINIUM, number)
        )
    move = Pos(x, 0, 0)
    return [
        Item(f"{item.name} of {name}", move * item.solid, item.colour, move * item.room, item.turns)
        for item in items
    ]


def _panel(left: float, right: float) -> Solid:
    return Pos((left + right) / 2, 0, -3) * Box(right - left + _AROUND, 90 + _AROUND, 3, align=UP)


def _still(name: str, solid: Solid, colour: str) -> Item:
    return Item(name, solid, colour, solid)


def _turning(name: str, wide: float, low: float, high: float, colour: str, number: int) -> Item:
    """Something round on an axis."""
    rod_ = Pos(0, 0, low) * Cylinder(wide / 2, high - low, align=UP)
    return Item(name, rod_, colour, rod_, number)


def collisions(items: Sequence[Item]) -> list[str]:
    """Which parts want the same place, at whatever angle; parts that turn together are one."""
    found = []
    boxes = [item.room.bounding_box() for item in items]
    for (one, first), (other, second) in combinations(zip(items, boxes, strict=True), 2):
        together = one.turns is not None and one.turns == other.turns
        if together or not _near(first, second):
            continue
        volume = shared(one.room, other.room)
        if volume > _TOUCH:
            found.append(f"{one.name} and {other.name} share {volume:.1f} mm³")
    return found


def shared(one: Solid, other: Solid) -> float:
    """mm³ that two solids have in common."""
    both = one.intersect(other)
    if both is None:
        return 0.0
    pieces = both if isinstance(both, list) else [both]
    return float(sum(abs(piece.volume) for piece in pieces))


def _near(one: Any, other: Any) -> bool:
    """Whether two bounding boxes meet."""
    return all(
        getattr(one.min, axis) < getattr(other.max, axis)
        and getattr(other.min, axis) < getattr(one.max, axis)
        for axis in "XYZ"
    )

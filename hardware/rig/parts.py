"""The printed parts as solids, each as it lies on the printer's bed: z up, the bed at 0.

The coupler is one of Oldham's: three parts, of which the middle one slides on the dogs of the other
two, so that axes which lie a little beside each other turn alike, without a side load on the pot
(F. Freudenstein and G. N. Sandor, in Mechanical Design Handbook, 2nd ed., 2006, on couplings).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from build123d import (
    Align,
    Box,
    Circle,
    Cylinder,
    Plane,
    Polygon,
    Pos,
    Rot,
    SlotCenterToCenter,
    extrude,
)

from hardware.rig.panel import carrier_width, cup, outside
from hardware.rig.parameters import Parameters

Solid = Any
"""A solid of build123d's: its algebra has no one type."""
UP = (Align.CENTER, Align.CENTER, Align.MIN)

BORE = {"18T": 18, "24T": 24}
"""Splines of a shaft."""
SHAFT, QUARTER, FLAT = 6.0, 6.35, 4.5
"""Diameters of shafts, and what a D shaft measures across its flat."""
_TOOTH = 0.3
"""How deep the splines are cut."""


@cache
def carrier(p: Parameters) -> Solid:
    """A flat plate: the motor behind it, its axis at the origin, and the rail above (at y)."""
    wide, thick, bolt = carrier_width(p), p.carrier.thickness, p.rail.bolt + 0.5
    rail = rail_height(p)
    top = rail + p.rail.size / 2
    plate = Pos(0, (top - wide / 2) / 2, 0) * Box(wide, top + wide / 2, thick, align=UP)
    plate -= _hole(p.motor.pilot + 0.4, thick)
    half = p.motor.screws / 2
    for x in (-half, half):
        for y in (-half, half):
            plate -= Pos(x, y, 0) * _hole(p.motor.screw + 0.4, thick)
    for x in (-wide / 4, wide / 4):
        slot = SlotCenterToCenter(2 * p.carrier.slot, bolt, rotation=90)
        plate -= Pos(x, rail, 0) * extrude(slot, thick)
    return plate


def rail_height(p: Parameters) -> float:
    """How far the rail's middle is above the motors' axes."""
    return p.motor.frame / 2 + p.carrier.gap + p.rail.size / 2


@cache
def pot_half(p: Parameters, grip: str | float) -> Solid:
    """What goes onto a shaft or over a knob: its bore up, notches for the cross's dogs below."""
    c = p.coupler
    wide = outside(p, grip)
    fitted = not isinstance(grip, str)
    deep = c.grip_depth if fitted else c.bore_depth
    half = Cylinder(wide / 2, c.floor + deep, align=UP)
    half -= Pos(0, 0, c.floor) * extrude(_bore(p, grip), deep + 1)
    for side in (0, 180):
        half -= Rot(0, 0, side) * _notch(p, wide / 2)
    # A grub screw onto the flat; three around a knob.
    for angle in (90, 210, 330) if fitted else (0,):
        half -= _grub(p, angle, c.floor + deep / 2, wide)
    return half


@cache
def cross(p: Parameters) -> Solid:
    """The part in the middle: dogs for the pot's half up, notches for the motor's dogs through."""
    c = p.coupler
    part = Cylinder(c.diameter / 2, c.cross, align=UP)
    wide = c.dog + 2 * c.slide
    inner = _dog_ends(p)[0] - c.misalignment - 0.2
    for side in (-1, 1):
        notch = Box(wide, c.diameter, c.cross, align=(Align.CENTER, Align.MIN, Align.MIN))
        part -= Rot(0, 0, 0 if side > 0 else 180) * (Pos(0, inner, 0) * notch)
        part += Pos(0, 0, c.cross) * _dog(p, 0 if side > 0 else 180, c.reach)
    return part


@cache
def motor_half(p: Parameters) -> Solid:
    """What goes onto the motor's shaft, or a rod: its dogs up."""
    c = p.coupler
    half = Cylinder(c.diameter / 2, c.hub, align=UP)
    half -= _hole(p.motor.shaft + 0.1, c.hub)
    half -= _grub(p, 0, c.hub / 2, c.diameter)
    for angle in (90, 270):
        half += Pos(0, 0, c.hub) * _dog(p, angle, c.cross - 0.3)
    return half


def standoff(p: Parameters, high: float) -> Solid:
    """A bracket that holds a rail ``high`` mm above what it stands on, lying on its side.

    x is what will be up the panel, y away from it; a bolt goes through the head into the rail.
    """
    s, thick = p.standoff, p.standoff.thickness
    rail = rail_height(p)
    head = rail - p.rail.size / 2
    outline = [
        (0, 0), (s.foot, 0), (s.foot, high), (head, high), (head, high - thick),
        (s.foot - thick - 1.5, high - thick), (s.foot - thick, high - thick - 1.5),
        (s.foot - thick, thick + 1.5), (s.foot - thick - 1.5, thick), (0, thick),
    ]  # fmt: skip
    part = extrude(Polygon(*outline, align=None), s.width)
    drop = _teardrop(p.rail.bolt + 0.5)
    # Holes that lie on their side, with their points up.
    up = Plane((rail, -1, s.width / 2), x_dir=(1, 0, 0), z_dir=(0, 1, 0))
    part -= extrude(up * (Rot(0, 0, 180) * drop), high + 2)
    return part


def _hole(wide: float, deep: float) -> Solid:
    return Pos(0, 0, -1) * Cylinder(wide / 2, deep + 2, align=UP)


def _dog(p: Parameters, angle: float, tall: float) -> Solid:
    box = Box(
        p.coupler.dog_length, p.coupler.dog, tall, align=(Align.CENTER, Align.CENTER, Align.MIN)
    )
    return Rot(0, 0, angle) * (Pos(p.coupler.dog_radius, 0, 0) * box)


def _dog_ends(p: Parameters) -> tuple[float, float]:
    """From where to where a dog reaches, from the axis."""
    half = p.coupler.dog_length / 2
    return p.coupler.dog_radius - half, p.coupler.dog_radius + half


def _notch(p: Parameters, radius: float) -> Solid:
    """A pocket for a dog, open below, with a roof like a gable: what prints without support."""
    c = p.coupler
    half, tall = c.dog / 2 + c.slide, c.reach + 0.3
    inner, outer = _dog_ends(p)
    inner, outer = inner - c.misalignment - 0.2, outer + c.misalignment + 0.4
    if radius - outer < p.print.wall:  # no sliver may be left at the rim
        outer = radius + 1
    gable = Polygon(
        (-half, -1), (half, -1), (half, tall), (0, tall + half), (-half, tall), align=None
    )
    across = Plane((inner, 0, 0), x_dir=(0, 1, 0), z_dir=(1, 0, 0))
    return extrude(across * gable, outer - inner)


def _grub(p: Parameters, angle: float, high: float, wide: float) -> Solid:
    """The hole of a grub screw from the axis outwards, a teardrop with its point up."""
    turn = math.radians(angle)
    out = (math.cos(turn), math.sin(turn), 0)
    plane = Plane((0, 0, high), x_dir=(-math.sin(turn), math.cos(turn), 0), z_dir=out)
    return extrude(plane * _teardrop(p.coupler.screw), wide / 2 + 1)


def _teardrop(wide: float) -> Solid:
    """A hole that prints on its side: a circle with a roof at 45 degrees, up in y."""
    r = wide / 2
    c = r / math.sqrt(2)
    return Circle(r) + Polygon((-c, c), (c, c), (0, 2 * c), align=None)


def _bore(p: Parameters, grip: str | float) -> Solid:
    """What is cut out for the shaft or the knob, seen from above."""
    if not isinstance(grip, str):
        return Circle(cup(grip) / 2)
    if grip == "1/4":
        return Circle((QUARTER + p.print.fit) / 2)
    outer = (SHAFT + p.print.fit) / 2
    if grip == "D":
        flat = FLAT + p.print.fit / 2 - outer  # from the axis, towards the grub screw
        beyond = Pos(flat + outer, 0) * _square(2 * outer)
        return Circle(outer) - beyond
    teeth = BORE[grip]
    points = []
    for n in range(2 * teeth):
        radius = outer if n % 2 else outer - _TOOTH
        angle = math.pi * n / teeth
        points.append((radius * math.cos(angle), radius * math.sin(angle)))
    return Polygon(*points, align=None)


def _square(side: float) -> Solid:
    half = side / 2
    return Polygon((-half, -half), (half, -half), (half, half), (-half, half), align=None)

"""The rig's printed parts: that they print, fit, and turn without meeting each other."""

from dataclasses import replace

import numpy as np
import pytest
from build123d import Box, Cylinder, Pos, Rot

from hardware.rig import assembly, control, panel, parameters, parts, picture
from hardware.rig.mesh import Mesh
from hardware.rig.panel import parse, stations

P = parameters.read()
C = P.coupler


@pytest.mark.parametrize("grip", [*panel.SHAFTS, 8.0, 11.0, 25.0])
def test_a_coupler_half_for_any_shaft_or_knob_prints(grip):
    assert Mesh.of(parts.pot_half(P, grip)).faults(P.print) == []


@pytest.mark.parametrize("make", [parts.carrier, parts.cross, parts.motor_half])
def test_the_other_parts_print(make):
    assert Mesh.of(make(P)).faults(P.print) == []


@pytest.mark.parametrize("high", assembly.standoff_heights(P, panel.heights(P, 16.0)))
def test_a_standoff_prints(high):
    assert Mesh.of(parts.standoff(P, high)).faults(P.print) == []


def test_what_hangs_in_the_air_is_seen():
    # Upside down a cup's floor, where the knob ends, has nothing below it.
    cup = Mesh.of(Rot(180, 0, 0) * parts.pot_half(P, 25.0))
    assert cup.overhang(45) > 500
    assert "hang in the air" in cup.faults(P.print)[0]
    table = Cylinder(2, 10, align=parts.UP) + Pos(0, 0, 10) * Cylinder(8, 2, align=parts.UP)
    assert Mesh.of(table).overhang(45) == pytest.approx(np.pi * (64 - 4), rel=0.01)
    slope = Mesh.of(Box(10, 10, 10, align=parts.UP))
    assert slope.overhang(45) == 0


def test_a_thin_wall_is_seen():
    tube = Cylinder(10, 8, align=parts.UP) - Cylinder(9, 8, align=parts.UP)
    mesh = Mesh.of(tube)
    assert mesh.thinnest() == pytest.approx(1.0, abs=0.03)
    assert mesh.faults(P.print)[0].startswith("a wall of it is")


@pytest.mark.parametrize(
    ("change", "make"),
    [
        ({"grip_wall": 1.0}, lambda p: parts.pot_half(p, 25.0)),
        ({"diameter": 8.0}, lambda p: parts.pot_half(p, "1/4")),
        ({"diameter": 7.0}, parts.motor_half),
    ],
)
def test_parameters_that_leave_a_wall_too_thin_are_seen(change, make):
    thin = P.model_copy(update={"coupler": C.model_copy(update=change)})
    assert any(fault.startswith("a wall of it is") for fault in Mesh.of(make(thin)).faults(P.print))


def test_an_open_surface_is_seen():
    stl = Mesh.of(parts.cross(P)).stl
    count = int.from_bytes(stl[80:84], "little")
    opened = Mesh(stl[:80] + (count - 1).to_bytes(4, "little") + stl[84:-50])
    assert opened.faults(P.print) == ["its surface is not closed"]


def placed(pitch, grip="D", knobs=6):
    said = ",".join(f"K{n}:{grip}@{n * pitch}" for n in range(knobs))
    return stations(P, parse(said))


@pytest.mark.parametrize(
    ("pitch", "grip", "tiers"),
    [(19, "D", {0, 1}), (25, "18T", {0, 1}), (30, "16mm", {0}), (42, "25mm", {0}),
     (60, "40mm", {0})],
)  # fmt: skip
def test_no_part_meets_another_at_any_angle(pitch, grip, tiers):
    found = placed(pitch, grip)
    assert {station.tier for station in found} == tiers
    assert assembly.collisions(assembly.assemble(P, found, 16.0)) == []


def outgrown(items):
    """What leaves, at some angle, the room that it is given: that room is all that is checked."""
    for item in items:
        if item.turns is None:
            continue
        room, points = item.room.bounding_box(), picture.triangles(item.solid).reshape(-1, 3)
        middle = np.array([room.center().X, room.center().Y])
        farthest = np.linalg.norm(points[:, :2] - middle, axis=1).max()
        tall = points[:, 2].min() >= room.min.Z - 1e-6 and points[:, 2].max() <= room.max.Z + 1e-6
        if farthest > room.size.X / 2 + 1e-6 or not tall:
            yield item.name


@pytest.mark.parametrize("grip", ["D", "25mm"])
def test_what_turns_stays_in_its_room(grip):
    items = assembly.assemble(P, placed(42, grip, 2), 16.0)
    assert list(outgrown(items)) == []
    cross = next(n for n, item in enumerate(items) if item.name == "cross of K0")
    items[cross] = replace(items[cross], room=Cylinder(7, 80, align=parts.UP))
    assert list(outgrown(items)) == ["cross of K0"]


@pytest.mark.parametrize(
    ("grip", "pitch", "tiers", "said"),
    [
        ("D", 17.0, (0, 1), "cross of A and cross of B"),
        (25.0, 30.0, (0, 0), "pot half of A and pot half of B"),
        ("D", 26.0, (0, 0), "motor of A and motor of B"),
    ],
)
def test_knobs_that_are_too_close_would_meet(grip, pitch, tiers, said):
    """What :func:`stations` refuses by arithmetic, the solids show: so the check is one."""
    found = [
        panel.Station(panel.Fitting(name, grip, n * pitch), tier)
        for n, (name, tier) in enumerate(zip("AB", tiers, strict=True))
    ]
    wrong = assembly.collisions(assembly.assemble(P, found, 16.0))
    assert any(said in fault for fault in wrong), wrong


def test_parts_that_meet_are_seen():
    items = assembly.assemble(P, placed(42, "25mm", 2), 16.0)
    cup = next(item for item in items if item.name == "pot half of K0")
    closer = assembly.Item("stray", Pos(10, 0, 0) * cup.solid, "", Pos(10, 0, 0) * cup.room, 7)
    wrong = assembly.collisions([*items, closer])
    assert any("pot half of K1 and stray" in fault for fault in wrong)


def jammed(apart):
    """The degrees at which parts of a coupler would meet, with its axes so many mm apart."""
    half, middle, motor = (item.solid for item in assembly.coupler(P, "D"))
    found = []
    for degrees in range(0, 360, 30):
        angle = np.radians(degrees)
        away = apart * np.array([np.cos(angle), -np.sin(angle)])
        moved = Pos(0, away[1], 0) * middle  # along the motor's dogs
        pot = Pos(away[0], away[1], 0) * half
        pairs = ((moved, motor), (moved, pot), (motor, pot))
        if any(assembly.shared(*pair) > 0.01 for pair in pairs):
            found.append(degrees)
    return found


def test_a_coupler_turns_with_its_axes_a_millimetre_apart():
    """Each half and the cross at every angle: the cross has slid along both pairs of dogs."""
    assert jammed(C.misalignment) == []
    assert jammed(C.misalignment + 0.5)  # and no farther


def test_a_coupler_passes_a_turn_on():
    """Turned by more than its play, a half meets the cross."""
    half, middle, motor = (item.solid for item in assembly.coupler(P, "D"))
    for other in (half, motor):
        for side in (-1, 1):
            each = control.play(P) / 4
            assert assembly.shared(Rot(0, 0, 0.9 * side * each) * other, middle) < 0.01
            assert assembly.shared(Rot(0, 0, 1.5 * side * each) * other, middle) > 0.01


def test_a_shaft_reaches_its_hub_and_not_the_cross():
    at = panel.heights(P, 16.0)
    tip = at.carrier + P.carrier.thickness - P.motor.shaft_length
    assert at.hub < tip < at.hub + 4
    assert panel.rod(P, at) == pytest.approx(P.carrier.thickness + 79, abs=1)

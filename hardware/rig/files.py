"""All that is made for one panel: parts to print, pictures, the rig's TOML, its settings."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build123d import Compound, Pos, export_step

from hardware.rig import control, parts
from hardware.rig.assembly import (
    PRINTED,
    TPU,
    Item,
    assemble,
    collisions,
    coupler,
    standoff_heights,
)
from hardware.rig.mesh import Mesh
from hardware.rig.panel import Station, heights
from hardware.rig.parameters import Parameters
from hardware.rig.picture import axes, render
from rigs.errors import UserError

CORNER = axes(-60, 35)
"""How assemblies and parts are looked at."""


@dataclass(frozen=True)
class Printed:
    """A part to print, ``count`` times, as it lies on the bed."""

    name: str
    solid: parts.Solid
    count: int
    colour: str = PRINTED

    @property
    def material(self) -> str:
        return "TPU 95A" if self.colour == TPU else "PETG"


def printed(p: Parameters, stations: Sequence[Station], knob: float) -> list[Printed]:
    """The parts for these knobs, which end ``knob`` mm above the panel."""
    grips = dict.fromkeys(station.fitting.grip for station in stations)
    tiers = 1 + max(station.tier for station in stations)
    found = [
        Printed("carrier", parts.carrier(p), len(stations)),
        Printed("motor-half", parts.motor_half(p), len(stations)),
        Printed("cross", parts.cross(p), len(stations), TPU),
    ]
    for grip in grips:
        count = sum(station.fitting.grip == grip for station in stations)
        found.append(Printed(f"pot-half-{_said(grip)}", parts.pot_half(p, grip), count))
    for high in standoff_heights(p, heights(p, knob))[:tiers]:
        found.append(Printed(f"standoff-{high:.1f}mm", parts.standoff(p, high), 2))
    return found


def _said(grip: str | float) -> str:
    return grip.replace("/", "-") if isinstance(grip, str) else f"{grip:g}mm"


def step(solid: Any) -> bytes:
    """A solid as STEP AP214; its header holds the time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.step"
        export_step(solid, path)
        return path.read_bytes()


def make(
    p: Parameters,
    stations: Sequence[Station],
    knob: float,
    device: str,
    interface: str,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, bytes]:
    """The files for a panel, by name.

    ``progress`` is told what is being made. Raises UserError if a part would not print, or parts
    would meet.
    """
    progress("the assembly")
    items = assemble(p, stations, knob)
    if wrong := collisions(items):
        raise UserError(f"The rig does not fit together: {wrong[0]}; mend its parameters.")
    files = {
        f"{device}.toml": control.toml(p, stations, device, interface).encode(),
        "grblhal-settings.txt": control.settings(p, stations).encode(),
        "assembly.step": step(Compound(children=[item.solid for item in items])),
        "assembly.png": render(items, CORNER),
        "coupler.png": render(coupler(p, stations[0].fitting.grip, 14.0), axes(-60, 25), 500, 700),
    }
    rows = ["part,count,material,mm3"]
    for part in printed(p, stations, knob):
        progress(part.name)
        mesh = Mesh.of(part.solid)
        if wrong := mesh.faults(p.print):
            raise UserError(f"{part.name} would not print: {wrong[0]}; mend its parameters.")
        item = Item(part.name, part.solid, part.colour, part.solid)
        files[f"{part.name}.stl"] = mesh.stl
        files[f"{part.name}.step"] = step(part.solid)
        files[f"{part.name}.png"] = render([item], CORNER, 500, 400)
        rows.append(f"{part.name},{part.count},{part.material},{part.solid.volume:.0f}")
    files["print.csv"] = ("\n".join(rows) + "\n").encode()
    return files


def overview(p: Parameters) -> bytes:
    """A picture of every kind of printed part, as it lies on the bed."""
    kinds = [
        (parts.carrier(p), PRINTED),
        (parts.motor_half(p), PRINTED),
        (parts.cross(p), TPU),
        (parts.pot_half(p, "D"), PRINTED),
        (parts.pot_half(p, "18T"), PRINTED),
        (parts.pot_half(p, 25.0), PRINTED),
        (parts.standoff(p, 51.6), PRINTED),
    ]
    items, x = [], 0.0
    for number, (solid, colour) in enumerate(kinds):
        box = solid.bounding_box()
        placed = Pos(x - box.min.X, -(box.min.Y + box.max.Y) / 2, 0) * solid
        items.append(Item(str(number), placed, colour, placed))
        x += box.size.X + 10
    return render(items, axes(-75, 40), 1000, 360)

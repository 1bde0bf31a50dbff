"""`ampsweep hardware rig`: the parts, the wiring and the files of a knob rig for one panel."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ampsweep.hardware_verbs.interrupted import nothing_written
from hardware import bom
from hardware.rig import control, panel, parameters, torque
from rigs.config import NAME, rig_from
from rigs.errors import UserError
from rigs.files import make_folder, write_whole

KNOBS = (
    'The panel: name:grip@mm, as in "Gain:25mm@0,Bass:D@42". A grip is the diameter of a fitted '
    f"knob, or one of {', '.join(panel.SHAFTS)} for a bare shaft."
)


def rig(
    knobs: Annotated[
        str,
        typer.Option(help=KNOBS),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The folder to write; DEVICE-rig if not given.")
    ] = None,
    device: Annotated[str, typer.Option(help="The amp's or pedal's name.")] = "amp",
    height: Annotated[
        float,
        typer.Option(min=8, max=60, help="How far knobs or shafts stand out of the panel, in mm."),
    ] = 16.0,
    interface: Annotated[
        str, typer.Option(help="The sound card's name, or a part of it, for the rig's file.")
    ] = "change me",
    file: Annotated[
        Path | None, typer.Option("--parameters", help="Other parameters than those shipped.")
    ] = None,
) -> None:
    """Write STEP, STL and pictures of all parts, the rig's TOML and the controller's settings.

    Every part is checked before anything is written: closed, printable without supports, thick
    enough, and out of its neighbours' way at every angle. Nothing is opened or moved.
    """
    if not re.fullmatch(NAME, device):
        raise UserError(
            f"--device {device} cannot be a file's name; begin with a letter or digit, then use "
            "up to 63 letters, digits, dots, dashes and underscores."
        )
    file = file or parameters.FILE
    given = parameters.read(file)
    if wrong := torque.faults(given):
        raise UserError(f"{file}: {wrong[0]}; write other currents into its [drive].")
    stations = panel.stations(given, panel.parse(knobs))
    folder = out or Path(f"{device}-rig")
    toml = control.toml(given, stations, device, interface)
    _spare(folder / f"{device}.toml", toml)
    console = Console()
    with nothing_written(), console.status("making the parts") as status:
        from hardware.rig.files import make

        files = make(given, stations, height, device, interface, lambda s: status.update(s))
    make_folder(folder)
    for name, data in files.items():
        write_whole(folder / name, data)
    typer.echo(f"{folder}: {len(files)} files. What to print: {folder / 'print.csv'}.")
    left, right = panel.rail_ends(given, stations)
    tiers = 1 + max(station.tier for station in stations)
    rails = "1 rail" if tiers == 1 else f"{tiers} rails"
    typer.echo(f"Cut {rails} of {math.ceil(right - left)} mm.")
    far = [station.fitting.name for station in stations if station.tier]
    if far:
        rod = panel.rod(given, panel.heights(given, height))
        typer.echo(
            f"On the second tier: {', '.join(far)}, each by a rod of {panel.ROD:g} mm, "
            f"{rod:.0f} mm long."
        )
    low, high = torque.homing(given), torque.running(given)
    typer.echo(
        f"Motors push with at most {100 * low.worst:.1f} N·cm while homing and "
        f"{100 * high.worst:.1f} N·cm running; the weakest stop of the list bears "
        f"{100 * min(pot.stop for pot in given.pots):.1f}."
    )
    cost = bom.total(bom.read(bom.RIG), len(stations))
    typer.echo(f"To buy: about {cost}; `ampsweep hardware bom` lists it.")
    typer.echo(f"Next, when it is built: ampsweep rigs home {folder / f'{device}.toml'}")


def _spare(path: Path, toml: str) -> None:
    """Raises UserError if there is a rig at ``path`` that says something else: what was measured
    and written into it is not to be lost. ``toml`` itself has to be a rig, or it is our mistake."""
    rig_from(toml, path).close()
    if path.exists() and path.read_bytes() != toml.encode():
        raise UserError(
            f"{path} is there and says something else, perhaps what was measured; name another "
            "folder with --out, or move it away."
        )

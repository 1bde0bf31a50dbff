"""`ampsweep hardware rig`: the parts, the wiring and the files of a knob rig for one panel."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from hardware import bom
from hardware.rig import panel, parameters, torque
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
    given = parameters.read(file or parameters.FILE)
    if wrong := torque.faults(given):
        raise UserError(f"These motors could hurt a pot: {wrong[0]}; lower the current.")
    stations = panel.stations(given, panel.parse(knobs))
    folder = out or Path(f"{device}-rig")
    console = Console()
    with console.status("making the parts") as status:
        from hardware.rig.files import make

        files = make(given, stations, height, device, interface, lambda s: status.update(s))
    rig_from(files[f"{device}.toml"].decode(), folder / f"{device}.toml").close()
    make_folder(folder)
    for name, data in files.items():
        write_whole(folder / name, data)
    typer.echo(f"{folder}: {len(files)} files. What to print: {folder / 'print.csv'}.")
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

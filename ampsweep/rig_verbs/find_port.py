"""`ampsweep rigs find-port`: which serial port is it? Unplug it."""

from __future__ import annotations

import typer

from ampsweep.asking import ask
from rigs.errors import UserError
from rigs.ports import find_unplugged, list_ports


def find_port() -> None:
    """List the serial ports, have the controller unplugged, and say which port is gone."""
    before = list_ports()
    if not before:
        raise UserError(
            "There is no serial port on this machine; plug the controller's USB cable in, or try "
            "another cable: some carry power only."
        )
    for port in before:
        typer.echo(f"  {port.path}  {port.description}")
    ask("Unplug the controller's USB cable, then press a key.")
    gone = find_unplugged(before, list_ports())
    if not gone:
        raise UserError(
            "No port went away; unplug the cable of the motor controller itself, then try again."
        )
    typer.echo("In the rig's file, under [actuator]:")
    for port in gone:
        typer.echo(f'  port = "{port.path}"')
    typer.echo("Now plug it in again.")

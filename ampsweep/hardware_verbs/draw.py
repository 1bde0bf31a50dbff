"""`ampsweep hardware draw`: make the drawings again, from their parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ampsweep.hardware_verbs.interrupted import nothing_written
from hardware.draw import ROOT, pictures, sheets, texts
from rigs.errors import UserError
from rigs.files import make_folder, write_whole


def draw(
    out: Annotated[
        Path | None,
        typer.Option(help="The folder to write into; the checkout itself if not given."),
    ] = None,
    with_pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Whether to render the rig, too.")
    ] = True,
) -> None:
    """Make wiring diagrams, drill templates, netlists, pictures and the firmware's pin header.

    All of them follow from the TOML files in `hardware/`: change those, and draw again.
    """
    if out is None and not (ROOT / "firmware").is_dir():
        raise UserError("This is no checkout of ampsweep; name a folder to write with --out.")
    with nothing_written(), Console().status("drawing") as status:
        files = {name: text.encode() for name, text in texts().items()} | sheets()
        if with_pictures:
            status.update("rendering the rig")
            files |= pictures()
    for name, data in files.items():
        path = (out or ROOT) / name
        make_folder(path.parent)
        write_whole(path, data)
        typer.echo(str(path))

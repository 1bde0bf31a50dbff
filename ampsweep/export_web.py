"""`ampsweep export web`: the page of `ampsweep play`, for any web server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.images import ModelOrImage, image_of
from ampsweep.page import no_recordings, one_file, page_files, recorded
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from training.exports.files import write_export

ROLES = ("test",)
"""Captures that come along: what the model was judged by, and not all of the dataset."""


def web(
    model: ModelOrImage,
    out: Annotated[
        Path, typer.Option(help="A folder to write, or one file: its name ends in .html.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Put its test captures beside the model."),
    ] = None,
) -> None:
    """Write MODEL as a page with its knobs, which any https host can serve.

    A folder must come from a web server; one file can also be opened as it is.
    """
    image, facts = image_of(model)
    recordings = no_recordings() if data is None else recorded(data, facts.knobs, ROLES)
    files = page_files(image, recordings)
    if out.suffix == ".html":
        write_export(out, one_file(files))
        typer.echo(f"{out}: {facts.device}, {out.stat().st_size / 1024:.0f} KiB.")
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} is there already; name a new folder, or one that is empty.")
    # The page itself last: a folder that has it has all.
    for name in sorted(files, key=lambda name: name == "index.html"):
        path = out / name
        make_folder(path.parent)
        write_whole(path, files[name]())
    typer.echo(f"{out}: {facts.device}, {len(files)} files; put them on any https host.")

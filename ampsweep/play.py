"""`ampsweep play`: a page in the browser, with the model's knobs on it."""

from __future__ import annotations

import threading
import webbrowser
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from ampsweep.images import ModelOrImage, image_of
from ampsweep.page import no_recordings, page_files, recorded
from ampsweep.serving import PageServer
from ampsweep.settings import HELP, named
from rigs.knobs import KnobTable, Setting


def play(
    model: ModelOrImage,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Captures of the real amp, to hear beside the model."),
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help=HELP)] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Play MODEL in the browser: its knobs, a guitar or your own, a cabinet, meters.

    The page is on this machine alone, and asks nothing of any other. Ctrl-C ends it.
    """
    image, facts = image_of(model)
    fragment = fragment_of(facts.knobs, named(set_, facts.knobs))
    recordings = no_recordings() if data is None else recorded(data, facts.knobs)
    try:
        with PageServer(page_files(image, recordings), port) as server:
            address = server.address + fragment
            typer.echo(f"{facts.device}: {address}")
            typer.echo("Ctrl-C ends it.")
            if browser:
                # Some browsers are programs that this would wait for.
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            server.serve_forever()
    except KeyboardInterrupt:
        typer.echo("")


def fragment_of(knobs: KnobTable, setting: Setting) -> str:
    """The part of the page's address that says where knobs stand; empty if none is named."""
    pairs = []
    for name, value in setting.items():
        detents = knobs[name].detents
        text = detents[int(value)] if detents else f"{value:g}"
        pairs.append(f"{quote(name, safe='')}={quote(text, safe='')}")
    return f"#{'&'.join(pairs)}" if pairs else ""

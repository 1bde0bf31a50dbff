"""`ampsweep play`: a page with the model's knobs on it, or a guitar through the sound card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ampsweep.images import ModelOrImage, image_of
from ampsweep.opening import open_page
from ampsweep.page import no_recordings, page_files, recorded
from ampsweep.serving import PageServer
from ampsweep.settings import HELP, named
from rigs.errors import UserError
from rigs.knobs import KnobTable, Setting

STAGE = "With --live"


def _stage(help: str, **more: Any) -> Any:
    """An option that means something only with --live."""
    return typer.Option(help=help, rich_help_panel=STAGE, **more)


def play(
    context: typer.Context,
    model: ModelOrImage,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Captures of the real amp, to hear beside the model."),
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help=HELP)] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="A guitar, from the sound card to the sound card; keys and page turn."
        ),
    ] = False,
    device: Annotated[
        str | None, _stage("The interface, or a part of its name.", metavar="NAME")
    ] = None,
    input_device: Annotated[
        str | None, _stage("Where input and output have two names.", metavar="NAME")
    ] = None,
    output_device: Annotated[str | None, _stage("The same.", metavar="NAME")] = None,
    host_api: Annotated[
        str | None, _stage("The sound system, as in JACK, ALSA, ASIO, Core Audio.")
    ] = None,
    input: Annotated[int, _stage("The channel of the guitar.", min=1, max=256)] = 1,
    block: Annotated[
        int, _stage("Samples at a time; 0: as the driver likes.", min=0, max=8192)
    ] = 0,
    input_dbu: Annotated[
        float | None,
        _stage("The interface's 0 dBFS in dBu: the model hears what its amp would."),
    ] = None,
    midi: Annotated[
        str | None, _stage("A MIDI input whose controls turn knobs.", metavar="NAME")
    ] = None,
    ir: Annotated[
        Path | None, _stage("A cabinet's impulse response behind the model.", metavar="FILE")
    ] = None,
    seconds: Annotated[
        float | None, _stage("End after so long; else q or Ctrl-C ends.", min=0.0)
    ] = None,
) -> None:
    """Play MODEL in the browser: its knobs, a guitar or your own, a cabinet, meters.

    The page is on this machine alone, and asks nothing of any other. Ctrl-C ends it.

    With --live a guitar plays through the sound card: turn down first, or what it hears will howl.
    """
    _check(context, live)
    image, facts = image_of(model)
    setting = named(set_, facts.knobs)
    if live:
        from ampsweep.live import Stage, play_live  # not everyone has a sound card

        source, sink = input_device or device, output_device or device
        stage = Stage(source, sink, host_api, input, block, input_dbu, midi, ir, seconds)
        play_live(image, facts, facts.knobs.check(setting), stage, port, browser)
        return
    fragment = fragment_of(facts.knobs, setting)
    recordings = no_recordings() if data is None else recorded(data, facts.knobs)
    try:
        with PageServer(page_files(image, recordings), port) as server:
            address = server.address + fragment
            typer.echo(f"{facts.device}: {address}")
            typer.echo("Ctrl-C ends it.")
            if browser:
                open_page(address)
            server.serve_forever()
    except KeyboardInterrupt:
        typer.echo("")


def _check(context: typer.Context, live: bool) -> None:
    """Raise UserError for an option that would do nothing."""
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE":
            continue
        if not live and getattr(parameter, "rich_help_panel", None) == STAGE:
            raise UserError(f"{parameter.opts[0]} means something with --live alone; add that.")
        if live and name == "data":
            raise UserError("Live, there is no recording of what is played; leave --data away.")


def fragment_of(knobs: KnobTable, setting: Setting) -> str:
    """The part of the page's address that says where knobs stand; empty if none is named."""
    pairs = []
    for name, value in setting.items():
        detents = knobs[name].detents
        text = detents[int(value)] if detents else f"{value:g}"
        pairs.append(f"{quote(name, safe='')}={quote(text, safe='')}")
    return f"#{'&'.join(pairs)}" if pairs else ""

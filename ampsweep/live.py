"""`ampsweep live`: a guitar through a model, now."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from ampsweep.images import ModelOrImage, image_of
from ampsweep.keys import Keys
from ampsweep.live_panel import Panel
from ampsweep.settings import HELP, parse
from rigs.errors import UserError
from rigs.interface.devices import Device
from rigs.interface.stream import Stream
from rigs.interface.through import Through, WrongRate
from training.native.live import LiveEngine

POLL = 0.05
"""Seconds between two looks at keys and meters."""
DeviceOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The interface, or a part of its name.")
]


def live(
    model: ModelOrImage,
    set_: Annotated[list[str] | None, typer.Option("--set", help=HELP)] = None,
    device: DeviceOption = None,
    input_device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where input and output have two names.")
    ] = None,
    output_device: Annotated[str | None, typer.Option(metavar="NAME", help="The same.")] = None,
    host_api: Annotated[
        str | None, typer.Option(help="The sound system, as in JACK, ALSA, ASIO, Core Audio.")
    ] = None,
    input_: Annotated[
        int, typer.Option("--input", min=1, max=256, help="The channel of the guitar.")
    ] = 1,
    block: Annotated[
        int, typer.Option(min=0, max=8192, help="Samples at a time; 0: as the driver likes.")
    ] = 0,
    input_dbu: Annotated[
        float | None,
        typer.Option(help="The interface's 0 dBFS in dBu: the model hears what its amp would."),
    ] = None,
    midi: Annotated[
        str | None, typer.Option(metavar="NAME", help="A MIDI input whose controls turn knobs.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="End after so long; else q or Ctrl-C ends.")
    ] = None,
) -> None:
    """Play a guitar through MODEL, from the sound card's input to its outputs.

    Turn the volume down first: a microphone or a speaker that hears itself will howl.
    """
    image, facts = image_of(model)
    setting = parse(set_, facts.knobs)
    source, sink = _devices(input_device or device, output_device or device, host_api, input_)
    channels = (input_, min(2, sink.outputs))
    console = Console(highlight=False)
    with ExitStack() as stack:
        try:
            engine = LiveEngine(image, facts.sample_rate, input_, input_, channels[1])
            rate = facts.sample_rate
            through = Through(engine.callback, engine.state, source, sink, channels, rate, block)
        except WrongRate:  # the device's own, then, and the audio is resampled
            rate = int(sink.rate)
            engine = LiveEngine(image, rate, input_, input_, channels[1])
            through = Through(engine.callback, engine.state, source, sink, channels, rate, block)
        stack.enter_context(through)
        panel = Panel(facts, engine, rate)
        panel.set(setting)
        if input_dbu is not None:
            panel.calibrate(input_dbu)
        if midi is not None:
            from rigs.midi_in import MidiInput  # not everyone has it

            stack.callback(MidiInput(midi, panel.control).close)
        keys = stack.enter_context(Keys())
        shown = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))
        typer.echo(f"Playing {facts.device} from {source} to {sink}; q ends.")
        _play(panel, through, keys, shown, seconds)
    typer.echo(panel.summary())


def _play(panel: Panel, through: Through, keys: Keys, shown: Live, seconds: float | None) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    try:
        while end is None or time.monotonic() < end:
            for key in keys.read(POLL):
                if key in ("q", "\x04"):
                    return
                panel.press(key)
            through.check()
            panel.look(through.latency, through.load)
            shown.update(Text.from_markup(panel.picture()), refresh=True)
    except KeyboardInterrupt:  # the usual way to end, and nothing is left undone
        return


def _devices(
    source: str | None, sink: str | None, system: str | None, channel: int
) -> tuple[Device, Device]:
    """The devices of these names; raises UserError as :meth:`Devices.choose` does."""
    lister = Stream()
    try:
        found = lister.devices()
    finally:
        lister.close()
    chosen = found.choose("input", source, channel, system), found.choose("output", sink, 1, system)
    if chosen[0].system != chosen[1].system:
        raise UserError(
            f"{chosen[0]} and {chosen[1]} belong to two sound systems; name a --host-api that has "
            "both."
        )
    return chosen

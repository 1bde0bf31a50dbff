"""A guitar through a model, now: what `ampsweep play --live` does."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from ampsweep.cabinet import read_cabinet
from ampsweep.keys import Keys
from ampsweep.live_page import Remote
from ampsweep.live_panel import Panel
from ampsweep.opening import open_page
from ampsweep.page import live_files
from ampsweep.serving import PageServer
from rigs.errors import UserError
from rigs.interface.devices import Device
from rigs.interface.stream import Stream
from rigs.interface.through import Through, WrongRate
from rigs.knobs import Setting
from training.exports.pedal import ModelFacts
from training.native.live import LiveEngine

POLL = 0.05
"""Seconds between two looks at keys and meters."""
UNCOUNTED = {"JACK Audio Connection Kit": 2}
"""Blocks of a round trip that PortAudio leaves out of the latency that it tells, by sound system:
of JACK, one each way."""


@dataclass(frozen=True)
class Stage:
    """Where a guitar comes from, where it goes, and what is at hand besides the keys."""

    source: str | None
    sink: str | None
    system: str | None
    input: int
    block: int
    input_dbu: float | None
    midi: str | None
    cabinet: Path | None
    seconds: float | None


def play_live(
    image: bytes, facts: ModelFacts, setting: Setting, stage: Stage, port: int, browser: bool
) -> None:
    """Play what the sound card hears through a pedal image, until somebody ends it.

    Raises UserError if something that it needs is not there, or is lost.
    """
    source, sink = _devices(stage)
    between = f"from {source} to {sink}"
    with ExitStack() as stack:
        try:
            engine, through = _through(image, facts.sample_rate, source, sink, stage)
            rate = facts.sample_rate
        except WrongRate:  # the device's own, then, and the audio is resampled
            rate = int(sink.rate)
            engine, through = _through(image, rate, source, sink, stage)
        stack.enter_context(through)
        panel = Panel(facts, engine, rate)
        panel.set(setting)
        if stage.input_dbu is not None:
            panel.calibrate(stage.input_dbu)
        if stage.midi is not None:
            from rigs.midi_in import MidiInput  # not everyone has it

            stack.callback(MidiInput(stage.midi, panel.control).close)
        server = PageServer(live_files(image), port, Remote(panel, between))
        stack.enter_context(server)
        stack.enter_context(server.in_background())
        keys = stack.enter_context(Keys())
        typer.echo(f"Playing {facts.device} {between}; q ends.")
        typer.echo(f"Its knobs are also at {server.address}")
        if browser:
            open_page(server.address)
        console = Console(highlight=False)
        shown = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))

        def look() -> None:
            through.check()
            panel.look(through.latency, through.load, UNCOUNTED.get(source.system, 0))

        _play(panel, look, keys, shown, stage.seconds)
    typer.echo(panel.summary())


def _through(
    image: bytes, rate: int, source: Device, sink: Device, stage: Stage
) -> tuple[LiveEngine, Through]:
    """The engine behind the sound card, which runs; raises WrongRate if not at ``rate``."""
    channels = (stage.input, min(2, sink.outputs))
    engine = LiveEngine(image, rate, stage.input, stage.input, channels[1])
    if stage.cabinet is not None:
        engine.cabinet(read_cabinet(stage.cabinet, rate))
    at = engine.callback, engine.state
    return engine, Through(*at, source, sink, channels, rate, stage.block)


def _play(
    panel: Panel, look: Callable[[], None], keys: Keys, shown: Live, seconds: float | None
) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    try:
        while end is None or time.monotonic() < end:
            for key in keys.read(POLL):
                if key in ("q", "\x04"):
                    return
                panel.press(key)
            look()
            shown.update(Text.from_markup(panel.picture()), refresh=True)
    except KeyboardInterrupt:  # the usual way to end, and nothing is left undone
        return


def _devices(stage: Stage) -> tuple[Device, Device]:
    """The devices of these names; raises UserError as :meth:`Devices.choose` does."""
    lister = Stream()
    try:
        found = lister.devices()
    finally:
        lister.close()
    source = found.choose("input", stage.source, stage.input, stage.system)
    sink = found.choose("output", stage.sink, 1, stage.system)
    if source.system != sink.system:
        raise UserError(
            f"{source} and {sink} belong to two sound systems; name a --host-api that has both."
        )
    return source, sink

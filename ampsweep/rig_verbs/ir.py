"""`ampsweep rigs ir`: measure an impulse response."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.rig_verbs.sounding import Sounding
from ampsweep.settings import HELP, parse
from rigs.audio import SAMPLE_RATE, write_wav
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.files import write_whole
from rigs.impulse.measure import Method, measure
from rigs.impulse.picture import draw, facts
from rigs.impulse.shaping import Normalise
from rigs.takes import hands_off


def ir(
    rig: Annotated[
        Path, typer.Argument(metavar="RIG.toml", help="The rig with the cabinet, or a room.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT.wav", help="The file to write; OUT.svg is its picture.")
    ],
    seconds: Annotated[float, typer.Option(min=1, max=120, help="Length of a sweep.")] = 5.0,
    length: Annotated[
        float, typer.Option(min=5, max=10_000, help="Milliseconds of response to keep.")
    ] = 200.0,
    repeats: Annotated[int, typer.Option(min=1, max=64, help="Sweeps to average.")] = 1,
    level: Annotated[
        float, typer.Option(min=-60, max=0, help="Peak of the sweep, in dBFS.")
    ] = -12.0,
    minimum_phase: Annotated[
        bool, typer.Option("--minimum-phase", help="Keep the magnitude, as early as can be.")
    ] = False,
    keep_delay: Annotated[
        bool, typer.Option("--keep-delay", help="Do not cut the time before the sound arrives.")
    ] = False,
    normalise: Annotated[
        Normalise,
        typer.Option(help="Scale to a peak of -0.1 dBFS, to an energy of 1, or not at all."),
    ] = "peak",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"{HELP} Without --set no knob is turned."),
    ] = None,
) -> None:
    """Play an exponential sweep and write the impulse response as a 24-bit WAV at 48 kHz."""
    if target.suffix.lower() != ".wav":
        raise UserError(f"{target} is no name for audio; end it in .wav.")
    if not target.absolute().parent.is_dir():
        raise UserError(f"There is no folder {target.parent} to write in; make it first.")
    loaded = load_rig(rig)
    setting = parse(set_, loaded.knobs)
    used = loaded if set_ else hands_off(loaded)
    method = Method(seconds, length / 1000, repeats, level, minimum_phase, keep_delay, normalise)
    if loaded.path.notice:
        typer.echo(loaded.path.notice)
    shown = Sounding()
    total = method.frames / SAMPLE_RATE
    with shown.opened(used), shown.playing("sweeping", total) as progress:
        found = measure(used, setting, method, progress)
    clipped = write_wav(target, found.response)
    at = ", ".join(f"{name} {value:g}" for name, value in setting.items()) if set_ else ""
    title = f"{loaded.name}{' at ' if at else ''}{at}"
    picture = target.with_suffix(".svg")
    write_whole(picture, draw(found, title).encode("utf-8"))
    typer.echo(f"{target} and {picture}: {facts(found)}.")
    if clipped:
        typer.echo(f"{clipped} of its samples clipped; leave out --normalise none.")
    for remark in found.remarks:
        typer.echo(remark)

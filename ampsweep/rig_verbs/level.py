"""`ampsweep rigs level`: which way to turn the interface's knobs."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from ampsweep.rig_verbs.sounding import Sounding
from ampsweep.settings import HELP, parse
from rigs import levels, send
from rigs.audio import SAMPLE_RATE
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.knobs import Setting
from rigs.rig import Rig
from rigs.takes import hands_off, unaligned


def level(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig to set the level of.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"Listen only here: the loudest setting you know of. {HELP}"),
    ] = None,
    leave_knobs: Annotated[
        bool, typer.Option("--leave-knobs", help="Turn no knob; listen as the device stands.")
    ] = False,
    loop_back: Annotated[
        bool,
        typer.Option(
            "--loop-back", help="Judge the send: a cable goes from the output to the input."
        ),
    ] = False,
) -> None:
    """Find the hottest clean send and return gain; at a terminal, again after each turn.

    Plays from -40 dBFS up, with the knobs at noon and then all at their maximum.
    """
    if set_ and (leave_knobs or loop_back):
        raise UserError("--set turns knobs; leave out --leave-knobs and --loop-back.")
    loaded = load_rig(rig)
    if loaded.path.notice:
        typer.echo(loaded.path.notice)
    if loop_back:
        if loaded.path.simulated:
            raise UserError(
                f"The rig {loaded.name!r} is a simulation: it has no output and no input."
            )
        _send(unaligned(hands_off(loaded), amplified=False))
        return
    if set_:
        settings = [parse(set_, loaded.knobs)]
    else:
        settings = [loaded.knobs.default] if leave_knobs else levels.settings_to_hear(loaded)
    _return(unaligned(hands_off(loaded) if leave_knobs else loaded), settings, leave_knobs)


def _return(rig: Rig, settings: list[Setting], leave_knobs: bool) -> None:
    shown = Sounding()
    seconds = len(levels.ladder()) / SAMPLE_RATE
    turned = False
    with shown.opened(rig):
        while True:
            heard = []
            for setting in settings:
                with shown.playing("playing, quiet first", seconds) as progress:
                    heard.append(levels.hear(rig, setting, progress))
                typer.echo(_line(heard[-1], leave_knobs))
            loudest = levels.loudest(heard)
            if rig.path.simulated:
                typer.echo("This rig is a simulation: it has no knob to turn, and cannot clip.")
                return
            advice = levels.advise(loudest)
            if not advice.turn_db:
                break
            _turn(shown, advice.text)
            turned = True
            settings = [loudest.setting]
    typer.echo(advice.text)
    if loudest.snr < levels.CLEAN_SNR_DB:
        typer.echo(
            f"Noise is only {loudest.snr:.0f} dB below it: look for hum and for gain that comes "
            "too late in the chain."
        )
    if turned and rig.output_level_dbu is not None:
        typer.echo("The return's calibration holds no more: run `ampsweep rigs calibrate` again.")


def _db(dbfs: float) -> str:
    return f"{dbfs:.1f} dBFS" if dbfs > -160 else "none"  # below float32's own grain


def _line(heard: levels.Heard, leave_knobs: bool) -> str:
    at = ", ".join(f"{name} {value:g}" for name, value in heard.setting.items())
    peak = "clipped" if any(heard.clipped) else f"peak {_db(heard.peak)}"
    noise = f"noise {_db(heard.noise)}"
    if math.isfinite(heard.noise):
        noise += f" ({heard.snr:.0f} dB below), hum of {heard.hum_hertz} Hz {_db(heard.hum)}"
    return f"{'as it stands' if leave_knobs else at}: {peak}, {noise}"


def _send(rig: Rig) -> None:
    shown = Sounding()
    seconds = len(send.tones()) / SAMPLE_RATE
    with shown.opened(rig):
        while True:
            with shown.playing("playing, quiet first", seconds) as progress:
                heard = send.hear_send(rig, progress)
            settled, text = send.advise_send(heard)
            if settled:
                break
            _turn(shown, text)
    typer.echo(text)


def _turn(shown: Sounding, text: str) -> None:
    """Have a person turn the knob; raises UserError with what to do if there is none to."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(text)
    if shown.ask(f"{text} Then press Enter; q ends.").lower() == "q":
        raise typer.Exit(1)

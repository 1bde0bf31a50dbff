"""`ampsweep rigs calibrate`: tie dBFS to dBu."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ampsweep.rig_verbs.sounding import Sounding
from rigs import calibration
from rigs.calibration import HERTZ, Returned
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.rig import Rig
from rigs.takes import hands_off, unaligned

QUIETER_DB, QUIETEST_DBFS = 12.0, -60.0
SHORT = 3.0


class Only(StrEnum):
    """Which half to calibrate."""

    send = "send"
    return_ = "return"


def calibrate(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig to calibrate.")],
    interface_max_output_dbu: Annotated[
        float | None,
        typer.Option(help="Instead of measuring: the output's level at 0 dBFS, by data sheet."),
    ] = None,
    interface_max_input_dbu: Annotated[
        float | None,
        typer.Option(help="Likewise the input's, at the gain it is used with."),
    ] = None,
    only: Annotated[Only | None, typer.Option(help="Measure only this half.")] = None,
    meter_return: Annotated[
        bool, typer.Option("--meter-return", help="Measure volts at the return, too.")
    ] = False,
    level: Annotated[float, typer.Option(min=-40, max=0, help="Peak of the sine, dBFS.")] = -6.0,
    seconds: Annotated[
        float, typer.Option(min=5, max=120, help="How long it plays for the voltmeter.")
    ] = 20.0,
) -> None:
    """Measure with a voltmeter, or take a data sheet's figures; written into the rig's file."""
    loaded = load_rig(rig)
    known = {"input_dbu": interface_max_output_dbu, "output_dbu": interface_max_input_dbu}
    given = {key: value for key, value in known.items() if value is not None}
    if given:
        for key, value in given.items():
            _write(rig, key, value)
        return
    if loaded.path.simulated:
        raise UserError(
            f"The rig {loaded.name!r} is a simulation: there are no volts in it to measure."
        )
    if loaded.path.notice:
        typer.echo(loaded.path.notice)
    input_dbu = loaded.input_level_dbu
    bench = unaligned(hands_off(loaded))
    shown = Sounding()
    with shown.opened(bench):
        if only is not Only.return_:
            input_dbu = _send(bench, shown, level, seconds)
            _write(rig, "input_dbu", input_dbu)
        if only is not Only.send:
            meter = meter_return or input_dbu is None
            _write(
                rig,
                "output_dbu",
                _metered(bench, shown, level, seconds)
                if meter or input_dbu is None
                else _looped(bench, shown, level, input_dbu),
            )


def _write(rig: Path, key: str, dbu: float) -> None:
    value = calibration.check_dbu(dbu, key)
    calibration.write_levels(rig, {key: value})
    written = load_rig(rig)
    held = written.input_level_dbu if key == "input_dbu" else written.output_level_dbu
    if held != value:  # pragma: no cover
        raise UserError(f"{rig} does not hold what was written into it; is another program at it?")
    volts = calibration.volts_of(value)
    typer.echo(f"{rig}: {key} = {value:.2f}; a sine at full scale is {volts:.3g} V.")


def _send(bench: Rig, shown: Sounding, level: float, seconds: float) -> float:
    _typed(
        "Send: pull the cable out of the device's input and hold the voltmeter, at AC volts, "
        f"between the plug's tip and sleeve. Press Enter: a {HERTZ:g} Hz sine will play for "
        f"{seconds:g} s. "
    )
    while True:
        _play(bench, shown, seconds, level)
        volts = _volts()
        if volts is not None:
            return calibration.dbu_of(volts) - level


def _looped(bench: Rig, shown: Sounding, level: float, input_dbu: float) -> float:
    _typed(
        "Return: plug that cable straight into the interface's input, its gain as it is for "
        "capturing. Press Enter. "
    )
    heard = _clean(bench, shown, SHORT, level)
    return input_dbu + heard.played_dbfs - heard.level_dbfs


def _metered(bench: Rig, shown: Sounding, level: float, seconds: float) -> float:
    _typed(
        "Return: hold the voltmeter across the interface's input while the send goes to it, "
        "straight or through the device, the input's gain as it is for capturing. Press Enter: "
        f"a {HERTZ:g} Hz sine will play for {seconds:g} s. "
    )
    while True:
        heard = _clean(bench, shown, seconds, level)
        volts = _volts()
        if volts is not None:
            return calibration.dbu_of(volts) - heard.level_dbfs


def _clean(bench: Rig, shown: Sounding, seconds: float, level: float) -> Returned:
    """The sine as it came back, played so that it does not clip; raises UserError if impure."""
    while True:
        heard = _play(bench, shown, seconds, level)
        if not heard.clipped:
            break
        level -= QUIETER_DB
        if level < QUIETEST_DBFS:
            raise UserError(
                "The return clips however softly the sine is played: turn the interface's input "
                "gain down, then run this again."
            )
        typer.echo(f"The return clips; again at {level:g} dBFS.")
    if heard.impurity > calibration.IMPURE:
        raise UserError(
            f"What comes back at {heard.level_dbfs:.0f} dBFS is no clean sine (the rest is "
            f"{100 * min(heard.impurity, 9.99):.0f} % of it): check the cable, or lead it past the "
            "device."
        )
    return heard


def _play(bench: Rig, shown: Sounding, seconds: float, level: float) -> Returned:
    what = f"{HERTZ:g} Hz at {level:g} dBFS"
    with shown.playing(what, seconds) as progress:
        return calibration.play(bench, seconds, level, progress)


def _volts() -> float | None:
    """What the meter showed; None to play once more."""
    while True:
        typed = _typed("Volts on the meter (Enter alone plays it again): ")
        if not typed.strip():
            return None
        try:
            return calibration.parse_volts(typed)
        except UserError as error:
            typer.echo(str(error))


def _typed(text: str) -> str:
    """A line from whoever reads the meter; raises UserError if nobody does."""
    typer.echo(text, nl=False)
    line = sys.stdin.readline()
    if not line:
        typer.echo()
        raise UserError(
            "Somebody has to read the voltmeter; run this at a terminal, or give the data sheet's "
            "--interface-max-output-dbu and --interface-max-input-dbu."
        )
    return line

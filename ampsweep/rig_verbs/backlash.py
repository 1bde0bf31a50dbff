"""`ampsweep rigs backlash`: how much play there is between motors and knobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.asking import ask
from ampsweep.rig_verbs.jog import no_motors
from ampsweep.rig_verbs.sounding import Sounding
from ampsweep.settings import HELP, parse
from rigs import backlash as measure
from rigs.backlash import Play
from rigs.config import load_rig
from rigs.errors import DeviceLost, UserError
from rigs.motors import Slack
from rigs.rig import Rig


def backlash(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig whose knobs turn.")],
    knob: Annotated[
        list[str] | None, typer.Option(help="A knob to measure; all but the switches else.")
    ] = None,
    by_hand: Annotated[
        bool,
        typer.Option(
            "--by-hand", help="Play nothing: say yourself when the knob's pointer begins to move."
        ),
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"Where the others stand while one is listened to. {HELP}"),
    ] = None,
) -> None:
    """Measure the play between each motor and its knob by sound; written into the rig's file.

    The knobs turn, at three places each: down to where it sounds as it did on the way up.
    """
    loaded = load_rig(rig)
    if not isinstance(loaded.actuator, Slack):
        raise no_motors(rig)
    names = [loaded.knobs[name].name for name in knob or []]
    switches = {one.name for one in loaded.knobs if one.detents}
    if switches.intersection(names) and not by_hand:
        raise UserError(
            f"{next(name for name in names if name in switches)} is a switch, of which sound tells "
            "no degrees; measure it with --by-hand."
        )
    names = names or [name for name in loaded.knobs.names if name not in switches]
    if by_hand:
        _by_hand(rig, loaded, names)
    else:
        _by_ear(rig, loaded, names, set_)


def _by_ear(path: Path, rig: Rig, names: list[str], set_: list[str] | None) -> None:
    setting = parse(set_, rig.knobs)
    if rig.path.notice:
        typer.echo(rig.path.notice)
    shown = Sounding()
    untold: list[UserError] = []
    with shown.opened(rig):
        for name in names:
            with shown.playing(f"listening to {name}", measure.TAKES) as progress:
                places = measure.by_ear(rig, name, setting, progress)
            try:
                _write(path, Play.of(name, places))
            except DeviceLost:
                raise
            except UserError as error:
                untold.append(error)
    for why in untold[1:]:
        typer.echo(str(why))
    if untold:
        raise untold[0]


def _by_hand(path: Path, rig: Rig, names: list[str]) -> None:
    try:
        rig.actuator.open(rig.knobs, ask)
        rig.actuator.prepare()
        for name in names:
            _write(path, Play.of(name, measure.by_hand(rig, name, ask)))
    except KeyboardInterrupt:
        rig.actuator.stop()
        raise KeyboardInterrupt("Stopped; the motors are off.") from None
    finally:
        rig.close()


def _write(path: Path, found: Play) -> None:
    held = measure.write(path, found)
    load_rig(path)
    places = ", ".join(
        f"at {place.degrees:.0f} degrees "
        + ("not told" if place.play is None else f"{place.play:.2f}")
        for place in found.places
    )
    typer.echo(
        f"{path}: {found.knob} has backlash = {held:.2f} degrees, give or take "
        f"{found.spread / 2:.2f} ({places})."
    )

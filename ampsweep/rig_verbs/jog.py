"""`ampsweep rigs jog`: turn one knob's shaft by hand, with the arrow keys."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import click
import typer

from ampsweep.asking import ask
from rigs.config import load_rig
from rigs.errors import DeviceLost, UserError
from rigs.motors import Jogs
from rigs.rig import Rig

STEPS = (0.1, 0.5, 1.0, 5.0, 15.0, 45.0)
"""Degrees of the shaft."""
KEYS = "left and right turn, up and down change the step, Tab takes the next knob, q ends"


@dataclass(frozen=True)
class Hand:
    """Which knob is held, and how far a key turns it: an index of STEPS."""

    knob: int = 0
    step: int = 2

    def press(self, key: str, knobs: int) -> tuple[Hand, float]:
        """What ``key`` makes of it, and by how many degrees it turns the knob."""
        match key:
            case "\x1b[A" | "\x1bOA" | "+":
                return replace(self, step=min(self.step + 1, len(STEPS) - 1)), 0.0
            case "\x1b[B" | "\x1bOB" | "-":
                return replace(self, step=max(self.step - 1, 0)), 0.0
            case "\x1b[C" | "\x1bOC" | "l":
                return self, STEPS[self.step]
            case "\x1b[D" | "\x1bOD" | "h":
                return self, -STEPS[self.step]
            case "\t":
                return replace(self, knob=(self.knob + 1) % knobs), 0.0
        return self, 0.0


def jog(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig whose knobs turn.")],
    knob: Annotated[str | None, typer.Option(help="The knob to turn; the first one else.")] = None,
    by: Annotated[
        float | None,
        typer.Option(help="Turn by so many degrees of the shaft, and end; no keys are read."),
    ] = None,
) -> None:
    """Turn a knob's shaft by degrees, to see how far it goes and where the panel's marks are.

    The knobs are homed first, for nothing turns far whose place is not known, and parked at last.
    """
    loaded = load_rig(rig)
    motors = loaded.actuator
    if not isinstance(motors, Jogs):
        raise no_motors(rig)
    name = loaded.knobs[knob].name if knob else loaded.knobs.names[0]
    if by is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("There is no terminal to read keys from; say how far with --by DEGREES.")
    try:
        loaded.actuator.open(loaded.knobs, ask)
        loaded.actuator.prepare()
        if by is not None:
            motors.jog(name, by)
            typer.echo(f"{name} was turned by {by:g} degrees: {places(loaded)}.")
        else:
            _by_hand(loaded, motors, loaded.knobs.names.index(name), _keys)
    except KeyboardInterrupt:
        loaded.actuator.stop()
        raise KeyboardInterrupt("Stopped; the motors are off.") from None
    finally:
        loaded.close()


def no_motors(path: Path) -> UserError:
    return UserError(
        f"{path} has no motors that this could turn; it is for rigs whose [actuator] turns "
        'shafts, as type = "grbl" does.'
    )


def places(rig: Rig) -> str:
    """Where the knobs stand, as far as the actuator knows."""
    known = rig.actuator.position() if isinstance(rig.actuator, Jogs) else {}
    return (
        ", ".join(f"{name} at {round(place, 2) + 0.0:g}" for name, place in known.items())
        or "not known"
    )


def _keys() -> Iterator[str]:
    while (key := click.getchar()) not in ("q", "\r", "\n", "\x1b", "\x04"):
        yield key


def _by_hand(rig: Rig, motors: Jogs, knob: int, keys: Callable[[], Iterator[str]]) -> None:
    typer.echo(f"{KEYS}.")
    hand = Hand(knob)
    _show(rig, hand)
    for key in keys():
        hand, degrees = hand.press(key, len(rig.knobs))
        if degrees:
            try:
                motors.jog(rig.knobs.names[hand.knob], degrees)
            except DeviceLost:
                raise
            except UserError as error:  # at an end: turn the other way
                typer.echo(f"\r\x1b[K{error}")
        _show(rig, hand)
    typer.echo()


def _show(rig: Rig, hand: Hand) -> None:
    line = f"{rig.knobs.names[hand.knob]}, {STEPS[hand.step]:g} degrees a key: {places(rig)}"
    typer.echo(f"\r\x1b[K{line}", nl=False)

"""`ampsweep rigs home`: drive the knobs to their end stops, and know them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.asking import ask
from ampsweep.rig_verbs.jog import no_motors, places
from rigs.config import load_rig
from rigs.motors import Homes


def home(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig whose knobs turn.")],
) -> None:
    """Drive every knob to its end stop, so that the rig knows where they stand; then park.

    The knobs turn. Nothing is played.
    """
    loaded = load_rig(rig)
    motors = loaded.actuator
    if not isinstance(motors, Homes):
        raise no_motors(rig)
    try:
        loaded.actuator.open(loaded.knobs, ask)
        motors.home()
        typer.echo(f"Homed: {places(loaded)}.")
    except KeyboardInterrupt:
        loaded.actuator.stop()
        raise KeyboardInterrupt("Stopped; the knobs have to be homed again.") from None
    finally:
        loaded.close()

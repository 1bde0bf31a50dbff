"""Finding out where the shafts are.

Without switches, the motor pushes its pot against the end stop, weakly enough to do no harm: it
stalls there, and that place is declared home. A stalled motor rests at one of the angles that lie
four full steps apart, and which of them depends on where in those four steps the push ends; so
every push ends at the same one, and homing repeats to a step.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from rigs.actuators.grbl.connection import Fault, Link
from rigs.actuators.grbl.options import GrblOptions
from rigs.actuators.grbl.protocol import AXES, Identity
from rigs.actuators.grbl.settings import CURRENT
from rigs.actuators.grbl.shafts import Angles, Shaft, Shafts
from rigs.actuators.grbl.stream import Piece, Stream
from rigs.errors import DeviceLost, UserError

_SWITCH = 120.0
"""Seconds that a homing cycle with a switch may take."""
_JOG = 0.2
"""Seconds of pushing that one line carries."""


def check_current(options: GrblOptions, shafts: Shafts, settings: dict[int, float]) -> None:
    """Raises UserError if the homing current is to be set and the controller cannot."""
    if not isinstance(options.homing_current, int):
        return
    for shaft in shafts.all:
        if shaft.options.homing == "stop" and CURRENT + shaft.index not in settings:
            raise UserError(
                f"The controller on {options.port} reports no motor current for {shaft.knob.name} "
                f"(${CURRENT + shaft.index}), so {options.homing_current} mA cannot be set: "
                "set the motor driver itself below what the stop bears and write homing_current = "
                '"fixed".'
            )


@contextmanager
def _gentle(
    link: Link, shaft: Shaft, options: GrblOptions, settings: dict[int, float]
) -> Iterator[None]:
    """The homing current while inside; the usual one after, whatever happened."""
    if not isinstance(options.homing_current, int):
        yield
        return
    usual = settings[CURRENT + shaft.index]
    link.command(f"M906{shaft.axis}{min(options.homing_current, usual):g}")
    try:
        yield
    finally:
        with suppress(DeviceLost):  # a reset restores it, too
            link.command(f"M906{shaft.axis}{usual:g}")


def _push(link: Link, shaft: Shaft, options: GrblOptions) -> None:
    """Drive the motor farther down than its travel, and wait until it has been there."""
    at = link.query().status.position[shaft.index]
    cycle = 4 * 360 / options.full_steps / shaft.options.gear
    end = math.floor((at - 1.1 * shaft.highest - 5) / cycle) * cycle
    # Faster, the controller would take longer than is told here, and more would be queued.
    speed = min(options.homing_speed, options.speed)
    count = max(1, math.ceil((at - end) / speed / _JOG))
    stops = at + (end - at) * np.arange(1, count + 1) / count
    seconds, feed = (at - end) / count / speed, speed * 60
    pieces = [
        Piece({shaft.index: float(stop)}, f"{shaft.axis}{stop:.3f}", seconds, feed=feed)
        for stop in stops
    ]
    Stream(link, pieces).run()
    there = link.query().status.position[shaft.index]
    if abs(there - end) > 2 * shaft.step:
        raise Fault(
            f"{shaft.knob.name} was to be pushed to {end:.1f} degrees, but the controller on "
            f"{link.name} says {there:.1f}; check for lost lines."
        )


def home(
    link: Link,
    shafts: Shafts,
    options: GrblOptions,
    identity: Identity,
    settings: dict[int, float],
) -> Angles:
    """Home every shaft, one after the other; the machine positions, shape (knobs,), of home.

    Raises DeviceLost if the connection breaks or the controller does not go along.
    """
    # Undoes an earlier homing, by which pushing would be refused as beyond the travel.
    if not link.query().status.idle or (identity.is_grblhal and link.homed() != 0):
        link.reset()
    if not link.query().status.idle:
        link.command("$X")
    together = not identity.single_homing
    if together and any(shaft.options.homing == "switch" for shaft in shafts.all):
        link.command("$H", _SWITCH)
    base = np.zeros(len(shafts.all))
    for i, shaft in enumerate(shafts.all):
        if shaft.options.homing == "switch":
            if not together:
                link.command(f"$H{shaft.axis}", _SWITCH)
        else:
            with _gentle(link, shaft, options, settings):
                _push(link, shaft, options)
            if identity.is_grblhal:
                link.command(f"$H{shaft.axis}")
        status = link.query().status
        base[i] = status.position[shaft.index]
        if not status.idle or (status.homed is not None and not status.homed & 1 << shaft.index):
            raise Fault(
                f"The controller on {link.name} did not take {shaft.knob.name} (axis "
                f"{AXES[shaft.index]}) for homed; check $22 and $44 to $46."
            )
    return base

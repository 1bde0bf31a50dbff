"""Whether a motor can hurt the end stop of a pot: its torque, against what stops bear.

A hybrid stepper's torque rises in proportion to its current (T. Kenjo and A. Sugawara, Stepping
Motors and Their Microprocessor Controls, 2nd ed., 1994). The maker's holding torque is with both
phases at the rated current, which is the peak of a microstepping driver at an RMS current as large:
so the torque at an RMS current is its share of the rated one. The detent torque of the magnets adds
to it or takes from it, by the rotor's place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hardware.rig.parameters import Motor, Parameters, Pot

GIVE = math.radians(1.0)
"""By how much a stop gives way when it is run into: little, so that the blow comes out large."""


@dataclass(frozen=True)
class Push:
    """What a motor does at one current, in N·m: the most it pushes with, the least it turns with,
    and the most of a blow from its speed."""

    most: float
    least: float
    blow: float

    @property
    def worst(self) -> float:
        """All that a stop gets that is run into."""
        return self.most + self.blow


def push(motor: Motor, milliamperes: float, degrees_a_second: float) -> Push:
    """Of ``motor`` at an RMS current, when it runs into a stop at a speed.

    The blow is the rotor's energy, taken up by a stop that gives way like a spring:
    1/2 J ω² = 1/2 T θ.
    """
    held = motor.torque * milliamperes / 1000 / motor.current
    blow = motor.inertia * math.radians(degrees_a_second) ** 2 / GIVE
    return Push(held + motor.detent, held - motor.detent, blow)


def watts(parameters: Parameters, knobs: int) -> float:
    """What so many motors turn into heat at rest: two phases of I²R each, at the run current."""
    amperes = parameters.drive.run_current / 1000
    return knobs * 2 * amperes**2 * parameters.motor.resistance


def homing(parameters: Parameters) -> Push:
    drive = parameters.drive
    return push(parameters.motor, drive.homing_current, drive.homing_speed)


def running(parameters: Parameters) -> Push:
    return push(parameters.motor, parameters.drive.run_current, parameters.drive.speed)


def faults(parameters: Parameters) -> list[str]:
    """What is wrong with the currents, one clause each; none: no pot of the list is hurt.

    Homing must leave every stop a factor of two, running (which never meets a stop unless
    something has slipped) must stay below it, and homing must turn what is stiffest.
    """
    home, run = homing(parameters), running(parameters)
    wrong = []
    for pot in parameters.pots:
        if 2 * home.worst > pot.stop:
            wrong.append(
                f"homing pushes {pot.name} with {_ncm(home.worst)}, more than half of the "
                f"{_ncm(pot.stop)} that its stop bears"
            )
        if run.worst > pot.stop:
            wrong.append(
                f"running into its stop, {pot.name} gets {_ncm(run.worst)} and bears "
                f"{_ncm(pot.stop)}"
            )
        if pot.turn is not None and home.least < 1.5 * pot.turn:
            wrong.append(
                f"homing turns with {_ncm(home.least)}, and {pot.name} may need {_ncm(pot.turn)}"
            )
    return wrong


def table(parameters: Parameters) -> str:
    """The arithmetic as Markdown."""
    motor, drive = parameters.motor, parameters.drive
    home, run = homing(parameters), running(parameters)
    rows = [
        f"Motor: {motor.name}, {_ncm(motor.torque)} at {motor.current:g} A, "
        f"detent {_ncm(motor.detent)}.",
        "",
        "| | current | pushes with at most | turns with at least | blow at speed |",
        "|---|---|---|---|---|",
        _row("homing", drive.homing_current, home),
        _row("running", drive.run_current, run),
        "",
        "| pot | its stop bears | homing | running into it | to turn it | source |",
        "|---|---|---|---|---|---|",
        *(_pot_row(pot, home, run) for pot in parameters.pots),
    ]
    return "\n".join(rows)


def _row(name: str, milliamperes: int, push: Push) -> str:
    figures = " | ".join(_ncm(value) for value in (push.most, push.least, push.blow))
    return f"| {name} | {milliamperes} mA | {figures} |"


def _pot_row(pot: Pot, home: Push, run: Push) -> str:
    shares = " | ".join(f"{100 * p.worst / pot.stop:.0f} %" for p in (home, run))
    turn = "not said" if pot.turn is None else f"{_ncm(pot.turn)} at most"
    return f"| {pot.name} | {_ncm(pot.stop)} | {shares} | {turn} | {pot.source} |"


def _ncm(torque: float) -> str:
    """N·m as N·cm."""
    return f"{100 * torque:.2g} N·cm" if torque < 0.01 else f"{100 * torque:.1f} N·cm"

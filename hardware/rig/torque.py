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
SPARE, SURE = 2.0, 1.25
"""How many times a stop must bear what homing pushes with, and how many times homing must turn
what a pot needs: on top of how far the motor may be off."""


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
    """Of ``motor`` at an RMS current, when it runs into a stop at a speed."""
    held = motor.torque * milliamperes / 1000 / motor.current
    return Push(
        held * (1 + motor.spread) + motor.detent,
        held * (1 - motor.spread) - motor.detent,
        _blow(motor, degrees_a_second),
    )


def _blow(motor: Motor, degrees_a_second: float) -> float:
    """N·m: the energy of what turns, taken up by a stop that gives way like a spring:
    1/2 J ω² = 1/2 T θ."""
    return (motor.inertia + motor.load) * math.radians(degrees_a_second) ** 2 / GIVE


def heat(parameters: Parameters) -> float:
    """Watts that a motor turns into heat: two phases of I²R, at the run current."""
    return 2 * (parameters.drive.run_current / 1000) ** 2 * parameters.motor.resistance


def homing(parameters: Parameters) -> Push:
    drive = parameters.drive
    return push(parameters.motor, drive.homing_current, drive.homing_speed)


def running(parameters: Parameters) -> Push:
    return push(parameters.motor, parameters.drive.run_current, parameters.drive.speed)


def window(parameters: Parameters, pot: Pot) -> tuple[int, int]:
    """The homing currents, from and to, in mA RMS, that turn ``pot`` surely and spare its stop.

    The rules of :func:`push` solved for the current; none is above the motor's own.
    """
    motor = parameters.motor
    a_newton_metre = 1000 * motor.current / motor.torque
    turns = (SURE * (pot.turn or 0.0) + motor.detent) / (1 - motor.spread)
    blow = _blow(motor, parameters.drive.homing_speed)
    spares = (pot.stop / SPARE - blow - motor.detent) / (1 + motor.spread)
    most = min(spares * a_newton_metre, 1000 * motor.current)
    return math.ceil(turns * a_newton_metre), math.floor(most)


def faults(parameters: Parameters) -> list[str]:
    """What is wrong with the currents, one clause each; none: no pot of the list is hurt, or stays
    where it is.

    Homing must be in every pot's window; running, which never meets a stop unless something has
    slipped, must stay below what it bears.
    """
    home, run = homing(parameters), running(parameters)
    drive, own = parameters.drive, 1000 * parameters.motor.current
    wrong = [
        f"{current} mA is more than the {own:.0f} mA that the motor bears"
        for current in (drive.homing_current, drive.run_current)
        if current > own
    ]
    for pot in parameters.pots:
        low, high = window(parameters, pot)
        if SPARE * home.worst > pot.stop:
            wrong.append(
                f"homing pushes {pot.name} with {_ncm(home.worst)}, more than half of the "
                f"{_ncm(pot.stop)} that its stop bears: at most {high} mA"
            )
        if pot.turn is not None and home.least < SURE * pot.turn:
            wrong.append(
                f"homing turns with {_ncm(home.least)}, and {pot.name} may need "
                f"{_ncm(pot.turn)}: at least {low} mA"
            )
        if run.worst > pot.stop:
            wrong.append(
                f"running into its stop, {pot.name} gets {_ncm(run.worst)} and bears "
                f"{_ncm(pot.stop)}"
            )
    return wrong


def table(parameters: Parameters) -> str:
    """The arithmetic as Markdown."""
    motor, drive = parameters.motor, parameters.drive
    home, run = homing(parameters), running(parameters)
    rows = [
        f"Motor: {motor.name}, {_ncm(motor.torque)} at {motor.current:g} A; both give or take "
        f"{100 * motor.spread:.0f} %, detent {_ncm(motor.detent)}.",
        "",
        "| | current | pushes with at most | turns with at least | blow at speed |",
        "|---|---|---|---|---|",
        _row("homing", drive.homing_current, home),
        _row("running", drive.run_current, run),
        "",
        "| pot | its stop bears | homing | running into it | turned by | homing current | source |",
        "|---|---|---|---|---|---|---|",
        *(_pot_row(parameters, pot, home, run) for pot in parameters.pots),
    ]
    return "\n".join(rows)


def _row(name: str, milliamperes: int, push: Push) -> str:
    figures = " | ".join(_ncm(value) for value in (push.most, push.least, push.blow))
    return f"| {name} | {milliamperes} mA | {figures} |"


def _pot_row(parameters: Parameters, pot: Pot, home: Push, run: Push) -> str:
    shares = " | ".join(f"{100 * p.worst / pot.stop:.0f} %" for p in (home, run))
    turn = "not said" if pot.turn is None else f"{_ncm(pot.turn)} at most"
    low, high = window(parameters, pot)
    return f"| {pot.name} | {_ncm(pot.stop)} | {shares} | {turn} | {low}–{high} mA | {pot.source} |"


def _ncm(torque: float) -> str:
    """N·m as N·cm."""
    return f"{100 * torque:.2g} N·cm" if torque < 0.01 else f"{100 * torque:.1f} N·cm"

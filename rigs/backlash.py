"""How much play there is between a motor and its knob, found by ear or by eye.

A motor that came up to a place and one that came down past it by the play have left their shaft at
the same angle. So a burst is played at a place approached from below, then at places ever farther
down, all approached from above: where it sounds most like the first, the motor is down by the play.
The error-to-signal ratio between two sounds grows with the square of the angle between them, so
that the least is found between the places by a parabola.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rigs import clicks
from rigs.audio import SAMPLE_RATE, esr
from rigs.errors import UserError
from rigs.knobs import Setting
from rigs.motors import Slack
from rigs.rig import Ask, Progress, Rig
from rigs.takes import hands_off, take
from rigs.toml_edit import put_numbers
from rigs.trajectory import Trajectory

MOST = 12.0
"""Degrees of play that are looked for; a coupling with more is loose."""
COARSE = np.arange(-2.0, MOST + 0.1, 2.0)
FINE = np.arange(-1.8, 1.9, 0.6)
"""Degrees by which the motor is down when it is listened to: first everywhere, then about what was
found to be nearest."""
SHARES = (0.25, 0.5, 0.75)
"""Of the travel, where the play is measured: a pot's taper can leave a part of it without effect.
"""
TAKES = len(SHARES) * (2 + len(COARSE) + len(FINE))
STEP = 0.25
"""Degrees by which a motor is turned for a person who watches."""

_WIDE = 4.5
_SURE = 0.4
"""The standard error, in degrees, up to which a place is believed."""
_AUDIBLE = 2.0
"""How much more than the floor, as a ratio of energies, the knob has to change the sound."""
_NOTHING = 1e-10
_SECONDS = 0.75


@dataclass(frozen=True)
class Place:
    """What was found with the motor at ``degrees``: the play and its standard error.

    ``play`` is None where sound does not tell. ``change`` is the largest ESR that turning the knob
    made, and ``floor`` the one between two takes of the same place.
    """

    degrees: float
    play: float | None
    error: float
    change: float
    floor: float


@dataclass(frozen=True)
class Play:
    """The play of ``knob`` in degrees, and how far the ``places`` are apart about it."""

    knob: str
    degrees: float
    spread: float
    places: tuple[Place, ...]

    @classmethod
    def of(cls, knob: str, places: Sequence[Place]) -> Play:
        """The median of the places that tell; raises UserError if none does."""
        told = [place.play for place in places if place.play is not None]
        if not told:
            raise UserError(why_not(knob, places))
        return cls(knob, round(float(np.median(told)), 2), max(told) - min(told), tuple(places))


def why_not(knob: str, places: Sequence[Place]) -> str:
    """One sentence: why sound did not tell, and what to do."""
    change = max(place.change for place in places)
    floor = max(place.floor for place in places)
    if change <= max(_AUDIBLE * floor, _NOTHING):
        heard = "nothing" if change <= _NOTHING else f"no more than noise does ({_db(change)})"
        reason = f"turning it by {MOST:g} degrees changes {heard}"
    else:
        reason = (
            f"the same place sounds too different each time ({_db(floor)}) for what turning it "
            f"changes ({_db(change)})"
        )
    return (
        f"Sound cannot tell the play of {knob}: {reason}; set the other knobs so that it is heard, "
        "or measure it with --by-hand."
    )


def _db(ratio: float) -> str:
    return f"{10 * math.log10(ratio):.0f} dB" if ratio > 0 else "no difference"


def write(path: Path, found: Play) -> float:
    """Put the play into the rig's file, as its knob's `backlash`; returns what is written there.

    Raises UserError, with the file as it was, if it cannot be edited.
    """
    try:
        named = tomllib.loads(path.read_text("utf-8-sig"))["actuator"]["knobs"]
        name = next(name for name in named if name.casefold() == found.knob.casefold())
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        raise UserError(
            f"{path} has no section [actuator.knobs.{found.knob}] to write backlash = "
            f"{found.degrees:.2f} into; write it where the knob's motor is named."
        ) from None
    put_numbers(path, {("actuator", "knobs", name, "backlash"): f"{found.degrees:.2f}"})
    return found.degrees


@cache
def burst() -> NDArray[np.float32]:
    """What is played, shape (48000,): alignment clicks, then noise in four plucks.

    Each falls from -6 dBFS by 30 dB, so that a knob is heard clean and driven.
    """
    frames = round(_SECONDS * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(3).standard_normal(frames))
    hertz = np.fft.rfftfreq(frames, 1 / SAMPLE_RATE)
    spectrum[(hertz < 60) | (hertz > 10_000)] = 0
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 60.0)), frames)
    age = np.arange(frames) % (frames // 4) / (frames // 4)
    plucks = noise * 10 ** (-30 / 20 * age) * np.minimum(1, age * 100)
    plucks *= 0.5 / np.abs(plucks).max()
    return np.concatenate([clicks.click_train(), plucks]).astype(np.float32)


def fit(down: NDArray[np.float64], esr: NDArray[np.float64]) -> tuple[float, float]:
    """The lowest point of a parabola through ``esr`` at ``down`` degrees, and its standard error.

    Both have shape (places,). The error is infinite where there is no lowest point.
    """
    middle = float(down.mean())
    x = down - middle
    basis = np.stack([np.ones_like(x), x, x * x], 1)
    found, *_ = np.linalg.lstsq(basis, esr, rcond=None)
    slope, bend = float(found[1]), float(found[2])
    if bend <= _NOTHING:
        return middle, math.inf
    rest = esr - basis @ found
    variance = float(rest @ rest) / (len(x) - 3) * np.linalg.inv(basis.T @ basis)
    turn = np.array([0.0, -1 / (2 * bend), slope / (2 * bend**2)])
    return middle - slope / (2 * bend), math.sqrt(max(float(turn @ variance @ turn), 0.0))


def by_ear(
    rig: Rig, name: str, setting: Setting, progress: Progress = lambda _: None
) -> list[Place]:
    """Measure the play of the knob ``name`` of the open ``rig``, the others at ``setting``.

    ``progress`` is called with the takes done, of :data:`TAKES`. Raises UserError as ``take``, or
    if the rig has no such motors or the knob turns too little; whatever is raised, the motors stop.
    """
    motors = _motors(rig)
    ear = _Ear(hands_off(rig), rig.knobs.check(setting), motors, name, progress)
    try:
        rig.actuator.go(rig.knobs, Trajectory.still(rig.knobs, ear.setting)).end()
        return [ear.place(degrees) for degrees in _places(motors, name)]
    except BaseException:
        rig.actuator.stop()
        raise


def by_hand(rig: Rig, name: str, ask: Ask) -> list[Place]:
    """Have a person say when the knob's pointer begins to move, as the motor is turned back.

    Raises UserError if nobody is there, or the pointer is not seen to move; the motors stop then.
    """
    motors = _motors(rig)
    try:
        return [
            Place(place, _seen(motors, name, place, ask), STEP / 2, 0.0, 0.0)
            for place in _places(motors, name)
        ]
    except BaseException:
        rig.actuator.stop()
        raise


def _motors(rig: Rig) -> Slack:
    if not isinstance(rig.actuator, Slack):
        raise UserError(
            f"The rig {rig.name!r} has no motors whose play could be measured; only rigs whose "
            '[actuator] turns shafts, as type = "grbl" does, need that.'
        )
    return rig.actuator


def _places(motors: Slack, name: str) -> list[float]:
    """Motor angles with room for the play on both sides."""
    travel = motors.travel(name)
    low, high = MOST + 1.0, travel - MOST - 3.0
    if low >= high:
        raise UserError(
            f"{name} turns by {travel:g} degrees only, too few to find its play; measure it at the "
            "coupling and write it as backlash."
        )
    return [min(max(share * travel, low), high) for share in SHARES]


def _seen(motors: Slack, name: str, place: float, ask: Ask) -> float:
    motors.turn_motor(name, place - MOST - 1.0)
    top = motors.turn_motor(name, place)
    ask(f"Look closely at the pointer of {name}: it will be turned back bit by bit. Press a key.")
    down = 0.0
    while down < MOST:
        down = top - motors.turn_motor(name, place - down - STEP)
        key = ask(f"{name}: {down:.2f} degrees. m: it has moved; any other key: a bit more.")
        if key.lower() == "m":
            return max(down - STEP / 2, 0.0)
    raise UserError(
        f"{name} was turned back by {MOST:g} degrees and did not move; tighten its coupling."
    )


class _Ear:
    """One knob that is turned and listened to, the others at ``setting``."""

    def __init__(
        self, rig: Rig, setting: Setting, motors: Slack, name: str, progress: Progress
    ) -> None:
        self._rig, self.setting = rig, setting
        self._motors, self._name = motors, name
        self._progress, self._takes = progress, 0

    def place(self, degrees: float) -> Place:
        """What is heard with the motor about ``degrees``."""
        at, first = self._from_below(degrees)
        if not first.any():
            raise UserError(
                f"Nothing comes back when {self._name} is listened to; check the cables, and set "
                "the other knobs so that it is heard."
            )
        compared = partial(esr, first)
        offsets = list(self._from_above(at, COARSE, compared))
        nearest = min(offsets, key=lambda one: one[1])[0]
        near = np.clip(nearest, -FINE[-1], MOST) + FINE
        offsets += self._from_above(at, near, compared)
        _, again = self._from_below(degrees)
        floor = compared(again)
        down, heard = np.array(offsets).T
        play, error = fit(down[len(COARSE) :], heard[len(COARSE) :])
        if error > _SURE:  # a knob that does little shows it over a longer way
            wide = np.abs(down - nearest) <= _WIDE
            play, error = fit(down[wide], heard[wide])
        change = float(heard.max())
        sure = error <= _SURE and -2 * _SURE <= play <= MOST
        told = sure and change > max(_AUDIBLE * floor, _NOTHING)
        return Place(at, max(play, 0.0) if told else None, error, change, floor)

    def _from_below(self, degrees: float) -> tuple[float, NDArray[np.float64]]:
        self._motors.turn_motor(self._name, degrees - MOST - 1.0)
        return self._motors.turn_motor(self._name, degrees), self._hear()

    def _from_above(
        self,
        at: float,
        down: NDArray[np.float64],
        compared: Callable[[NDArray[np.float64]], float],
    ) -> list[tuple[float, float]]:
        """How far the motor was down and what was heard there, at each of ``down``, rising."""
        self._motors.turn_motor(self._name, at - float(down[0]) + MOST)
        heard = []
        for degrees in down:
            stands = self._motors.turn_motor(self._name, at - float(degrees))
            heard.append((at - stands, compared(self._hear())))
        return heard

    def _hear(self) -> NDArray[np.float64]:
        wet = take(self._rig, burst(), self.setting).wet[clicks.FRAMES :]
        self._takes += 1
        self._progress(self._takes)
        return np.asarray(wet, np.float64)

"""From panel positions to motor angles and back, with play between motor and shaft.

A shaft's degrees are counted from its end stop. There the motor has pushed the shaft down, so it
has to turn by the backlash before the shaft leaves the stop: driven upwards, a shaft at d degrees
has its motor at d + backlash. That is how every setting is approached.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.actuators.grbl.options import GrblOptions, KnobOptions
from rigs.actuators.grbl.protocol import AXES
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable

Angles = NDArray[np.float64]
"""Motor angles in degrees of the shaft, shape (..., knobs)."""


@dataclass(frozen=True)
class Shaft:
    """One knob and its motor; ``step`` is a motor step in degrees of the shaft."""

    knob: Knob
    options: KnobOptions
    step: float

    @property
    def axis(self) -> str:
        return self.options.axis

    @property
    def index(self) -> int:
        """The axis' place in a status report."""
        return AXES.index(self.axis)

    @property
    def highest(self) -> float:
        """The motor's angle at the far end stop."""
        return self.options.travel + self.options.backlash

    @property
    def degrees_per_unit(self) -> float:
        """How far the shaft turns for one unit of the panel; not for a switch."""
        o, knob = self.options, self.knob
        return abs(o.top - o.low_end) / (knob.maximum - knob.minimum)

    def to_shaft(self, positions: NDArray[Any]) -> Angles:
        """Panel positions in degrees."""
        o, knob = self.options, self.knob
        if knob.detents:
            return np.asarray(np.interp(positions, np.arange(len(o.detents)), o.detents))
        share = (np.asarray(positions, float) - knob.minimum) / (knob.maximum - knob.minimum)
        return np.asarray(o.low_end + share * (o.top - o.low_end))

    def to_panel(self, degrees: NDArray[Any]) -> Angles:
        """The inverse, clipped to the panel; a switch's nearest detent."""
        o, knob = self.options, self.knob
        if knob.detents:
            away = np.abs(np.asarray(degrees, float)[..., None] - np.array(o.detents))
            return np.asarray(away.argmin(-1), float)
        share = (np.asarray(degrees, float) - o.low_end) / (o.top - o.low_end)
        panel = knob.minimum + share * (knob.maximum - knob.minimum)
        return np.asarray(np.clip(panel, knob.minimum, knob.maximum))


@dataclass(frozen=True)
class Shafts:
    """All knobs of a device, in its order."""

    all: tuple[Shaft, ...]

    @classmethod
    def of(cls, knobs: KnobTable, options: GrblOptions) -> Shafts:
        """Raises UserError unless every knob has its motor, and a switch its detents."""
        given = {name.casefold(): knob for name, knob in options.knobs.items()}
        for name in options.knobs:
            knobs[name]
        made = []
        for knob in knobs:
            found = given.get(knob.name.casefold())
            if found is None:
                raise UserError(
                    f"No motor turns {knob.name}; add a section [actuator.knobs.{knob.name}], or "
                    "remove the knob from the device."
                )
            if len(knob.detents) != len(found.detents):
                raise UserError(
                    f"{knob.name} has {len(knob.detents)} detents on the panel and "
                    f"{len(found.detents)} in degrees; give each its place in "
                    f"[actuator.knobs.{knob.name}]."
                )
            if found.park is not None:
                knob.check(found.park)
            made.append(Shaft(knob, found, 1 / options.steps_per_degree(found)))
        return cls(tuple(made))

    @property
    def backlash(self) -> Angles:
        return np.array([shaft.options.backlash for shaft in self.all])

    @property
    def step(self) -> Angles:
        return np.array([shaft.step for shaft in self.all])

    @property
    def highest(self) -> Angles:
        return np.array([shaft.highest for shaft in self.all])

    def to_motor(self, positions: NDArray[Any]) -> Angles:
        """Where motors, driven upwards, stand for panel positions of shape (..., knobs)."""
        columns = [s.to_shaft(positions[..., i]) for i, s in enumerate(self.all)]
        return np.stack(columns, -1) + self.backlash

    def to_panel(self, degrees: NDArray[Any]) -> Angles:
        """Panel positions of shafts at ``degrees``, shape (..., knobs)."""
        columns = [s.to_panel(degrees[..., i]) for i, s in enumerate(self.all)]
        return np.stack(columns, -1)

    def follow(self, start: Angles, motors: Angles) -> Angles:
        """Where shafts, first at ``start``, are dragged by ``motors``, shape (times, knobs).

        Ideal play: a shaft moves only when the motor reaches either end of its gap.
        """
        play, at = self.backlash, start
        out = np.empty_like(motors)
        for index, motor in enumerate(motors):
            at = np.minimum(np.maximum(at, motor - play), motor)
            out[index] = at
        return out

    def check_motor(self, angles: Angles) -> None:
        """Our own soft limits; raises UserError for an angle beyond a stop."""
        for i, shaft in enumerate(self.all):
            low, high = float(angles[..., i].min()), float(angles[..., i].max())
            if not (low >= -1e-6 and high <= shaft.highest + 1e-6):
                raise UserError(
                    f"{shaft.knob.name} would turn to {high if low >= 0 else low:.1f} degrees, but "
                    f"its motor moves from 0 to {shaft.highest:g}; check its travel and ends."
                )

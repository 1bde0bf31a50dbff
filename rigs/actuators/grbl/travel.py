"""How long the motors take from one setting to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.actuators.grbl.shafts import Angles, Shafts
from rigs.travel import Points, Travel


@dataclass(frozen=True)
class ShaftTravel(Travel):
    """All motors turn at once, each no faster than ``speed``, in degrees a second.

    Every setting is approached from below: shafts that turn down go past their place by the
    backlash first, and all wait for them. Each leg starts and ends at rest.
    """

    shafts: Shafts
    speed: float
    acceleration: float
    settle: float = 0.0

    def points(self, positions: NDArray[Any]) -> Points:
        return self.shafts.to_motor(np.asarray(positions, np.float64))

    def between(self, start: Points, target: Points) -> NDArray[np.float64]:
        play = self.shafts.backlash
        way = target - start
        down = way < -self.shafts.step / 2
        past = np.where(down, np.minimum(play, target), 0.0)  # no farther than the stop
        return self._leg(np.abs(way) + past) + self._leg(past)

    def _leg(self, degrees: Angles) -> NDArray[np.float64]:
        """Seconds for a straight move, from the angles of shape (..., knobs) that motors turn."""
        longest = degrees.max(-1)
        ramp = self.speed**2 / self.acceleration  # degrees to get up to speed and down again
        short = 2 * np.sqrt(longest / self.acceleration)
        return np.asarray(np.where(longest < ramp, short, (longest + ramp) / self.speed))

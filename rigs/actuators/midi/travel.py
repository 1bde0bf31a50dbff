"""How long a setting takes to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.actuators.midi.controls import Control
from rigs.travel import Points, Travel


@dataclass(frozen=True)
class MessageTravel(Travel):
    """Every knob is sent every time, ``spacing`` seconds a message; a program only if it is another
    one, and then the device is given time to ``settle`` before all the others.
    """

    controls: tuple[Control, ...]
    spacing: float
    settle: float

    def points(self, positions: NDArray[Any]) -> Points:
        """The programs alone: how far a knob goes, a message does not care."""
        programs = [column for column, control in enumerate(self.controls) if control.program]
        return np.asarray(positions, np.float64)[..., programs]

    def between(self, start: Points, target: Points) -> NDArray[np.float64]:
        messages = sum(1 + (c.bits == 14) for c in self.controls if not c.program)
        another = (start != target).any(-1)
        return np.asarray(messages * self.spacing + another * (self.spacing + self.settle))

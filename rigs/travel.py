"""How long knobs take from one setting to another: what a plan is put in order by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.knobs import KnobTable

Points = NDArray[np.float64]
"""Settings as an actuator sees them, shape (..., coordinates): its shafts' angles, say."""


class Travel(ABC):
    """The motion model of one rig's knobs."""

    settle: float = 0.0
    """Seconds between arrival and audio, whether or not a knob moved."""

    @abstractmethod
    def points(self, positions: NDArray[Any]) -> Points:
        """Panel positions, shape (..., knobs), as points: the nearer, the sooner reached."""

    @abstractmethod
    def between(self, start: Points, target: Points) -> NDArray[np.float64]:
        """Seconds from each ``start`` to its ``target``, shape (...), until all knobs stand."""

    def seconds(self, start: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
        """Seconds from panel positions to others, both of shape (..., knobs)."""
        return self.between(self.points(start), self.points(target))


@dataclass(frozen=True)
class OneByOne(Travel):
    """Knobs are turned one after the other, as by a hand; what stands already takes no time.

    A knob takes ``a_knob`` seconds, and all of them together up to half of that more for how far
    they go.
    """

    knobs: KnobTable
    a_knob: float = 1.0

    def points(self, positions: NDArray[Any]) -> Points:
        return self.knobs.to_unit(np.asarray(positions, np.float64)) / 2

    def between(self, start: Points, target: Points) -> NDArray[np.float64]:
        away = np.abs(target - start)
        turned = (away > 1e-6).sum(-1)
        return np.asarray(self.a_knob * (turned + away.sum(-1) / (2 * len(self.knobs))))

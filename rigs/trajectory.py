"""Knob positions over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rigs.errors import UserError
from rigs.knobs import KnobTable

CONTROL_RATE = 1000.0
"""Control frames a second: one every 48 samples at 48 kHz."""


@dataclass(frozen=True)
class Trajectory:
    """Panel positions, shape (frames, knobs) float32, at ``rate`` frames a second.

    Frame 0 stands at audio sample 0; between frames positions are linear; after the last one they
    rest. One frame alone is a still setting.
    """

    positions: NDArray[np.float32]
    rate: float = CONTROL_RATE

    def __post_init__(self) -> None:
        positions = np.asarray(self.positions, np.float32)
        if positions.ndim != 2 or len(positions) < 1:
            raise ValueError(f"positions must have shape (frames, knobs), not {positions.shape}")
        if not np.isfinite(positions).all() or not self.rate > 0:
            raise UserError("A trajectory holds a position or a rate that is not a number.")
        object.__setattr__(self, "positions", positions)

    @classmethod
    def still(cls, knobs: KnobTable, setting: Mapping[str, float]) -> Trajectory:
        return cls(knobs.to_array(setting).astype(np.float32)[None])

    @property
    def moves(self) -> bool:
        return len(self.positions) > 1

    def at(self, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
        """Positions, shape (times, knobs), at the given times."""
        grid = np.arange(len(self.positions)) / self.rate
        columns = [np.interp(seconds, grid, column) for column in self.positions.T]
        return np.stack(columns, axis=1).astype(np.float32)

    def check(self, knobs: KnobTable) -> None:
        """Raise UserError if any position is off the panel."""
        for name, column, low, high in zip(
            knobs.names, self.positions.T, knobs.minimum, knobs.maximum, strict=True
        ):
            slack = 1e-5 * (high - low)  # float32 rounding of an end position
            if column.min() < low - slack or column.max() > high + slack:
                raise UserError(
                    f"A trajectory takes {name} from {column.min():g} to {column.max():g}, but it "
                    f"goes from {low:g} to {high:g}."
                )

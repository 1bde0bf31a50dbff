"""What all designs share. A design says where the knobs go; it knows nothing of audio."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.stats import qmc

from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory

Cube = NDArray[np.float64]
"""Points of the unit cube, shape (points, knobs), each coordinate in 0…1."""


class Design(BaseModel):
    """Its fields are what params.yaml may say of it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    design: str
    seconds: float = Field(gt=0, le=600)
    """How long each capture lasts."""

    moves: ClassVar[bool] = False
    """Whether knobs move while audio plays."""

    @abstractmethod
    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        """One for each capture, the same for the same seed."""


def sobol(dimensions: int, count: int, seed: list[int]) -> Cube:
    """``count`` scrambled Sobol points, shape (count, dimensions)."""
    engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    return engine.random_base2(max(0, math.ceil(math.log2(count))))[:count]


def to_positions(knobs: KnobTable, cube: Cube) -> NDArray[np.float32]:
    """Panel positions, shape (points, knobs); each detent of a switch has an equal share."""
    columns: list[NDArray[Any]] = []
    for knob, u in zip(knobs, cube.T, strict=True):
        if knob.detents:
            columns.append(np.minimum(np.floor(u * len(knob.detents)), knob.maximum))
        else:
            columns.append(knob.minimum + u * (knob.maximum - knob.minimum))
    positions = np.stack(columns, axis=1).astype(np.float32)
    return np.clip(positions, knobs.minimum, knobs.maximum).astype(np.float32)


def to_cube(knobs: KnobTable, positions: NDArray[Any]) -> Cube:
    """Panel positions as points of the unit cube: where distance between settings is measured."""
    return (knobs.to_unit(np.asarray(positions, np.float64)) + 1) / 2


def stills(positions: NDArray[np.float32]) -> list[Trajectory]:
    """Positions, shape (settings, knobs), as one static trajectory each."""
    return [Trajectory(row[None]) for row in positions]

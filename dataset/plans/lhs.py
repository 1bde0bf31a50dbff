"""Static settings of which every knob stands in every one of as many equal shares of its range."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field
from scipy.spatial import KDTree
from scipy.stats import qmc

from dataset.plans.base import Cube, Design, stills, to_cube, to_positions
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory

WORK = 200_000
"""Settings drawn in all: so many hypercubes of one size are tried."""


def _nearest(points: Cube) -> float:
    """The distance between the two nearest points, shape (points, knobs)."""
    return float(np.asarray(KDTree(points).query(points, 2)[0])[:, 1].min())


class LatinHypercube(Design):
    """A Latin hypercube (McKay, Beckman and Conover, 1979), the best of up to ``tries``.

    That is the one whose two nearest settings are the farthest apart (maximin: Johnson, Moore and
    Ylvisaker, 1990), with switches at their detents.
    """

    design: Literal["lhs"] = "lhs"
    settings: int = Field(ge=1, le=100_000)
    tries: int = Field(default=200, ge=1, le=10_000)

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        engine = qmc.LatinHypercube(len(knobs), rng=np.random.default_rng(seed))
        best, widest = to_positions(knobs, engine.random(self.settings)), -1.0
        if self.settings == 1:
            return stills(best)
        for _ in range(max(1, min(self.tries, WORK // self.settings))):
            positions = to_positions(knobs, engine.random(self.settings))
            apart = _nearest(to_cube(knobs, positions))
            if apart > widest:
                best, widest = positions, apart
        return stills(best)

"""Static settings that cover the knobs' cube evenly."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dataset.plans.base import Design, sobol, stills, to_positions
from dataset.plans.corners import corner_positions
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory


class Sobol(Design):
    """Scrambled Sobol points (Sobol 1967, Owen 1998), with some corners first if asked for."""

    design: Literal["sobol"] = "sobol"
    settings: int = Field(ge=1, le=100_000)
    corners: int = Field(default=0, ge=0, le=100_000)

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        corners = stills(corner_positions(knobs, self.corners)) if self.corners else []
        points = sobol(len(knobs), self.settings, seed)
        return corners + stills(to_positions(knobs, points))

"""Static settings that the user names."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from dataset.plans.base import Design, stills
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory


class Listed(Design):
    """Each setting may leave knobs out; they stand at their default."""

    design: Literal["list"] = "list"
    settings: list[dict[str, float]] = Field(min_length=1, max_length=100_000)

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        """Raises UserError for a knob that there is not or a position off its range."""
        full = [knobs.to_array(knobs.check(setting)) for setting in self.settings]
        return stills(np.array(full, np.float32))

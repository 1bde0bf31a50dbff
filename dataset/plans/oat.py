"""Static settings in which one knob at a time leaves a centre."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from dataset.plans.base import Design, stills
from dataset.plans.grid import Levels, by_name, levels_of
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory


class OneAtATime(Design):
    """The centre, then each knob at its other ``levels`` with all others at the centre.

    It shows what each knob does, and nothing of what two do together.
    """

    design: Literal["oat"] = "oat"
    levels: Levels | dict[str, Levels] = Field(default=5)
    centre: dict[str, float] = Field(default={}, max_length=1000)
    """Knobs not named stand at their defaults."""

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        """Raises UserError for a knob that there is not or a position off its range."""
        centre = knobs.to_array(knobs.check(self.centre))
        rows = [centre]
        counts = by_name(knobs, self.levels, others=5)
        for column, (knob, count) in enumerate(zip(knobs, counts, strict=True)):
            for level in levels_of(knob, count) if count > 1 else ():
                if abs(level - centre[column]) > 1e-6 * (knob.maximum - knob.minimum):
                    row = centre.copy()
                    row[column] = level
                    rows.append(row)
        return stills(np.array(rows, np.float32))

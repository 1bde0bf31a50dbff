"""Every setting that a device has, if it has only so many: a pack of static captures."""

from __future__ import annotations

from typing import Literal

from dataset.plans.base import Design
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory


class Every(Design):
    """All that are not held out for validation and test: the planner knows which those are."""

    design: Literal["every"] = "every"

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        """Raises UserError: a device whose knobs go anywhere has settings without number."""
        raise UserError(
            "Design 'every' is for a device with a list of settings, and this one's knobs go "
            "anywhere; use the design sobol."
        )

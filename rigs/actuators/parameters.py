"""Knobs that are parameters of the signal path itself: a plugin's, a simulation's."""

from __future__ import annotations

from rigs.knobs import KnobTable
from rigs.rig import Actuator, Motion
from rigs.trajectory import Trajectory


class Parameters(Actuator):
    """Leaves the knobs to the path, whose parameters they are: it follows them exactly."""

    def go(self, knobs: KnobTable, trajectory: Trajectory) -> Motion:
        return Motion(knobs.to_setting(trajectory.positions[0]), parameters=trajectory)

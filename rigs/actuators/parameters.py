"""Knobs that are parameters of the signal path itself: a plugin's, a simulation's."""

from __future__ import annotations

from rigs.knobs import KnobTable
from rigs.rig import Actuator, Motion
from rigs.trajectory import Trajectory


class Parameters(Actuator):
    """Hands every trajectory on to the path, which follows it exactly."""

    def go(self, knobs: KnobTable, trajectory: Trajectory) -> Motion:
        return Motion(knobs.to_setting(trajectory.positions[0]), parameters=trajectory)

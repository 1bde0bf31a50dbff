"""Knobs turned by stepper motors on any controller that speaks the grbl protocol."""

from rigs.actuators.grbl.actuator import AxisReport, Grbl
from rigs.actuators.grbl.options import GrblOptions, KnobOptions

__all__ = ["AxisReport", "Grbl", "GrblOptions", "KnobOptions"]

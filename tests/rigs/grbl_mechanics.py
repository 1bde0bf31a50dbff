"""A motor and the pot it turns: end stops, play, and places where a stalled motor can rest."""

from __future__ import annotations

from dataclasses import dataclass, field

CYCLE = 7.2
"""Degrees between the places at which a stalled motor can rest: four of 200 full steps."""


@dataclass
class Mechanics:
    """A motor and a pot: end stops at 0 and ``travel`` degrees, play, slips of four full steps.

    Pushed against a stop, a motor stays there until the field has gone half a cycle on; then it
    falls back to where the field of the cycle before holds it.
    """

    travel: float = 310.0
    backlash: float = 2.0
    slip: float = 0.0
    knob: float = 120.0
    start: float = 118.0
    """The motor's angle when power came on and machine position was 0."""
    stalls: list[float] = field(default_factory=list)
    """The current at each slip, in mA."""

    def turn(self, commanded: float, current: float) -> None:
        field = commanded + self.start + self.slip
        top = self.travel + self.backlash
        while field < -CYCLE / 2 or field > top + CYCLE / 2:
            step = CYCLE if field < 0 else -CYCLE
            self.slip, field = self.slip + step, field + step
            self.stalls.append(current)
        motor = min(max(field, 0.0), top)
        self.knob = min(max(self.knob, motor - self.backlash), motor)

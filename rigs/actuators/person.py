"""A person, who turns the knobs by hand and presses a key when they stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from rigs.dial import dial, read, side_by_side, way
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable, Setting
from rigs.rig import Actuator, Ask, Motion, Options, Reach, nobody
from rigs.trajectory import Trajectory
from rigs.travel import OneByOne

Step = Annotated[float, Field(gt=0)]

AT_ONCE = 3
"""Knobs asked for with one key: as many dials as fit side by side, and into a hand's memory."""
WIDTH = 72
A_KNOB = 5.0
"""Seconds to read where a knob is to stand, find it and turn it: a guess at a hand that is not in
a hurry. No order depends on it."""
FINEST = 1000
"""Steps of a knob's travel that a hand could still tell apart."""

DONE, BACK, STOP = ("\r", "\n", " "), ("b", "B", "\x7f", "\x08"), ("q", "Q", "\x03", "\x04")


class PersonOptions(Options):
    """How finely a hand can dial."""

    step: Step | None = None
    """In panel units, for every knob; None: a tenth of the knob's range."""
    steps: dict[str, Step] = Field(default={}, max_length=128)
    """For single knobs, by name."""


class Person(Actuator):
    """Asks for those knobs that are to stand elsewhere, a few at a time, each with its dial.

    Enter or space says that they stand; b goes back to those before; q stops the session.
    """

    options_type: ClassVar[type[Options]] = PersonOptions
    options: PersonOptions

    def __init__(self, options: PersonOptions, folder: Path) -> None:
        super().__init__(options, folder)
        self._steps: dict[str, float] = {}
        self._knobs: KnobTable | None = None
        self._ask: Ask = nobody
        self._stands: Setting = {}

    @property
    def reach(self) -> Reach:
        """Known once the knobs are."""
        return Reach(
            sweeps=False,
            steps=dict(self._steps),
            travel=OneByOne(self._knobs, A_KNOB) if self._knobs else None,
        )

    def check(self, knobs: KnobTable) -> None:
        self._knobs = knobs
        given = {knobs[name].name: step for name, step in self.options.steps.items()}
        self._steps = {}
        for knob in knobs:
            if knob.detents:
                if knob.name in given:
                    raise UserError(f"{knob.name} is a switch, which needs no step; remove it.")
                continue
            span = knob.maximum - knob.minimum
            step = given.get(knob.name, self.options.step or span / 10)
            steps = span / step
            if steps > FINEST or abs(steps - round(steps)) > 1e-6 * steps:
                raise UserError(
                    f"Steps of {step:g} do not lead {knob.name} from {knob.minimum:g} to its stop "
                    f"at {knob.maximum:g}; give a step that does, such as {span / 10:g} or "
                    f"{span / 20:g}, under [actuator.steps]."
                )
            self._steps[knob.name] = step

    def open(self, knobs: KnobTable, ask: Ask) -> None:
        """Nobody knows yet where the knobs stand."""
        self.check(knobs)
        self._ask = ask
        self._stands = {}

    def go(self, knobs: KnobTable, trajectory: Trajectory) -> Motion:
        """Raises KeyboardInterrupt if the person wants to stop."""
        if trajectory.moves:
            raise UserError(
                "A person cannot turn knobs along while audio plays; make a plan for this rig."
            )
        wanted = knobs.to_setting(trajectory.positions[0])
        turned = [knob for knob in knobs if self._stands.get(knob.name) != wanted[knob.name]]
        groups = [turned[start : start + AT_ONCE] for start in range(0, len(turned), AT_ONCE)]
        before, number = dict(self._stands), 0
        while number < len(groups):
            if self._stand(self._text(groups, number, wanted, before), back=number > 0):
                self._stands |= {knob.name: wanted[knob.name] for knob in groups[number]}
                number += 1
            else:
                number -= 1
        return Motion(wanted)

    def _stand(self, text: str, back: bool) -> bool:
        """Ask until a key says yes (True), or back (False) where there is something before."""
        keys = f"[Enter] they stand so   {'[b] back   ' if back else ''}[q] stop"
        key = self._ask(f"{text}\n{keys}")[:1]
        while True:
            if key in DONE:
                return True
            if key in BACK and back:
                return False
            if key in STOP:
                raise KeyboardInterrupt
            key = self._ask(f"No such key here: {keys}")[:1]

    @staticmethod
    def _text(
        groups: Sequence[Sequence[Knob]], number: int, wanted: Setting, before: Setting
    ) -> str:
        group = groups[number]
        width = WIDTH // max(len(group), 2)
        dials = [dial(k, wanted[k.name], before.get(k.name), width) for k in group]
        lines = [_sentence(k, wanted[k.name], before.get(k.name)) for k in group]
        count = f" ({number + 1} of {len(groups)})" if len(groups) > 1 else ""
        return f"\n{side_by_side(dials)}\n\nTurn {', '.join(lines)}.{count}"


def _sentence(knob: Knob, position: float, was: float | None) -> str:
    from_where = way(knob, position, was)
    return f"{knob.name} to {read(knob, position)}" + (f" ({from_where})" if from_where else "")

"""Static settings at every crossing of a few positions of each knob."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dataset.plans.base import Design, stills
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.trajectory import Trajectory

Levels = Annotated[int, Field(ge=1, le=1000)]
MOST = 100_000


def levels_of(knob: Knob, levels: int) -> NDArray[np.float64]:
    """Positions of ``knob``, evenly from end to end; one alone is its default.

    A switch has all of its detents, unless it is to have one alone.
    """
    if levels == 1:
        return np.array([knob.default])
    if knob.detents:
        return np.arange(len(knob.detents), dtype=np.float64)
    return np.linspace(knob.minimum, knob.maximum, levels)


def by_name(knobs: KnobTable, said: int | dict[str, int], others: int) -> list[int]:
    """Levels for each knob; raises UserError for a knob that there is not."""
    if isinstance(said, int):
        return [said] * len(knobs)
    named = {knobs[name].name: levels for name, levels in said.items()}
    return [named.get(name, others) for name in knobs.names]


class Grid(Design):
    """``levels`` for all knobs, or by name; a knob that is not named stands at its default.

    Settings follow one another as in a reflected code (Gray, 1953): one knob moves, by one level.
    """

    design: Literal["grid"] = "grid"
    levels: Levels | dict[str, Levels]

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        """Raises UserError for a knob that there is not, or if that makes too many settings."""
        counts = by_name(knobs, self.levels, others=1)
        columns = [levels_of(knob, count) for knob, count in zip(knobs, counts, strict=True)]
        total = math.prod(len(column) for column in columns)
        if total > MOST:
            shape = " x ".join(str(len(column)) for column in columns)
            raise UserError(
                f"A grid of {shape} levels has {total} settings, and a plan at most {MOST}; ask "
                "for fewer levels, or name only some knobs."
            )
        rows: NDArray[Any] = np.empty((1, 0))
        for column in columns:
            there, back = np.arange(len(column)), np.arange(len(column))[::-1]
            ways = [there if number % 2 == 0 else back for number in range(len(rows))]
            rows = np.hstack([np.repeat(rows, len(column), axis=0), column[np.hstack(ways), None]])
        return stills(rows.astype(np.float32))

"""Static settings with every knob at one end: where an amp is at its most extreme."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dataset.plans.base import Design, stills
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory


def corner_positions(knobs: KnobTable, at_most: int) -> NDArray[np.float32]:
    """Corners of the panel, shape (corners, knobs): a two-level factorial design.

    All 2^knobs of them if ``at_most`` allows; else a fraction in which every knob is at each end
    equally often, and independently of every other knob. Raises UserError if ``at_most`` is too
    few for that.
    """
    count = len(knobs)
    base = min(count, at_most.bit_length() - 1)  # as many knobs as can be crossed fully
    if count > 2**base - 1 and base < count:
        need = 1 << count.bit_length()
        raise UserError(
            f"{at_most} corners are too few for {count} knobs; ask for at least "
            f"{min(need, 2**count)}."
        )
    # Columns of a Hadamard matrix: the base knobs, then products of as many of them as possible.
    own = [1 << i for i in range(base)]
    products = sorted(set(range(1, 2**base)) - set(own), key=lambda c: (-c.bit_count(), c))
    columns = (own + products)[:count]
    rows = np.arange(2**base)
    high = np.array([[int(r & c).bit_count() % 2 for c in columns] for r in rows.tolist()])
    return np.where(high == 1, knobs.maximum, knobs.minimum).astype(np.float32)


class Corners(Design):
    """At most ``settings`` corners."""

    design: Literal["corners"] = "corners"
    settings: int = Field(ge=1, le=65536)

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        return stills(corner_positions(knobs, self.settings))

"""Settings at every crossing of a few positions of some knobs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable, Setting


def grid(knobs: KnobTable, counts: Mapping[str, int], others: Setting, most: int) -> list[Setting]:
    """``counts`` says how many positions a knob has, evenly from end to end; others stand still.

    Positions are whole hundredths of a range of ten, and so on, that a name can say them. Raises
    UserError for a knob that there is not, or too many settings.
    """
    named = {knobs[name].name: count for name, count in counts.items()}
    columns = [
        _positions(knob, named[knob.name]) if knob.name in named else [others[knob.name]]
        for knob in knobs
    ]
    total = math.prod(map(len, columns))
    if total > most:
        shape = " x ".join(str(len(column)) for column in columns if len(column) > 1)
        raise UserError(
            f"A grid of {shape} positions has {total} settings, and a pack at most {most}; ask for "
            "fewer."
        )
    return [dict(zip(knobs.names, row, strict=True)) for row in itertools.product(*columns)]


def _positions(knob: Knob, count: int) -> list[float]:
    if knob.detents and count != len(knob.detents):
        raise UserError(
            f"{knob.name} is a switch of {len(knob.detents)} positions, and a grid has all of "
            f"them; ask for {knob.name}={len(knob.detents)}, or set it with --set."
        )
    if count < 2:
        raise UserError(
            f"A grid needs 2 positions of {knob.name} or more; leave it out, and it stands still."
        )
    decimals = 3 - math.floor(math.log10(knob.maximum - knob.minimum))
    positions = np.linspace(knob.minimum, knob.maximum, count)
    inner = [round(float(position), decimals) for position in positions[1:-1]]
    return [knob.minimum, *inner, knob.maximum]

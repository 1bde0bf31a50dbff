"""Potentiometers: what the panel says -> what the wiper does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rigs.virtual.components import Pot

PANEL_TOP = 10.0


def wiper(pot: Pot, position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wiper fraction for panel positions 0…10, any shape.

    The audio taper is the exponential (b^x - 1)/(b - 1) through the pot's midpoint; a midpoint
    of one half is the straight line. The residual lifts the bottom end.
    """
    turned = position / PANEL_TOP
    if pot.midpoint == 0.5:
        fraction = turned
    else:
        base = (1 / pot.midpoint - 1) ** 2
        fraction = np.expm1(turned * np.log(base)) / (base - 1)
    return np.asarray(pot.residual + (1 - pot.residual) * fraction, dtype=np.float64)

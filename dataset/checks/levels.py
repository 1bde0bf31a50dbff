"""What level a setting may be expected to have, by those of other settings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rigs.knobs import KnobTable, Setting

_RANGE = 40.0
"""dB below the loudest: fainter than that, a level follows nothing smooth."""
_RIDGE = 0.1
_MARGIN = 1.5
"""How far beyond what other settings are off, at worst of twenty, one has to be."""


@dataclass
class Levels:
    """Gains, in dB, from dry to wet at settings of ``knobs``; ``least`` is the smallest jump.

    A device's gain is taken for a sum of one curve a knob, as those of several stages in a row
    are: fitted by ridge regression, and judged by how well it foretells each of the captures that
    it is fitted to from the others (leave-one-out residuals). A device whose level jumps about by
    its nature thus sets its own limit.
    """

    knobs: KnobTable
    least: float
    _rows: list[NDArray[np.float64]] = field(default_factory=list)
    _gains: list[float] = field(default_factory=list)

    def add(self, setting: Setting, gain: float) -> None:
        self._rows.append(self._features(setting))
        self._gains.append(gain)

    def jumps(self, setting: Setting, gain: float) -> bool:
        """Whether ``gain`` at ``setting`` is far from what the others lead to expect.

        Until there are enough of them, nothing is: a dozen, and two for each curve's parameter.
        """
        if not self._rows:
            return False
        gains = np.array(self._gains)
        loud = gains > gains.max() - _RANGE
        y, rows = gains[loud], np.array(self._rows)[loud]
        if len(y) < max(12, 2 * rows.shape[1]):
            return False
        # Fainter than this it may be by any amount: it is as if it were just so faint.
        gain = max(gain, float(gains.max()) - _RANGE)
        middle, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
        a = (rows - middle) / spread
        inverse = np.linalg.inv(a.T @ a + _RIDGE * np.eye(a.shape[1]))
        weights = inverse @ a.T @ (y - y.mean())
        leverage = np.einsum("ij,jk,ik->i", a, inverse, a) + 1 / len(y)
        off = (y - y.mean() - a @ weights) / (1 - np.minimum(leverage, 0.95))
        here = (self._features(setting) - middle) / spread
        # The farther from all others, the less can be foretold.
        doubt = float(np.sqrt(1 + here @ inverse @ here))
        limit = max(self.least, _MARGIN * float(np.percentile(np.abs(off), 95))) * doubt
        return bool(abs(gain - float(y.mean() + here @ weights)) > limit)

    def _features(self, setting: Setting) -> NDArray[np.float64]:
        """A straight line, a parabola and a logarithm a knob; of a switch, each position."""
        columns: list[float] = []
        for knob in self.knobs:
            value = setting[knob.name]
            if knob.detents:
                columns += [float(value == index) for index in range(1, len(knob.detents))]
            else:
                share = (value - knob.minimum) / (knob.maximum - knob.minimum)
                columns += [share, share * share, float(np.log(0.03 + share))]
        return np.array(columns)

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


_FRESH = 1.02
"""How many times as many captures make a fit anew worth it: of the first fifty, each."""


@dataclass(frozen=True)
class _Fit:
    """What ``of`` captures lead to expect: ``usual`` and ``weights`` of features from ``middle``,
    by ``spread``; by how many dB one may be off (``margin``), and the least that is not silence."""

    of: int
    middle: NDArray[np.float64]
    spread: NDArray[np.float64]
    inverse: NDArray[np.float64]
    weights: NDArray[np.float64]
    usual: float
    margin: float
    faintest: float


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
    _fit: _Fit | None = None

    def add(self, setting: Setting, gain: float) -> None:
        self._rows.append(self._features(setting))
        self._gains.append(gain)

    def jumps(self, setting: Setting, gain: float) -> bool:
        """Whether ``gain`` at ``setting`` is far from what the others lead to expect.

        Until there are enough of them, nothing is: a dozen, and two for each curve's parameter.
        """
        if self._fit is None or len(self._rows) > _FRESH * self._fit.of:
            self._fit = self._fitted()
        fit = self._fit
        if fit is None:
            return False
        # Fainter than this it may be by any amount: it is as if it were just so faint.
        gain = max(gain, fit.faintest)
        here = (self._features(setting) - fit.middle) / fit.spread
        # The farther from all others, the less can be foretold.
        doubt = float(np.sqrt(1 + here @ fit.inverse @ here))
        limit = max(self.least, fit.margin) * doubt
        return bool(abs(gain - float(fit.usual + here @ fit.weights)) > limit)

    def _fitted(self) -> _Fit | None:
        if not self._rows:
            return None
        gains = np.array(self._gains)
        faintest = float(gains.max()) - _RANGE
        loud = gains > faintest
        y, rows = gains[loud], np.array(self._rows)[loud]
        if len(y) < max(12, 2 * rows.shape[1]):
            return None
        middle, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
        a = (rows - middle) / spread
        inverse = np.linalg.inv(a.T @ a + _RIDGE * np.eye(a.shape[1]))
        weights = inverse @ a.T @ (y - y.mean())
        leverage = np.sum((a @ inverse) * a, axis=1) + 1 / len(y)
        off = (y - y.mean() - a @ weights) / (1 - np.minimum(leverage, 0.95))
        margin = _MARGIN * float(np.percentile(np.abs(off), 95))
        return _Fit(len(gains), middle, spread, inverse, weights, float(y.mean()), margin, faintest)

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

"""Whether a capture is upside down, by how low notes come through at all the other settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.checks.wire import Response

_ENOUGH = 8
"""Captures by which the device is known …"""
_SEEN = 4
"""… and at each position of a switch."""
_MOST = 256
_LOOSE = 0.3
"""A capture that agrees less with the others than this says that low notes turn with the knobs."""


@dataclass
class Upright:
    """Tells a take with swapped poles from a device that turns the phase by itself.

    Knobs change how loud low notes are, and by some tens of degrees when they come: the response
    there of one setting agrees with that of the others. With swapped poles it is just the
    opposite. Where captures without faults do not agree with each other, nothing can be told; and
    a switch may well invert, so each of its positions has to be known.
    """

    limit: float
    _known: list[NDArray[np.complex128]] = field(default_factory=list)
    _switches: list[tuple[float, ...]] = field(default_factory=list)

    def is_upside_down(self, switches: tuple[float, ...], found: Response | None) -> bool:
        """Whether a take is; ``switches`` are their positions."""
        if found is None or found.low is None or len(self._known) < _ENOUGH:
            return False
        for own, known in zip(switches, zip(*self._switches, strict=True), strict=True):
            if known.count(own) < _SEEN:
                return False
        everything = np.array(self._known)
        usual = everything.mean(axis=0)
        if agreement(everything, usual).min() < _LOOSE:
            return False
        return bool(agreement(found.low[None], usual)[0] < -self.limit)

    def add(self, switches: tuple[float, ...], found: Response | None) -> None:
        """Take in a capture without faults; the last few hundred are enough."""
        if found is not None and found.low is not None:
            self._known.append(found.low / np.linalg.norm(found.low))
            self._switches.append(switches)
            del self._known[:-_MOST], self._switches[:-_MOST]

    def forget(self) -> None:
        """The poles may have been swapped on purpose."""
        self._known.clear()
        self._switches.clear()


def agreement(several: NDArray[Any], one: NDArray[Any]) -> NDArray[np.float64]:
    """Of complex responses, (captures, bands), each with that of ``one``, (bands,): 1 if they
    differ in level alone, -1 if in sign, too."""
    sizes = np.linalg.norm(several, axis=1) * np.linalg.norm(one)
    return np.asarray(np.real(several @ np.conj(one)) / sizes, np.float64)

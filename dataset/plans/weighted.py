"""Static settings where players' knobs are."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from dataset.plans.base import Design, sobol, stills
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.trajectory import Trajectory

Weights = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1, max_length=1000)]

EVEN = (1.0,)
NOON = (1.0, 2.0, 4.0, 4.0, 2.0, 1.0)
"""Sixths of a tone control's range: four in seven settings within a third of it, around noon; the
outermost sixths a third as often as if all were alike, so that the model still meets them."""

_TONE = re.compile(
    r"bass|treble|mid|middle|low|high|presence|resonance|depth|tone|contour|tilt|cut|eq|body|scoop",
    re.IGNORECASE,
)


def usual_weights(knob: Knob) -> tuple[float, ...]:
    """Players turn gain and volume everywhere, and seldom pin a tone control.

    Only the name tells: a taper says how the part is wound, not where a hand leaves it, and bass
    and gain pots are often wound alike. A switch has every detent alike.
    """
    words = re.findall(r"[a-z]+", knob.name.lower())
    return NOON if not knob.detents and any(map(_TONE.fullmatch, words)) else EVEN


class Weighted(Design):
    """Sobol points, drawn together where ``weights`` say that settings are wanted more often.

    A knob's weights belong to equal parts of its range, from minimum to maximum, or to a switch's
    detents; only their proportions count. Knobs not named have those of :func:`usual_weights`.
    """

    design: Literal["weighted"] = "weighted"
    settings: int = Field(ge=1, le=100_000)
    weights: dict[str, Weights] = Field(default={}, max_length=1000)

    @field_validator("weights")
    @classmethod
    def _some(cls, value: dict[str, list[float]]) -> dict[str, list[float]]:
        for name, weights in value.items():
            if not 0 < sum(weights) < float("inf"):
                raise ValueError(f"the weights of {name} are all 0; give one that is more")
        return value

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        """Raises UserError for a knob that there is not, or a switch with other detents."""
        named = {knobs[name].name: weights for name, weights in self.weights.items()}
        cube = sobol(len(knobs), self.settings, seed)
        columns = []
        for knob, u in zip(knobs, cube.T, strict=True):
            weights = named.get(knob.name, usual_weights(knob))
            if knob.detents and knob.name in named and len(weights) != len(knob.detents):
                raise UserError(
                    f"Switch {knob.name} has {len(knob.detents)} detents and {len(weights)} "
                    "weights; give one for each."
                )
            columns.append(_drawn(knob, np.array(weights, np.float64), u))
        return stills(np.stack(columns, axis=1).astype(np.float32))


def _drawn(knob: Knob, weights: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions for ``u``, shape (settings,) in 0…1: the inverse of the weights' running sum."""
    if knob.detents and len(weights) == 1:
        weights = np.ones(len(knob.detents))
    sums = np.concatenate([[0.0], np.cumsum(weights / weights.sum())])
    part = np.clip(np.searchsorted(sums, u, "right") - 1, 0, len(weights) - 1)
    if knob.detents:
        return part.astype(np.float64)
    # Of a part without weight no u is within; rounding alone could lead there.
    within = np.clip((u - sums[part]) / np.maximum(sums[part + 1] - sums[part], 1e-300), 0, 1)
    share = (part + within) / len(weights)
    return np.asarray(knob.minimum + share * (knob.maximum - knob.minimum))

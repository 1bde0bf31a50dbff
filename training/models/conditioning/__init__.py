"""How knobs reach the audio path, by name. A new way is one file and one line here.

The setting acts on the weights of each linear map of the audio path. What it acts with is computed
at control frames, one every 48 samples from the first; between frames weights are linear. At a
still setting all of it folds: the net is an ordinary static one there.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.models.conditioning.base import (
    ConditionedConfig,
    Conditioning,
    ControlNetwork,
    Map,
    ScaleShift,
)
from training.models.conditioning.basis import Basis
from training.models.conditioning.concat import Concat
from training.models.conditioning.film import Film
from training.models.conditioning.hyper import Hyper

CONDITIONINGS: dict[str, type[Conditioning]] = {
    "film": Film,
    "concat": Concat,
    "basis": Basis,
    "hyper": Hyper,
}


def conditioning_of(config: ConditionedConfig, maps: Sequence[Map], inputs: int) -> Conditioning:
    """The conditioning that ``config`` names, for a net of these maps."""
    return CONDITIONINGS[config.conditioning](maps, inputs, config)


__all__ = [
    "CONDITIONINGS",
    "ConditionedConfig",
    "Conditioning",
    "ControlNetwork",
    "Map",
    "ScaleShift",
    "conditioning_of",
]

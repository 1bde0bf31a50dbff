"""How well the settings of a dataset cover the panel, in numbers and as a picture."""

from __future__ import annotations

from dataset.coverage.measure import Coverage, Gap, cover
from dataset.coverage.neighbours import Neighbour, neighbours
from dataset.coverage.picture import draw

__all__ = ["Coverage", "Gap", "Neighbour", "cover", "draw", "neighbours"]

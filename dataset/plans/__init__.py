"""Designs: ways to choose settings. A new one is one file here and one line in DESIGNS."""

from __future__ import annotations

from dataset.plans.base import Design
from dataset.plans.corners import Corners
from dataset.plans.every import Every
from dataset.plans.grid import Grid
from dataset.plans.lhs import LatinHypercube
from dataset.plans.listed import Listed
from dataset.plans.oat import OneAtATime
from dataset.plans.sobol import Sobol
from dataset.plans.sweep import Sweep
from dataset.plans.weighted import Weighted

DESIGNS: dict[str, type[Design]] = {
    "sweep": Sweep,
    "sobol": Sobol,
    "lhs": LatinHypercube,
    "weighted": Weighted,
    "grid": Grid,
    "oat": OneAtATime,
    "corners": Corners,
    "list": Listed,
    "every": Every,
}

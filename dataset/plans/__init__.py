"""Designs: ways to choose settings. A new one is one file here and one line in DESIGNS."""

from __future__ import annotations

from dataset.plans.base import Design
from dataset.plans.corners import Corners
from dataset.plans.every import Every
from dataset.plans.listed import Listed
from dataset.plans.sobol import Sobol
from dataset.plans.sweep import Sweep

DESIGNS: dict[str, type[Design]] = {
    "sweep": Sweep,
    "sobol": Sobol,
    "corners": Corners,
    "list": Listed,
    "every": Every,
}

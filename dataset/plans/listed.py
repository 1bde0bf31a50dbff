"""Static settings that the user names."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from dataset.plans.base import Design, stills
from dataset.plans.table import read_settings
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory

MOST = 100_000


class Listed(Design):
    """In the recipe, or in a CSV ``file``. Knobs left out stand at their default."""

    design: Literal["list"] = "list"
    settings: list[dict[str, float]] | None = Field(default=None, min_length=1, max_length=MOST)
    file: Path | None = None

    @model_validator(mode="after")
    def _either(self) -> Listed:
        if (self.settings is None) == (self.file is None):
            raise ValueError("give either settings, or the file that they are in")
        return self

    def trajectories(self, knobs: KnobTable, seed: list[int]) -> list[Trajectory]:
        """Raises UserError for a knob that there is not or a position off its range."""
        if self.file is not None:
            return stills(read_settings(self.file, knobs, MOST))
        full = [knobs.to_array(knobs.check(setting)) for setting in self.settings or ()]
        return stills(np.array(full, np.float32))

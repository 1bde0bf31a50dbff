"""Judging a model on a still capture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.stats import QUIET_DBFS
from rigs.audio import esr, rms_dbfs
from rigs.errors import UserError
from rigs.knobs import Setting
from training.checkpoint import Model
from training.evaluate.spectral import mrstft
from training.play import play

SILENT_DBFS = -120.0
"""What is quieter than this counts as this, so that silence has a level."""


@dataclass(frozen=True)
class Capture:
    """A still capture, whole: audio of shape (frames,)."""

    capture_id: str
    setting: Setting
    dry: NDArray[np.float32]
    wet: NDArray[np.float32]


@dataclass(frozen=True)
class Measured:
    """How far an output is from the wet. ``esr`` and ``mrstft`` are nan where the wet is too quiet
    to have them; ``level_error_db`` is above 0 where the output is louder."""

    esr: float
    mrstft: float
    level_error_db: float


@dataclass(frozen=True)
class Result:
    """What the model made of a capture, and how far off that is, as in :class:`Measured`."""

    capture: Capture
    output: NDArray[np.float32]
    esr: float
    level_error_db: float
    mrstft: float = float("nan")


def measure(wet: NDArray[np.float32], output: NDArray[np.float32]) -> Measured:
    """Compare two sounds of shape (frames,); nothing is normalised or trimmed.

    Raises UserError if the output holds samples that are not numbers.
    """
    if not np.isfinite(output).all():
        raise UserError("The model plays samples that are not numbers; train it again.")
    level = rms_dbfs(wet)
    loud = level >= QUIET_DBFS
    return Measured(
        esr=esr(wet, output) if loud else float("nan"),
        mrstft=mrstft(wet, output) if loud else float("nan"),
        level_error_db=max(rms_dbfs(output), SILENT_DBFS) - max(level, SILENT_DBFS),
    )


def judge(model: Model, capture: Capture) -> Result:
    """Play a capture's dry signal through the model at its setting."""
    knobs = model.knobs.to_inputs(model.knobs.to_array(capture.setting))
    output = play(model.net, capture.dry, knobs)
    found = measure(capture.wet, output)
    return Result(capture, output, found.esr, found.level_error_db, found.mrstft)

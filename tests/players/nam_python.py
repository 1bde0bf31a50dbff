"""neural-amp-modeler: the PyTorch package that trains NAM's models."""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


@cache
def _init_from_nam() -> Any:
    """The package takes seconds to import, and warns while it does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nam.models import _from_nam
    return _from_nam.init_from_nam


def load(path: Path) -> Any:
    """The package's own model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _init_from_nam()(json.loads(path.read_text()))


@torch.no_grad()
def play(path: Path, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Wet audio of the `.nam` file, after silence as long as it remembers."""
    model = load(path).eval()
    wet = model(torch.from_numpy(np.asarray(audio, np.float32)), pad_start=True)
    return np.asarray(wet.numpy(), np.float32)

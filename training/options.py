"""What can be chosen about a training: the `train` section of params.yaml."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from training.losses import DEFAULT, SHORTEST, TERMS
from training.models.control import CONTROL_INTERVAL

Kernel = Literal["native", "torch"]
Precision = Literal["32", "bf16", "16"]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MachineOptions(_Options):
    """What is fixed about the machine; the rest a short trial measures (`training/machine.py`)."""

    device: Literal["cpu", "cuda", "mps"] | None = None
    kernel: Kernel | None = None
    """The compiled kernels, or torch's own operations."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    compile: bool | None = None
    """torch.compile."""
    precision: Precision | None = None
    """Bits of the audio path's sums; a GPU may do with 16 of them."""


class TrainOptions(_Options):
    """How to train. Give ``minutes``, and the schedule fits them; or ``steps``, and it repeats."""

    preset: str | None = None
    """A net by name (`ampsweep train --list`); ``network`` then changes single sizes of it."""
    kind: str = "wavenet"
    network: dict[str, Any] = {}
    seed: int = Field(1, ge=0)
    minutes: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    batch: int = Field(8, ge=1, le=4096)
    window: int = Field(4096, ge=64, le=1 << 20)
    """Samples of output a window is judged on."""
    truncate: int | None = Field(None, ge=64, le=1 << 20)
    """Learn from a window in stretches of so many samples, its state carried from one to the next:
    for nets with memory, on long windows."""
    optimizer: Literal["soap", "adam"] = "soap"
    """What moves the weights; for Adam, 0.006 is a good ``learning_rate``."""
    learning_rate: float = Field(1e-2, gt=0, lt=1)
    losses: dict[str, float] = DEFAULT
    """The weight of each term of the loss; those not named have none."""
    balance: bool = False
    """Draw as much from sparse regions of the knobs' cube as from dense ones."""
    validations: int = Field(12, ge=1)
    """How often, over the whole training, the validation settings choose a checkpoint."""
    start_from: str | None = None
    """A model's folder, of this device or another, or a .nam file, whose weights to begin with."""
    heads_first: float = Field(0.3, ge=0, le=1)
    """With ``start_from``: the share of the training in which only what follows the knobs, and the
    heads, are trained."""
    teacher: str | None = None
    """A model's folder, of this device: learn from what it plays as well."""
    teacher_share: float = Field(0.5, gt=0, le=1)
    """The share of windows that the teacher plays."""
    machine: MachineOptions = MachineOptions()
    live: bool = False
    """Log with DVCLive, into the model's folder."""

    @field_validator("losses")
    @classmethod
    def _terms(cls, given: dict[str, float]) -> dict[str, float]:
        for name, weight in given.items():
            if name not in TERMS:
                raise ValueError(f"there is no term {name!r}; there are {', '.join(TERMS)}")
            if weight < 0:
                raise ValueError(f"the weight of {name} is {weight:g}; it cannot be negative")
        kept = {name: weight for name, weight in given.items() if weight}
        if not kept:
            raise ValueError("all weights are 0; give one term a weight")
        return kept

    @model_validator(mode="after")
    def _fits(self) -> TrainOptions:
        if (self.minutes is None) == (self.steps is None):
            raise ValueError("give either minutes or steps")
        judged = min(self.window, self.truncate or self.window)
        for name in self.losses:
            if judged < SHORTEST.get(name, 0):
                what = "truncate" if self.truncate else "window"
                raise ValueError(f"the term {name} needs a {what} of {SHORTEST[name]} or more")
        return self

    @property
    def stretch(self) -> int | None:
        """``truncate`` in whole control intervals."""
        return None if self.truncate is None else _up(self.truncate, CONTROL_INTERVAL)

    @property
    def samples(self) -> int:
        """``window`` in whole control intervals, and whole stretches."""
        return _up(self.window, self.stretch or CONTROL_INTERVAL)


def _up(count: int, unit: int) -> int:
    return -(-count // unit) * unit


_UNITS = {"h": 60.0, "m": 1.0, "s": 1 / 60}


def minutes_of(text: str) -> float:
    """`90s`, `10m`, `1h` or `1h30m` in minutes; raises ValueError for anything else."""
    match = re.fullmatch(r"(?=.)(?:(\d{1,6}(?:\.\d+)?)h)?(?:(\d{1,6}(?:\.\d+)?)m)?"
                         r"(?:(\d{1,6}(?:\.\d+)?)s)?", text.strip())  # fmt: skip
    total = 0.0
    if match is not None:
        total = sum(float(n) * _UNITS[u] for n, u in zip(match.groups(), "hms", strict=True) if n)
    if not total:
        raise ValueError(f"{text!r} is no length of time; write 90s, 10m or 1h30m")
    return total

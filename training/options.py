"""What can be chosen about a training: the `train` section of params.yaml."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TrainOptions(BaseModel):
    """How to train. Give ``minutes``, and the schedule fits them; or ``steps``, and it repeats."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: str = "wavenet"
    network: dict[str, Any] = {}
    seed: int = Field(1, ge=0)
    minutes: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    batch: int = Field(8, ge=1, le=4096)
    window: int = Field(4096, ge=64, le=1 << 20)
    """Samples of output a window is judged on."""
    learning_rate: float = Field(6e-3, gt=0, lt=1)
    emphasis: float = Field(1.0, ge=0)
    validations: int = Field(12, ge=1)
    """How often, over the whole training, the validation settings choose a checkpoint."""

    @model_validator(mode="after")
    def _budget(self) -> TrainOptions:
        if (self.minutes is None) == (self.steps is None):
            raise ValueError("give either minutes or steps")
        return self

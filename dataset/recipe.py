"""The `plan:` section of params.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dataset.plans import DESIGNS
from dataset.plans.base import Design
from rigs.config import explain
from rigs.errors import UserError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Held(_Strict):
    """How many settings to hold out, and how long each is captured."""

    settings: int = Field(ge=0, le=10_000)
    seconds: float = Field(gt=0, le=600)


class Judging(Held):
    """Settings to judge by, and so many ``sweeps``, made as the training's are, to judge motion."""

    sweeps: int = Field(default=0, ge=0, le=1000)


class Sentinels(_Strict):
    """One before the first capture, after every ``every`` others, and at the end; 0: none."""

    every: int = Field(default=0, ge=0)
    seconds: float = Field(default=4.0, gt=0, le=600)


class OwnDry(_Strict):
    """The user's own playing: one ``file`` to be split, or a file for each part."""

    file: Path | None = None
    train: Path | None = None
    validation: Path | None = None
    test: Path | None = None
    licence: str = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _one_or_three(self) -> OwnDry:
        three = [self.train, self.validation, self.test]
        if (self.file is None) == (three.count(None) > 0):
            raise ValueError("give either one file, or all of train, validation and test")
        return self


class More(_Strict):
    """What a plan is extended by: so many ``settings``, or so many ``minutes`` of sweeps.

    ``seconds`` is how long each capture lasts; None: as long as those of the first such design.
    """

    settings: int | None = Field(default=None, ge=1, le=100_000)
    minutes: float | None = Field(default=None, gt=0, le=6000)
    seconds: float | None = Field(default=None, gt=0, le=600)

    @model_validator(mode="after")
    def _one_of_two(self) -> More:
        if (self.settings is None) == (self.minutes is None):
            raise ValueError("say by how many settings, or by how many minutes of sweeps")
        return self


class PlanRecipe(_Strict):
    """The `plan:` section of params.yaml. ``train`` is one design or a list of them.

    ``extend`` is what was asked for later, when captures of the plan without it were there.
    """

    seed: int = Field(default=0, ge=0, lt=1 << 63)
    train: list[Design] = []
    validation: Held = Held(settings=8, seconds=4)
    test: Judging = Judging(settings=24, seconds=5)
    sentinels: Sentinels = Sentinels()
    dry: OwnDry | None = None
    extend: list[More] = Field(default=[], max_length=1000)

    @field_validator("train", mode="before")
    @classmethod
    def _designs(cls, value: Any) -> Any:
        rows = value if isinstance(value, list) else [value]
        designs = []
        for row in rows:
            if not isinstance(row, dict) or not isinstance(row.get("design"), str):
                raise ValueError("each entry has to say which `design` it is")
            name = row["design"]
            if name not in DESIGNS:
                raise ValueError(f"there is no design {name!r}; designs are {', '.join(DESIGNS)}")
            try:
                designs.append(DESIGNS[name].model_validate(row))
            except ValidationError as error:
                raise ValueError(f"design {name}, {explain(error)}") from None
        return designs


def read_recipe(section: Any, where: str) -> PlanRecipe:
    """Check the section, as YAML gave it; raises UserError that begins with ``where``."""
    try:
        return PlanRecipe.model_validate({} if section is None else section)
    except ValidationError as error:
        raise UserError(f"{where}: {explain(error)}.") from None

"""From the `plan:` section of params.yaml to a plan and the dry signals it plays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dataset import signals
from dataset.plan import Plan, PlanEntry
from dataset.plans import DESIGNS
from dataset.plans.base import Cube, Design, to_cube, to_positions
from dataset.plans.far import far_points, left_of
from dataset.plans.reach import Positions, few_moves, make_trajectories, only, snap
from dataset.signals import PARTS, Dry
from rigs.audio import LONGEST_SECONDS, SAMPLE_RATE
from rigs.config import explain
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import ANYWHERE, Reach
from rigs.trajectory import Trajectory


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Held(_Strict):
    """How many settings to hold out, and how long each is captured."""

    settings: int = Field(ge=0, le=10_000)
    seconds: float = Field(gt=0, le=600)


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


class PlanRecipe(_Strict):
    """The `plan:` section of params.yaml. ``train`` is one design or a list of them."""

    seed: int = Field(default=0, ge=0, lt=1 << 63)
    train: list[Design] = []
    validation: Held = Held(settings=8, seconds=4)
    test: Held = Held(settings=24, seconds=5)
    sentinels: Sentinels = Sentinels()
    dry: OwnDry | None = None

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


def _make_dries(recipe: PlanRecipe, seconds: dict[str, float]) -> dict[str, Dry]:
    own = recipe.dry
    if own is None:
        # Longer than this a dry starts over: memory would run out before variety does.
        return {
            part: signals.make(part, min(max(1.0, needed), LONGEST_SECONDS), recipe.seed)
            for part, needed in seconds.items()
        }
    if own.file is not None:
        # A cut falls where the playing is quietest, within a second of where it is asked for.
        spare = {part: seconds.get(part, 1.0) + 2.0 for part in PARTS}
        split = signals.split_file(
            own.file,
            own.licence,
            seconds_validation=spare["validation"],
            seconds_test=spare["test"],
        )
        return {part: split[part] for part in seconds}
    return {part: signals.load(getattr(own, part), own.licence) for part in seconds}


def _offsets(dry: Dry, frames: Sequence[int]) -> list[int]:
    """Where each capture's slice begins: one after the other, over again when the dry ends."""
    offsets, cursor = [], 0
    for length in frames:
        if length > dry.frames:
            raise UserError(
                f"The dry {dry.name!r} lasts {dry.frames / SAMPLE_RATE:.1f} s, but a capture of "
                f"{length / SAMPLE_RATE:.1f} s is asked of it; give a longer file or ask for less."
            )
        if cursor + length > dry.frames:
            cursor = 0
        offsets.append(cursor)
        cursor += length
    return offsets


def _taken(knobs: KnobTable, trajectories: Sequence[Trajectory]) -> Cube:
    """Where train captures have been: eight points on each line of a sweep."""
    visited = [np.empty((0, len(knobs)))]
    for trajectory in trajectories:
        times = np.arange((len(trajectory.positions) - 1) * 8 + 1) / (8 * trajectory.rate)
        visited.append(to_cube(knobs, trajectory.at(times)))
    return np.vstack(visited)


def _usual(knobs: KnobTable, reach: Reach) -> Positions:
    """The setting nearest to all knobs at their defaults, shape (1, knobs)."""
    usual = knobs.to_array(knobs.default)[None]
    if not reach.only:
        return snap(knobs, reach, usual)
    listed = only(knobs, reach)
    away = np.linalg.norm(to_cube(knobs, listed) - to_cube(knobs, usual), axis=1)
    return listed[[int(np.argmin(away))]]


def _groups(
    knobs: KnobTable, recipe: PlanRecipe, reach: Reach
) -> dict[str, list[tuple[Trajectory, int]]]:
    """For each role its trajectories, and how many samples each is captured for."""
    groups: dict[str, list[tuple[Trajectory, int]]] = {"train": [], "validation": [], "test": []}
    held_out: list[tuple[str, Held]] = [("validation", recipe.validation), ("test", recipe.test)]
    visited = np.empty((0, len(knobs)))

    def train() -> Cube:
        left = to_positions(knobs, left_of(to_cube(knobs, only(knobs, reach)), visited))
        for number, design in enumerate(recipe.train):
            length = max(1, round(design.seconds * SAMPLE_RATE))
            made = make_trajectories(design, knobs, reach, [recipe.seed, 1, number], left)
            groups["train"] += [(trajectory, length) for trajectory in made]
        return _taken(knobs, [trajectory for trajectory, _ in groups["train"]])

    # Of a list, what is held out is chosen first; in a continuum it keeps clear of what is not.
    if not reach.only:
        visited = train()
    for stream, (role, held) in enumerate(held_out, start=2):
        points = far_points(knobs, reach, held.settings, visited, [recipe.seed, stream])
        visited = np.vstack([visited, points])
        length = max(1, round(held.seconds * SAMPLE_RATE))
        positions = snap(knobs, reach, to_positions(knobs, points))
        groups[role] = [(Trajectory(row[None]), length) for row in positions]
    if reach.only:
        train()
    if reach.one_by_one:
        for role, rows in groups.items():
            order = few_moves(np.array([t.positions[0] for t, _ in rows]))
            groups[role] = [rows[index] for index in order]
    return groups


def make_plan(
    knobs: KnobTable,
    device: str,
    recipe: PlanRecipe,
    reach: Reach = ANYWHERE,
    rig: str = "",
) -> tuple[Plan, list[Dry]]:
    """The plan and its dry signals: train, validation, test, with sentinels all along.

    The same recipe gives the same plan, kept to what the rig's ``reach`` allows and tied to its
    fingerprint ``rig``. Raises UserError if it asks for nothing, for a knob or a position that
    there is not, for what the rig cannot do, or for more than the user's own dry holds.
    """
    groups = _groups(knobs, recipe, reach)
    needed = {role: sum(n for _, n in rows) / SAMPLE_RATE for role, rows in groups.items() if rows}
    dries = _make_dries(recipe, needed)
    sentinel: PlanEntry | None = None
    if recipe.sentinels.every and dries:
        # Validation's dry is playing, which is what a floor for the ESR has to be measured with.
        dry = dries.get("validation", next(iter(dries.values())))
        length = min(max(1, round(recipe.sentinels.seconds * SAMPLE_RATE)), dry.frames)
        still = Trajectory(_usual(knobs, reach))
        sentinel = PlanEntry(0, "sentinel", still, dry.dry_id, 0, length)

    entries: list[PlanEntry] = []

    def add(role: str, trajectory: Trajectory, dry_id: str, offset: int, frames: int) -> None:
        entries.append(PlanEntry(len(entries), role, trajectory, dry_id, offset, frames))

    def watch() -> None:
        if sentinel is not None:
            s = sentinel
            add(s.role, s.trajectory, s.dry_id, s.dry_offset, s.frames)

    done = 0
    watch()
    for role in dries:
        offsets = _offsets(dries[role], [n for _, n in groups[role]])
        for (trajectory, length), offset in zip(groups[role], offsets, strict=True):
            add(role, trajectory, dries[role].dry_id, offset, length)
            done += 1
            if recipe.sentinels.every and done % recipe.sentinels.every == 0:
                watch()
    if sentinel is not None and entries[-1].role != "sentinel":
        watch()
    return Plan(device, knobs, tuple(entries), recipe.seed, rig), list(dries.values())

"""From the `plan:` section of params.yaml to a plan and the dry signals it plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dataset import signals
from dataset.plan import Plan, PlanEntry
from dataset.plans.base import Cube, stills, to_cube, to_positions
from dataset.plans.far import far_points, left_of
from dataset.plans.more import dense, held_sweeps, more_settings, more_sweeps, sweep_like
from dataset.plans.order import least_travel
from dataset.plans.reach import Positions, make_trajectories, only, snap
from dataset.recipe import Held, More, OwnDry, PlanRecipe, Sentinels, read_recipe
from dataset.signals import PARTS, Dry
from rigs.audio import LONGEST_SECONDS, SAMPLE_RATE
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import ANYWHERE, Reach
from rigs.trajectory import Trajectory

__all__ = [
    "Held",
    "More",
    "OwnDry",
    "PlanRecipe",
    "Sentinels",
    "extend_plan",
    "make_plan",
    "read_recipe",
]

Row = tuple[str, Trajectory, int]
"""What is to be captured: its role, its trajectory, and for how many samples."""


def _frames(seconds: float) -> int:
    return max(1, round(seconds * SAMPLE_RATE))


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


class _Cursor:
    """Where each capture's slice of a dry begins: one after the other, over again at its end."""

    def __init__(self, dry: Dry, at: int = 0) -> None:
        self._dry, self._at = dry, at

    def take(self, length: int) -> tuple[str, int]:
        """The dry's id and the slice's first frame."""
        dry = self._dry
        if length > dry.frames:
            raise UserError(
                f"The dry {dry.name!r} lasts {dry.frames / SAMPLE_RATE:.1f} s, but a capture of "
                f"{length / SAMPLE_RATE:.1f} s is asked of it; give a longer file or ask for less."
            )
        at = self._at if self._at + length <= dry.frames else 0
        self._at = at + length
        return dry.dry_id, at


def _taken(knobs: KnobTable, trajectories: Sequence[Trajectory]) -> Cube:
    """Where train captures have been: eight points on each line of a sweep."""
    visited = [np.empty((0, len(knobs)))]
    for trajectory in trajectories:
        visited.append(to_cube(knobs, dense(trajectory)))
    return np.vstack(visited)


def _usual(knobs: KnobTable, reach: Reach) -> Positions:
    """The setting nearest to all knobs at their defaults, shape (1, knobs)."""
    usual = knobs.to_array(knobs.default)[None]
    if not reach.only:
        return snap(knobs, reach, usual)
    listed = only(knobs, reach)
    away = np.linalg.norm(to_cube(knobs, listed) - to_cube(knobs, usual), axis=1)
    return listed[[int(np.argmin(away))]]


def _chosen(knobs: KnobTable, recipe: PlanRecipe, reach: Reach) -> list[Row]:
    """What is to be captured: train, then validation, then test."""
    train: list[Row] = []
    held: list[Row] = []
    visited = np.empty((0, len(knobs)))

    def choose_train() -> Cube:
        left = to_positions(knobs, left_of(to_cube(knobs, only(knobs, reach)), visited))
        for number, design in enumerate(recipe.train):
            made = make_trajectories(design, knobs, reach, [recipe.seed, 1, number], left)
            train.extend(("train", trajectory, _frames(design.seconds)) for trajectory in made)
        return _taken(knobs, [trajectory for _, trajectory, _ in train])

    # Of a list, what is held out is chosen first; in a continuum it keeps clear of what is not.
    if not reach.only:
        visited = choose_train()
    held_out: list[tuple[str, Held]] = [("validation", recipe.validation), ("test", recipe.test)]
    for stream, (role, asked) in enumerate(held_out, start=2):
        points = far_points(knobs, reach, asked.settings, visited, [recipe.seed, stream])
        visited = np.vstack([visited, points])
        positions = snap(knobs, reach, to_positions(knobs, points))
        held += [(role, still, _frames(asked.seconds)) for still in stills(positions)]
    if reach.only:
        choose_train()
    if count := recipe.test.sweeps:
        made, seconds = held_sweeps(recipe.train, count, knobs, reach, [recipe.seed, 5])
        held += [("test", moving, _frames(seconds)) for moving in made]
    return train + held


def _ordered(knobs: KnobTable, reach: Reach, rows: list[Row]) -> list[Row]:
    """``rows`` so that the knobs travel least, whatever their roles; as they are if that is free.

    Beside the way it saves, what drifts in the course of a session is then shared by all roles.
    """
    if reach.travel is None or not rows:
        return rows
    starts = np.array([trajectory.positions[0] for _, trajectory, _ in rows])
    ends = np.array([trajectory.positions[-1] for _, trajectory, _ in rows])
    order = least_travel(reach.travel, starts, ends, _usual(knobs, reach)[0])
    return [rows[index] for index in order]


def _laid_out(
    rows: Sequence[Row],
    cursors: Mapping[str, _Cursor],
    sentinel: PlanEntry | None,
    every: int,
    first: int = 0,
) -> list[PlanEntry]:
    """Entries from number ``first`` on: the sentinel before, after ``every`` others, at the end."""
    entries: list[PlanEntry] = []

    def watch() -> None:
        if sentinel is not None:
            entries.append(replace(sentinel, index=first + len(entries)))

    watch()
    for done, (role, trajectory, length) in enumerate(rows, start=1):
        dry_id, offset = cursors[role].take(length)
        number = first + len(entries)
        entries.append(PlanEntry(number, role, trajectory, dry_id, offset, length))
        if done % max(1, every) == 0 or done == len(rows):
            watch()
    return entries


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
    rows = _chosen(knobs, recipe, reach)
    frames = {part: [n for role, _, n in rows if role == part] for part in PARTS}
    needed = {part: sum(n) / SAMPLE_RATE for part, n in frames.items() if n}
    dries = _make_dries(recipe, needed)
    sentinel: PlanEntry | None = None
    if recipe.sentinels.every and dries:
        # Validation's dry is playing, which is what a floor for the ESR has to be measured with.
        dry = dries.get("validation", next(iter(dries.values())))
        length = min(_frames(recipe.sentinels.seconds), dry.frames)
        still = Trajectory(_usual(knobs, reach))
        sentinel = PlanEntry(0, "sentinel", still, dry.dry_id, 0, length)
    cursors = {part: _Cursor(dry) for part, dry in dries.items()}
    entries = _laid_out(_ordered(knobs, reach, rows), cursors, sentinel, recipe.sentinels.every)
    plan, played = Plan(device, knobs, tuple(entries), recipe.seed, rig), list(dries.values())
    for more in recipe.extend:
        plan, played = extend_plan(plan, played, recipe, more, reach)
    return plan, played


def extend_plan(
    plan: Plan, dries: Sequence[Dry], recipe: PlanRecipe, more: More, reach: Reach = ANYWHERE
) -> tuple[Plan, list[Dry]]:
    """``plan`` with training of what it lacks added after its end, and the dries of both.

    What was in it stays as it was, number for number, so that what is captured stays captured; the
    new settings repeat none and keep clear of those that are held out. The sentinel is watched
    again, before, among and after them. Raises UserError as :func:`make_plan` does, and if there
    are not so many settings left.
    """
    knobs = plan.knobs
    train = _taken(knobs, [e.trajectory for e in plan.entries if e.role == "train"])
    still = [e for e in plan.entries if e.role in ("validation", "test") and not e.trajectory.moves]
    held = _taken(knobs, [e.trajectory for e in still])
    number = len(plan.extends) + 1
    seed = [plan.seed, 4, number]
    if more.settings is not None:
        like = next((d for d in recipe.train if not d.moves), None)
        seconds = more.seconds or (like.seconds if like else recipe.validation.seconds)
        made = more_settings(knobs, reach, more.settings, train, held, seed)
    else:
        assert more.minutes is not None
        design = sweep_like(recipe.train, more.minutes, more.seconds)
        seconds = design.seconds
        made = more_sweeps(design, knobs, reach, train, held, seed)
    rows = [("train", trajectory, _frames(seconds)) for trajectory in made]
    played = list(dries)
    cursor = _cursor_after(plan, played, recipe, len(made) * seconds, number)
    sentinel = next((e for e in plan.entries if e.role == "sentinel"), None)
    first = len(plan.entries)
    every = recipe.sentinels.every or first
    entries = _laid_out(_ordered(knobs, reach, rows), {"train": cursor}, sentinel, every, first)
    extended = replace(
        plan, entries=(*plan.entries, *entries), extends=(*plan.extends, len(plan.entries))
    )
    return extended, played


def _cursor_after(
    plan: Plan, dries: list[Dry], recipe: PlanRecipe, seconds: float, number: int
) -> _Cursor:
    """Where new train captures play on; a dry that is made for them is added to ``dries``."""
    if recipe.dry is None:
        length = min(max(1.0, seconds), LONGEST_SECONDS)
        dries.append(signals.make("train", length, recipe.seed + number))
        return _Cursor(dries[-1])
    last = [e for e in plan.entries if e.role == "train"][-1:]
    if not last:
        dries.append(_make_dries(recipe, {"train": seconds})["train"])
        return _Cursor(dries[-1])
    dry = next((dry for dry in dries if dry.dry_id == last[0].dry_id), None)
    if dry is None:
        raise UserError(
            f"The plan plays the dry {last[0].dry_id[:16]}, which is not there; make the plan "
            "again, so that its dry signals are made with it."
        )
    return _Cursor(dry, last[0].dry_offset + last[0].frames)

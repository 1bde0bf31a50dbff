"""The knob-motion test: the model follows the knobs of a sweep while it plays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE
from rigs.trajectory import Trajectory
from training.checkpoint import Model
from training.evaluate.captures import seen_playing, with_knobs
from training.evaluate.judge import Measured, measure
from training.models.control import CONTROL_INTERVAL, frames_for
from training.play import play

MOST_SEEN = 12
"""Sweeps that training has met that are judged, evenly chosen; of the others, all."""

DRAWN = 400
"""Points that a drawn trajectory has."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """A capture during which knobs move: audio of shape (frames,). ``seen``: training met it, or
    its dry."""

    capture_id: str
    role: str
    seen: bool
    trajectory: Trajectory
    dry: NDArray[np.float32]
    wet: NDArray[np.float32]


@dataclass(frozen=True)
class MotionResult:
    """How well the model followed one sweep, as in :class:`Measured`.

    ``moved``: the knobs that moved. ``fastest``: the travel of the fastest knob in a second, in
    whole turns, from one end to the other.
    """

    capture_id: str
    role: str
    seen: bool
    seconds: float
    moved: tuple[str, ...]
    fastest: float
    measured: Measured


def sweeps(dataset: Dataset) -> tuple[Dataset, bool]:
    """The sweeps to judge by, and whether training has met them, or their dry.

    Those that it has not, or, if there are none, some of those that it has. Sentinels are none.
    """
    moving = with_knobs(dataset.select(["train", "validation", "test"]), moving=True)
    seen = np.array(seen_playing(dataset, moving), bool)
    chosen = np.flatnonzero(~seen)
    if not len(chosen):
        chosen = np.unique(np.linspace(0, len(moving) - 1, min(len(moving), MOST_SEEN)).astype(int))
    captures = moving.captures.iloc[chosen].reset_index(drop=True)
    return replace(moving, captures=captures), bool(seen.all())


def read(chosen: Dataset, place: int, seen: bool) -> Sweep:
    """One of what :func:`sweeps` chose; raises UserError if it is damaged."""
    row = chosen.row(place)
    return Sweep(
        capture_id=str(row["capture_id"]),
        role=str(row["role"]),
        seen=seen,
        trajectory=chosen.trajectory(row),
        dry=chosen.dry(row),
        wet=chosen.audio(row),
    )


@dataclass(frozen=True, eq=False)
class Followed:
    """One sweep second by second.

    ``positions``: where each knob stood, 0…1 of its travel, shape (times, knobs). ``ratios``: the
    ESR of the seconds that begin at ``starts``; nan where the device is too quiet to have one.
    """

    capture_id: str
    seconds: float
    moved: tuple[str, ...]
    times: NDArray[np.float64]
    positions: NDArray[np.float64]
    starts: NDArray[np.float64]
    ratios: NDArray[np.float64]


def second_by_second(model: Model, sweep: Sweep) -> Followed:
    """How wrong the model is in each second of a sweep."""
    output = follow(model, sweep)
    starts = np.arange(0, len(output), SAMPLE_RATE)
    times = np.linspace(0, len(output) / SAMPLE_RATE, DRAWN)
    unit = (model.knobs.to_unit(sweep.trajectory.at(times)) + 1) / 2
    return Followed(
        capture_id=sweep.capture_id,
        seconds=len(output) / SAMPLE_RATE,
        moved=_moved(model, sweep),
        times=times,
        positions=unit,
        starts=starts / SAMPLE_RATE,
        ratios=np.array(
            [
                measure(sweep.wet[a : a + SAMPLE_RATE], output[a : a + SAMPLE_RATE]).esr
                for a in starts
            ]
        ),
    )


def _moved(model: Model, sweep: Sweep) -> tuple[str, ...]:
    still = (sweep.trajectory.positions == sweep.trajectory.positions[0]).all(axis=0)
    return tuple(name for name, rests in zip(model.knobs.names, still, strict=True) if not rests)


def follow(model: Model, sweep: Sweep) -> NDArray[np.float32]:
    """What the model plays while its knobs go where the sweep's went, shape (frames,)."""
    frames = np.arange(frames_for(len(sweep.dry)), dtype=np.float64)
    positions = sweep.trajectory.at(frames * (CONTROL_INTERVAL / SAMPLE_RATE))
    return play(model.net, sweep.dry, model.knobs.to_inputs(positions))


def judge_motion(model: Model, sweep: Sweep) -> MotionResult:
    """Hold the model in motion against the device in motion."""
    positions = sweep.trajectory.positions
    span = model.knobs.maximum - model.knobs.minimum
    steps = np.abs(np.diff(positions, axis=0)).max(axis=0, initial=0.0) / span
    return MotionResult(
        capture_id=sweep.capture_id,
        role=sweep.role,
        seen=sweep.seen,
        seconds=len(sweep.dry) / SAMPLE_RATE,
        moved=_moved(model, sweep),
        fastest=float(steps.max(initial=0.0) * sweep.trajectory.rate),
        measured=measure(sweep.wet, follow(model, sweep)),
    )


def motion_table(results: Iterable[MotionResult]) -> pd.DataFrame:
    """One row a sweep; ``playing`` is seen or unseen."""
    rows = [
        (
            result.capture_id,
            result.role,
            "seen" if result.seen else "unseen",
            result.seconds,
            ", ".join(result.moved),
            result.fastest,
            result.measured.esr,
            result.measured.mrstft,
            result.measured.level_error_db,
        )
        for result in results
    ]
    names = ["capture_id", "role", "playing", "seconds", "moved", "turns_per_second"]
    return pd.DataFrame(rows, columns=[*names, "esr", "mrstft", "level_error_db"])

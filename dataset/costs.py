"""What a plan will cost, and whether its rig can do it: found out before anything moves."""

from __future__ import annotations

import shutil
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset.plan import Plan, PlanEntry
from dataset.plans.order import way
from dataset.plans.reach import Positions, only, snap
from dataset.signals import Dry
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Reach

COMPRESSED = 0.5
"""How much FLAC leaves of 24 bits: on average 0.47 of the built-in amp and 0.43 of Guitarix's
studio preamp, 36 settings each, from 0.09 to 0.93; 0.33 of the dries that ampsweep makes."""
PART = 20_000
"""Bytes of a capture's file beside its audio, about."""
_ROUNDING = 1e-4


@dataclass(frozen=True)
class Cost:
    """Of the captures that are left to make: how many, in seconds and in bytes.

    ``travel`` is for knobs on their way, ``settle`` from their arrival to the audio, ``around`` for
    what a take plays beside its dry. All three are 0 for a simulation.
    """

    captures: int
    audio: float
    travel: float
    settle: float
    around: float
    disk: int

    @property
    def seconds(self) -> float:
        """All of it, one after another."""
        return self.audio + self.travel + self.settle + self.around


def cost(plan: Plan, dries: list[Dry], reach: Reach, held: Container[int] = ()) -> Cost:
    """What is to be expected of ``plan``, without the entries ``held`` already.

    Takes that have to be repeated are not expected.
    """
    left = [entry for entry in plan.entries if entry.index not in held]
    frames = sum(entry.frames for entry in left)
    bytes_ = COMPRESSED * 3 * (frames + sum(dry.frames for dry in dries)) + PART * len(left)
    return Cost(
        captures=len(left),
        audio=frames / SAMPLE_RATE,
        travel=travel(plan.knobs, reach, left),
        settle=reach.travel.settle * len(left) if reach.travel else 0.0,
        around=reach.around * len(left),
        disk=round(bytes_),
    )


def travel(knobs: KnobTable, reach: Reach, entries: list[PlanEntry]) -> float:
    """Seconds for which knobs are on their way from one of ``entries`` to the next."""
    if reach.travel is None or not entries:
        return 0.0
    starts = np.array([entry.trajectory.positions[0] for entry in entries])
    ends = np.array([entry.trajectory.positions[-1] for entry in entries])
    return way(reach.travel, starts, ends, starts[0])


def check_limits(plan: Plan, reach: Reach, held: Container[int] = ()) -> None:
    """Raise UserError for the first entry, not ``held``, that is beyond what the knobs can do.

    Positions on the panel were seen to when the plan was made; this is about the rig: where its
    knobs can stand, whether and how fast they move.
    """
    listed = only(plan.knobs, reach)
    limits = np.array([reach.speeds.get(name, np.inf) for name in plan.knobs.names])
    for entry in plan.entries:
        if entry.index in held:
            continue
        positions = entry.trajectory.positions
        where = f"Entry {entry.index} of the plan"
        if entry.trajectory.moves:
            if not reach.sweeps:
                raise UserError(
                    f"{where} moves knobs while audio plays, which this rig cannot; plan static "
                    "settings."
                )
            turns = np.abs(np.diff(positions.astype(np.float64), axis=0)).max(axis=0)
            speeds = turns * entry.trajectory.rate
            over = speeds > limits * (1 + _ROUNDING)
            if over.any():
                worst = int(np.argmax(np.where(over, speeds / limits, 0)))
                raise UserError(
                    f"{where} moves {plan.knobs.names[worst]} by {speeds[worst]:.3g} a second, but "
                    f"this rig can by {limits[worst]:.3g}; make the plan again for this rig."
                )
        elif len(listed):
            if not (np.abs(listed - positions[0]) < _ROUNDING).all(axis=1).any():
                raise UserError(f"{where} asks for a setting that the device does not have.")
        elif reach.steps:
            _check_steps(plan.knobs, reach, positions, where)


def _check_steps(knobs: KnobTable, reach: Reach, positions: Positions, where: str) -> None:
    off = np.abs(snap(knobs, reach, positions) - positions)[0]
    spans = knobs.maximum - knobs.minimum
    if (off > _ROUNDING * spans).any():
        worst = int(np.argmax(off / spans))
        name = knobs.names[worst]
        raise UserError(
            f"{where} puts {name} at {positions[0, worst]:.4g}, but it stands at whole steps of "
            f"{reach.steps[name]:.4g} only; make the plan again for this rig."
        )


def free_bytes(folder: Path) -> int:
    """What is free on the disk that ``folder`` is on, or will be; raises UserError."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        return shutil.disk_usage(there).free
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{there} cannot be looked at ({reason}); check its disk.") from None


def check_disk(expected: Cost, folder: Path) -> None:
    """Raise UserError if there is no room for it where ``folder`` is, or will be."""
    free = free_bytes(folder)
    if expected.disk > free:
        raise UserError(
            f"The plan takes about {megabytes(expected.disk)}, but {folder.absolute()} has "
            f"{megabytes(free)} left; make room, or plan for less."
        )


def megabytes(bytes_: int) -> str:
    """ "42 MB", "1.3 GB"."""
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:.0f} MB"

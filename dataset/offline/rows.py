"""What the rows of a dataset say of themselves and of each other: no audio is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from dataset.checks import faults
from dataset.offline.report import Finding
from dataset.plan import Plan
from dataset.session.clock import SIMULATED_START
from dataset.store import Dataset
from dataset.store.identity import digests_in
from rigs.errors import UserError


def faults_written(dataset: Dataset, plan: Plan | None, jump: float) -> Iterator[Finding]:
    """Captures that are there twice, off the panel, or not what ``plan`` asked for.

    ``jump`` is by how many samples a latency may differ from those around it.
    """
    yield from _twice(dataset.captures)
    yield from _named(dataset)
    yield from _off_the_panel(dataset)
    yield from _jumps(dataset.captures, jump)
    if plan is not None:
        yield from _planned(dataset, plan)


def is_simulated(started_at: datetime) -> bool:
    """Whether a simulation made a capture that began then: its clock stands in the year 2000."""
    return started_at.year == SIMULATED_START.year


def _twice(captures: pd.DataFrame) -> Iterator[Finding]:
    """A plan asks for each of its entries once; a merge may bring one id or one entry twice."""
    ids = captures["capture_id"]
    for capture_id, rows in captures[ids.duplicated(keep=False)].groupby("capture_id", sort=False):
        yield _one_name(str(capture_id), sorted(set(rows["part"])))
    kept = captures[~ids.duplicated() & ~captures["excluded"] & captures["plan_index"].notna()]
    key = ["plan_id", "rig", "plan_index"]  # two rigs of one device may follow one plan
    for (*_, index), rows in kept[kept.duplicated(key, keep=False)].groupby(key, sort=False):
        first, *others = rows["capture_id"]
        for capture_id in others:
            words = f"Entry {index} of its plan was captured as {first} already."
            yield Finding("planned once", str(capture_id), words)


def _one_name(capture_id: str, parts: list[str]) -> Finding:
    """Equal rows are what a compaction leaves that was killed; readers take them for one."""
    named = ", ".join(Path(part).name for part in parts)
    try:
        rows = {d for p in parts for _, d in digests_in(Path(p), frozenset([capture_id]))}
    except UserError as error:
        return Finding("damaged", capture_id, str(error))
    if len(rows) == 1:
        words = f"{named} hold the same; `ampsweep dataset compact` makes them one."
        return Finding("twice", capture_id, words, fault=False)
    words = f"{named} hold two captures of this name; move one of these parts away."
    return Finding("twice", capture_id, words)


def _named(dataset: Dataset) -> Iterator[Finding]:
    captures = dataset.captures
    for device, rows in captures.groupby("device", dropna=False, sort=False):
        if device != dataset.device:
            for capture_id in rows["capture_id"]:
                words = f"Its row is of the device {device!r}, its part of {dataset.device!r}."
                yield Finding("edited", str(capture_id), words)
    ids = zip(captures["capture_id"], captures["session_id"], strict=True)
    for capture_id, session_id in ids:
        if isinstance(session_id, str) and not capture_id.startswith(f"{session_id}-"):
            words = f"Its name does not begin with that of its session, {session_id}."
            yield Finding("edited", str(capture_id), words)


def _off_the_panel(dataset: Dataset) -> Iterator[Finding]:
    knobs = dataset.knobs
    settings = _positions(dataset, "setting")
    low, high = knobs.minimum, knobs.maximum
    slack = 1e-5 * (high - low)  # float32 rounding of an end position
    wrong = ~np.isfinite(settings) | (settings < low - slack) | (settings > high + slack)
    for column, knob in enumerate(knobs):
        if knob.detents:
            wrong[:, column] |= settings[:, column] != np.round(settings[:, column])
    for row, column in zip(*np.nonzero(wrong), strict=True):
        knob, value = knobs.knobs[column], settings[row, column]
        where = f"goes from {knob.minimum:g} to {knob.maximum:g}"
        if knob.detents:
            where = f"is a switch, 0 to {knob.maximum:g}"
        words = f"{knob.name} is said to stand at {value:g}, but it {where}."
        yield Finding("off the panel", str(dataset.captures["capture_id"].iloc[row]), words)


def _positions(dataset: Dataset, column: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Panel positions, shape (captures, knobs), nan where there are none."""
    names = dataset.knobs.names
    rows = [
        [np.nan if cell is None or cell.get(n) is None else cell[n] for n in names]
        for cell in dataset.captures[column]
    ]
    return np.array(rows, np.float64).reshape(-1, len(names))


def _jumps(captures: pd.DataFrame, limit: float) -> Iterator[Finding]:
    """A real rig's capture whose latency is not that of those before and after it.

    One that stays is another buffer in the driver: the rig was opened again.
    """
    real = captures[~captures["started_at"].map(is_simulated).astype(bool)].sort_values(
        ["started_at", "capture_id"]
    )
    for _, rows in real.groupby("session_id", sort=False):
        latency = rows["latency"].to_numpy(np.float64)
        jumps = np.abs(np.diff(latency)) > limit
        alone = jumps[:-1] & (np.abs(latency[2:] - latency[:-2]) <= limit)
        for i in np.flatnonzero(alone) + 1:
            usual = f"before and after it {latency[i - 1]:.1f}"
            words = f"Its latency is {latency[i]:.1f} samples, {usual}."
            if not faults(rows["flags"].iloc[int(i)]):
                yield Finding("latency jump", str(rows["capture_id"].iloc[int(i)]), words)


def _planned(dataset: Dataset, plan: Plan) -> Iterator[Finding]:
    """What is said to be ``plan``'s must be what it asked for."""
    captures = dataset.captures
    settings = _positions(dataset, "setting")
    ids = [plan_id for _, plan_id in plan.generations]
    of_plan = np.flatnonzero(captures["plan_id"].isin(ids).to_numpy())
    entries = plan.entries
    for row in of_plan:
        capture = captures.iloc[row]
        capture_id, index = str(capture["capture_id"]), capture["plan_index"]
        if not 0 <= index < len(entries):
            words = f"It is said to be entry {index} of a plan of {len(entries)}."
            yield Finding("edited", capture_id, words)
            continue
        entry = entries[int(index)]
        if not np.allclose(settings[row], entry.trajectory.positions[0], atol=1e-4):
            words = f"Its setting is not what entry {index} of the plan asked for."
            yield Finding("edited", capture_id, words)
        played = (capture["dry_id"], capture["dry_offset"], capture["frames"])
        if played != (entry.dry_id, entry.dry_offset, entry.frames):
            words = f"Its dry is not what entry {index} of the plan plays."
            yield Finding("edited", capture_id, words)

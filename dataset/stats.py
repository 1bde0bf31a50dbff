"""What a dataset holds, in numbers: sessions, levels, noise, latency, flags, repeatability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dataset.schema import ROLES
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, Audio, esr, rms_dbfs

QUIET_DBFS = -60.0
"""A wet of less RMS has no ESR, which would be that of its noise: it is counted, and judged by its
level."""


@dataclass(frozen=True)
class Spread:
    """The least, the median and the most of some numbers; those that are none left out."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """None if there are no finite numbers."""
        numbers = np.array(list(values), np.float64)
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return None
        return cls(float(numbers.min()), float(np.median(numbers)), float(numbers.max()))


@dataclass(frozen=True)
class RoleStats:
    """The captures of one role. Levels are in dBFS, latency in samples; ``silent`` ones have no
    level, and None stands for a spread of nothing."""

    role: str
    captures: int
    minutes: float
    moving: int
    silent: int
    excluded: int
    flags: dict[str, int]
    peak: Spread | None
    rms: Spread | None
    noise: Spread | None
    latency: Spread | None


@dataclass(frozen=True)
class SessionStats:
    """One sitting. ``began`` is ISO 8601, UTC."""

    session_id: str
    rig: str
    software: str
    began: str
    captures: int
    minutes: float


@dataclass(frozen=True)
class Repeat:
    """How a sentinel came back: its ESR against the first one of its setting and dry."""

    capture_id: str
    first: str
    esr: float


def minutes(captures: pd.DataFrame) -> float:
    """How long the captures of a frame last, in minutes of audio."""
    return float(captures["frames"].sum()) / SAMPLE_RATE / 60


def by_role(dataset: Dataset) -> list[RoleStats]:
    """The roles that are there, in their usual order."""
    captures = dataset.captures
    found = []
    for role in ROLES:
        rows = captures[captures["role"] == role]
        if not len(rows):
            continue
        flags = Counter(flag for own in rows["flags"] for flag in own)
        found.append(
            RoleStats(
                role,
                len(rows),
                minutes(rows),
                int(rows["trajectory_rate"].notna().sum()),
                int((~np.isfinite(rows["rms_dbfs"].to_numpy(np.float64))).sum()),
                int(rows["excluded"].astype(bool).sum()),
                dict(flags.most_common()),
                Spread.of(rows["peak_dbfs"]),
                Spread.of(rows["rms_dbfs"]),
                Spread.of(rows["noise_floor_dbfs"]),
                Spread.of(rows["latency"]),
            )
        )
    return found


def by_session(dataset: Dataset) -> list[SessionStats]:
    """The sessions in the order in which they began."""
    found = []
    for session_id, rows in dataset.captures.groupby("session_id", sort=False, dropna=False):
        began = rows["started_at"].min()
        found.append(
            SessionStats(
                str(session_id),
                ", ".join(map(str, rows["rig"].dropna().unique())),
                ", ".join(map(str, rows["software"].dropna().unique())),
                "" if pd.isna(began) else began.isoformat(timespec="seconds"),
                len(rows),
                minutes(rows),
            )
        )
    return sorted(found, key=lambda session: session.began)


def repeats(dataset: Dataset) -> list[Repeat]:
    """The ESR of each sentinel against the first of the same setting and dry.

    What comes of it is the floor: no model can be judged below. Sentinels with faults or excluded
    ones, and those quieter than -60 dBFS, are left out. Decodes them; raises UserError if one is
    damaged.
    """
    sentinels = dataset.select(["sentinel"])
    first: dict[tuple[Any, ...], tuple[str, Audio]] = {}
    found = []
    for row, wet in zip(sentinels.rows(), sentinels.decoded(), strict=True):
        setting = tuple(row["setting"][name] for name in dataset.knobs.names)
        key = (setting, row["dry_id"], int(row["dry_offset"]), int(row["frames"]))
        name, usual = first.setdefault(key, (str(row["capture_id"]), wet))
        if name != row["capture_id"] and rms_dbfs(usual) >= QUIET_DBFS:
            found.append(Repeat(str(row["capture_id"]), name, esr(usual, wet)))
    return found


def floor(repeated: Sequence[Repeat]) -> float | None:
    """The median of what :func:`repeats` found; None if no sentinel was captured twice."""
    return float(np.median([repeat.esr for repeat in repeated])) if repeated else None

"""Which captures are wanted, and which row groups of a part may hold some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from dataset.checks import faults
from dataset.layout import read_layout
from dataset.schema import ROLES
from rigs.errors import UserError
from rigs.knobs import KnobTable

Range = tuple[float, float]


@dataclass(frozen=True)
class Selection:
    """Captures of these ``roles`` whose ``knobs`` stand within ranges, both ends included.

    A sweep is judged by where its knobs begin. Captures with faults, and excluded ones, only if
    they are asked for.
    """

    roles: Sequence[str] = ROLES
    knobs: Mapping[str, Range] = field(default_factory=dict)
    flagged: bool = False
    excluded: bool = False

    def __post_init__(self) -> None:
        """Raises UserError for a role that there is not, or a range that holds nothing."""
        for role in self.roles:
            if role not in ROLES:
                raise UserError(f"There is no role {role!r}; roles are {', '.join(ROLES)}.")
        for name, (low, high) in self.knobs.items():
            if not low <= high:
                raise UserError(f"{name} cannot lie from {low:g} to {high:g}; swap the two.")

    def keeps(self, captures: pd.DataFrame, knobs: KnobTable) -> pd.Series[bool]:
        """Which rows of a reviewed frame are wanted; raises UserError for an unknown knob."""
        keep = captures["role"].isin(list(self.roles))
        for name, (low, high) in self.knobs.items():
            own = knobs[name].name
            slack = _slack(low, high)
            at = np.array([setting[own] for setting in captures["setting"]], np.float64)
            keep &= (at >= low - slack) & (at <= high + slack)
        if not self.flagged:
            keep &= captures["flags"].map(lambda flags: not faults(flags)).astype(bool)
        if not self.excluded:
            keep &= ~captures["excluded"].astype(bool)
        return keep

    def groups(self, path: Path, knobs: KnobTable, *, by_role: bool) -> list[int]:
        """The row groups of a part that may hold wanted captures, by their statistics.

        ``by_role`` is false if a review gives captures another role than the part does. Flags
        have no statistics: they are looked at when the rows are read.
        """
        wanted: dict[str, Range] = {
            f"setting.{knobs[name].name}": (low - _slack(low, high), high + _slack(low, high))
            for name, (low, high) in self.knobs.items()
        }
        may = []
        for number, group in enumerate(read_layout(path)):
            bounds = {c.path: c.bounds for c in group.columns if c.bounds is not None}
            inside = all(
                name not in bounds or _overlap(bounds[name], low, high)
                for name, (low, high) in wanted.items()
            )
            if by_role and "role" in bounds:
                least, most = bounds["role"]
                inside &= any(least <= role.encode() <= most for role in self.roles)
            if inside:
                may.append(number)
        return may


def _slack(low: float, high: float) -> float:
    """Of float32: positions are stored as that."""
    return 1e-6 * max(abs(low), abs(high))


def _overlap(bounds: tuple[bytes, bytes], low: float, high: float) -> bool:
    """Whether positions within ``bounds``, as Parquet stores a float's, may lie in that range."""
    if any(len(bound) != 4 for bound in bounds):
        return True
    least, most = np.frombuffer(b"".join(bounds), "<f4").tolist()
    return not (least > high or most < low)  # NaN says nothing

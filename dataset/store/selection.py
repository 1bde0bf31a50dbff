"""Which captures are wanted, and which row groups of a part may hold some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from dataset.checks import faults
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

    def groups(self, file: pq.ParquetFile, knobs: KnobTable, *, by_role: bool) -> list[int]:
        """The row groups of an open part that may hold wanted captures, by their statistics.

        ``by_role`` is false if a review gives captures another role than the part does. Flags
        have no statistics: they are looked at when the rows are read.
        """
        wanted: dict[str, Any] = {
            f"setting.{knobs[name].name}": (low - _slack(low, high), high + _slack(low, high))
            for name, (low, high) in self.knobs.items()
        }
        may = []
        for group in range(file.metadata.num_row_groups):
            bounds = _bounds(file, group, {*wanted, "role"})
            inside = all(
                name not in bounds or (bounds[name][0] <= high and bounds[name][1] >= low)
                for name, (low, high) in wanted.items()
            )
            if by_role and "role" in bounds:
                low, high = bounds["role"]
                inside &= any(low <= role <= high for role in self.roles)
            if inside:
                may.append(group)
        return may


def _slack(low: float, high: float) -> float:
    """Of float32: positions are stored as that."""
    return 1e-6 * max(abs(low), abs(high))


def _bounds(file: pq.ParquetFile, group: int, names: set[str]) -> dict[str, tuple[Any, Any]]:
    """The smallest and largest value of columns that have statistics."""
    info = file.metadata.row_group(group)
    found = {}
    for number in range(info.num_columns):
        column = info.column(number)
        if column.path_in_schema in names:
            said = column.statistics
            if said is not None and said.has_min_max:
                found[column.path_in_schema] = (said.min, said.max)
    return found

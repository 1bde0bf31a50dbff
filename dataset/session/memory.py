"""What a live session remembers of those before it: the first sentinel, and usual levels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from dataset.checks.company import Company
from dataset.plan import Plan, PlanEntry
from dataset.store import Dataset
from rigs.audio import Audio


def first_sentinel(folder: Path, plan: Plan, entry: PlanEntry) -> Audio | None:
    """The wet of the first good sentinel under a device's ``folder`` that ``entry`` repeats.

    It is of the same plan if there is one, else of any. Where a drift was accepted, what was
    accepted last is the first. Raises UserError if a part is damaged.
    """
    data = _held(folder)
    if data is None:
        return None
    rows = data.captures
    same = (
        (rows["dry_id"] == entry.dry_id)
        & (rows["dry_offset"] == entry.dry_offset)
        & (rows["frames"] == entry.frames)
        & _settings_are(rows["setting"], entry.setting(plan.knobs))
    )
    rows = rows[same]
    of_plan = rows[_asked_for(rows, plan)]
    rows = of_plan if len(of_plan) else rows
    if not len(rows):
        return None
    rows = rows.sort_values(["started_at", "plan_index"])
    accepted = rows[rows["flags"].map(lambda flags: "drift accepted" in flags)]
    return data.audio(accepted.iloc[-1] if len(accepted) else rows.iloc[0])


def remember(company: Company, folder: Path, plan: Plan, dry: Callable[[PlanEntry], Audio]) -> None:
    """Add the good captures of ``plan`` to ``company``; raises UserError if a part is damaged."""
    data = _held(folder, sentinels_only=False)
    if data is None:
        return
    rows = data.captures[_asked_for(data.captures, plan)]
    for index, rms in zip(rows["plan_index"], rows["rms_dbfs"], strict=True):
        entry = plan.entries[int(index)]
        company.add_level(entry.setting(plan.knobs), dry(entry), float(rms))


def _held(folder: Path, sentinels_only: bool = True) -> Dataset | None:
    """Captures without faults; None if there are none."""
    if not any((folder / "captures").glob("*.parquet")):
        return None
    data = Dataset.open(folder)
    return data.select(["sentinel"]) if sentinels_only else data.select()


def _asked_for(rows: pd.DataFrame, plan: Plan) -> list[bool]:
    pairs = zip(rows["plan_id"], rows["plan_index"], strict=True)
    return [bool(pd.notna(index)) and plan.asks_for(of, int(index)) for of, index in pairs]


def _settings_are(settings: pd.Series[Any], wanted: dict[str, float]) -> pd.Series[Any]:
    return settings.map(
        lambda setting: all(abs(setting[name] - value) < 1e-4 for name, value in wanted.items())
    )

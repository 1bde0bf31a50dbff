"""A judgement as numbers: metrics/evaluation.json for `dvc metrics`, tables for plots."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dataset.stats import QUIET_DBFS
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from training.evaluate.aliasing import aliasing_table
from training.evaluate.motion import motion_table
from training.evaluate.tables import by_knob, by_pair, table
from training.evaluate.whole import Evaluation
from training.evaluate.zipper import zipper_table


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, 90th percentile and worst of numbers of which more is worse, nan left out."""
    numbers = np.array(list(values), np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return {}
    return {
        "median": float(np.median(numbers)),
        "p90": float(np.quantile(numbers, 0.9)),
        "worst": float(numbers.max()),
    }


def metrics(found: Evaluation) -> dict[str, Any]:
    """What `dvc metrics` shows. Level errors are magnitudes, of settings that have an ESR.

    Raises UserError if no setting was loud enough to have one.
    """
    rows = table(found.results)
    loud, quiet = rows[rows["esr"].notna()], rows[rows["esr"].isna()]
    if loud.empty:
        raise UserError(
            f"All {len(rows)} test captures are under {QUIET_DBFS:g} dBFS, so there is no ESR; "
            "raise the level of the rig and capture them again."
        )
    floor, net = found.floor, found.model.net
    worst_quiet = float(quiet["level_error_db"].abs().max()) if len(quiet) else None
    return {
        **{
            name: {**spread(loud[name].abs()), "floor": getattr(floor, name, None)}
            for name in ("esr", "mrstft", "level_error_db")
        },
        "settings": len(rows),
        "quiet": {"settings": len(quiet), "worst_level_error_db": worst_quiet},
        "unseen": {"settings": found.unseen.settings, "playing": found.unseen.playing},
        "motion": _motion(found),
        "zipper_dbfs": _worst(one.noise_dbfs for one in found.zipper),
        "aliasing_db": _worst(one.ratio_db for one in found.aliasing),
        "training_seconds": found.model.training.get("seconds"),
        "parameters": sum(p.numel() for p in net.parameters()),
        "macs_per_sample": net.macs_per_sample,
        "receptive_field": net.receptive_field,
    }


def _motion(found: Evaluation) -> dict[str, Any]:
    """Sweeps that training met say less than others: how many are unseen stands beside."""
    rows = motion_table(found.motion)
    return {
        "captures": len(rows),
        "unseen": int((rows["playing"] == "unseen").sum()),
        **{
            name: spread(rows[name][rows["esr"].notna()].abs())
            for name in ("esr", "mrstft", "level_error_db")
        },
    }


def _worst(decibels: Iterable[float]) -> dict[str, float | None]:
    """None where there is nothing, or silence."""
    return {"worst": max(filter(np.isfinite, decibels), default=None)}


def tables(found: Evaluation) -> dict[str, pd.DataFrame]:
    """What the plots are drawn from, by the files' names without .csv."""
    rows, knobs = table(found.results), found.model.knobs
    return {
        "plots/esr_by_setting": rows,
        "plots/esr_by_knob": by_knob(rows, knobs),
        "report/esr_by_pair": by_pair(rows, knobs),
        "report/motion": motion_table(found.motion),
        "report/zipper": zipper_table(found.zipper),
        "report/aliasing": aliasing_table(found.aliasing),
    }


def write(folder: Path, found: Evaluation) -> dict[str, Any]:
    """Write plots/*.csv, report/*.csv and, last, metrics/evaluation.json under ``folder``.

    Returns the metrics; raises UserError as :func:`metrics` does, before anything is written.
    """
    numbers = metrics(found)
    for name in ("metrics", "plots", "report"):
        make_folder(folder / name)
    for name, frame in tables(found).items():
        text = frame.to_csv(index=False, float_format="%.6g")
        write_whole(folder / f"{name}.csv", text.encode("utf-8", "replace"))
    text = json.dumps(numbers, indent=2, allow_nan=False) + "\n"
    write_whole(folder / "metrics" / "evaluation.json", text.encode())
    return numbers

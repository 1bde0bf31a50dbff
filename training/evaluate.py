"""Judging a model on settings and playing that it never saw."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dataset.stats import QUIET_DBFS
from rigs.audio import esr, rms_dbfs
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.knobs import KnobTable, Setting
from training.checkpoint import Model
from training.play import play

BINS = 5


@dataclass(frozen=True)
class Capture:
    """A still capture, whole: audio of shape (frames,)."""

    capture_id: str
    setting: Setting
    dry: NDArray[np.float32]
    wet: NDArray[np.float32]


@dataclass(frozen=True)
class Result:
    """What the model made of a capture; ``esr`` is nan where the wet is too quiet to have one."""

    capture: Capture
    output: NDArray[np.float32]
    esr: float
    level_error_db: float


def judge(model: Model, capture: Capture) -> Result:
    """Play a capture's dry signal through the model at its setting."""
    knobs = model.knobs.to_unit(model.knobs.to_array(capture.setting))
    output = play(model.net, capture.dry, knobs)
    level = rms_dbfs(capture.wet)
    return Result(
        capture=capture,
        output=output,
        esr=esr(capture.wet, output) if level >= QUIET_DBFS else float("nan"),
        level_error_db=max(rms_dbfs(output), -120.0) - max(level, -120.0),
    )


JUDGED = ("capture_id", "esr", "level_error_db", "wet_dbfs")


def column(knob: str) -> str:
    """A knob's column in :func:`table`: its name, unless another column has it."""
    return f"{knob} (knob)" if knob in JUDGED else knob


def table(results: Iterable[Result]) -> pd.DataFrame:
    """One row a setting: capture_id, a column a knob, esr, level_error_db, wet_dbfs."""
    return pd.DataFrame(
        [
            {
                "capture_id": result.capture.capture_id,
                **{column(name): value for name, value in result.capture.setting.items()},
                "esr": result.esr,
                "level_error_db": result.level_error_db,
                "wet_dbfs": rms_dbfs(result.capture.wet),
            }
            for result in results
        ]
    )


def by_knob(rows: pd.DataFrame, knobs: KnobTable) -> pd.DataFrame:
    """Median ESR against each knob: columns knob, position (a fifth's middle), esr, settings."""
    found = []
    for knob in knobs:
        edges = np.linspace(knob.minimum, knob.maximum, BINS + 1)
        place = np.clip(
            np.searchsorted(edges, rows[column(knob.name)], side="right") - 1, 0, BINS - 1
        )
        for index in range(BINS):
            values = rows["esr"][place == index].dropna()
            if len(values):
                middle = (edges[index] + edges[index + 1]) / 2
                found.append((knob.name, middle, float(values.median()), len(values)))
    return pd.DataFrame(found, columns=["knob", "position", "esr", "settings"])


def metrics(rows: pd.DataFrame, model: Model, floor: float | None) -> dict[str, Any]:
    """What `dvc metrics` shows. ``floor``: the ESR between repeated sentinels, if there were any.

    Raises UserError if no setting was loud enough to have an ESR.
    """
    ratios = rows["esr"].dropna()
    if ratios.empty:
        raise UserError(
            f"All {len(rows)} test captures are under {QUIET_DBFS:g} dBFS, so there is no ESR; "
            "raise the level of the rig and capture them again."
        )
    quiet = rows[rows["esr"].isna()]
    return {
        "esr": {
            "median": float(ratios.median()),
            "p90": float(ratios.quantile(0.9)),
            "worst": float(ratios.max()),
            "floor": floor,
        },
        "settings": len(rows),
        "quiet": {
            "settings": len(quiet),
            "worst_level_error_db": float(quiet["level_error_db"].abs().max())
            if len(quiet)
            else None,
        },
        "training_seconds": model.training["seconds"],
        "parameters": sum(p.numel() for p in model.net.parameters()),
        "macs_per_sample": model.net.config.macs_per_sample,
    }


def write(folder: Path, rows: pd.DataFrame, model: Model, floor: float | None) -> dict[str, Any]:
    """Write metrics/evaluation.json and plots/*.csv under ``folder``; returns the metrics."""
    found = metrics(rows, model, floor)
    make_folder(folder / "metrics")
    make_folder(folder / "plots")
    for name, frame in (("esr_by_setting", rows), ("esr_by_knob", by_knob(rows, model.knobs))):
        text = frame.to_csv(index=False, float_format="%.6g")
        write_whole(folder / "plots" / f"{name}.csv", text.encode())
    text = json.dumps(found, indent=2) + "\n"
    write_whole(folder / "metrics" / "evaluation.json", text.encode())
    return found

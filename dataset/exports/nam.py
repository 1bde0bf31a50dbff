"""A folder for each setting, as NAM's trainer and TONE3000 take it: a pair of WAVs and a JSON."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dataset.exports.base import (
    Exported,
    new_folder,
    plain_row,
    shortest,
    write_about,
    write_json,
)
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, Audio, write_wav
from rigs.errors import UserError
from rigs.knobs import KnobTable

SETTING = "setting.json"
"""What ampsweep knows of a pair, beside NAM's data.json."""
GAP = SAMPLE_RATE // 2
"""Frames of silence between two captures of one setting: each began at rest."""
NY = 8192
SHORTEST = 2 * NY
"""Frames of a range that NAM's nets can be trained on: their past and one output."""
BELOW_ONE = 0.999
"""NAM refuses a wet that reaches ±1."""


def export_nam(dataset: Dataset, out: Path, on_capture: Callable[[int], None]) -> Exported:
    """For each setting ``dry.wav`` and ``wet.wav``, 24 bits and of the same length, with data.json.

    Captures of one setting follow each other with half a second of silence between, and data.json
    names each as a range of the pair. A wet is written as it is stored; if it was scaled, or stands
    at full scale, ``y_scale`` makes a setting's captures alike and keeps them below ±1, and
    ``model_gain`` in setting.json says what a trained model is to be multiplied by. Sweeps are left
    out: NAM's nets have no knobs.
    """
    still = dataset.captures["trajectory_rate"].isna()
    moving = int((~still).sum())
    groups: dict[tuple[float, ...], list[Any]] = defaultdict(list)
    for row, positions, rest in zip(dataset.rows(), dataset.settings(), still, strict=True):
        if rest:
            groups[tuple(positions.tolist())].append(row)
    if not groups:
        raise UserError(
            f"{dataset.folder} holds no captures at settings that stand still, and NAM's nets have "
            "no knobs; capture some, or export the dataset as wav."
        )
    done = short = 0
    with new_folder(out) as folder:
        write_about(folder, dataset, "nam")
        for number, (positions, rows) in enumerate(groups.items()):
            own = folder / folder_name(dataset.knobs, positions, number)
            own.mkdir()
            short += not _write_pair(dataset, own, rows)
            done += len(rows)
            on_capture(done)
    left_out = {"knobs move": moving, "pairs too short for a data.json": short}
    return Exported(done, {reason: count for reason, count in left_out.items() if count})


def folder_name(knobs: KnobTable, positions: tuple[float, ...], number: int) -> str:
    """``Gain@5_Bright@on``; a number if that would be too long."""
    words = [
        f"{knob.name}@{knob.detents[round(at)] if knob.detents else shortest(at)}"
        for knob, at in zip(knobs, positions, strict=True)
    ]
    name = "_".join(re.sub(r"[^A-Za-z0-9@.+-]", "-", word) for word in words)
    return name if len(name) <= 150 else f"setting-{number:04d}"


@dataclass(frozen=True)
class _Range:
    """A capture in the pair: where it lies, and what its samples are to be multiplied by."""

    role: str
    start: int
    stop: int
    scale: float

    @property
    def frames(self) -> int:
        return self.stop - self.start


def _write_pair(dataset: Dataset, folder: Path, rows: list[pd.Series[Any]]) -> bool:
    """Write one setting's folder; whether it is long enough to be trained on."""
    loudest = max(float(row["wet_scale"]) for row in rows)
    dries: list[Audio] = []
    wets: list[Audio] = []
    ranges: list[_Range] = []
    captures = []
    at, full = 0, False
    for row in rows:
        if dries:
            dries.append(np.zeros(GAP, np.float32))
            wets.append(np.zeros(GAP, np.float32))
            at += GAP
        wet, frames = dataset.stored(row), int(row["frames"])
        dries.append(dataset.dry(row))
        wets.append(wet)
        full |= bool(np.abs(wet).max() >= 1)
        ranges.append(_Range(str(row["role"]), at, at + frames, float(row["wet_scale"]) / loudest))
        dry = dataset.whole_dry(str(row["dry_id"]))
        facts = {"name": dry.name, "kind": dry.kind, "licence": dry.licence}
        captures.append({**plain_row(row), "start": at, "dry": facts})
        at += frames
    write_wav(folder / "dry.wav", np.concatenate(dries))
    write_wav(folder / "wet.wav", np.concatenate(wets))
    lower = BELOW_ONE if full else 1.0
    about = {
        "setting": captures[0]["setting"],
        "model_gain": loudest / lower,
        "input_level_dbu": captures[0]["input_level_dbu"],
        "output_level_dbu": captures[0]["output_level_dbu"],
        "captures": captures,
    }
    write_json(folder / SETTING, about)
    config = data_config(ranges, lower)
    if config is not None:
        write_json(folder / "data.json", config)
    return config is not None


def data_config(ranges: list[_Range], lower: float) -> dict[str, Any] | None:
    """What neural-amp-modeler 0.13 reads as its data config, paths seen from the pair's folder.

    The longest validation capture validates; without any, the last tenth of the longest capture,
    or as much as a net needs. None if there is too little to train on.
    """
    train = [r for r in ranges if r.role in ("train", "sentinel") and r.frames >= SHORTEST]
    held = [r for r in ranges if r.role == "validation" and r.frames >= SHORTEST]
    if not train:  # a pair of a test setting can be trained on all the same
        train = [r for r in ranges if r.frames >= SHORTEST and r not in held]
    if not held and train:
        longest = max(train, key=lambda r: r.frames)
        cut = longest.stop - max(SHORTEST, longest.frames // 10)
        if cut - longest.start >= SHORTEST:
            train[train.index(longest)] = _Range(longest.role, longest.start, cut, longest.scale)
            held = [_Range("validation", cut, longest.stop, longest.scale)]
    if not train or not held:
        return None
    longest = max(held, key=lambda r: r.frames)
    return {
        "train": [{**_span(r, lower), "ny": NY} for r in train],
        "validation": {**_span(longest, lower), "ny": None},
        "common": {
            "x_path": "dry.wav",
            "y_path": "wet.wav",
            "delay": 0,
            # Ranges begin at rest, or in the middle of what the device had been playing.
            "require_input_pre_silence": None,
        },
    }


def _span(r: _Range, lower: float) -> dict[str, Any]:
    return {"start_samples": r.start, "stop_samples": r.stop, "y_scale": r.scale * lower}

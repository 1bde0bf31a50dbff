"""The torch view of a dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import numpy as np
import torch

from dataset.stats import QUIET_DBFS
from dataset.store import Dataset
from dataset.store.cache import CONTROL_EVERY, Cache, WindowSampler
from rigs.audio import rms_dbfs
from rigs.errors import UserError
from rigs.knobs import KnobTable
from training.evaluate import Capture
from training.fit import Batch, Example
from training.options import TrainOptions
from training.play import lead_for


class DatasetWindows:
    """Random windows of the train captures, with the past that a net needs to hear before them.

    A window begins, its past included, at a control frame; ``options.window`` is rounded up so
    that it ends at one.
    """

    def __init__(self, dataset: Dataset, options: TrainOptions, receptive_field: int) -> None:
        """Raises UserError if there is nothing to train on, or a knob never moves in it."""
        self._train = dataset.select(["train"])
        if not len(self._train):
            raise UserError(
                f"{dataset.folder} holds no train captures without flags; capture some, or look at "
                "what is wrong with `ampsweep dataset check`."
            )
        self._knobs = dataset.knobs
        self._cut = lead_for(receptive_field) - (receptive_field - 1)
        cache = Cache.open(self._train)
        _check_motion(cache, dataset.knobs)
        self._sampler = WindowSampler(
            cache,
            frames=-(-options.window // CONTROL_EVERY) * CONTROL_EVERY,
            lead=lead_for(receptive_field),
            batch=options.batch,
            seed=options.seed,
        )

    @property
    def minutes(self) -> float:
        """Minutes of train audio."""
        return float(self._train.captures["frames"].sum()) / 48000 / 60

    def batch(self, number: int) -> Batch:
        dry, wet, positions = self._sampler.batch(number)
        knobs = self._knobs.to_unit(positions).astype(np.float32)
        return Batch(
            torch.from_numpy(dry), torch.from_numpy(knobs), torch.from_numpy(wet), self._cut
        )

    def captures(self, number: int) -> list[str]:
        """The captures that batch ``number`` is cut from."""
        rows, _ = self._sampler.picks(number)
        return sorted({str(self._train.row(int(row))["capture_id"]) for row in rows})


def _check_motion(cache: Cache, knobs: KnobTable) -> None:
    ends = np.array(
        [
            [span.trajectory.positions.min(0), span.trajectory.positions.max(0)]
            for span in cache.spans
        ]
    )
    for index, knob in enumerate(knobs):
        if ends[:, 0, index].min() == ends[:, 1, index].max():
            raise UserError(
                f"{knob.name} stands at {ends[0, 0, index]:g} in every train capture, so it cannot "
                "be learnt; capture more positions of it, or take it off the rig's knobs."
            )


def still_captures(dataset: Dataset, role: str) -> Iterator[Capture]:
    """Whole captures of a role, with their settings."""
    chosen = dataset.select([role])
    for row in chosen.rows():
        yield Capture(
            capture_id=str(row["capture_id"]),
            setting={name: float(row["setting"][name]) for name in dataset.knobs.names},
            dry=chosen.dry(row),
            wet=chosen.audio(row),
        )


def validation_examples(dataset: Dataset) -> list[Example]:
    """What chooses the checkpoint; raises UserError if there is none loud enough to judge by."""
    found = [
        Example(
            capture.dry,
            capture.wet,
            dataset.knobs.to_unit(dataset.knobs.to_array(capture.setting)).astype(np.float32),
        )
        for capture in still_captures(dataset, "validation")
        if rms_dbfs(capture.wet) >= QUIET_DBFS
    ]
    if not found:
        raise UserError(
            f"{dataset.folder} holds no validation captures louder than {QUIET_DBFS:g} dBFS, so no "
            "checkpoint can be chosen; plan some and capture them."
        )
    return found


def fingerprint(dataset: Dataset, options: TrainOptions) -> str:
    """sha256 of what a training is made from: the choices, and every capture and its verdict."""
    columns = ["capture_id", "plan_id", "dry_id", "dry_offset", "role", "flags", "excluded"]
    rows = [
        [str(row[name]) if name != "flags" else list(row[name]) for name in columns]
        + [[float(row["setting"][name]) for name in dataset.knobs.names]]
        + [float(row["rms_dbfs"]), float(row["peak_dbfs"])]
        for row in dataset.rows()
    ]
    whole = [options.model_dump(mode="json"), dataset.device, dataset.knobs.to_json(), rows]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

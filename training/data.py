"""The torch view of a dataset."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch

from dataset.stats import QUIET_DBFS
from dataset.store import Dataset
from dataset.store.cache import Cache, Window, WindowSampler
from rigs.audio import rms_dbfs
from rigs.errors import UserError
from rigs.files import sha256_of
from training.balance import BalancedPicks
from training.evaluate.captures import still
from training.fit import Batch, Example
from training.models.control import lead_for
from training.options import TrainOptions
from training.sense import check_knobs


class DatasetWindows:
    """Random windows of the train captures, with the past that a net needs to hear before them.

    A window begins, its past included, at a control frame; ``options.window`` is rounded up so
    that it ends at one. Of several processes, each has its ``share`` of a batch: (which, of how
    many).
    """

    def __init__(
        self,
        dataset: Dataset,
        options: TrainOptions,
        receptive_field: int,
        share: tuple[int, int] = (0, 1),
        known: Collection[str] = (),
    ) -> None:
        """``known``: knobs that need not be learnt from these captures.

        Raises UserError if there is nothing to train on, or it does not tell what a knob does.
        """
        self._train = dataset.select(["train"])
        if not len(self._train):
            raise UserError(
                f"{dataset.folder} holds no train captures without flags; capture some, or look at "
                "what is wrong with `ampsweep dataset check`."
            )
        if options.batch % share[1]:
            raise UserError(
                f"train.batch: {options.batch} windows cannot be shared evenly among {share[1]} "
                f"processes; take a multiple of {share[1]}."
            )
        self.knobs = dataset.knobs
        self.frames, self.lead = options.samples, lead_for(receptive_field)
        self._share, self._cut = share, self.lead - (receptive_field - 1)
        self.cache = Cache.open(self._train)
        check_knobs(self.cache, known)
        sampler = WindowSampler(  # says if no capture is long enough
            self.cache,
            frames=self.frames,
            lead=self.lead,
            batch=options.batch,
            seed=options.seed,
        )
        self._picks = sampler.picks
        if options.balance:
            self._picks = BalancedPicks(
                self.cache, self.frames, self.lead, options.batch, options.seed
            ).picks

    @property
    def minutes(self) -> float:
        """Minutes of train audio."""
        return float(self._train.captures["frames"].sum()) / 48000 / 60

    def windows(self, number: int) -> list[Window]:
        """This process's share of the windows of batch ``number``."""
        rank, world = self._share
        rows, starts = (values[rank::world].tolist() for values in self._picks(number))
        return [
            self.cache.window(row, start, self.frames, self.lead)
            for row, start in zip(rows, starts, strict=True)
        ]

    def batch(self, number: int) -> Batch:
        windows = self.windows(number)
        positions = np.stack([window.positions for window in windows])
        return Batch(
            torch.from_numpy(np.stack([window.dry for window in windows])),
            torch.from_numpy(self.knobs.to_inputs(positions).astype(np.float32)),
            torch.from_numpy(np.stack([window.wet for window in windows])),
            self._cut,
        )

    def captures(self, number: int) -> list[str]:
        """The captures that batch ``number`` is cut from."""
        rows, _ = self._picks(number)
        return sorted({str(self._train.row(int(row))["capture_id"]) for row in rows})


def validation_examples(dataset: Dataset) -> list[Example]:
    """What chooses the checkpoint; raises UserError if there is none loud enough to judge by."""
    found = [
        Example(
            capture.dry,
            capture.wet,
            dataset.knobs.to_inputs(dataset.knobs.to_array(capture.setting)).astype(np.float32),
        )
        for capture in still(dataset.select(["validation"]))
        if rms_dbfs(capture.wet) >= QUIET_DBFS
    ]
    if not found:
        raise UserError(
            f"{dataset.folder} holds no validation captures louder than {QUIET_DBFS:g} dBFS, so no "
            "checkpoint can be chosen; plan some and capture them."
        )
    return found


def fingerprint(dataset: Dataset, options: TrainOptions) -> str:
    """sha256 of what a training is made from: the choices, and every capture and its verdict.

    Where it runs, and whether it is logged, makes no other training of it.
    """
    columns = ["capture_id", "plan_id", "dry_id", "dry_offset", "role", "flags", "excluded"]
    rows = [
        [str(row[name]) if name != "flags" else list(row[name]) for name in columns]
        + [[float(row["setting"][name]) for name in dataset.knobs.names]]
        + [float(row["rms_dbfs"]), float(row["peak_dbfs"])]
        for row in dataset.rows()
    ]
    chosen = options.model_dump(mode="json", exclude={"machine", "live"})
    others = [_contents(Path(f)) for f in (options.start_from, options.teacher) if f is not None]
    whole = [chosen, dataset.device, dataset.knobs.to_json(), rows, others]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def _contents(model: Path) -> str | None:
    """sha256 of a model's weights, or of a .nam file; None if there are none, which is said
    elsewhere."""
    path = model if model.is_file() else model / "model.safetensors"
    return sha256_of(path) if path.is_file() else None

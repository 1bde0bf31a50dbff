"""A whole training: from a dataset and choices to a model's folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from dataset.store import Dataset
from rigs.errors import UserError
from rigs.files import make_folder
from training.checkpoint import Model, build_net, load_model, save_model
from training.data import DatasetWindows, fingerprint, validation_examples
from training.fit import Status, fit
from training.options import TrainOptions
from training.resume import Resume


def trained(folder: Path, dataset: Dataset, options: TrainOptions) -> bool:
    """Whether ``folder`` holds a finished model of just this dataset and these choices."""
    try:
        found = load_model(folder)
    except UserError:
        return False
    return found.training.get("fingerprint") == fingerprint(dataset, options)


def train_model(
    folder: Path, dataset: Dataset, options: TrainOptions, report: Callable[[Status], None]
) -> Model:
    """Train, or go on training, and write the model.

    Interrupted, it keeps what the last validation saved, and the same call goes on from there.
    Raises UserError if the dataset or the choices allow no training.
    """
    # The kernels spread windows over cores themselves; more threads for torch's own operations,
    # all small here, cost more in waiting for each other than they save.
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    net = build_net(options.kind, options.network, len(dataset.knobs), "train.network")
    mark = fingerprint(dataset, options)
    windows = DatasetWindows(dataset, options, net.receptive_field)
    validation = validation_examples(dataset)
    make_folder(folder)  # rather than find out after the first minutes
    (folder / "model.json").unlink(missing_ok=True)  # of another training: half done is not done
    resume = Resume(folder / "resume", mark)
    state = fit(net, windows, validation, options, resume, report)
    first = dataset.captures.iloc[0]
    model = Model(
        name=folder.resolve().name,
        device=dataset.device,
        knobs=dataset.knobs,
        sample_rate=int(first["sample_rate"]),
        kind=options.kind,
        net=net,
        training={
            "fingerprint": mark,
            "seed": options.seed,
            "steps": state.step,
            "seconds": round(state.seconds, 1),
            "audio_minutes": round(windows.minutes, 3),
            "validation_esr": state.best,
            "options": options.model_dump(mode="json"),
            "history": [asdict(record) for record in state.history],
        },
        input_level_dbu=_level(first["input_level_dbu"]),
        output_level_dbu=_level(first["output_level_dbu"]),
    )
    save_model(folder, model)
    resume.clear()
    return model


def _level(value: float | None) -> float | None:
    """A level as a row of the dataset has it: nan where it is not calibrated."""
    return None if value is None or value != value else float(value)

"""A whole training: from a dataset and choices to a model's folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from dataset.store import Dataset
from rigs.errors import UserError
from rigs.files import make_folder
from training.checkpoint import Model, build_net, load_model, save_model
from training.data import DatasetWindows, fingerprint, validation_examples
from training.distil import ModelTeacher, TaughtWindows
from training.fit import Status, Windows, fit
from training.live import dvclive
from training.machine import Choice, choose, running
from training.models.net import Net
from training.models.presets import preset
from training.options import TrainOptions
from training.place import Place, accelerators, open_place
from training.resume import Resume, State
from training.start import known_knobs, origin, take_over


def trained(folder: Path, dataset: Dataset, options: TrainOptions) -> bool:
    """Whether ``folder`` holds a finished model of just this dataset and these choices."""
    try:
        found = load_model(folder)
    except UserError:
        return False
    return found.training.get("fingerprint") == fingerprint(dataset, options)


def train_model(
    folder: Path,
    dataset: Dataset,
    options: TrainOptions,
    report: Callable[[Status], None],
    *,
    stop: Callable[[], bool] = lambda: False,
    began: Callable[[Choice], None] = lambda _: None,
) -> Model:
    """Train, or go on training, and write the model.

    When ``stop`` says so, or interrupted, it keeps what it has, and the same call goes on from
    there. ``began`` is told how this machine does it. Started by torchrun, all processes share the
    work; the first one writes and reports. Raises UserError if the dataset or the choices allow no
    training.
    """
    place = open_place(options.machine.device)
    share = (place.rank, place.world)
    start = origin(options)
    net, kind = _untrained(dataset, options, start)
    mark = fingerprint(dataset, options)
    known = known_knobs(start, dataset.knobs)
    captured = DatasetWindows(dataset, options, net.receptive_field, share, known)
    validation = validation_examples(dataset)
    teacher = None
    if options.teacher is not None:
        teacher = ModelTeacher(load_model(Path(options.teacher)), dataset.knobs)
    resume = Resume(folder / "resume", mark)
    if place.rank == 0:
        make_folder(folder)  # rather than find out after the first minutes
        (folder / "model.json").unlink(missing_ok=True)  # of another training: not of this one
    before = resume.load(net, share=place.share).machine
    choice = _as_before(before, options, place) or choose(net, captured.batch, options, place)
    if choice.device != place.device.type:
        place = open_place(choice.device)
    net.to(place.device)
    windows: Windows = captured
    if teacher is not None:
        teacher = teacher.to(place.device)
        windows = TaughtWindows(captured, teacher, options, share, place.device)
    if choice.compile:
        net.compile()
    first = place.rank == 0
    with running(choice), dvclive(folder, options.live and first) as log:
        began(choice)
        state = fit(
            net,
            windows,
            validation,
            options,
            resume,
            report if first else lambda _: None,
            place=place,
            choice=choice,
            stop=stop,
            log=log,
        )
    model = _model(folder, dataset, options, kind, net.cpu(), state, mark)
    if first:
        save_model(folder, model)
        resume.clear()
    return model


def finish(folder: Path, dataset: Dataset, options: TrainOptions) -> Model:
    """Write the best of a training that was stopped as a model; it can still be gone on with.

    Raises UserError if there is no such training, or it was stopped before its first validation.
    """
    net, kind = _untrained(dataset, options, origin(options))
    state = Resume(folder / "resume", fingerprint(dataset, options)).load(net)
    if not state.best_weights:
        raise UserError(
            f"{folder} holds no stopped training of this dataset and recipe that has been "
            "validated; run train without --finish."
        )
    net.load_state_dict(state.best_weights)
    model = _model(folder, dataset, options, kind, net.eval(), state, "stopped")
    save_model(folder, model)
    return model


def _untrained(dataset: Dataset, options: TrainOptions, start: Model | None) -> tuple[Net, str]:
    """The net as training begins with it, and its kind."""
    kind, network = _audio_path(options)
    if start is not None and not options.model_fields_set & {"kind", "preset", "network"}:
        kind, network = start.kind, start.net.config.model_dump(mode="json")
    torch.manual_seed(options.seed)
    net = build_net(kind, network, dataset.knobs.inputs, "train.network")
    if start is not None:
        take_over(net, dataset.knobs, start)
    return net, kind


def _audio_path(options: TrainOptions) -> tuple[str, dict[str, Any]]:
    """The kind of net and its sizes; raises UserError if the preset is of another kind."""
    if options.preset is None:
        return options.kind, options.network
    chosen = preset(options.preset)
    if "kind" in options.model_fields_set and options.kind != chosen.kind:
        raise UserError(
            f"train: the preset {options.preset} is a {chosen.kind}, not a {options.kind}; leave "
            "kind out."
        )
    return chosen.kind, {**chosen.network, **options.network}


def _as_before(kept: dict[str, Any] | None, options: TrainOptions, place: Place) -> Choice | None:
    """The machine that a training began on, unless another is asked for or this one is not it."""
    there = [place.device.type] if place.world > 1 else ["cpu", *accelerators()]
    fixed = options.machine.model_dump(exclude_none=True)
    if kept is None or any(kept.get(name) != value for name, value in fixed.items()):
        return None
    return Choice(**kept) if kept["device"] in there else None


def _model(
    folder: Path,
    dataset: Dataset,
    options: TrainOptions,
    kind: str,
    net: Net,
    state: State,
    mark: str,
) -> Model:
    rows = dataset.select(["train"]).captures
    first = dataset.captures.iloc[0]
    return Model(
        name=folder.resolve().name,
        device=dataset.device,
        knobs=dataset.knobs,
        sample_rate=int(first["sample_rate"]),
        kind=kind,
        net=net,
        training={
            "fingerprint": mark,
            "seed": options.seed,
            "steps": state.step,
            "seconds": round(state.seconds, 1),
            "audio_minutes": round(float(rows["frames"].sum()) / 48000 / 60, 3),
            "validation_esr": state.best,
            "machine": state.machine,
            "options": options.model_dump(mode="json"),
            "history": [asdict(record) for record in state.history],
        },
        input_level_dbu=_level(first["input_level_dbu"]),
        output_level_dbu=_level(first["output_level_dbu"]),
    )


def _level(value: float | None) -> float | None:
    """A level as a row of the dataset has it: nan where it is not calibrated."""
    return None if value is None or value != value else float(value)

"""Models on disk: whole, or refused with a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model, build_net, load_model, save_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    knobs = KnobTable((Knob("Gain"), Knob("Bright", 0, 1, 0, detents=("off", "on"))))
    config = {"channels": 4, "kernel_sizes": [3], "dilations": [2]}
    net = build_net("wavenet", config, knobs.inputs, "here")
    model = Model("m", "amp", knobs, 48000, "wavenet", net, {"seconds": 1.0}, 12.0, None)
    save_model(tmp_path / "m", model)
    return tmp_path / "m"


def test_round_trip(folder: Path) -> None:
    first, second = load_model(folder), load_model(folder)
    assert first.knobs["bright"].detents == ("off", "on")
    assert (first.input_level_dbu, first.output_level_dbu) == (12.0, None)
    audio, knobs = torch.randn(1, 480), torch.zeros(1, 1, 3)
    assert torch.equal(first.net(audio, knobs), second.net(audio, knobs))


def _edit(key: str, value: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        raw = json.loads((folder / "model.json").read_text())
        raw[key] = value
        (folder / "model.json").write_text(json.dumps(raw))

    return edit


def _truncate(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def _hostile_header(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + data[8:])


def _nan(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load(path.read_bytes())
    tensors["head.weight"][0, 0, 0] = float("nan")
    path.write_bytes(safetensors.torch.save(tensors))


def _deep(folder: Path) -> None:
    (folder / "model.json").write_text("[" * 100_000)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda f: (f / "model.json").unlink(), "There is no model in"),
        (lambda f: (f / "model.safetensors").unlink(), "cannot be read"),
        (_edit("ampsweep_model", 2), "has model schema 2"),
        (_edit("config", {"channels": 5, "kernel_sizes": [3], "dilations": [2]}), "another net"),
        (_edit("config", {"channels": 10**9}), "channels"),
        (_edit("kind", "oracle"), "there is no model 'oracle'"),
        (_edit("knobs", [{"name": "Gain", "colour": "red"}]), "knob table cannot be read"),
        (_edit("sample_rate", 0), "sample_rate"),
        (_truncate, "is damaged"),
        (_hostile_header, "is damaged"),
        (_nan, "not a number, in head.weight"),
        (_deep, "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(
    folder: Path, spoil: Callable[[Path], object], sentence: str
) -> None:
    spoil(folder)
    with pytest.raises(UserError, match=sentence):
        load_model(folder)


def test_an_unfinished_training_is_not_a_model(tmp_path: Path) -> None:
    (tmp_path / "m" / "resume").mkdir(parents=True)
    with pytest.raises(UserError, match="not finished; run train again"):
        load_model(tmp_path / "m")


def test_a_file_where_the_folder_should_be(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match="should be a folder"):
        save_model(tmp_path / "taken", load_model(folder))

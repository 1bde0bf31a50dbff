"""`ampsweep dataset compact|split|export|import`, as they are typed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ampsweep.app import run
from dataset.planning import PlanRecipe, make_plan
from dataset.session import capture
from dataset.store import Dataset
from rigs.audio import write_wav
from rigs.config import load_rig

RIG = Path(__file__).parents[2] / "rigs/virtual.toml"
RECIPE = {
    "train": [{"design": "sobol", "settings": 6, "seconds": 0.5}],
    "validation": {"settings": 1, "seconds": 0.5},
    "test": {"settings": 1, "seconds": 0.5},
}


@pytest.fixture(scope="module")
def _captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rig = load_rig(RIG)
    folder = tmp_path_factory.mktemp("data") / rig.device
    capture(rig, *make_plan(rig.knobs, rig.device, PlanRecipe.model_validate(RECIPE)), folder)
    return folder


@pytest.fixture
def data(_captured: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(_captured, tmp_path / "data" / _captured.name))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]):
    """Runs a command line; returns what it printed, or what it said went wrong."""

    def runs(*words: object, code: int = 0) -> str:
        assert run(["dataset", *map(str, words)]) == code
        out, err = capsys.readouterr()
        return " ".join((err if code else out).split())

    return runs


def test_compact(data, said):
    count = len(Dataset.open(data))
    assert re.search(rf"{count} small parts stay .* merged from 64 MB on", said("compact", data))
    assert f"{count} parts became one file" in said("compact", data, "--all")
    assert said("compact", data, "--all") == "There is nothing to merge."
    assert len(list((data / "captures").iterdir())) == 1
    assert "There are no captures" in said("compact", data / "nothing", code=2)


def test_split_and_exclude(data, said):
    name = Dataset.open(data).captures["capture_id"][2]
    assert "Say why" in said("split", data, "--exclude", name, code=2)
    assert "Did you mean" in said("split", data, "--exclude", name[:-1], "--reason", "x", code=2)
    assert "1 captures taken out" in said("split", data, "--exclude", name, "--reason", "hum")
    assert len(Dataset.open(data).select()) == len(Dataset.open(data)) - 1
    assert "1 taken in" in said("split", data, "--include", name)
    assert len(Dataset.open(data).select()) == len(Dataset.open(data))
    text = said("split", data, "--validation", 0.25, "--test", 0.25, "--seed", 3)
    assert re.search(r"Captures: .*test [12] .*train \d .*validation [12]", text)
    assert "give fractions" in said("split", data, "--validation", 2, code=2)
    assert "Say what to do" in said("split", data, code=2)


def test_export_and_import(data, said, tmp_path):
    for kind in ("nam", "huggingface", "wav"):
        out = tmp_path / kind
        assert f"written to {tmp_path}" in said("export", data, out, "--to", kind).replace(
            "/ ", "/"
        )
        assert "is there already" in said("export", data, out, "--to", kind, code=2)
        back = tmp_path / "back" / kind
        assert re.search(r"^\d+ captures added", said("import", back, out))
        assert re.search(r"^0 captures added .*were there already", said("import", back, out))
        assert Dataset.open(back).device == data.name
    assert "There is no export 'mp3'" in said("export", data, tmp_path / "x", "--to", "mp3", code=2)
    said("export", data, tmp_path / "test", "--to", "wav", "--role", "test")
    assert len(list((tmp_path / "test/wet").iterdir())) == 1
    assert "leave --dry out" in said("import", back, out, "--dry", "x.wav", code=2)


def test_import_of_named_wavs(said, tmp_path):
    rng = np.random.default_rng(0)
    dry = 0.2 * rng.standard_normal(96_000)
    source = tmp_path / "wavs"
    source.mkdir()
    write_wav(source / "input.wav", dry)
    for gain in (1, 5, 9):
        write_wav(source / f"amp g{gain}.wav", 0.5 * np.tanh(gain * np.roll(dry, 40)))
    words = ["import", tmp_path / "my-amp", source, "--pattern", r"g(?P<Gain>\d)"]
    assert "not what was played: give the file with --dry" in said(*words, code=2)
    text = said(*words, "--dry", "input.wav")
    assert "40 samples behind the dry" in text
    assert "3 captures added" in text
    assert "no regular expression" in said(*words[:-1], "(", "--dry", "input.wav", code=2)

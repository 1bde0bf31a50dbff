"""`ampsweep render`: which engine plays, if nothing is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ampsweep.app import run
from tests.training.models_at_random import random_model
from tests.training.random_nets import SMALL, plucked, random_net
from training.checkpoint import Model, save_model
from training.native.engine import library

MODEL = random_model()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    soundfile.write("in.wav", plucked(4_800), 48_000, "FLOAT")
    return tmp_path


def rendered(model: Model, *args: str) -> np.ndarray:
    save_model(Path("m"), model)
    assert run(["render", "m", "in.wav", "out.wav", "--float", *args]) == 0
    return soundfile.read("out.wav", dtype="float32")[0]


def test_the_native_engine_plays(here: Path) -> None:
    wet = rendered(MODEL)
    assert np.array_equal(wet, rendered(MODEL, "--engine", "native"))
    torch = rendered(MODEL, "--engine", "torch")
    assert 0 < np.abs(wet - torch).max() < 1e-5


def test_torch_plays_what_has_no_image(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = SMALL.model_copy(update={"conditioning": "concat"})
    model = replace(MODEL, net=random_net(config, MODEL.knobs.inputs))
    assert np.array_equal(rendered(model), rendered(model, "--engine", "torch"))
    assert run(["render", "m", "in.wav", "out.wav", "--engine", "native"]) == 2
    assert "is conditioned by concat" in capsys.readouterr().err


@pytest.fixture
def no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CXX", "none-such")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    library.cache_clear()
    yield
    library.cache_clear()


def test_torch_plays_without_a_compiler(
    here: Path, no_compiler: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert np.array_equal(rendered(MODEL), rendered(MODEL, "--engine", "torch"))
    assert run(["render", "m", "in.wav", "out.wav", "--engine", "native"]) == 2
    assert "for there is no C++ compiler; install one" in capsys.readouterr().err


def test_why_nothing_can_be_compiled_is_said(
    here: Path,
    no_compiler: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_model(Path("m"), MODEL)
    monkeypatch.setenv("CXX", "false")
    assert run(["render", "m", "in.wav", "out.wav", "--engine", "native"]) == 2
    assert "The native engine cannot be compiled by" in capsys.readouterr().err
    Path("file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", "file")
    assert run(["render", "m", "in.wav", "out.wav", "--engine", "native"]) == 2
    assert "cannot be kept in file/ampsweep/native" in capsys.readouterr().err

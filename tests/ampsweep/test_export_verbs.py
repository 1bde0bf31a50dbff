"""`ampsweep export` and `ampsweep render`, as they are typed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ampsweep.app import run
from rigs.audio import esr
from tests.training.models_at_random import random_model
from tests.training.random_nets import plucked
from training.checkpoint import save_model
from training.exports.onnx import OnnxPlayer
from training.play import play

pytestmark = pytest.mark.usefixtures("one_thread")

Typed = Callable[..., str]
MODEL = random_model()


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Runs a verb where there are a model `m` and a dry `in.wav`; what it said."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "m", MODEL)
    soundfile.write(tmp_path / "in.wav", plucked(4_800), 48_000, "PCM_24")

    def call(*args: str, code: int = 0) -> str:
        assert run(args) == code
        captured = capsys.readouterr()
        if code == 2:
            assert captured.out == ""
            assert len(captured.err.strip().splitlines()) == 1
        return " ".join((captured.out + captured.err).split())

    return call


def metadata(path: str) -> dict:
    return json.loads(Path(path).read_text())["metadata"]


def test_a_snapshot_with_its_labels(typed: Typed) -> None:
    said = typed(
        "export", "snapshot", "m", "--out", "x.nam", "--set", "gain=7", "--set", "Bright=off",
        "--gear-make", "Acme", "--gear-model", "Loud 50", "--gear-type", "amp",
        "--tone-type", "crunch", "--modeled-by", "Me",
    )  # fmt: skip
    assert said == "x.nam: my amp at Gain 7, High Cut 5000, Bright off."
    found = metadata("x.nam")
    assert [found[name] for name in ("gear_make", "gear_model", "gear_type")] == [
        "Acme", "Loud 50", "amp",
    ]  # fmt: skip
    assert (found["tone_type"], found["modeled_by"]) == ("crunch", "Me")
    assert (found["input_level_dbu"], found["ampsweep"]["setting"]["Gain"]) == (12.5, 7)


@pytest.mark.parametrize(
    ("grid", "gains"),
    [("Gain=3,High Cut=2", {0, 5, 10}), ("3x2", {0, 5, 10}), ("list.csv", {1.1, 2, 3})],
)
def test_a_pack(typed: Typed, grid: str, gains: set[float]) -> None:
    lines = [f"{gain};{cut}" for gain in (1.1, 2, 3) for cut in (300, 400)]
    Path("list.csv").write_text("\n".join(["Gain;High Cut", *lines]))
    args = ("export", "snapshot", "m", "--out", "pack", "--grid", grid, "--set", "Bright=2")
    assert typed(*args) == "pack: 6 snapshots of my amp."
    found = [metadata(str(path))["ampsweep"]["setting"] for path in Path("pack").glob("*.nam")]
    assert {setting["Gain"] for setting in found} == gains
    assert {setting["Bright"] for setting in found} == {2}
    assert typed(*args) == "pack: 6 snapshots of my amp, already there."
    assert typed("rigs", "show", "pack/pack.toml")
    assert "holds another pack" in typed(*args[:-1], "Bright=1", code=2)


def test_onnx(typed: Typed) -> None:
    said = typed("export", "onnx", "m", "--out", "x.onnx", "--licence", "CC0-1.0")
    assert re.fullmatch(
        r"x\.onnx: my amp, opset 21, \d+ KiB; beside the model itself an ESR of \de-1\d, at worst "
        r"\de-1\d, over 9 trials\.",
        re.sub(r"\.\de-", "e-", said),
    )
    assert OnnxPlayer(Path("x.onnx")).facts["licence"] == "CC0-1.0"
    said = typed("export", "onnx", "m", "--out", "y.onnx", "--int8", "--audio", "in.wav")
    assert "an ESR of" in said
    dry, setting = plucked(4_800), np.array([8.0, 900.0, 0.0])
    wet = play(MODEL.net, dry, MODEL.knobs.to_inputs(setting))
    deviation = [esr(wet, OnnxPlayer(Path(f"{name}.onnx")).play(dry, setting)) for name in "xy"]
    assert deviation[0] < 1e-9 < deviation[1] < 1e-2


def test_render_along_an_automation(typed: Typed) -> None:
    Path("still.csv").write_text("time,Gain\n0,7\n")
    Path("moving.csv").write_text("time,Gain,Bright\n0,0,off\n0.05,10,2\n")
    typed("render", "m", "in.wav", "set.wav", "--set", "Gain=7")
    typed("render", "m", "in.wav", "still.wav", "--automation", "still.csv")
    typed("render", "m", "in.wav", "moving.wav", "--automation", "moving.csv", "--set", "bright=1")
    wets = [soundfile.read(f"{name}.wav")[0] for name in ("set", "still", "moving")]
    assert np.abs(wets[0] - wets[1]).max() < 1e-5
    assert esr(wets[0], wets[2]) > 0.01
    rest = MODEL.knobs.to_inputs(np.array([10.0, 5_000.0, 2.0]))
    wet = play(MODEL.net, plucked(4_800), rest)
    assert np.abs(wets[2][2_400 + 100 :] - wet[2_400 + 100 :]).max() < 1e-5


def test_render_by_the_engine_of_the_pedal(typed: Typed) -> None:
    """A model and its pedal image sound the same, and as torch has them, with knobs that move."""
    Path("moving.csv").write_text("time,Gain,Bright\n0,0,off\n0.05,10,2\n")
    knobs = ("--automation", "moving.csv", "--set", "High Cut=900", "--float")
    typed("export", "pedal", "m", "--out", "m.pedal")
    typed("render", "m", "in.wav", "torch.wav", "--engine", "torch", *knobs)
    typed("render", "m", "in.wav", "native.wav", "--engine", "native", *knobs)
    typed("render", "m.pedal", "in.wav", "pedal.wav", *knobs)
    wets = [soundfile.read(f"{name}.wav")[0] for name in ("torch", "native", "pedal")]
    assert 0 < np.abs(wets[0] - wets[1]).max() < 1e-5
    assert np.array_equal(wets[1], wets[2])
    said = typed("render", "m.pedal", "in.wav", "x.wav", "--engine", "torch", code=2)
    assert "m.pedal is a pedal image, which torch does not play; name its model." in said
    Path("bad.pedal").write_bytes(Path("m.pedal").read_bytes()[:-1])
    assert "error 3, SIZE" in typed("render", "bad.pedal", "in.wav", "x.wav", code=2)


def test_render_to_floating_point_does_not_clip(typed: Typed) -> None:
    soundfile.write("hot.wav", 20 * plucked(4_800), 48_000, "FLOAT")
    assert "samples clipped: write them with --float" in typed("render", "m", "hot.wav", "a.wav")
    said = typed("render", "m", "hot.wav", "b.wav", "--float")
    assert "clipped" not in said
    assert soundfile.info("b.wav").subtype == "FLOAT"
    wet, rate = soundfile.read("b.wav", dtype="float32")
    assert (rate, len(wet)) == (48_000, 4_800)
    assert np.abs(wet).max() > 1.5
    before = Path("b.wav").read_bytes()
    typed("render", "m", "hot.wav", "b.wav", "--float")
    assert Path("b.wav").read_bytes() == before


SNAPSHOT = ("export", "snapshot", "m", "--out", "x")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((*SNAPSHOT, "--gear-type", "toaster"), "no gear type 'toaster'"),
        ((*SNAPSHOT, "--grid", "Gian=3"), "no knob 'Gian'.*mean Gain"),
        ((*SNAPSHOT, "--grid", "Gain"), "'' is no number of positions"),
        ((*SNAPSHOT, "--grid", "Gain=many"), "'many' is no number of positions"),
        ((*SNAPSHOT, "--grid", "Gain=2,gain=3"), "names Gain twice"),
        ((*SNAPSHOT, "--grid", "2x2x3x4"), "is for 4 knobs, and there are 3"),
        ((*SNAPSHOT, "--grid", "9999x9999"), "a pack at most 10000"),
        ((*SNAPSHOT, "--grid", "0x3"), "'0' is no number of positions"),
        ((*SNAPSHOT, "--grid", "1x1"), "two settings that differ"),
        ((*SNAPSHOT, "--grid", "Gain=3", "--set", "Gain=3"), "Gain is in --grid and in --set"),
        ((*SNAPSHOT, "--grid", "none.csv"), "no file none.csv"),
        ((*SNAPSHOT, "--grid", "Gain=3", "--gear-type", "toaster"), "no gear type 'toaster'"),
        (("export", "onnx", "none", "--out", "x"), "no model in none"),
        (("export", "onnx", "m", "--out", "m"), "m is a folder"),
        (("export", "onnx", "m", "--out", "x", "--audio", "none.wav"), "no file none.wav"),
        (("render", "m", "in.wav", "x", "--automation", "none.csv"), "no file none.csv"),
        (("render", "m", "in.wav", "x", "--automation", "in.wav"), "not UTF-8"),
        (("render", "m", "in.wav", "in.wav"), "is the dry signal itself"),
    ],
)
def test_what_cannot_be(typed: Typed, args: tuple[str, ...], sentence: str) -> None:
    said = typed(*args, code=2)
    assert re.search(sentence, said), said
    assert not Path("x").exists()

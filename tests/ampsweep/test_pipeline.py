"""The whole pipeline as a user runs it, on a recipe that takes seconds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from ampsweep.app import run
from ampsweep.init import scaffold
from dataset.store import Dataset
from dataset.versions import environment
from rigs.audio import esr
from rigs.errors import UserError
from training.checkpoint import load_model
from training.exports.pedal import load_pedal
from training.fit import Status
from training.options import TrainOptions
from training.run import train_model

RECIPE = {
    "plan": {
        "seed": 3,
        "train": [{"design": "sweep", "minutes": 0.1, "seconds": 3, "interval": 0.5}],
        "validation": {"settings": 2, "seconds": 1},
        "test": {"settings": 3, "seconds": 1},
        "sentinels": {"every": 3, "seconds": 1},
    },
    "train": {
        "steps": 12,
        "batch": 4,
        "window": 960,
        "validations": 2,
        "network": {"channels": 4, "kernel_sizes": [3, 3], "dilations": [1, 5], "hidden": 8},
    },
}
RIG, DATA, MODEL = "rigs/virtual.toml", "data/virtual-amp", "models/demo"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project through which `dvc repro` went once."""
    project = tmp_path_factory.mktemp("pipeline") / "project"
    scaffold(project, model="demo")
    (project / "params.yaml").write_text(yaml.safe_dump(RECIPE))
    assert "Updating lock file" in _dvc(project, "repro")
    return project


def _dvc(project: Path, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *args],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _git(project: Path, *args: str) -> str:
    name = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    return subprocess.run(
        ["git", *name, *args], cwd=project, env=environment(), check=True, capture_output=True,
        text=True,
    ).stdout  # fmt: skip


@pytest.fixture
def ampsweep(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a verb in the finished project; returns what it said, after the exit code expected."""

    def call(*args: str, code: int = 0) -> str:
        monkeypatch.chdir(finished)
        capsys.readouterr()
        assert run(args) == code
        captured = capsys.readouterr()
        said = captured.out + captured.err
        if code == 2:
            assert "Traceback" not in said
            assert len(captured.err.strip().splitlines()) == 1, captured.err
        return said

    return call


def test_what_the_pipeline_leaves(finished: Path) -> None:
    found = json.loads((finished / "metrics/evaluation.json").read_text())
    assert {"esr", "settings", "training_seconds", "parameters", "macs_per_sample"} <= set(found)
    assert found["settings"] + found["quiet"]["settings"] >= 3
    assert 0 < found["esr"]["median"] <= found["esr"]["worst"]
    assert found["esr"]["floor"] == 0.0  # a simulation repeats itself exactly
    assert found["macs_per_sample"] == 4 + 2 * (4 * 4 * 3 + 4 + 16) + 4
    assert json.loads((finished / "metrics/check.json").read_text())["captures"] == 11
    assert "<html" in (finished / "report/report.html").read_text()
    roles = Dataset.open(finished / DATA).captures["role"].value_counts().to_dict()
    assert roles == {"train": 2, "validation": 2, "test": 3, "sentinel": 4}
    assert load_pedal(finished / "demo.pedal").facts.device == "virtual-amp"


def test_a_second_repro_does_nothing(finished: Path) -> None:
    before = (finished / "dvc.lock").read_bytes()
    assert "Data and pipelines are up to date" in _dvc(finished, "repro")
    assert (finished / "dvc.lock").read_bytes() == before


def test_push_and_pull_to_a_second_clone(finished: Path, tmp_path: Path) -> None:
    _dvc(finished, "remote", "add", "-d", "-f", "store", str(tmp_path / "store"))
    _git(finished, "add", "-A")
    _git(finished, "commit", "-qm", "first")
    _dvc(finished, "push", "-q")
    _git(tmp_path, "clone", "-q", str(finished), "clone")
    clone = tmp_path / "clone"
    _dvc(clone, "pull", "-q")
    for name in ("plan.parquet", "demo.nam", "models/demo/model.safetensors"):
        assert (clone / name).read_bytes() == (finished / name).read_bytes()
    assert "up to date" in _dvc(clone, "status")


def test_the_lock_holds_without_a_remote(finished: Path, tmp_path: Path) -> None:
    """On another machine the data stages give the very bytes that the lock names."""
    scaffold(tmp_path / "again", model="demo")
    for name in ("params.yaml", "dvc.lock"):
        (tmp_path / "again" / name).write_bytes((finished / name).read_bytes())
    _dvc(tmp_path / "again", "repro", "check")

    def data_stages(project: Path) -> object:
        stages = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
        return [stages[name] for name in ("plan", "capture", "check")]

    assert data_stages(tmp_path / "again") == data_stages(finished)


def test_another_range_of_a_knob_reruns_what_depends_on_it(finished: Path, tmp_path: Path) -> None:
    project = tmp_path / "changed"
    scaffold(project, model="demo")
    (project / "params.yaml").write_text(yaml.safe_dump(RECIPE))
    _dvc(project, "repro", "check")
    with (project / RIG).open("a") as toml:
        toml.write("\n[knobs.Gain]\nminimum = 4.0\n")
    said = _dvc(project, "repro", "check")
    for stage in ("plan", "capture", "check"):
        assert f"Running stage '{stage}'" in said
    dataset = Dataset.open(project / DATA)
    assert dataset.knobs["Gain"].minimum == 4
    assert len(dataset) == 11  # a simulation's captures of the old plan are gone


def test_training_twice_is_training_once(ampsweep: Run) -> None:
    assert "already trained" in ampsweep("train", DATA, MODEL)


def test_training_anew_and_stopping_leaves_no_model(finished: Path, tmp_path: Path) -> None:
    folder, dataset = tmp_path / "model", Dataset.open(finished / DATA)
    shutil.copytree(finished / MODEL, folder)
    options = TrainOptions.model_validate({**RECIPE["train"], "steps": 20})

    def stop(status: Status) -> None:
        if status.step == 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(folder, dataset, options, stop)
    with pytest.raises(UserError, match="not finished; run train again"):
        load_model(folder)
    train_model(folder, dataset, options, lambda _: None)
    assert load_model(folder).training["steps"] == 20
    assert not (folder / "resume").exists()


def test_render_is_the_model_and_the_snapshot_its_setting(ampsweep: Run, finished: Path) -> None:
    rng = np.random.default_rng(0)
    soundfile.write(finished / "in.wav", rng.normal(0, 0.1, 44100), 44100, "PCM_24")
    said = ampsweep("render", MODEL, "in.wav", "loud.wav", "--set", "Gain=9", "--set", "bass=2")
    assert "resampled from 44100 Hz" in said
    ampsweep("render", MODEL, "in.wav", "noon.wav")
    loud, rate = soundfile.read(finished / "loud.wav")
    noon, _ = soundfile.read(finished / "noon.wav")
    assert (rate, len(loud), len(noon)) == (48000, 48000, 48000)
    assert esr(noon, loud) > 1e-4
    ampsweep("export", "snapshot", MODEL, "--out", "hot.nam", "--set", "Gain=9")
    hot = json.loads((finished / "hot.nam").read_text())
    assert hot["version"] == "0.7.0"
    assert hot["metadata"]["ampsweep"]["setting"]["Gain"] == 9
    assert hot["weights"] != json.loads((finished / "demo.nam").read_text())["weights"]


def test_this_repository_is_such_a_project() -> None:
    """DVC reads every dvc.yaml below the root: none but the pipeline's may be there."""
    root = Path(__file__).parents[2]
    listed = _dvc(root, "stage", "list", "--all", "--name-only").split()
    assert listed == ["plan", "capture", "check", "train", "evaluate", "export"]


def test_show(ampsweep: Run) -> None:
    said = ampsweep("dataset", "show", DATA)
    assert re.search(r"Presence.*0 to 10", said)
    assert re.search(r"sentinel.*4", said)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("render", MODEL, "x.wav", "y.wav", "--set", "Gian=7"), "no knob 'Gian'.*mean Gain"),
        (("render", MODEL, "x.wav", "y.wav", "--set", "Gain=11"), "cannot be set to 11"),
        (("render", MODEL, "x.wav", "y.wav", "--set", "Gain"), "write Gain=5"),
        (("render", MODEL, "x.wav", "y.wav", "--set", "Gain=nan"), "cannot be set to nan"),
        (("render", MODEL, "x.wav", "y.wav"), "x.wav"),
        (("render", "models", "x.wav", "y.wav"), "no model in models"),
        (("export", "snapshot", MODEL, "--out", "models"), "models"),
        (("export", "pedal", MODEL, "--out", "params.yaml/x.pedal"), "params.yaml"),
        (("train", "data/none", "models/x"), "no captures in data/none"),
        (("train", DATA, "params.yaml"), "params.yaml should be a folder"),
        (("train", DATA, "models/x", "--params", RIG), "cannot be read as YAML|no section"),
        (("evaluate", MODEL, "data/none"), "no captures in data/none"),
        (("capture", "none.toml"), "no file none.toml"),
        (("capture", RIG, "--plan", "params.yaml"), "params.yaml"),
        (("plan", RIG, "--params", "none.yaml"), "no none.yaml here"),
    ],
)
def test_bad_input(ampsweep: Run, finished: Path, args: tuple[str, ...], sentence: str) -> None:
    before = sorted(str(p) for p in finished.rglob("*") if ".dvc" not in p.parts)
    said = ampsweep(*args, code=2)
    assert re.search(sentence, " ".join(said.split())), said
    assert sorted(str(p) for p in finished.rglob("*") if ".dvc" not in p.parts) == before


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ("plan: {train: []}\ntrain: {}", "is empty"),
        ("plan: {knobs: 3}", "params.yaml, plan: knobs"),
        ("train: {minutes: 1}", "has no section 'plan'"),
        ("[1, 2", "cannot be read as YAML"),
    ],
)
def test_bad_recipes(ampsweep: Run, finished: Path, section: str, sentence: str) -> None:
    text = section.replace(
        "train: []", "train: [], validation: {settings: 0, seconds: 1}, test: {settings: 0, "
        "seconds: 1}"
    )  # fmt: skip
    (finished / "bad.yaml").write_text(text)
    try:
        said = ampsweep("plan", RIG, "--params", "bad.yaml", code=2)
    finally:
        (finished / "bad.yaml").unlink()
    assert re.search(sentence.replace("params.yaml", "bad.yaml"), " ".join(said.split())), said


WITHOUT_TORCH = """\
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from ampsweep.app import main
main()
"""


def test_train_without_torch(finished: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "train", DATA, "models/x"],
        cwd=finished,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert 'pip install "ampsweep[train]"' in done.stderr
    assert "Traceback" not in done.stderr

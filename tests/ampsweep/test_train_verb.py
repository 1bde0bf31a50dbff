"""`ampsweep train`: its options, what it says, and Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ampsweep.app import run
from ampsweep.train import read_options
from dataset.planning import PlanRecipe, make_plan
from dataset.session import capture
from rigs.config import load_rig
from rigs.errors import UserError
from training.models.presets import PRESETS, figures
from training.options import minutes_of

NETWORK = {"channels": 4, "kernel_sizes": [3, 3], "dilations": [1, 5], "hidden": 8}
TRAIN: dict[str, Any] = {
    "steps": 6, "batch": 4, "window": 480, "validations": 3, "network": NETWORK, "kind": "wavenet",
    "machine": {"device": "cpu", "kernel": "native", "threads": 1, "compile": False},
}  # fmt: skip
PLAN = {
    "train": [{"design": "sweep", "minutes": 0.1, "seconds": 3, "interval": 0.5}],
    "validation": {"settings": 2, "seconds": 1},
    "test": {"settings": 0, "seconds": 1},
    "sentinels": {"every": 0, "seconds": 1},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import rigs

    folder = tmp_path_factory.mktemp("project")
    rig = load_rig(Path(rigs.__file__).with_name("virtual.toml"))
    plan = make_plan(rig.knobs, rig.device, PlanRecipe.model_validate(PLAN), rig.reach)
    capture(rig, *plan, folder / "data")
    return folder


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    (project / "params.yaml").write_text(yaml.safe_dump({"train": TRAIN}))
    return project


def _facts(model: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(model, "model.json").read_text())
    return found


def test_the_list_names_what_each_net_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(re.search(rf"^{name} +[\d,]+ +[\d,]+ +[\d,]+ ", said, re.M) for name in PRESETS)
    pedal = PRESETS["pedal"]
    cost = figures(pedal.kind, pedal.network, 6)
    numbers = (cost.parameters, cost.macs_per_sample, cost.receptive_field)
    assert re.search(" +".join(["^pedal", *(f"{n:,}" for n in numbers), pedal.runs_on]), said, re.M)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90s", 1.5), ("10m", 10), ("1h", 60), ("1h30m", 90), ("0.5h", 30), ("2m30s", 2.5)],
)
def test_lengths_of_time(text: str, minutes: float) -> None:
    assert minutes_of(text) == pytest.approx(minutes)


@pytest.mark.parametrize("text", ["", "10", "m", "0m", "-1h", "1m1h", "1e9h", "ten minutes"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 10m or 1h30m"):
        minutes_of(text)


def test_options_go_before_the_recipe(here: Path) -> None:
    def read(**given: Any) -> Any:
        return read_options(Path("params.yaml"), given)

    assert (read(minutes="10m").minutes, read(minutes="10m").steps) == (10, None)
    assert read().network == NETWORK
    assert (read(preset="pedal").preset, read(preset="pedal").network) == ("pedal", {})
    assert read(start_from="x").model_fields_set.isdisjoint({"kind", "network"})
    assert read(threads=3).machine.model_dump() == {
        **TRAIN["machine"], "threads": 3, "precision": None
    }  # fmt: skip
    with pytest.raises(UserError, match=r"^--time: '10x' is no length of time"):
        read(minutes="10x")
    (here / "params.yaml").write_text(yaml.safe_dump({"train": {**TRAIN, "machine": "fast"}}))
    with pytest.raises(UserError, match="machine"):
        read(threads=3)


def test_train_finish_and_start_from(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "data", "m"]) == 0
    said = capsys.readouterr().out
    assert "On this machine: cpu, native kernels, 1 thread." in said
    assert re.search(r"100%: step 6, loss \d.\d+, ESR \d.\d+ \(best \d.\d+\)", said)
    assert re.search(r"^m: 6 steps in 0.\d minutes, ESR on validation settings", said, re.M)
    assert run(["train", "data", "other", "--from", "m", "--live"]) == 0
    assert _facts("other")["config"] == _facts("m")["config"]
    assert Path("other/live/metrics.json").exists()
    capsys.readouterr()
    assert run(["train", "data", "none", "--finish"]) == 2
    assert "no stopped training" in capsys.readouterr().err
    assert run(["train", "data"]) == 2
    assert "ampsweep train DATA MODEL" in capsys.readouterr().err


def test_ctrl_c_keeps_what_there_is(here: Path) -> None:
    endless = {**TRAIN, "steps": 10**6, "validations": 10**5}
    (here / "params.yaml").write_text(yaml.safe_dump({"train": endless}))
    command = [sys.executable, "-c", "from ampsweep.app import main; main()", "train", "data", "c"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "best" in line:  # the first validation
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert re.fullmatch(r"Stopped after \d+ steps \(0%, best ESR so far .* goes on .*\n", said)
    assert not Path("c/model.json").exists()
    assert run(["train", "data", "c", "--finish"]) == 0
    steps = int(re.findall(r"after (\d+)", said)[0])
    assert _facts("c")["training"]["steps"] == steps


def test_a_teacher_that_is_not_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "data", "t", "--teacher", "nowhere"]) == 2
    assert "There is no model in nowhere" in capsys.readouterr().err
    assert not Path("t").exists()

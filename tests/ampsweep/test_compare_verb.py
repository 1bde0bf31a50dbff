"""`ampsweep compare` and `ampsweep evaluate` as a user types them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ampsweep.app import run
from ampsweep.compare import labels
from tests.training.judged_amp import a_model, usual, write
from training.checkpoint import save_model


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models of one device, one of another, and captures of the first."""
    folder = tmp_path_factory.mktemp("project")
    for name, seed in (("good", 0), ("bad", 1), ("worse", 2)):
        save_model(folder / "models" / name, a_model(seed=seed))
    save_model(folder / "models" / "stranger", a_model(device="another"))
    write(folder / "data", a_model(), usual())
    return folder


@pytest.fixture
def said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    monkeypatch.chdir(project)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*args: str, code: int = 0) -> str:
        capsys.readouterr()
        assert run(args) == code
        captured = capsys.readouterr()
        if code:
            assert len(captured.err.strip().splitlines()) == 1
        return captured.out + captured.err

    return call


def test_models_side_by_side(project: Path, said) -> None:
    out = said(
        "compare",
        "models/bad",
        "models/good",
        "--data",
        "data",
        "--json",
        "c.json",
        "--html",
        "c.html",
    )
    lines = out.splitlines()
    good, bad = (next(n for n, x in enumerate(lines) if x.startswith(m)) for m in ("good", "bad"))
    assert good < bad, "the lower median comes first"
    assert re.search(r"0\.0[34]\d\d +0\.0\d{3} +0\.0\d{3}", lines[good])
    assert max(map(len, lines)) <= 80
    assert "3 test settings of amp; floor of the ESR 0.002" in out
    found = json.loads((project / "c.json").read_text())
    assert [one["name"] for one in found["models"]] == ["bad", "good"]
    assert found["wins"] == [[0, 0], [3, 0]]
    assert "<html" in (project / "c.html").read_text()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["models/good", "models/stranger"], "models of one device|dataset of one device"),
        (["models/good"], "1 models were named to compare"),
        (["models/good", "models/../models/good"], "named twice"),
        (["models/good", "models/none"], "There is no model in models/none"),
        (["models/good", "models/bad", "--json", "none/c.json"], "its folder is not there"),
    ],
)
def test_what_cannot_be_compared(project: Path, said, args: list[str], words: str) -> None:
    before = sorted(project.rglob("*"))
    assert re.search(words, said("compare", *args, "--data", "data", code=2))
    assert sorted(project.rglob("*")) == before


def test_labels_tell_models_apart() -> None:
    assert labels([Path("/a/m"), Path("/a/n")]) == ["m", "n"]
    assert labels([Path("/a/m"), Path("/b/m")]) == ["a/m", "b/m"]
    assert labels([Path("/x/a/m"), Path("/y/a/m"), Path("/y/a/n")]) == ["x/a/m", "y/a/m", "y/a/n"]


def test_evaluate_writes_it_all(project: Path, said) -> None:
    out = said("evaluate", "models/good", "data")
    assert "ESR over 3 settings: median 0.0" in out
    found = json.loads((project / "metrics/evaluation.json").read_text())
    assert found["unseen"] == {"settings": 3, "playing": 3}
    names = {path.name for path in (project / "report").iterdir()}
    assert names == {"report.html", "motion.csv", "zipper.csv", "aliasing.csv", "esr_by_pair.csv"}
    assert {path.name for path in (project / "plots").iterdir()} == {
        "esr_by_setting.csv",
        "esr_by_knob.csv",
    }


def test_evaluate_refuses_another_device(said) -> None:
    assert "of one device" in said("evaluate", "models/stranger", "data", code=2)


def test_ctrl_c_ends_with_a_sentence_and_leaves_what_was(project: Path, tmp_path: Path) -> None:
    """Interrupted while it plays: once it has said that it judges settings."""
    program = f"""
import os, signal, sys
sys.argv = ["ampsweep", "evaluate", {str(project / "models/good")!r}, {str(project / "data")!r}]
import training.evaluate.whole as whole
judged = whole.judge
def interrupted(*args):
    os.kill(os.getpid(), signal.SIGINT)
    return judged(*args)
whole.judge = interrupted
from ampsweep.app import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("Stopped: nothing was judged to the end")
    assert list(tmp_path.iterdir()) == []

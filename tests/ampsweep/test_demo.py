"""The demo around its stages. What the stages do is a stand-in here: a few lines of shell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ampsweep.app import run
from ampsweep.demo import NAMES, is_demo
from ampsweep.init import render

STAND_IN = """\
#!/bin/sh
echo "$1" >> "$LOG"
[ "$1" = "$FAIL" ] && { echo "The amp caught fire." >&2; exit 2; }
if [ "$1" = "$HANG" ]; then
    trap 'kill $!; echo put away >> "$LOG"; exit 130' INT
    echo hanging >> "$LOG"
    sleep 30 > /dev/null 2>&1 & wait
fi
amp=data/virtual-amp
case $1 in
    plan) mkdir -p dry; echo "$1" > plan.parquet; echo "$1" > dry/train.wav ;;
    capture) mkdir -p $amp/captures $amp/dry; echo x > $amp/captures/a; echo x > $amp/dry/a ;;
    dataset) mkdir -p metrics; echo '{}' > metrics/check.json ;;
    train) mkdir -p models/demo; echo x > models/demo/model.json ;;
    evaluate)
        mkdir -p metrics plots report
        echo '{"esr": {"median": 0.0512, "p90": 0.125, "worst": 0.5}}' > metrics/evaluation.json
        echo capture_id,esr > plots/esr_by_setting.csv
        echo position,esr > plots/esr_by_knob.csv
        echo x > report/report.html ;;
    export) echo x > demo.nam; echo x > demo.pedal ;;
esac
"""

DEMO = """\
import os, sys
import ampsweep.demo as demo
real = demo.environment
demo.environment = lambda: {**real(), "PATH": sys.argv.pop(1) + os.pathsep + real()["PATH"]}
from ampsweep.app import run
sys.exit(run(["demo", *sys.argv[2:]]))
"""


class Stage:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        tools = folder / "tools"
        tools.mkdir()
        (tools / "ampsweep").write_text(STAND_IN)
        (tools / "ampsweep").chmod(0o755)
        self.command = [sys.executable, "-c", DEMO, str(tools)]

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        self.log.write_text("")
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.folder,
            env={**os.environ, "LOG": str(self.log), "FAIL": "-", "HANG": "-", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **env)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def ran(self) -> list[str]:
        return self.log.read_text().split()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


ALL = ["plan", "capture", "dataset", "train", "evaluate", "export", "export"]


def test_once_twice_and_full(stage: Stage) -> None:
    code, out, err = stage.run()
    assert code == 0, err
    assert stage.ran() == ALL
    assert "median 0.0512, p90 0.125, worst 0.5" in out
    assert "demo/report/report.html" in out
    assert "ampsweep render demo/models/demo" in out
    assert "ampsweep demo demo --full" in out

    code, out, err = stage.run("demo")
    assert code == 0, err
    assert stage.ran() == []
    assert "nothing was done again" in out
    assert "median 0.0512" in out

    code, out, err = stage.run("--full", FAIL="plan")
    params = (stage.folder / "demo" / "params.yaml").read_text()
    assert params == render("params.full.yaml", NAMES)
    assert stage.ran() == ["plan"]
    code, out, err = stage.run("--full")
    assert code == 0, err
    assert "--full" not in out


def test_a_stage_that_fails_has_said_why(stage: Stage) -> None:
    code, out, err = stage.run("d", FAIL="train")
    assert code == 2
    assert "The amp caught fire." in err
    assert "Traceback" not in out + err
    assert err.splitlines()[-1].startswith("The demo in d did not finish:")

    code, out, err = stage.run("d")
    assert code == 0, err
    assert stage.ran() == ALL[3:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_waits_for_the_stage_and_goes_on_later(
    number: signal.Signals, stage: Stage
) -> None:
    process = stage.start("d", HANG="capture")
    deadline = time.monotonic() + 30
    while "hanging" not in stage.ran() and time.monotonic() < deadline:
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 15
    assert "Traceback" not in out + err
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert stage.ran() == ["plan", "capture", "hanging", "put", "away"]
        assert err.splitlines()[-1] == "Stopped; `ampsweep demo d` goes on where it stopped."
    else:
        assert process.returncode == 128 + number
        return

    code, out, err = stage.run("d")
    assert code == 0, err
    assert stage.ran() == ALL[1:]


def test_a_folder_of_something_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "song.wav").write_text("mine")
    assert not is_demo(tmp_path)
    assert run(["demo", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err

    (tmp_path / "dvc.yaml").write_text("stages: {}")
    assert run(["demo", str(tmp_path)]) == 2
    assert "is a project already" in capsys.readouterr().err


def test_a_file_in_the_demos_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo").write_text("mine")
    assert run(["demo", str(tmp_path / "demo")]) == 2
    assert "is a file, not a folder" in capsys.readouterr().err

"""A circuit through the command line, as a user runs it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ampsweep.app import run
from dataset.store import Dataset
from rigs.config import load_rig
from rigs.errors import UserError

RIG = """\
name = "bench"
device = "screamer"

[actuator]
type = "parameters"

[path]
type = "circuit"
netlist = "builtin:ts808"
oversample = 2
chunk = 0.1
overlap = 0.05
"""
RECIPE = """\
plan:
  seed: 5
  train:
    - {design: sweep, minutes: 0.005, seconds: 0.3, interval: 0.2}
    - {design: sobol, settings: 1, seconds: 0.15}
  validation: {settings: 1, seconds: 0.15}
  test: {settings: 1, seconds: 0.15}
"""


def captured(project: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> dict[str, bytes]:
    """Every file of the dataset that `plan` and `capture` leave."""
    project.mkdir()
    monkeypatch.chdir(project)
    Path("rig.toml").write_text(RIG + f"jobs = {jobs}\n")
    Path("params.yaml").write_text(RECIPE)
    assert run(["plan", "rig.toml"]) == 0
    assert run(["capture", "rig.toml"]) == 0
    data = project / "data/screamer"
    return {
        str(path.relative_to(data)): path.read_bytes() for path in sorted(data.rglob("*.parquet"))
    }


def test_captured_twice_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = captured(tmp_path / "first", monkeypatch, jobs=1)
    assert first == captured(tmp_path / "second", monkeypatch, jobs=2)
    dataset = Dataset.open(tmp_path / "first/data/screamer")
    assert len(dataset) == 4
    assert dataset.knobs.names == ("Drive", "Tone", "Level")
    assert [dataset.trajectory(row).moves for row in dataset.rows()].count(True) == 1
    assert np.isfinite(dataset.captures["rms_dbfs"]).all()


def test_what_is_wrong_with_a_netlist_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.cir").write_text("t\n* input in 1 V\n.control\nshell touch ran\n.endc\n")
    Path("rig.toml").write_text(RIG.replace("builtin:ts808", "own.cir"))
    with pytest.raises(UserError, match=r"rig\.toml.*own\.cir, line 3: .*\.control"):
        load_rig(Path("rig.toml"))
    capsys.readouterr()
    assert run(["plan", "rig.toml"]) == 2
    said = capsys.readouterr().err
    assert re.search("own.cir, line 3", " ".join(said.split()))
    assert len(said.strip().splitlines()) == 1
    assert not Path("ran").exists()

"""SIGKILL, again and again: nothing is lost but the capture in hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

from kill_server import PLAN
from tanh_rig import DEVICE, KNOBS, tanh_rig
from test_session import digest

from dataset.planning import make_plan
from dataset.session import capture
from dataset.store import Dataset

HERE = Path(__file__).parent


def test_a_session_killed_twenty_times_ends_as_if_it_never_was(tmp_path):
    plan, dries = make_plan(KNOBS, DEVICE, PLAN)
    capture(tanh_rig(), plan, dries, tmp_path / "calm")
    folder = tmp_path / "killed"
    command = [sys.executable, str(HERE / "kill_server.py"), str(folder), "20", "1"]
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    while_writing = json.loads(done.stdout)
    assert len(while_writing) == 20
    assert sum(while_writing) >= 3, "kills should land in the midst of writing too"
    held = Dataset.open(folder).captures["plan_index"].tolist()
    assert 0 < len(held) < len(plan.entries)
    assert held == list(range(len(held)))
    capture(tanh_rig(), plan, dries, folder)
    assert digest(folder) == digest(tmp_path / "calm")
    data = Dataset.open(folder)
    assert data.captures["plan_index"].tolist() == list(range(len(plan.entries)))
    data.verify()

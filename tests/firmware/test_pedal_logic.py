"""The pedal's parts, each by a C++ program of its own; and the one file that touches the board."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from pedal_simulator import PATIENCE, ROOT, program


@pytest.mark.parametrize("name", ["test_controls", "test_midi", "test_screen", "test_store"])
def test_part(name, tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMES", str(tmp_path))
    done = subprocess.run([program(name)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) >= 4


def _make(folder: Path, *goals: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "-C", str(ROOT / "firmware"), f"BUILD={folder}", *goals]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.skipif(not shutil.which("arm-none-eabi-g++"), reason="needs gcc-arm-none-eabi")
def test_the_board_s_file_compiles_for_the_board(tmp_path):
    done = _make(tmp_path, "daisy-check")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "daisy-check.o").stat().st_size > 0


def test_without_libdaisy_it_says_so(tmp_path):
    done = _make(tmp_path, "daisy")
    assert done.returncode == 2
    assert "The pedal needs libDaisy, built" in done.stderr.splitlines()[0]


def test_only_one_file_touches_libdaisy():
    sources = [*(ROOT / "firmware").glob("pedal/*"), *(ROOT / "firmware").glob("engine/*")]
    assert len(sources) > 20
    assert not [path for path in sources if "daisy_seed.h" in path.read_text()]

"""`ampsweep rigs home` and `rigs jog` on steppers, whose controller is behind a pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from grbl_pty import Bench

from ampsweep.app import run
from rigs.knobs import Knob
from rigs.motors import Homes, Jogs
from rigs.starter import compose

FAST = 25.0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, FAST)
    yield made
    made.close()


@pytest.fixture
def rig(bench: Bench, tmp_path: Path) -> str:
    values = {"port": str(bench.port), "interface": "none is opened"}
    knobs = [Knob("Gain"), Knob("Tone")]
    text = compose("bench", "amp", "grbl", "audio-interface", values, knobs)
    path = tmp_path / "bench.toml"
    path.write_text(text.replace("# configure = false ", "configure = true "))
    return str(path)


def test_home(rig: str, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", "home", rig]) == 0
    assert "Homed: Gain at 0, Tone at 0." in capsys.readouterr().out
    assert not bench.controller.energised


def test_jog(rig: str, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", "jog", rig, "--knob", "tone", "--by", "60"]) == 0
    assert "Tone was turned by 60 degrees: Gain at 0, Tone at 2." in capsys.readouterr().out
    assert not bench.controller.energised
    assert run(["rigs", "jog", rig, "--by", "301"]) == 2
    assert "Gain would turn to 301" in capsys.readouterr().err
    assert not bench.controller.energised


def test_no_controller(rig: str, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(rig)
    path.write_text(path.read_text().replace(str(bench.port), f"{bench.port}-away"))
    assert run(["rigs", "home", rig]) == 2
    assert "rigs find-port" in capsys.readouterr().err


def test_steppers_can_what_the_verbs_ask_for() -> None:
    from rigs.actuators.grbl import Grbl

    assert issubclass(Grbl, Homes)
    assert issubclass(Grbl, Jogs)

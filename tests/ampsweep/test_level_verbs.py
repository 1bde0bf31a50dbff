"""`ampsweep rigs level`, `calibrate` and `ir` on a bench of software, with a person at a pty."""

from __future__ import annotations

import json
import math
import os
import pty
import re
import select
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ampsweep.app import run
from rigs.audio import read_wav
from rigs.calibration import dbu_of
from rigs.config import load_rig
from rigs.registry import PATHS
from tests.rigs import bench_rig
from tests.rigs.bench_rig import FULL_INPUT, STATE, TOML
from tests.rigs.jack_server import STUDIO, jack_server

pytestmark = pytest.mark.realtime

ROOT = Path(__file__).parent.parent.parent
VIRTUAL = ROOT / "rigs" / "virtual.toml"
MAIN = (
    "from rigs.registry import PATHS; PATHS['bench'] = 'tests.rigs.bench_rig:{}'\n"
    "from ampsweep.app import main; main()"
)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

Person = Callable[[str], str | None]
"""Given what is on the screen since they last typed, what they type now, if anything."""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(PATHS, "bench", "tests.rigs.bench_rig:Bench")
    path = tmp_path / "bench.toml"
    path.write_text(TOML)
    turn(path)
    return path


def turn(toml: Path, **changes: object) -> None:
    state = toml.parent / "state.json"
    now = json.loads(state.read_text()) if state.exists() else STATE
    state.write_text(json.dumps({**now, **changes}))


def state(toml: Path) -> dict[str, float]:
    return dict(json.loads((toml.parent / "state.json").read_text()))


def at_a_terminal(args: list[str], person: Person, kind: str = "Bench") -> tuple[int, str]:
    """Run a verb with ``person`` at its terminal; the exit code, and all that was shown."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": "200", "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    verb = subprocess.Popen(
        [sys.executable, "-c", MAIN.format(kind), *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
    )
    os.close(theirs)
    shown = since = ""
    try:
        while True:
            assert select.select([ours], [], [], 120)[0], f"nothing more is shown after:\n{shown}"
            try:
                piece = os.read(ours, 65536).decode(errors="replace")
            except OSError:  # Linux: the other end is closed
                break
            if not piece:
                break
            shown += piece
            since = ESCAPES.sub("", since + piece)
            answer = person(since)
            if answer is not None:
                # Going over to single keys throws away what was typed before.
                while not answer.endswith("\n") and termios.tcgetattr(ours)[3] & termios.ICANON:
                    os.sched_yield()
                os.write(ours, answer.encode())
                since = ""
        return verb.wait(60), ESCAPES.sub("", shown)
    finally:
        verb.kill()
        verb.wait()
        os.close(ours)


# --- level ----------------------------------------------------------------------------------


def test_a_person_who_follows_the_advice_gets_there(bench: Path) -> None:
    turn(bench, input_gain=15.0, device_gain=1.0)
    bench.write_text(bench.read_text() + "[levels]\noutput_dbu = 4.0\n")

    def person(screen: str) -> str | None:
        if "q ends" not in screen:
            return None
        asked = re.search(r"gain\s+(up|down)\s+by\s+about\s+(\d+)\s+dB", screen)
        assert asked
        step = float(asked[2]) * (1 if asked[1] == "up" else -1)
        turn(bench, input_gain=state(bench)["input_gain"] + step)
        return "\r"

    code, shown = at_a_terminal(["rigs", "level", str(bench)], person)
    assert code == 0, shown
    assert "Mind your ears." in shown
    assert "clipped" in shown
    assert "The return is right" in shown
    assert "calibration holds no more" in shown
    assert state(bench)["input_gain"] < 5


def test_a_person_may_give_up(bench: Path) -> None:
    turn(bench, input_gain=15.0)
    code, shown = at_a_terminal(
        ["rigs", "level", str(bench), "--leave-knobs"], lambda s: "q" if "q ends" in s else None
    )
    assert code == 1, shown
    assert "as it stands: clipped" in shown


def test_ctrl_c_says_that_the_rig_is_silent(bench: Path) -> None:
    turn(bench, input_gain=15.0)
    code, shown = at_a_terminal(
        ["rigs", "level", str(bench), "--leave-knobs"], lambda s: "\x03" if "q ends" in s else None
    )
    assert code == 130, shown
    assert "the rig is silent" in shown


def test_with_nobody_there_one_report_says_which_way(
    bench: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    turn(bench, input_gain=-20.0)
    assert run(["rigs", "level", str(bench)]) == 2
    shown = capfd.readouterr()
    assert "turn the interface's input gain up by about" in shown.err
    assert "Volume 5: peak" in shown.out
    assert "Volume 10: peak" in shown.out
    assert "hum of" in shown.out


def test_only_the_setting_that_is_named(bench: Path, capfd: pytest.CaptureFixture[str]) -> None:
    turn(bench, input_gain=9.0, noise=0.02)
    assert run(["rigs", "level", str(bench), "--set", "Volume=3"]) == 0
    shown = capfd.readouterr().out
    assert "Volume 3" in shown
    assert "Volume 5" not in shown
    assert "The return is right" in shown
    assert "Noise is only" in shown


def test_a_simulation_has_no_knob_to_turn(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", "level", str(VIRTUAL), "--set", "Gain=8"]) == 0
    shown = capfd.readouterr().out
    assert "Gain 8" in shown
    assert "simulation" in shown
    assert run(["rigs", "level", str(VIRTUAL), "--loop-back"]) == 2


def test_the_send_over_a_cable(bench: Path, capfd: pytest.CaptureFixture[str]) -> None:
    turn(bench, plugged="cable", input_gain=-9.0)
    assert run(["rigs", "level", str(bench), "--loop-back"]) == 0
    assert "clean up to full scale" in capfd.readouterr().out
    turn(bench, rail=2.2)
    assert run(["rigs", "level", str(bench), "--loop-back"]) == 2
    assert "output knob down by about 6 dB" in capfd.readouterr().err
    assert run(["rigs", "level", str(bench), "--loop-back", "--set", "Volume=3"]) == 2


# --- calibrate ------------------------------------------------------------------------------


def reading(bench: Path, probe: str) -> str:
    return f"{bench_rig.meter(bench.parent)[probe]:.4g}\n"


def calibrated(bench: Path) -> tuple[float | None, float | None]:
    rig = load_rig(bench)
    return rig.input_level_dbu, rig.output_level_dbu


INPUT_DBU = dbu_of(STATE["full_output"] / math.sqrt(2))
OUTPUT_DBU = dbu_of(FULL_INPUT / math.sqrt(2))


def test_with_a_voltmeter_and_the_cable(bench: Path) -> None:
    before = bench.read_text()
    asked: list[str] = []

    def person(screen: str) -> str | None:
        if screen.endswith("20 s. "):
            asked.append("send")
            turn(bench, plugged="nothing")
            return "\n"
        if screen.endswith("again): "):
            asked.append("volts")
            # They were too slow the first time, and then mistyped.
            return ["\n", "about three\n", reading(bench, "send")][asked.count("volts") - 1]
        if screen.endswith("Press Enter. "):
            asked.append("return")
            turn(bench, plugged="cable")
            return "\n"
        return None

    code, shown = at_a_terminal(["rigs", "calibrate", str(bench)], person, "RawBench")
    assert code == 0, shown
    assert asked == ["send", "volts", "volts", "volts", "return"]
    assert "'about three' is not a voltage" in shown
    assert "The return clips; again at -18 dBFS." in shown
    assert calibrated(bench) == pytest.approx((INPUT_DBU, OUTPUT_DBU), abs=0.02)
    assert bench.read_text().startswith(before)


def test_with_a_voltmeter_at_the_return(bench: Path) -> None:
    turn(bench, plugged="device", device_gain=0.1)

    def person(screen: str) -> str | None:
        if screen.endswith("5 s. "):
            return "\n"
        return reading(bench, "return") if screen.endswith("again): ") else None

    args = ["rigs", "calibrate", str(bench), "--only", "return", "--seconds", "5"]
    code, shown = at_a_terminal(args, person)
    assert code == 0, shown
    assert calibrated(bench) == (None, pytest.approx(OUTPUT_DBU, abs=0.02))


def test_a_known_interface_needs_no_voltmeter(
    bench: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    args = ["rigs", "calibrate", str(bench)]
    assert run([*args, "--interface-max-output-dbu", "16"]) == 0
    assert "input_dbu = 16.00; a sine at full scale is 4.89 V." in capfd.readouterr().out
    assert run([*args, "--interface-max-input-dbu", "12.5"]) == 0
    assert calibrated(bench) == (16.0, 12.5)
    assert run([*args, "--interface-max-input-dbu", "99"]) == 2
    assert "no interface has" in capfd.readouterr().err
    assert calibrated(bench) == (16.0, 12.5)


def test_nobody_to_read_the_meter(
    bench: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert run(["rigs", "calibrate", str(bench)]) == 2
    assert "has to read the voltmeter" in capfd.readouterr().err
    assert run(["rigs", "calibrate", str(VIRTUAL)]) == 2
    assert "no volts" in capfd.readouterr().err


def test_a_return_that_cannot_be_calibrated(
    bench: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bench.write_text(TOML + "[levels]\ninput_dbu = 11.0\n")
    before = bench.read_text()
    args = ["rigs", "calibrate", str(bench), "--only", "return"]
    for changes, sentence in (
        ({"plugged": "nothing"}, "no clean sine"),
        ({"plugged": "cable", "input_gain": 80.0}, "clips however softly"),
    ):
        turn(bench, **changes)
        read, write = os.pipe()
        os.write(write, b"\n")
        os.close(write)
        with os.fdopen(read) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            assert run(args) == 2
        assert sentence in capfd.readouterr().err
    assert bench.read_text() == before


# --- ir -------------------------------------------------------------------------------------


def test_an_impulse_response_and_its_picture(
    bench: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    turn(bench, plugged="cable", input_gain=-9.0)
    target = bench.parent / "loop.wav"
    assert run(["rigs", "ir", str(bench), str(target), "--seconds", "3"]) == 0
    shown = capfd.readouterr().out
    assert f"{target} and {target.with_suffix('.svg')}" in shown
    assert "Mind your ears." in shown
    response, rate = read_wav(target)
    assert (rate, soundfile.info(target).subtype, len(response)) == (48_000, "PCM_24", 9624)
    assert np.argmax(response) == pytest.approx(24, abs=3)
    assert response.max() == pytest.approx(10 ** (-0.1 / 20), abs=1e-4)
    assert np.sum(response[:48] ** 2) > 0.99 * np.sum(response**2)
    picture = target.with_suffix(".svg").read_text()
    assert picture.startswith("<svg")
    assert ">bench</text>" in picture


def test_an_impulse_response_at_a_setting(bench: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = bench.parent / "amp.wav"
    turn(bench, device_gain=5.0, input_gain=-12.0)
    args = ["rigs", "ir", str(bench), str(target), "--set", "Volume=8", "--seconds", "3"]
    assert run([*args, "--minimum-phase", "--normalise", "energy", "--length", "100"]) == 0
    assert "an impulse response catches only its linear part" in capfd.readouterr().out
    response, _ = read_wav(target)
    assert len(response) == 4800
    assert np.sum(response.astype(np.float64) ** 2) == pytest.approx(1, abs=1e-3)
    assert "bench at Volume 8" in target.with_suffix(".svg").read_text()


def test_the_virtual_amp_has_an_impulse_response(tmp_path: Path) -> None:
    target = tmp_path / "amp.wav"
    args = ["rigs", "ir", str(VIRTUAL), str(target), "--set", "Gain=1", "--level", "-60"]
    assert run([*args, "--seconds", "3"]) == 0
    assert read_wav(target)[0].any()


def test_over_a_real_audio_server_it_is_that_of_the_same_amp_offline(tmp_path: Path) -> None:
    rigs = {
        "live": 'type = "audio-interface"\ndevice = "amp"\nhost_api = "JACK"\n[knobs.Volume]',
        "offline": f'type = "lv2"\nuri = "{STUDIO}"',
    }
    found = {}
    with jack_server(period=1024) as server:
        server.host(STUDIO, "amp", "in")
        for name, path in rigs.items():
            toml, target = tmp_path / f"{name}.toml", tmp_path / f"{name}.wav"
            head = f'name = "{name}"\ndevice = "studio"\n[actuator]\ntype = "parameters"\n'
            toml.write_text(f"{head}[path]\n{path}\n")
            args = ["--seconds", "1", "--length", "20", "--level", "-50"]
            assert run(["rigs", "ir", str(toml), str(target), *args]) == 0
            found[name] = read_wav(target)[0].astype(np.float64)
    error = np.sum((found["live"] - found["offline"]) ** 2) / np.sum(found["offline"] ** 2)
    assert error < 1e-6


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["out.mp3"], "end it in .wav"),
        (["no/out.wav"], "There is no folder"),
        (["out.wav", "--length", "2000"], "at least 22.3 s"),
        (["out.wav", "--keep-delay", "--minimum-phase"], "no delay to keep"),
        (["out.wav", "--set", "Gain=3"], "There is no knob"),
    ],
)
def test_what_is_wrong_is_said_before_anything_sounds(
    bench: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    args: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(bench.parent)
    assert run(["rigs", "ir", str(bench), *args]) == 2
    shown = capfd.readouterr()
    assert sentence in shown.err
    assert "Mind your ears" not in shown.out
    assert not (bench.parent / "meter.json").exists()


def test_a_clipped_sweep_writes_nothing(bench: Path, capfd: pytest.CaptureFixture[str]) -> None:
    turn(bench, plugged="cable", input_gain=12.0)
    target = bench.parent / "loop.wav"
    assert run(["rigs", "ir", str(bench), str(target), "--level", "0", "--seconds", "3"]) == 2
    assert "is clipped" in capfd.readouterr().err
    assert not target.exists()

"""`ampsweep export lv2`: the plugin in hosts, beside the model that it plays."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soxr
import yaml

from ampsweep.app import run
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE, esr
from rigs.knobs import Knob, KnobTable
from rigs.lv2.catalogue import find
from tests.ampsweep.lv2_by_hand import HandHost
from tests.rigs.jack_server import jack_server
from tests.training.judged_amp import KNOBS, Take, a_model, usual, write
from tests.training.random_nets import noise
from training.checkpoint import save_model
from training.exports.lv2 import describe
from training.exports.pedal import ModelFacts, load_pedal
from training.models.control import CONTROL_INTERVAL, frames_for
from training.native.engine import NativeEngine
from training.play import play

pytestmark = pytest.mark.realtime

PATIENCE = 60.0
TRAP = Path(__file__).parents[2] / "firmware/tests/lv2/trap.c"
MODEL = a_model()
SETTING = np.array([7.3, 0.6, 1.0], np.float32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model as a user exports it, with what was captured of its device; compiled once."""
    folder = tmp_path_factory.mktemp("lv2")
    save_model(folder / "m", MODEL)
    write(folder / "data", MODEL, usual())
    args = ["--out", str(folder / "lv2"), "--data", str(folder / "data"), "--licence", "CC0-1.0"]
    assert run(["export", "lv2", str(folder / "m"), *args]) == 0
    return folder / "lv2" / "amp-m.lv2"


@pytest.fixture
def uri(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LV2_PATH", f"{bundle.parent}:/usr/lib/lv2")
    return describe(load_pedal(bundle / "model.pedal").facts).uri


def hosted(bundle: Path, rate: float = 48_000.0) -> HandHost:
    host = HandHost(bundle, len(KNOBS), rate)
    host.knobs[:] = SETTING
    return host


def test_a_host_shows_the_device_s_knobs(bundle: Path, uri: str) -> None:
    plugin = find(uri)
    assert plugin.name == "amp (m)"
    *knobs, before, after = (control.knob for control in plugin.controls)
    assert KnobTable(tuple(knobs)) == KNOBS
    assert (before.name, after.name) == ("Input Level", "Output Level")
    assert not plugin.missing
    said = subprocess.run(["lv2info", uri], capture_output=True, text=True, check=True).stdout
    assert "Has latency:       yes" in said
    assert "lv2core#hardRTCapable" in said
    presets = said.partition("Presets:")[2].partition("Port 0")[0].split("\n")
    assert {line.strip() for line in presets if line.strip()} == {
        "Default", "Gain 1, Tone 1, Bright a", "Gain 3, Tone 1, Bright a",
        "Gain 4, Tone 1, Bright a", "Gain 5, Tone 1, Bright a", "Gain 9, Tone 3, Bright b",
    }  # fmt: skip


def test_it_keeps_to_the_specification(bundle: Path) -> None:
    command = ["lv2_validate", *map(str, bundle.glob("*.ttl"))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    assert "Found 0 errors" in done.stdout + done.stderr


def test_any_name_makes_a_description_that_holds(tmp_path: Path) -> None:
    """Names of a panel are anything: quotes, other scripts, those of the plugin's own ports."""
    knobs = KnobTable(
        (
            *(Knob(name) for name in ('Say "Ah"\\', "Höhen", "hohen", "低音", "高音", "5 kHz")),
            Knob("in"),
            Knob("Latency"),
            Knob("Output Level", -1e-7, 2e7, 0.1, unit="% of it"),
            Knob("Mode", 0, 1, 0, detents=('1"', "<b>")),
        )
    )
    found = describe(ModelFacts("m", 'an "amp"\n', knobs, 48_000, 1.5), [knobs.default])
    assert found.symbols == (
        "say_ah", "hohen", "hohen_2", "model", "model_2", "_5_khz", "in_2", "latency_2",
        "output_level_2", "mode",
    )  # fmt: skip
    for name, text in found.files.items():
        (tmp_path / name).write_text(text, "utf-8")
    test_it_keeps_to_the_specification(tmp_path)


def test_the_loop_closes(bundle: Path, uri: str, tmp_path: Path, monkeypatch) -> None:
    """Planned and captured by ampsweep's own rig, the plugin is the model."""
    rig = f"""
        name = "bench"
        device = "amp"
        [actuator]
        type = "parameters"
        [path]
        type = "lv2"
        uri = "{uri}"
        knobs = ["Gain", "Tone", "Bright"]
    """
    recipe = {
        "seed": 5,
        "train": [
            {"design": "sobol", "settings": 3, "seconds": 0.5},
            {"design": "sweep", "minutes": 0.02, "seconds": 1.2, "interval": 0.3},
        ],
        "validation": {"settings": 1, "seconds": 0.5},
        "test": {"settings": 1, "seconds": 0.5},
        "sentinels": {"every": 3, "seconds": 0.5},
    }
    monkeypatch.chdir(tmp_path)
    Path("rig.toml").write_text(rig)
    Path("params.yaml").write_text(yaml.safe_dump({"plan": recipe}))
    assert run(["plan", "rig.toml"]) == 0
    assert run(["capture", "rig.toml"]) == 0
    dataset = Dataset.open("data/amp")
    errors: dict[bool, list[float]] = {False: [], True: []}
    for row in dataset.rows():
        way, dry = dataset.trajectory(row), dataset.dry(row)
        frames = np.arange(frames_for(len(dry))) * CONTROL_INTERVAL / SAMPLE_RATE
        positions = way.at(frames) if way.moves else way.positions[0]
        wet = play(MODEL.net, dry, KNOBS.to_inputs(positions))
        errors[way.moves].append(esr(wet, dataset.audio(row)))
    assert len(errors[False]) >= 6
    assert max(errors[False]) <= 1e-9
    assert max(errors[True]) <= 1e-5  # hosts turn ports in steps, once a block


@pytest.mark.parametrize("sizes", [[1], [7, 1, 500, 48], [4096]], ids=["one", "odd", "long"])
@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_blocks_of_any_size_sound_the_same(bundle: Path, rate: int, sizes: list[int]) -> None:
    dry = noise(6_000)
    whole = hosted(bundle, rate).play(dry)
    assert np.abs(whole).max() > 0.05, "the model is silent, so the test says little"
    for in_place in (False, True):
        wet = hosted(bundle, rate).play_in_blocks(dry, sizes, in_place=in_place)
        assert np.abs(wet - whole).max() < 1e-5


def test_a_knob_that_turns_is_followed_to_the_sample(bundle: Path) -> None:
    """From the control frame that follows, as the engine does, however the blocks fall."""
    dry, frames = noise(4_800), 4_800 // 48
    way = np.linspace([0, 0, 0], [10, 4, 1], frames + 1).astype(np.float32)
    engine = NativeEngine((bundle / "model.pedal").read_bytes())
    host = hosted(bundle)
    host.knobs[:] = way[0]
    host.play(dry[:0])
    parts = []
    for frame in range(frames):
        host.knobs[:] = way[frame + 1]
        parts.append(host.play(dry[48 * frame : 48 * frame + 48]))
    expected = engine.render(dry, way)
    assert np.abs(np.concatenate(parts) - expected).max() < 1e-5

    def turned_at(places: list[int], also_cut_at: list[int]) -> np.ndarray:
        player, wets = hosted(bundle), []
        cuts = sorted({0, len(dry), *places, *also_cut_at})
        for start, end in itertools.pairwise(cuts):
            if start in places:
                player.knobs[:2] = way[start // 48, :2]
            wets.append(player.play(dry[start:end]))
        return np.concatenate(wets)

    once = turned_at([700, 1500, 3001], [])
    again = turned_at([700, 1500, 3001], [10, 701, 1499, 3600])
    assert np.abs(once - again).max() < 1e-5
    assert np.abs(once - turned_at([700, 1548, 3001], [])).max() > 1e-3


@pytest.mark.parametrize("rate", [44_100, 88_200, 96_000, 22_050])
def test_another_sample_rate_is_a_delay_and_nothing_else(bundle: Path, rate: int) -> None:
    """Beside soxr at its best, there and back, on what both leave as it is: up to 8 kHz."""
    dry = soxr.resample(noise(16_000), 16_000, rate, quality="VHQ").astype(np.float32)
    host = hosted(bundle, rate)
    wet = host.play_in_blocks(np.append(dry, np.zeros(400, np.float32)), [256])
    assert 70 <= host.latency <= 150
    inside = soxr.resample(dry, rate, 48_000, quality="VHQ")
    inside = play(MODEL.net, inside.astype(np.float32), KNOBS.to_inputs(SETTING))
    expected = soxr.resample(inside, 48_000, rate, quality="VHQ")[2_000:-2_000]
    expected -= expected.mean()

    def beside(delay: int) -> float:
        heard = wet[2_000 + delay :][: len(expected)]
        return esr(expected, heard - heard.mean())

    assert beside(host.latency) < 1e-5
    assert beside(host.latency) < 0.01 * min(beside(host.latency - 1), beside(host.latency + 1))


def test_silence_is_what_it_begins_with(bundle: Path) -> None:
    for rate in (48_000, 44_100):
        wet = hosted(bundle, rate).play(np.zeros(2_000, np.float32))
        assert np.ptp(wet) < 1e-6
        assert abs(wet[0]) > 1e-4, "silence should have an offset here, else this says little"


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_bypass_is_the_dry_bit_for_bit(bundle: Path, rate: int) -> None:
    dry, host = noise(66 * 147), hosted(bundle, rate)  # whole samples at either rate
    wet = host.play(dry)
    host.rest[2] = 0
    late = np.roll(np.tile(dry, 2), host.latency)[len(dry) :]
    through = host.play(dry)
    assert np.array_equal(through[500:], late[500:])
    host.rest[2] = 1
    assert np.abs(host.play(dry)[5_000:] - wet[5_000:]).max() < 1e-5


def test_levels_are_decibels(bundle: Path) -> None:
    dry = noise(9_600)
    usual = hosted(bundle).play(dry)
    quiet = hosted(bundle)
    quiet.rest[1] = 20 * np.log10(0.5)
    assert np.allclose(quiet.play(dry), 0.5 * usual, atol=1e-6)
    hot = hosted(bundle)
    hot.rest[0] = 20 * np.log10(2.0)
    assert np.allclose(hot.play(dry / 2), usual, atol=1e-5)
    turned = hosted(bundle)
    turned.play(dry)
    turned.rest[1] = 20 * np.log10(0.5)
    wet = turned.play(dry)
    assert abs(wet[0] / usual[0] - 1) < 0.5  # no step
    assert np.allclose(wet[8_000:], 0.5 * usual[8_000:], rtol=1e-4)


def test_a_neighbour_s_fault_is_forgotten(bundle: Path) -> None:
    dry, host = noise(9_600), hosted(bundle)
    usual = host.play(dry)
    host.play(np.array([np.nan, np.inf, -np.inf, 1e30], np.float32))
    host.knobs[0] = host.rest[0] = np.nan
    assert np.isfinite(host.play(dry)).all()
    assert np.abs(host.play(dry)[5_000:] - usual[5_000:]).max() < 1e-5


def test_a_bundle_without_its_model_is_no_plugin(bundle: Path, tmp_path: Path, capfd) -> None:
    hurt = shutil.copytree(bundle, tmp_path / "hurt.lv2")
    (hurt / "model.pedal").write_bytes((bundle / "model.pedal").read_bytes()[:-1])
    for bad, rate, said in ((hurt, 48_000, "model.pedal: "), (bundle, 0, "sample rate")):
        with pytest.raises(RuntimeError, match="was not made"):
            HandHost(bad, len(KNOBS), rate)
        assert said in capfd.readouterr().err


def test_run_allocates_locks_and_opens_nothing(bundle: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", TRAP, "-o", trap, "-ldl"], check=True)

    def caught(*args: object) -> list[str]:
        command = [sys.executable, "-m", "tests.ampsweep.lv2_trapped", *map(str, args)]
        environment = {**os.environ, "LD_PRELOAD": str(trap)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert caught() == ["calloc", "pthread_mutex_lock", "open", "usleep"]
    assert caught(bundle, len(KNOBS)) == []


def test_jalv_plays_it(uri: str) -> None:
    with jack_server() as server:
        amp = server.host(uri, "plugged", gain=3.0)
        amp.turn("gain", 7.5)
        amp.turn("enabled", 0.0)
        assert "plugged:in" in server.ports()
        assert amp.process.poll() is None


def test_a_host_takes_its_presets_and_its_latency(bundle: Path, uri: str) -> None:
    """What was captured stands on the panel; and jalv tells JACK what the plugin tells it."""
    with jack_server(rate=44_100) as server:
        amp = server.host(uri, "plugged")
        stdin, stdout = amp.process.stdin, amp.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(b"presets\n")
        stdin.flush()
        loud = re.compile(rb"(urn:\S+) \(Gain 9, Tone 3, Bright b\)")
        while not (found := loud.search(line := stdout.readline())):
            assert line, "jalv ended"
        stdin.write(b"preset " + found[1] + b"\ncontrols\n")
        stdin.flush()
        said = [stdout.readline() for _ in range(len(KNOBS))]
        while b"gain" not in said[0]:
            assert said[-1], "jalv ended"
            said = [*said[1:], stdout.readline()]
        assert [float(line.split()[-1]) for line in said] == [9, 3, 1]
        server.connect("system:capture_1", "plugged:in")
        ours = hosted(bundle, 44_100)
        ours.play(noise(1))
        until_said(f"port playback latency = [ {ours.latency} ", "jack_lsp", "-l", "plugged:out")


def until_said(wanted: str, *command: str) -> None:
    end = time.monotonic() + PATIENCE
    while wanted not in (said := subprocess.run(command, capture_output=True, text=True).stdout):
        assert time.monotonic() < end, said


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["m", "--licence", "my own"], "--licence 'my own' is no SPDX name; give one such as CC-"),
        (["broken.pedal"], "broken.pedal"),
        (["m", "--data", "other"], "other has the knobs Level, but the model Gain, Tone, Bright"),
        (["m", "--out", "taken"], "taken/amp-m.lv2 is something else than an exported model"),
        (["nothing"], "There is no model in nothing"),
    ],
)
def test_what_cannot_be_exported_is_said(
    change: list[str], sentence: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    save_model(Path("m"), MODEL)
    Path("broken.pedal").write_bytes(b"nonsense")
    (tmp_path / "taken/amp-m.lv2").mkdir(parents=True)
    panel = KnobTable((Knob("Level"),))
    write(Path("other"), a_model(panel), [Take("test", panel.default)])
    assert run(["export", "lv2", *change]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("compiler", "sentence"),
    [
        ("none-such", "there is no C++ compiler; install one"),
        ("c++ -include none/lv2/core/lv2.h", "LV2's headers are not installed: on Debian, run apt"),
        ("c++ -std=none", "The plugin cannot be compiled by"),
    ],
)
def test_a_compiler_that_cannot_is_said(
    compiler: str, sentence: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    save_model(Path("m"), MODEL)
    program, *flags = compiler.split()
    wrapped = tmp_path / "wrapped"
    if flags:
        wrapped.write_text(f'#!/bin/sh\nexec {program} "$@" {" ".join(flags)}\n')
        wrapped.chmod(0o755)
    monkeypatch.setenv("CXX", str(wrapped))
    assert run(["export", "lv2", "m", "--out", "lv2"]) == 2
    assert sentence in capsys.readouterr().err
    assert list(Path("lv2").iterdir()) == []

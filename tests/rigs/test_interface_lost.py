"""The audio interface when its server dies, its driver hangs, or whoever plays is stopped."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from interface_rig import KNOBS, Turned, offline, once, play
from jack_server import STUDIO, jack_server

from dataset.planning import PlanRecipe, make_plan
from dataset.session import Paused, Started, capture
from dataset.store import Dataset
from rigs.audio import esr
from rigs.errors import DeviceLost, UserError
from rigs.interface.stream import Stream
from rigs.paths.interface import AudioInterface, InterfaceOptions
from rigs.rig import Options, Rig, nobody

pytestmark = pytest.mark.realtime


@pytest.fixture(scope="module")
def server():
    with jack_server() as server:
        yield server


def test_a_server_that_dies_is_a_device_lost():
    with jack_server() as server:
        server.host(STUDIO, "amp", volume=0.5, master=0.1)
        path = AudioInterface(InterfaceOptions(device="amp"), Path())
        path.open(nobody)
        with pytest.raises(DeviceLost, match=r"'amp' \(JACK.* was lost .*plug the device in"):
            play(path, progress=once(server.end, 0.1))
        with pytest.raises(DeviceLost):
            play(path)
        path.close()
        with pytest.raises(UserError, match="There is no audio device"):
            path.open(nobody)
        path.close()
        path.close()


def test_a_driver_that_hangs_or_crashes_is_a_device_lost():
    with jack_server(synchronous=False) as server:
        amp = server.host(STUDIO, "amp")
        path = AudioInterface(InterfaceOptions(device="amp"), Path())
        path.open(nobody)
        with pytest.raises(DeviceLost, match="no audio came or went any more"):
            play(path, progress=once(lambda: amp.hang(60.0), 0.1))
        amp.process.send_signal(signal.SIGCONT)
        path.open(nobody)
        with pytest.raises(DeviceLost, match="its driver crashed"):
            play(path, progress=once(path._stream._process.kill, 0.1))
        path.close()


def test_another_rate_is_told():
    with jack_server(rate=44100) as server:
        server.host(STUDIO, "amp")
        path = AudioInterface(InterfaceOptions(device="amp"), Path())
        with pytest.raises(UserError, match="does not run at 48000 Hz but at 44100; set it"):
            path.open(nobody)


# --- silence, whatever ends it ---------------------------------------------------------------

HELD = """
import numpy as np, sys
from pathlib import Path
from rigs.paths.interface import AudioInterface, InterfaceOptions
path = AudioInterface(InterfaceOptions(device="stage"), Path())
path.open(lambda _: "")
print("open", flush=True)
sys.stdin.readline()
path.exchange(np.full(120 * 48000, 0.5, np.float32))
"""


class Heard(Exception):
    pass


@pytest.fixture(scope="module")
def stage(server):
    server.host(STUDIO, "stage")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_audio_that_is_cut_short_fades(server, stage, end):
    listener = Stream()
    system = listener.devices().choose("input", "system", 1)
    listener.open(system, (1,), system, (1,), 0)
    player = subprocess.Popen(
        [sys.executable, "-c", HELD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    assert player.stdout.readline() == b"open\n"
    (played,) = (p for p in server.ports() if p.startswith("PortAudio-") and ":out_" in p)
    server.connect(played, "PortAudio:in_0")
    server.disconnect("system:capture_1", "PortAudio:in_0")
    player.stdin.write(b"\n")
    player.stdin.flush()

    kept = []

    def until_silent(taken):
        heard = taken.heard
        kept[:] = [heard[:, 0]]
        sounding = np.count_nonzero(heard)
        if sounding > 4800 and player.poll() is None:
            os.kill(player.pid, end)
        if sounding and not heard[-9600:].any():
            raise Heard

    with pytest.raises(Heard):
        listener.exchange(np.zeros((48_000 * 120, 1), np.float32), watch=until_silent)
    assert player.wait(20) != 0
    listener.close()
    player.stdin.close()
    player.stdout.close()
    heard = kept[0]
    last = np.flatnonzero(heard)[-1]
    fall = heard[last - 478 : last + 1]
    assert heard[last - 600] == 0.5
    assert np.abs(np.diff(fall) + 0.5 / 479).max() < 1e-4
    assert fall[0] == pytest.approx(0.5, abs=2e-3)


# --- the whole ---------------------------------------------------------------------------------


def test_a_session_goes_on_after_its_server_died(tmp_path):
    recipe = PlanRecipe.model_validate(
        {
            "seed": 3,
            "train": [{"design": "sobol", "settings": 2, "seconds": 1, "corners": 0}],
            "validation": {"settings": 1, "seconds": 1},
            "test": {"settings": 1, "seconds": 1},
            "sentinels": {"every": 2, "seconds": 1},
        }
    )
    actuator = Turned(Options(), Path())
    path = AudioInterface(InterfaceOptions(device="amp", ramp=0.5), Path())
    rig = Rig("stage", "studio", KNOBS, actuator, path)
    plan, dries = make_plan(KNOBS, "studio", recipe, rig.reach)
    with jack_server() as server:

        def amp():
            actuator.amp = server.host(STUDIO, "amp", volume=0.5, master=0.1)

        ended = []

        def on_event(event):
            if isinstance(event, Started):
                server.set_freewheel(True)
            elif isinstance(event, Paused):
                server.restart()
                amp()
            elif getattr(event, "seconds", 0) > 0.5 and event.entry.index == 2 and not ended:
                ended.append(True)
                server.end()

        amp()
        summary = capture(rig, plan, dries, tmp_path, on_event)
    assert ended
    assert (summary.captured, summary.flagged) == (len(plan.entries), 0)
    data = Dataset.open(tmp_path)
    for entry, row in zip(plan.entries, data.rows(), strict=True):
        setting = entry.setting(KNOBS)
        assert round(row["latency"]) == 256
        wet = offline(data.dry(row), setting=setting)
        if np.abs(wet).max() > 1e-3:
            assert esr(wet, data.audio(row)) <= 1e-6


def test_nothing_is_left_running(server):
    path = AudioInterface(InterfaceOptions(device="system"), Path())
    path.open(nobody)
    process = path._stream._process
    threads = threading.active_count()
    path.close()
    assert process.poll() == 0
    assert threading.active_count() < threads
    assert not any(port.startswith("PortAudio") for port in server.ports())

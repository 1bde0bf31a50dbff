"""A pedal behind a real audio server: the host engine, its knobs turned by a rig, and its model."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jack_server import jack_server
from scipy import signal

from dataset.signals import make, noise
from hardware.pedal import verdict, verify
from rigs.knobs import Knob, KnobTable
from rigs.paths.interface import AudioInterface, InterfaceOptions
from rigs.rig import Actuator, Motion, Options, Rig
from tests.training import amp_on_disk
from training.exports.pedal import ModelFacts, to_pedal
from training.native.engine import NativeEngine
from training.run import train_model

pytestmark = pytest.mark.realtime

PLAYING = make("validation", 1.25, 0).audio[12_000:36_000]
HISS = noise(0.125, -15, np.random.default_rng(0))
DRY = np.concatenate([PLAYING, HISS]).astype(np.float32)
TWO = KnobTable((Knob("Gain"), Knob("Tone")))


class Turned(Actuator):
    """Turns the stand-in's pots by telling it."""

    def __init__(self, process):
        super().__init__(Options(), Path())
        self.process = process

    def go(self, knobs, trajectory):
        setting = knobs.to_setting(trajectory.positions[0])
        for number, name in enumerate(knobs.names):
            self.process.stdin.write(f"{number} {setting[name]:.6f}\n")
            self.process.stdin.flush()
            assert self.process.stdout.readline() == "set\n"
        return Motion(setting)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """Of a net that learned a little of an amp whose knobs do not just set the level."""

    def play(dry, knobs, at):
        gain, tone = knobs.to_unit(at)[0]
        dark = signal.lfilter([0.4], [1, -0.6], dry)
        mix = (1 + tone) / 2 * dry + (1 - tone) / 2 * dark
        return 0.5 * np.tanh((9 + 8 * gain) * mix)

    folder = tmp_path_factory.mktemp("pedal")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(amp_on_disk, "play", play)
        dataset = amp_on_disk.write(folder / "data", amp_on_disk.settings(16, TWO), TWO)
    choices = amp_on_disk.options(steps=500)
    net = train_model(folder / "model", dataset, choices, lambda _: None).net
    path = folder / "amp.pedal"
    path.write_bytes(to_pedal(net, ModelFacts("Amp", "amp", TWO, 48_000)))
    return path


@pytest.fixture(scope="module")
def server():
    with jack_server() as server:
        yield server


@pytest.mark.parametrize("taper", [1.0, 1.6])
def test_a_pedal_behind_an_audio_interface(server, image, taper):
    """Its level, its filter and its noise pass; its pot passes where it stands right."""
    name = f"pedal{round(100 * taper)}"
    command = [sys.executable, str(Path(__file__).parent / "engine_pedal.py"), name, str(image)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*command, str(taper)], **pipes)
    try:
        assert process.stdout.readline() == "ready\n"
        server.until_there(f"{name}:out")
        path = AudioInterface(InterfaceOptions(device=name, ramp=0.5, latency=288.0), Path())
        bench = Rig("bench", "pedal", TWO, Turned(process), path)
        engine = NativeEngine(image.read_bytes())

        def player(dry, setting):
            return engine.render(dry, TWO.to_array(setting))

        bench.path.open(lambda text: "\r")
        try:
            with server.freewheel():
                bench.path.prepare()
                measured = verify.measure(
                    bench, player, DRY, verify.settings_for(TWO, 3, 0), verify.Levels()
                )
        finally:
            bench.close()
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
    failed = [check.what for check in verdict.judge(measured) if check.passed is False]
    assert failed == (["pot Gain"] if taper != 1 else []), measured
    places = 10 * (np.array([0, 0.25, 0.5, 0.75, 1]) ** taper)
    assert measured.pots[0].found == pytest.approx(tuple(places), abs=0.1)
    assert measured.pots[1].found == pytest.approx((0, 2.5, 5, 7.5, 10), abs=0.1)
    assert measured.path.level_db == pytest.approx(20 * np.log10(0.9), abs=0.05)
    assert measured.path.corner == pytest.approx(21.9e3, rel=0.05)

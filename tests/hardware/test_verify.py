"""A pedal against its model: what is planted is found, and the page says so."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jack_server import STUDIO, jack_server
from scipy import signal

from ampsweep.app import run
from dataset.signals import make, noise
from hardware.pedal import verdict, verify
from rigs.actuators.parameters import Parameters
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.paths.interface import AudioInterface, InterfaceOptions
from rigs.rig import Actuator, Motion, Options, Recording, Rig, SignalPath
from tests.training import amp_on_disk
from tests.training.random_nets import SMALL, random_net
from training.exports.pedal import ModelFacts, to_pedal
from training.native.engine import NativeEngine
from training.run import train_model

pytestmark = pytest.mark.realtime

KNOBS = KnobTable((Knob("Gain"), Knob("Tone"), Knob("Mode", 0, 1, 0, detents=("a", "b"))))
PLAYING = make("validation", 1.25, 0).audio[12_000:36_000]
HISS = noise(0.125, -15, np.random.default_rng(0))
DRY = np.concatenate([PLAYING, HISS]).astype(np.float32)


def model(dry, setting):
    """A tanh amp with a tone control; it takes any level."""
    drive = 8 * (1 + setting["Gain"])
    dark = signal.lfilter([0.2], [1, -0.8], dry)
    tone = setting["Tone"] / 10
    mix = tone * dry + (1 - tone) * dark + 0.5 * setting["Mode"] * (dry - dark)
    return (0.5 * np.tanh(drive * mix)).astype(np.float32)


class Pedal(SignalPath):
    """The model with faults; simulated, so that it takes no time."""

    simulated = True
    knobs = KNOBS
    places, level, noise, corner = {}, 1.0, 1e-5, np.inf
    clips = False

    def play(self, dry, motion, progress):
        said = dict(motion.reached)
        for name, move in self.places.items():
            said[name] = move(said[name])
        wet = analogue(self.level * model(dry, said), self.corner)
        hiss = self.noise * np.random.default_rng(len(dry)).standard_normal(len(dry))
        return Recording((wet + hiss).astype(np.float32), latency=10.0)


def rig(**faults):
    path = Pedal(Options(), Path())
    for name, value in faults.items():
        setattr(path, name, value)
    return Rig("bench", "pedal", KNOBS, Parameters(Options(), Path()), path)


def found(player=model, levels=None, **faults):
    others = verify.settings_for(KNOBS, 3, 0)
    return verify.measure(rig(**faults), player, DRY, others, levels or verify.Levels())


def analogue(wet, corner):
    """``wet`` through a low-pass of the first order."""
    frames = 2 * len(wet)
    hertz = np.fft.rfftfreq(frames, 1 / 48_000)
    return np.fft.irfft(np.fft.rfft(wet, frames) / (1 + 1j * hertz / corner))[: len(wet)]


def failed(measured):
    return [check.what for check in verdict.judge(measured) if check.passed is False]


def test_a_pedal_that_is_its_model_passes():
    measured = found()
    assert failed(measured) == []
    gain, tone, mode = measured.pots
    for pot in (gain, tone):
        assert pot.asked == (0, 2.5, 5, 7.5, 10)
        assert pot.found == pytest.approx(pot.asked, abs=0.05)
    assert mode.found == mode.asked == (0, 1)
    assert max(take.corrected for take in measured.settings) < 1e-5


def test_a_pot_that_stands_wrong_is_found_where_it_stands():
    measured = found(places={"Gain": lambda x: min(x + 0.6, 10.0)})
    assert failed(measured) == ["pot Gain"]
    assert measured.pots[0].found == pytest.approx((0.6, 3.1, 5.6, 8.1, 10), abs=0.05)
    assert measured.pots[1].error < 0.01
    assert measured.settings[1].as_played > 20 * measured.settings[1].corrected


def test_a_pot_of_another_taper_is_found():
    measured = found(places={"Tone": lambda x: x**1.6 / 10**0.6})
    assert failed(measured) == ["pot Tone"]
    assert measured.pots[1].found == pytest.approx((0, 1.09, 3.3, 6.31, 10), abs=0.05)
    assert measured.pots[0].error < 0.01


def test_an_output_filter_is_no_fault_of_the_pots():
    measured = found(corner=21.9e3)
    assert failed(measured) == []
    assert measured.path.corner == pytest.approx(21.9e3, rel=0.02)
    assert measured.path.loss_db(1e4) == pytest.approx(0.82, abs=0.02)
    assert measured.path.delay == pytest.approx(0, abs=0.01)


def test_a_wrong_capacitor_is():
    assert "audio path's loss at 10 kHz" in failed(found(corner=6e3))


def test_noise_and_level_are_judged():
    assert "noise" in failed(found(noise=2e-3))
    loud = found(level=1.3)
    assert failed(loud) == []  # not calibrated: a level means nothing
    assert loud.path.level_db == pytest.approx(2.28, abs=0.1)
    levels = verify.Levels(12.0, 6.0, 12.0, 6.0)
    assert failed(found(level=1.3, levels=levels)) == ["level against the model"]
    # A rig that sends 6 dB hotter than the model was captured with plays the model hotter, too.
    assert failed(found(levels=verify.Levels(18.0, 6.0, 12.0, 6.0))) != []


def test_another_model_fails():
    def other(dry, setting):
        return np.tanh(3 * np.abs(dry)).astype(np.float32)

    assert "worst ESR, pots where they are" in failed(found(other))


def test_a_pot_that_is_not_heard_is_not_judged():
    def deaf(dry, setting):
        return model(dry, {**setting, "Tone": 5.0})

    measured = found(deaf, places={"Tone": lambda x: 5.0})
    assert measured.pots[1].found == ()
    check = next(c for c in verdict.judge(measured) if c.what == "pot Tone")
    assert (check.passed, check.value) == (None, "its turning is not heard")


def test_silence_is_refused_in_a_sentence():
    with pytest.raises(UserError, match="the pedal is silent"):
        found(level=0.0, noise=1e-6)


def test_latency_and_clipping_are_judged():
    measured = found()
    assert "latency varies by" in failed(replace(measured, latencies=(10.0, 11.0)))
    assert "clipped takes" in failed(replace(measured, clipped=1))


def test_the_page_says_what_failed_and_where_pots_stand():
    measured = found(places={"Gain": lambda x: min(x + 0.6, 10.0)})
    page = verdict.page("Amp | one", measured, verdict.judge(measured))
    assert "**FAIL**: pot Gain." in page
    assert "| Gain | 0, 2.5, 5, 7.5, 10 | 0.6" in page
    assert len(page.splitlines()) < 50


# --- over a real audio server, with the host engine as the pedal -------------------------------

TWO = KnobTable(KNOBS.knobs[:2])


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
    assert failed(measured) == (["pot Gain"] if taper != 1 else []), measured
    places = 10 * (np.array([0, 0.25, 0.5, 0.75, 1]) ** taper)
    assert measured.pots[0].found == pytest.approx(tuple(places), abs=0.1)
    assert measured.pots[1].found == pytest.approx((0, 2.5, 5, 7.5, 10), abs=0.1)
    assert measured.path.level_db == pytest.approx(20 * np.log10(0.9), abs=0.05)
    assert measured.path.corner == pytest.approx(21.9e3, rel=0.05)


# --- the verb ----------------------------------------------------------------------------------


def test_the_verb_writes_its_page_and_fails_by_a_sentence(tmp_path, image, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = 'name = "v"\ndevice = "v"\n[actuator]\ntype = "parameters"\n[path]\ntype = "lv2"\n'
    Path("rig.toml").write_text(text + f'uri = "{STUDIO}"\n')
    assert run(["hardware", "verify", str(image), "rig.toml"]) == 2
    assert "but the model has Gain, Tone" in capsys.readouterr().err
    knobs = load_rig(Path("rig.toml")).knobs
    facts = ModelFacts("Amp", "amp", knobs, 48_000)
    Path("amp.pedal").write_bytes(to_pedal(random_net(SMALL, knobs.inputs), facts))
    command = ["hardware", "verify", "amp.pedal", "rig.toml", "--seconds", "1", "--settings", "1"]
    assert run(command) == 2
    error = capsys.readouterr().err
    assert "The pedal does not pass" in error
    assert "worst ESR" in error
    assert "**FAIL**" in (tmp_path / "verify/verify.md").read_text("utf-8")

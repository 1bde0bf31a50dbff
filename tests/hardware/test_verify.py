"""A pedal against its model: what is planted is found, and the page says so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jack_server import STUDIO
from scipy import signal

from ampsweep.app import run
from dataset.signals import make, noise
from hardware.pedal import verdict, verify
from rigs.actuators.parameters import Parameters
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options, Recording, Rig, SignalPath
from tests.training.random_nets import SMALL, random_net
from training.exports.pedal import ModelFacts, to_pedal

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


def test_a_pot_that_is_wired_the_other_way_round_is_found():
    measured = found(places={"Tone": lambda x: 10 - x})
    assert failed(measured) == ["pot Tone"]
    assert measured.pots[1].found == pytest.approx((10, 7.5, 5, 2.5, 0), abs=0.05)


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


def test_latency_clipping_and_repeats_are_judged():
    measured = found()
    assert failed(replace(measured, floor=0.002)) == ["repeats, ESR"]
    assert "latency varies by" in failed(replace(measured, latencies=(10.0, 11.0)))
    assert "clipped takes" in failed(replace(measured, clipped=1))


def test_the_page_says_what_failed_and_where_pots_stand():
    measured = found(places={"Gain": lambda x: min(x + 0.6, 10.0)})
    page = verdict.page("Amp | one", measured, verdict.judge(measured))
    assert "**FAIL**: pot Gain." in page
    assert "| Gain | 0, 2.5, 5, 7.5, 10 | 0.6" in page
    assert len(page.splitlines()) < 50


# --- the verb ----------------------------------------------------------------------------------


def test_the_verb_writes_its_page_and_fails_by_a_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = to_pedal(
        random_net(SMALL, 2), ModelFacts("Amp", "amp", KnobTable(KNOBS.knobs[:2]), 48_000)
    )
    Path("other.pedal").write_bytes(other)
    text = 'name = "v"\ndevice = "v"\n[actuator]\ntype = "parameters"\n[path]\ntype = "lv2"\n'
    Path("rig.toml").write_text(text + f'uri = "{STUDIO}"\n')
    assert run(["hardware", "verify", "other.pedal", "rig.toml"]) == 2
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

"""Play between motors and shafts, found by ear: through a path that hears where the shafts are."""

import sys
import tomllib
import types
from pathlib import Path

import numpy as np
import pytest
from grbl_pty import Bench
from grbl_rig import TWO, steppers

from ampsweep.app import run
from rigs import backlash, registry
from rigs.backlash import Play, by_ear, fit
from rigs.clicks import FRAMES, click_train
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.knobs import Knob
from rigs.rig import Options, Recording, Rig, SignalPath, nobody
from rigs.starter import compose

FAST = 50.0
VIRTUAL = Path(__file__).parents[2] / "rigs" / "virtual.toml"


class Shaft(SignalPath):
    """An amp whose gain is the first shaft's angle; the second one does nothing."""

    def __init__(self, bench, noise=0.0):
        super().__init__(Options(), Path())
        self._bench, self._noise = bench, noise
        self.flat = 0.0
        self._random = np.random.default_rng(5)

    def play(self, dry, motion, progress):
        with self._bench.lock:
            share = max(self._bench.controller.mechanics[0].knob, self.flat) / 300
        wet = np.tanh(20 * share**2 * np.asarray(dry, np.float64))
        wet += self._noise * self._random.standard_normal(len(dry))
        return Recording(wet.astype(np.float32))


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, FAST)
    yield made
    made.close()
    assert not made.controller.overflowed


def opened(bench, play, noise=0.0):
    for mechanics in bench.controller.mechanics:
        mechanics.backlash = play
    rig = Rig("bench", "box", TWO, steppers(bench, TWO), Shaft(bench, noise))
    rig.open(nobody)
    return rig


@pytest.mark.parametrize(
    ("planted", "noise", "shares"),
    [(0.0, 0.003, (0.5,)), (3.0, 0.003, backlash.SHARES), (9.5, 0.0, (0.5,))],
)
def test_planted_play_is_found(bench, monkeypatch, planted, noise, shares):
    monkeypatch.setattr(backlash, "SHARES", shares)
    rig = opened(bench, planted, noise)
    done = []
    found = Play.of("Gain", by_ear(rig, "Gain", {}, done.append))
    assert found.degrees == pytest.approx(planted, abs=0.1)
    assert found.spread < 0.2
    assert done == list(range(1, len(done) + 1))
    assert len(done) * 3 == backlash.TAKES * len(shares)
    rig.close()


def test_the_whole_way_is_within_the_travel(bench, monkeypatch):
    monkeypatch.setattr(backlash, "SHARES", (0.0, 1.0))
    rig = opened(bench, 3.0)
    pushed = [len(mechanics.stalls) for mechanics in bench.controller.mechanics]
    by_ear(rig, "Gain", {})
    assert [len(mechanics.stalls) for mechanics in bench.controller.mechanics] == pushed
    rig.close()


@pytest.mark.parametrize(
    ("knob", "noise", "match"),
    [
        ("Tone", 0.0, r"play of Tone: turning it by 12 degrees changes nothing;.*--by-hand"),
        ("Tone", 0.01, r"play of Tone: turning it by 12 degrees changes no more than noise"),
        ("Gain", 0.3, r"play of Gain: turning it by 12 degrees changes no more than noise"),
    ],
)
def test_a_knob_without_effect_is_said_to_be_so(bench, monkeypatch, knob, noise, match):
    monkeypatch.setattr(backlash, "SHARES", (0.5,))
    rig = opened(bench, 3.0, noise)
    with pytest.raises(UserError, match=match):
        Play.of(knob, by_ear(rig, knob, {}))
    rig.close()


def test_what_cannot_be_told_of_one_place_is_left_out(bench, monkeypatch):
    monkeypatch.setattr(backlash, "SHARES", (0.05, 0.5))
    rig = opened(bench, 3.0)
    rig.path.flat = 60.0  # a part of the pot that does nothing
    found = Play.of("Gain", by_ear(rig, "Gain", {}))
    assert [place.play is None for place in found.places] == [True, False]
    assert found.degrees == pytest.approx(3.0, abs=0.1)
    rig.close()


def test_too_little_travel_is_refused(bench):
    rig = opened(bench, 3.0)
    rig.actuator.travel = lambda name: 20.0
    with pytest.raises(UserError, match="Gain turns by 20 degrees only"):
        by_ear(rig, "Gain", {})
    rig.close()


def test_silence_is_refused_and_the_motors_are_held(bench):
    rig = opened(bench, 3.0)
    rig.path.play = lambda dry, motion, progress: Recording(np.zeros_like(dry))
    with pytest.raises(UserError, match="Nothing comes back when Gain is listened to"):
        by_ear(rig, "Gain", {})
    with pytest.raises(UserError, match="not homed"):
        rig.actuator.jog("Gain", 5)
    rig.close()


def test_the_parabola_is_as_sure_as_its_points():
    down = np.arange(-2.0, 2.1, 0.5)
    exact, error = fit(down, 0.1 * (down - 0.7) ** 2 + 0.02)
    assert exact == pytest.approx(0.7)
    assert error == pytest.approx(0.0, abs=1e-9)
    rng = np.random.default_rng(0)
    tried = [fit(down, 0.1 * (down - 0.7) ** 2 + 0.02 * rng.standard_normal(9)) for _ in range(300)]
    off, said = np.array(tried).T
    assert np.std(off) == pytest.approx(np.median(said), rel=0.25)
    assert fit(down, np.zeros(9))[1] == np.inf
    assert fit(down, -(down**2))[1] == np.inf


def test_what_is_played_begins_with_clicks_and_does_not_clip():
    burst = backlash.burst()
    assert burst[:FRAMES] == pytest.approx(click_train())
    assert np.abs(burst[FRAMES:]).max() == pytest.approx(0.5)


# The verb.


@pytest.fixture
def toml(bench, tmp_path, monkeypatch):
    """A rig's file as `rigs new` writes it, on a path that hears the bench."""
    module = types.ModuleType("shaft_for_a_test")
    module.Shaft = lambda options, folder: Shaft(bench)
    module.Shaft.options_type = Options
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(registry.PATHS, "shaft", "shaft_for_a_test:Shaft")
    monkeypatch.setattr(backlash, "SHARES", (0.5,))
    for mechanics in bench.controller.mechanics:
        mechanics.backlash = 3.0
    values = {"port": str(bench.port), "interface": "none is opened"}
    knobs = [Knob("Gain"), Knob("Tone")]
    text = compose("bench", "amp", "grbl", "audio-interface", values, knobs)
    text = text.replace("# configure = false ", "configure = true ")
    before, _, after = text.partition("[path]")
    rest = after[after.index("\n[") :] if "\n[" in after else ""
    path = tmp_path / "bench.toml"
    path.write_text(f'{before}[path]\ntype = "shaft"\n{rest}')
    return path


def played(path):
    knobs = tomllib.loads(path.read_text())["actuator"]["knobs"]
    return {name: knob.get("backlash") for name, knob in knobs.items()}


def test_the_verb_writes_what_it_hears_and_says_what_it_cannot(toml, bench, capsys):
    before = toml.read_text()
    assert run(["rigs", "backlash", str(toml)]) == 2
    out, err = capsys.readouterr()
    assert "Gain has backlash = 3.0" in out.replace("\n", " ")
    assert "Sound cannot tell the play of Tone" in err
    assert played(toml)["Gain"] == pytest.approx(3.0, abs=0.1)
    assert played(toml)["Tone"] is None
    assert load_rig(toml).actuator.options.knobs["Gain"].backlash == played(toml)["Gain"]
    added = set(toml.read_text().splitlines()) - set(before.splitlines())
    assert len(added) == 1  # and nothing else is changed
    assert not bench.controller.energised
    # With what was found, it is found again.
    assert run(["rigs", "backlash", str(toml), "--knob", "gain", "--set", "Tone=3"]) == 0
    assert played(toml)["Gain"] == pytest.approx(3.0, abs=0.1)


def test_by_hand_the_pointer_is_watched(toml, bench, capsys, monkeypatch):
    rests = bench.controller.mechanics[1]
    seen = []

    def watch(text):
        at, seen[:] = seen[-1:] or [rests.knob], [rests.knob]
        return "m" if "it has moved" in text and abs(rests.knob - at[0]) > 0.05 else " "

    monkeypatch.setattr("ampsweep.rig_verbs.backlash.ask", watch)
    assert run(["rigs", "backlash", str(toml), "--knob", "Tone", "--by-hand"]) == 0
    assert played(toml)["Tone"] == pytest.approx(3.0, abs=0.2)
    assert not bench.controller.energised


def test_a_pointer_that_nobody_sees_move(toml, bench, capsys, monkeypatch):
    monkeypatch.setattr(backlash, "MOST", 2.0)
    monkeypatch.setattr("ampsweep.rig_verbs.backlash.ask", lambda text: " ")
    assert run(["rigs", "backlash", str(toml), "--knob", "Tone", "--by-hand"]) == 2
    assert "was turned back by 2 degrees and did not move" in capsys.readouterr().err
    assert not bench.controller.energised


def test_rigs_and_knobs_without_play_are_refused(toml, capsys):
    assert run(["rigs", "backlash", str(VIRTUAL)]) == 2
    assert "has no motors that this could turn" in capsys.readouterr().err
    knobs = [Knob("Gain"), Knob("Tone", 0, 1, 0, detents=("off", "on"))]
    values = {"port": "none", "interface": "none"}
    toml.write_text(compose("bench", "amp", "grbl", "audio-interface", values, knobs))
    assert run(["rigs", "backlash", str(toml), "--knob", "Tone"]) == 2
    assert "Tone is a switch, of which sound tells no degrees" in capsys.readouterr().err

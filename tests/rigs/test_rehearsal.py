"""The dress rehearsal, on a small amp that goes wrong in one way at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataset.checks import THRESHOLDS, judge
from rigs.actuators.parameters import Parameters
from rigs.audio import SAMPLE_RATE
from rigs.clicks import click_train
from rigs.errors import DeviceLost, UserError
from rigs.findings import faults, remarks
from rigs.knobs import Knob, KnobTable
from rigs.motors import Quiet
from rigs.rehearsal import Rehearsal, Step, difference, rehearse
from rigs.rig import Options, Reach, Recording, Rig, SignalPath
from rigs.stations import stations

KNOBS = KnobTable(
    (Knob("Gain"), Knob("Tone"), Knob("Bright", 0, 1, 0, detents=("off", "on")))
)  # fmt: skip
RNG = np.random.default_rng(5)
DRY = np.concatenate(
    [click_train(), 0.2 * RNG.standard_normal(SAMPLE_RATE - len(click_train()))]
).astype(np.float32)


def amp(dry: Any, trajectory: Any, dead: str = "") -> Any:
    gain, tone, bright = trajectory.at(np.arange(len(dry)) / SAMPLE_RATE).astype(float).T
    tone = 5.0 if dead == "Tone" else tone
    wet = 0.4 * np.tanh((0.5 + gain / 3) * dry) * (0.3 + tone / 20)
    return wet + 0.2 * bright * dry


@dataclass
class Amp(SignalPath):
    """``spoil`` is done to every wet, with the number of its take."""

    simulated: bool = False
    knobs: KnobTable | None = KNOBS
    allowed: Reach = field(default_factory=Reach)
    dead: str = ""
    spoil: Callable[[Any, int], Any] = lambda wet, number: wet
    flags: tuple[str, ...] = ()
    noise: Callable[[], float] = lambda: 0.0
    plays: int = 0
    is_open: bool = False
    settings: list[tuple[float, ...]] = field(default_factory=list)

    @property
    def reach(self):
        return self.allowed

    def open(self, ask):
        self.is_open = True

    def play(self, dry, motion, progress):
        assert self.is_open
        rng = np.random.default_rng(self.plays)
        self.plays += 1
        if motion.parameters is not None:
            self.settings.append(tuple(motion.parameters.positions[0].tolist()))
            wet = amp(np.asarray(dry, float), motion.parameters, self.dead)
        else:
            wet = np.zeros(len(dry))
        wet = wet + self.noise() * rng.standard_normal(len(wet))
        made = self.spoil(wet, self.plays)
        return made if isinstance(made, Recording) else Recording(made, 30.0, self.flags)

    def close(self):
        self.is_open = False


class Motors(Parameters):
    """Motors that can be heard: 1e-4 when they hold, 1e-3 when they move."""

    state = "off"
    stopped = False

    def prepare(self):
        self.state = "held"

    def go(self, knobs, trajectory):
        assert self.state != "off"
        self.state = "moving" if trajectory.moves else "held"
        return super().go(knobs, trajectory)

    def de_energise(self):
        self.state = "off"

    def energise(self):
        self.state = "held"

    def stop(self):
        self.stopped = True

    def noise(self) -> float:
        return {"off": 1e-5, "held": 1e-4, "moving": 1e-3}[self.state]


def rig_of(path: Amp, actuator: Any = None) -> Rig:
    return Rig("bench", "amp", KNOBS, actuator or Parameters(Options(), Path()), path)


def rehearsed(dry: Any = DRY, actuator: Any = None, **path: Any) -> Rehearsal:
    made = Amp(**path)
    found = rehearse(
        rig_of(made, actuator),
        dry,
        partial(judge, simulated=made.simulated, limits=THRESHOLDS),
    )
    assert not made.is_open
    return found


def test_every_end_and_noon_is_heard_and_the_rig_closed() -> None:
    path, steps = Amp(), list[Step]()
    found = rehearse(
        rig_of(path), DRY, partial(judge, simulated=False, limits=THRESHOLDS), steps.append
    )
    assert not path.is_open
    base = (5.0, 5.0, 0.0)
    assert path.settings == [
        base, base,
        (0, 5, 0), (5, 5, 0), (10, 5, 0), (5, 0, 0), (5, 5, 0), (5, 10, 0), base, (5, 5, 1),
        base, base,
    ]  # fmt: skip
    assert [step.number for step in steps] == list(range(1, steps[0].total + 1))
    names = [take.name for take in found.heard]
    assert names[2:5] == ["Gain at 0", "Gain at 5", "Gain at 10"]
    assert names[-2] == "Bright at on"
    assert (found.at_once, found.after_all) == (-math.inf, -math.inf)
    assert all(effect.change is not None and effect.change > -20 for effect in found.effects)
    assert [noise.motors for noise in found.noises] == [""]
    assert found.late is not None
    assert found.late < 0.1
    assert faults(found) == []
    assert remarks(found) == []


def test_knobs_go_only_where_they_can_stand() -> None:
    rig = rig_of(Amp(allowed=Reach(steps={"Gain": 3.6, "Bright": 0.3})))
    base, found = stations(rig)
    assert base["Gain"] == 3.6
    assert [s["Gain"] for knob, _, s in found if knob == "Gain"] == [0, 3.6, 7.2]
    assert [s["Bright"] for knob, _, s in found if knob == "Bright"] == [0, 1]


def test_a_device_of_few_settings() -> None:
    only = tuple(
        {"Gain": g, "Tone": t, "Bright": 0.0}
        for g, t in [(1, 1), (4, 5), (9, 5), (2, 5), (10, 9), (7, 2), (7, 4), (8, 4), (9, 4)]
    )
    rig = rig_of(Amp(allowed=Reach(only=only)))
    base, found = stations(rig)
    assert base == only[1]
    names = [name for _, name, _ in found]
    assert names == ["Gain at 2", "Gain at 9", "Tone at 2", "Tone at 4", "Bright at off"]
    assert [setting["Gain"] for _, _, setting in found] == [2, 9, 7, 7, 1]
    assert all(setting in only for _, _, setting in found)
    heard = rehearsed(allowed=Reach(only=only[:5]))
    changes = {effect.knob: effect.change for effect in heard.effects}
    assert changes["Gain"] is not None
    assert changes["Tone"] is None  # no two settings differ in it alone
    assert changes["Bright"] is None
    assert any("turning Tone, Bright does was not measured" in said for said in remarks(heard))


def test_settings_that_the_file_leaves_out_are_not_asked_for() -> None:
    def narrowed(low: float) -> Rig:
        knobs = KnobTable((Knob("Gain", low, 10, 10),))
        only = tuple({"Gain": gain} for gain in (1.0, 5.0, 7.0, 9.0))
        return Rig("b", "amp", knobs, Parameters(Options(), Path()), Amp(allowed=Reach(only=only)))

    base, found = stations(narrowed(5))
    assert base == {"Gain": 9}
    assert [setting["Gain"] for _, _, setting in found] == [5, 9]
    with pytest.raises(UserError, match="no setting at all"):
        stations(narrowed(9.5))


def quieter(wet: Any, number: int) -> Any:
    return wet * 1e-4


def clipping(wet: Any, number: int) -> Any:
    return np.clip(wet * 8, -1, 1)


def dropping(wet: Any, number: int) -> Any:
    return wet * np.where(np.arange(len(wet)) // 900 % 10 == number % 10, 1e-3, 1)


def slipping(wet: Any, number: int) -> Any:
    return wet * (0.7 if number > 5 else 1.0)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ({"spoil": quieter}, "nothing comes back that can be heard (-"),
        ({"spoil": lambda wet, n: wet * 0}, "(silence RMS)"),
        ({"spoil": clipping}, "clipped (as it begins, the same again, Gain at 5 and"),
        ({"spoil": dropping}, "played twice differs by -6.5 dB"),
        ({"spoil": slipping}, "After every knob has been round, the first setting differs by -10."),
        ({"flags": ("xrun",)}, "damaged by xrun"),
        (
            {"simulated": True, "spoil": lambda wet, n: wet * (1 + 1e-6 * n)},
            "draws on chance or the clock",
        ),
    ],
)
def test_what_must_be_mended(path: dict[str, Any], words: str) -> None:
    found = faults(rehearsed(**path))
    assert len(found) == 1, found
    assert words in found[0]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ({"dead": "Tone"}, "Turning Tone from end to end changes nothing"),
        ({"spoil": lambda wet, n: wet * 0.07}, "The loudest peak is only -"),
        ({"spoil": lambda wet, n: Recording(wet, n * 2.0)}, "varies from 2.0 to "),
        ({"spoil": lambda wet, n: np.roll(wet, 64)}, "The wet comes 64.0 samples after the dry"),
        ({"simulated": True, "flags": ("normalised",)}, "level was evened out"),
        ({"spoil": lambda wet, n: wet + 0.05}, "There is a DC offset"),
        ({"spoil": lambda wet, n: wet * (n != 3)}, "Next to nothing is heard with Gain at 0:"),
    ],
)
def test_what_is_good_to_know(path: dict[str, Any], words: str) -> None:
    found = rehearsed(**path)
    assert faults(found) == []
    said = remarks(found)
    assert len(said) == 1, said
    assert words in said[0]


def test_a_knob_weaker_than_the_noise_is_not_called_dead_by_less() -> None:
    def weak(wet: Any, number: int) -> Any:
        return wet + 1e-3 * np.random.default_rng(number).standard_normal(len(wet))

    said = remarks(rehearsed(dead="Tone", spoil=weak))
    assert any("Turning Tone" in remark for remark in said)
    assert not any("Turning Gain" in remark for remark in said)


def test_the_noise_of_motors() -> None:
    motors = Motors(Options(), Path())
    assert isinstance(motors, Quiet)
    assert not isinstance(Parameters(Options(), Path()), Quiet)
    found = rehearsed(actuator=motors, noise=motors.noise)
    levels = {noise.motors: noise.dbfs for noise in found.noises}
    assert levels == pytest.approx({"held": -80, "moving": -60, "off": -100}, abs=0.5)
    assert [r.split(" raise")[0] for r in remarks(found)] == ["Motors held", "Motors moving"]
    assert motors.state == "held"


def test_motors_that_cannot_sweep_are_not_asked_to() -> None:
    motors = Motors(Options(), Path())
    found = rehearsed(actuator=motors, noise=motors.noise, allowed=Reach(sweeps=False))
    assert [noise.motors for noise in found.noises] == ["held", "off"]


def test_a_knob_that_did_not_arrive() -> None:
    class Lame(Parameters):
        def go(self, knobs, trajectory):
            motion = super().go(knobs, trajectory)
            motion.reached["Gain"] = min(motion.reached["Gain"], 9.0)
            return motion

    found = rehearsed(actuator=Lame(Options(), Path()))
    assert faults(found) == [
        "Knobs did not arrive (Gain at 10); check their couplings and measured end stops."
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DeviceLost("The cable was pulled.")])
def test_whatever_ends_it_the_rig_is_stopped_and_closed(error: BaseException) -> None:
    def failing(wet: Any, number: int) -> Any:
        if number == 4:
            raise error
        return wet

    path, motors = Amp(spoil=failing), Motors(Options(), Path())
    with pytest.raises(type(error)):
        rehearse(rig_of(path, motors), DRY, partial(judge, simulated=False, limits=THRESHOLDS))
    assert motors.stopped
    assert not path.is_open


def test_a_damaged_take_is_played_again() -> None:
    def once(wet: Any, number: int) -> Any:
        return Recording(wet, 30.0, ("xrun",) if number == 2 else ())

    assert faults(rehearsed(spoil=once)) == []


def test_what_cannot_be_judged_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"\(as it begins\) cannot be used \(not finite\)"):
        rehearsed(spoil=lambda wet, n: wet * np.nan)


def test_clicks_that_are_not_there_are_not_found() -> None:
    assert rehearsed(dry=DRY[len(click_train()) :]).late is None
    assert rehearsed(spoil=lambda wet, n: 0 * wet).late is None


def test_difference() -> None:
    a = np.array([1.0, 2.0, -2.0])
    assert difference(a, a) == -math.inf
    assert difference(0 * a, 0 * a) == -math.inf
    assert difference(a, 0 * a) == difference(0 * a, a) == 0
    assert difference(a, 0.9 * a) == pytest.approx(-20)

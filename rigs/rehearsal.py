"""A dress rehearsal: every knob to its ends, a second of audio at each, and what came back.

What is heard is judged by the same function that judges captures; the caller brings it, and the
dry, for both are a dataset's matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rigs import clicks
from rigs.audio import SAMPLE_RATE, rms_dbfs
from rigs.errors import UserError
from rigs.knobs import Knob, Setting
from rigs.motors import Quiet
from rigs.opened import Opened
from rigs.rig import Ask, Audio, Motion, Rig, nobody
from rigs.stations import stations
from rigs.takes import try_take
from rigs.trajectory import CONTROL_RATE, Trajectory

_SILENCE = np.zeros(SAMPLE_RATE, np.float32)
_SWING = 0.1
"""How far knobs move while the noise of moving is measured: a gentle share of their range."""


class Verdict(Protocol):
    """What a judge says of a take."""

    @property
    def peak_dbfs(self) -> float: ...
    @property
    def rms_dbfs(self) -> float: ...
    @property
    def flags(self) -> tuple[str, ...]: ...
    @property
    def fatal(self) -> tuple[str, ...]: ...


Judge = Callable[[Audio, Audio], Verdict]
"""Given the dry and the wet."""


@dataclass(frozen=True)
class Step:
    """``what`` is about to happen: the step ``number``, from 1, of ``total``."""

    number: int
    total: int
    what: str


@dataclass(frozen=True)
class Heard:
    """A take at one setting. ``away`` is how far, of its range, the worst knob is from it."""

    name: str
    setting: Setting
    verdict: Verdict
    latency: float
    flags: tuple[str, ...]
    away: float
    wet: Audio


@dataclass(frozen=True)
class Effect:
    """What turning ``knob`` from end to end changes, in dB; None: its ends cannot be compared."""

    knob: str
    change: float | None


@dataclass(frozen=True)
class Noise:
    """What comes back when silence is sent, dBFS RMS, with the motors ``off``, ``held``…"""

    motors: str
    dbfs: float


@dataclass(frozen=True)
class Rehearsal:
    """What was found. ``at_once`` and ``after_all``, in dB, are the difference between the first
    take and one made right after it, and one made when every knob has been round; ``late`` is
    how many samples the wet lags when latency has been removed, None if the clicks are not heard.
    """

    simulated: bool
    heard: tuple[Heard, ...]
    effects: tuple[Effect, ...]
    noises: tuple[Noise, ...]
    at_once: float
    after_all: float
    late: float | None


def difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The energy of the difference over that of the louder, in dB; -inf if they are the same.

    As an ESR, but the same both ways, and defined where one of them is silent.
    """
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    loudest = max(float(np.dot(a, a)), float(np.dot(b, b)))
    error = float(np.dot(a - b, a - b))
    return 10 * float(np.log10(error / loudest)) if error > 0 else -np.inf


def rehearse(
    rig: Rig,
    dry: Audio,
    judge: Judge,
    on_step: Callable[[Step], None] = lambda _: None,
    ask: Ask = nobody,
) -> Rehearsal:
    """Open ``rig``, play ``dry`` at the ends and noon of every knob, and close it.

    ``dry``, shape (frames,), should begin with :func:`rigs.clicks.click_train`. Raises UserError
    if the rig cannot be opened, is lost, or returns what cannot be judged. Whatever happens, it
    is closed.
    """
    return _Rehearsal(rig, dry, judge, on_step, ask).run()


class _Rehearsal:
    def __init__(
        self, rig: Rig, dry: Audio, judge: Judge, on_step: Callable[[Step], None], ask: Ask
    ) -> None:
        self._rig, self._dry, self._judge, self._ask = rig, dry, judge, ask
        self._on_step = on_step
        self._base, self._stations = stations(rig)
        motors = isinstance(rig.actuator, Quiet)
        self._total = 1 + 3 + len(self._stations) + 1 + motors * (1 + rig.reach.sweeps)
        self._number = 0

    def run(self) -> Rehearsal:
        rig = self._rig
        self._say("opening, and finding where the knobs stand")
        with Opened(rig, self._ask):
            first = self._take("as it begins", self._base)
            again = self._take("the same again", self._base)
            each = [(knob, self._take(name, setting)) for knob, name, setting in self._stations]
            last = self._take("back where it began", self._base)
            noises = self._noises()
        return Rehearsal(
            simulated=rig.path.simulated,
            heard=(first, again, *(take for _, take in each), last),
            effects=tuple(_effect(rig, knob, each) for knob in rig.knobs),
            noises=noises,
            at_once=difference(first.wet, again.wet),
            after_all=difference(first.wet, last.wet),
            late=self._late(first.wet),
        )

    def _say(self, what: str) -> None:
        self._number += 1
        self._on_step(Step(self._number, self._total, what))

    def _take(self, name: str, setting: Setting) -> Heard:
        self._say(name)
        rig = self._rig
        # As in a session: what a live path says of a take may be mended by another one.
        recording, moved, _ = try_take(rig, self._dry, Trajectory.still(rig.knobs, setting))
        verdict = self._judge(self._dry, recording.wet)
        if verdict.fatal:
            raise UserError(
                f"What came back from {rig.name!r} ({name}) cannot be used "
                f"({', '.join(verdict.fatal)}); check its audio driver and the device."
            )
        span = rig.knobs.maximum - rig.knobs.minimum
        asked = rig.knobs.to_array(setting)
        reached = rig.knobs.to_array({**setting, **moved.reached})
        return Heard(
            name=name,
            setting=setting,
            verdict=verdict,
            latency=recording.latency,
            flags=tuple(dict.fromkeys((*recording.flags, *verdict.flags))),
            away=float(np.max(np.abs(reached - asked) / span)),
            wet=np.asarray(recording.wet),
        )

    def _noises(self) -> tuple[Noise, ...]:
        """With the motors held, moving and off, in this order: what is let go may be lost."""
        rig, found = self._rig, []
        still = Trajectory.still(rig.knobs, self._base)
        motors = rig.actuator if isinstance(rig.actuator, Quiet) else None
        self._say("noise" if motors is None else "noise, motors held")
        recording, moved = rig.take(_SILENCE, still)
        # The first half belongs to what still rings from the take before.
        late = slice(len(_SILENCE) // 2, None)
        found.append(Noise("held" if motors else "", rms_dbfs(recording.wet[late])))
        if motors is None:
            return tuple(found)
        if rig.reach.sweeps:
            self._say("noise, motors moving")
            recording, moved = rig.take(_SILENCE, _swing(rig, self._base))
            found.append(Noise("moving", rms_dbfs(recording.wet)))
        self._say("noise, motors off")
        motors.de_energise()
        recording = rig.path.play(_SILENCE, Motion(moved.reached), lambda _: None)
        found.append(Noise("off", rms_dbfs(recording.wet[late])))
        motors.energise()
        return tuple(found)

    def _late(self, wet: Audio) -> float | None:
        if not np.array_equal(self._dry[: clicks.FRAMES], clicks.click_train()):
            return None
        try:
            return clicks.find_latency(wet)
        except UserError:
            return None


def _swing(rig: Rig, base: Setting) -> Trajectory:
    """A second in which every knob but the switches goes a little way and back."""
    knobs = rig.knobs
    start = knobs.to_array(base)
    span = knobs.maximum - knobs.minimum
    way = np.where(start - knobs.minimum > span / 2, -1, 1) * _SWING * span
    way[[bool(knob.detents) for knob in knobs]] = 0
    at = np.linspace(0, 1, round(CONTROL_RATE) + 1)
    return Trajectory((start + np.outer(1 - np.abs(2 * at - 1), way)).astype(np.float32))


def _effect(rig: Rig, knob: Knob, each: list[tuple[str, Heard]]) -> Effect:
    takes = [take for name, take in each if name == knob.name]
    low = min(takes, key=lambda take: take.setting[knob.name])
    high = max(takes, key=lambda take: take.setting[knob.name])
    alone = all(
        abs(low.setting[name] - high.setting[name]) < 1e-6
        for name in rig.knobs.names
        if name != knob.name
    )
    differs = low.setting[knob.name] < high.setting[knob.name]
    return Effect(knob.name, difference(low.wet, high.wet) if alone and differs else None)

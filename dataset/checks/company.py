"""What is judged of a take by the company it keeps: the other captures of its rig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.checks.levels import Levels
from dataset.checks.upright import Upright
from dataset.checks.wire import Response, Wires, response
from rigs.audio import rms_dbfs
from rigs.knobs import KnobTable, Setting

_END = 0.02
"""Of its range: nearer to its end, a knob is at it."""


@dataclass
class Company:
    """The captures that were made so far; :meth:`judge` a take first, then :meth:`add` it.

    Captures may come from the dataset too: whoever adds them adds those without faults.
    """

    knobs: KnobTable
    limits: Mapping[str, float]
    latencies: list[float] = field(default_factory=list)
    _levels: Levels = field(init=False)
    _wires: Wires = field(init=False)
    _upright: Upright = field(init=False)
    _last: tuple[NDArray[Any], Response | None] | None = None
    """The wet that was looked at last, and what was found: it is judged, and then added."""

    def __post_init__(self) -> None:
        limits = self.limits
        self._levels = Levels(self.knobs, limits["level_jump"])
        self._wires = Wires(limits["bypass_ripple"], limits["bypass_residue"])
        self._upright = Upright(limits["polarity"])

    def judge(
        self, setting: Setting, dry: NDArray[Any], wet: NDArray[Any], latency: float
    ) -> tuple[str, ...]:
        """What is wrong with a take at ``setting``, both of shape (frames,), beside the others.

        "latency jump", "level jump", "bypassed" and "polarity" are faults; "like the dry" is a
        remark.
        """
        flags = []
        if self.latencies:
            usual = float(np.median(self.latencies))
            if abs(latency - usual) > self.limits["latency_jump"]:
                flags.append("latency jump")
        if not self._audible(dry, wet):
            return tuple(flags)
        if self._levels.jumps(setting, rms_dbfs(wet) - rms_dbfs(dry)):
            flags.append("level jump")
        if said := self._wires.judge(self._at(setting), self._response(dry, wet)):
            flags.append(said)
        elif self._upright.is_upside_down(self._switches(setting), self._response(dry, wet)):
            flags.append("polarity")
        return tuple(flags)

    def add(self, setting: Setting, dry: NDArray[Any], wet: NDArray[Any], latency: float) -> None:
        """Take in a capture without faults."""
        self.latencies.append(latency)
        self.add_level(setting, dry, rms_dbfs(wet))
        if self._audible(dry, wet):
            self._wires.add(self._at(setting), self._response(dry, wet))
            self._upright.add(self._switches(setting), self._response(dry, wet))

    def add_level(self, setting: Setting, dry: NDArray[Any], wet_rms_dbfs: float) -> None:
        """Take in the level alone of a capture without faults: one of a session before."""
        dry_rms = rms_dbfs(dry)
        if wet_rms_dbfs >= self.limits["silence_dbfs"] and dry_rms > self.limits["loud_dry_dbfs"]:
            self._levels.add(setting, wet_rms_dbfs - dry_rms)

    def reopened(self) -> None:
        """The rig was opened anew: its latency may be another one."""
        self.latencies.clear()

    def changed(self) -> None:
        """The device sounds otherwise from here on, and a person has accepted that."""
        self._upright.forget()

    def _switches(self, setting: Setting) -> tuple[float, ...]:
        return tuple(setting[knob.name] for knob in self.knobs if knob.detents)

    def _response(self, dry: NDArray[Any], wet: NDArray[Any]) -> Response | None:
        if self._last is None or self._last[0] is not wet:
            self._last = (wet, response(dry, wet))
        return self._last[1]

    def _audible(self, dry: NDArray[Any], wet: NDArray[Any]) -> bool:
        limits = self.limits
        return rms_dbfs(wet) >= limits["silence_dbfs"] and rms_dbfs(dry) > limits["loud_dry_dbfs"]

    def _at(self, setting: Setting) -> NDArray[np.float64]:
        """As shares of the knobs' ranges."""
        return self.knobs.to_unit(self.knobs.to_array(setting)) / 2


def off_course(knobs: KnobTable, asked: Setting, reached: Setting, limit: float) -> tuple[str, ...]:
    """The knobs whose ``reached`` position is farther from ``asked`` than ``limit`` of the range.

    A switch has to stand at its detent. What was not reported is not judged.
    """
    off = []
    for knob in knobs:
        if knob.name not in reached:
            continue
        away = abs(reached[knob.name] - asked[knob.name])
        if away > (0.5 if knob.detents else limit * (knob.maximum - knob.minimum)):
            off.append(knob.name)
    return tuple(off)


def at_ends(knobs: KnobTable, setting: Setting) -> tuple[str, ...]:
    """The knobs that stand at an end of their range; a switch always does, and does not count."""
    found = []
    for knob in knobs:
        share = (setting[knob.name] - knob.minimum) / (knob.maximum - knob.minimum)
        if not knob.detents and not _END < share < 1 - _END:
            found.append(knob.name)
    return tuple(found)

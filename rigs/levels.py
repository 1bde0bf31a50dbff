"""Level setting: how hot a rig's return comes in, and which way to turn the interface's knob.

The converter has a hard end that no later step can undo, and a noise floor; between them the
loudest wet of all settings should peak a few dB below full scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE, peak_dbfs, rms_dbfs
from rigs.knobs import Setting
from rigs.rig import Progress, Rig
from rigs.takes import clips, take

LADDER = (-40.0, -28.0, -16.0, -8.0, -1.0)
"""The peaks, in dBFS, at which the passage is played: quiet first, and last as loud as a dry."""

HOTTEST_DB, COLDEST_DB, AIM_DB = -3.0, -12.0, -5.0
"""Where the loudest wet should peak, dBFS, and what to aim at."""
CLEAN_SNR_DB = 40.0
SILENT_DB, HEARD_DB = -90.0, 6.0
"""A peak below the one, or a passage less than the other above the noise, is no signal."""
WORST_DB = 20.0
"""Above full scale: what is estimated from quiet rungs is not believed beyond this."""

MOST_SETTINGS = 8
HUMS = (50, 60)

_QUIET = 3 * SAMPLE_RATE // 2
_SILENT = SAMPLE_RATE  # of it, at its end: what rang before has died away
_STEP, _GAP = SAMPLE_RATE, 3 * SAMPLE_RATE // 10


@dataclass(frozen=True)
class Heard:
    """What came back of the passage at one setting; levels in dBFS."""

    setting: Setting
    peaks: tuple[float, ...]
    """The peak at each rung of the ladder."""
    clipped: tuple[bool, ...]
    """Whether the return was clipped at each rung."""
    rms: float
    """At the highest rung."""
    noise: float
    """RMS of the silence before."""
    hum: float
    """RMS of the part of the noise that is a multiple of the mains' frequency."""
    hum_hertz: int

    @property
    def peak(self) -> float:
        return max(self.peaks)

    @property
    def snr(self) -> float:
        return self.rms - self.noise

    @property
    def expected_peak(self) -> float:
        """Where the highest rung would have peaked had the converter no end: an estimate.

        From the last two rungs that were not clipped, by the slope between them, which for an amp
        is less than one.
        """
        if not any(self.clipped):
            return self.peak
        first = self.clipped.index(True)
        if first == 0:
            return WORST_DB
        slope = 1.0
        if first > 1:
            rise = self.peaks[first - 1] - self.peaks[first - 2]
            slope = float(np.clip(rise / (LADDER[first - 1] - LADDER[first - 2]), 0.0, 1.0))
        expected = self.peaks[first - 1] + slope * (LADDER[-1] - LADDER[first - 1])
        return min(max(expected, 1.0), WORST_DB)


@dataclass(frozen=True)
class Advice:
    """How far to turn the interface's input gain, in dB; 0: it is right. ``text`` says so."""

    turn_db: float
    text: str


def settings_to_hear(rig: Rig) -> list[Setting]:
    """Where the loudest wet is to be looked for: noon first, then every knob at its maximum.

    Which knobs make an amp louder is not known, and the most of everything is rarely far from the
    loudest there is. A rig that has only some settings is heard at up to eight of those.
    """
    if rig.reach.only:
        step = math.ceil(len(rig.reach.only) / MOST_SETTINGS)
        return list(rig.reach.only[::step])
    most = rig.knobs.to_setting(rig.knobs.maximum)
    default = rig.knobs.default
    return [default] if default == most else [default, most]


@cache
def passage() -> NDArray[np.float64]:
    """A second that peaks at 1.0: a struck chord, then a sweep from 40 Hz to 10 kHz.

    A chord is what an amp is played with; a sweep finds the frequency at which it is loudest.
    """
    t = np.arange(6 * SAMPLE_RATE // 10) / SAMPLE_RATE
    chord = np.zeros(len(t))
    for root in (82.41, 123.47, 164.81, 207.65, 246.94, 329.63):  # E major, open position
        for partial in range(1, 9):
            fade = np.exp(-t * (3 + partial))
            chord += fade * np.sin(2 * np.pi * root * partial * t + root) / partial
    s = np.arange(_STEP - len(t)) / SAMPLE_RATE
    length, ratio = len(s) / SAMPLE_RATE, math.log(10_000 / 40)
    sweep = np.sin(2 * np.pi * 40 * length / ratio * np.expm1(s / length * ratio))
    return np.concatenate([_faded(chord / np.abs(chord).max()), _faded(sweep)])


def _faded(x: NDArray[np.float64]) -> NDArray[np.float64]:
    ramp = np.minimum(1, np.arange(len(x)) / (SAMPLE_RATE // 200))
    return np.asarray(x * ramp * ramp[::-1])


def ladder() -> NDArray[np.float64]:
    """Silence, then the passage at each level of LADDER with silence after it: shape (frames,)."""
    rungs = [np.pad(passage() * 10 ** (level / 20), (0, _GAP)) for level in LADDER]
    return np.concatenate([np.zeros(_QUIET), *rungs])


def hear(rig: Rig, setting: Setting, progress: Progress = lambda _: None) -> Heard:
    """Play the ladder through the open ``rig`` at ``setting``; raises UserError as ``take``."""
    wet = take(rig, ladder(), setting, progress).wet
    # A path that does not align itself comes late, but by less than the gap.
    rungs = wet[_QUIET:].reshape(len(LADDER), _STEP + _GAP)
    silence = np.asarray(wet[_QUIET - _SILENT : _QUIET], np.float64)
    hertz, hum = _hum(silence)
    return Heard(
        setting,
        tuple(peak_dbfs(rung) for rung in rungs),
        tuple(clips(rig, rung) for rung in rungs),
        rms_dbfs(rungs[-1][:_STEP]),
        rms_dbfs(silence - silence.mean()),
        hum,
        hertz,
    )


def _hum(silence: NDArray[Any]) -> tuple[int, float]:
    """The mains' frequency, and the level of its first ten multiples, in a second of silence."""
    window = np.hanning(len(silence))
    power = np.abs(np.fft.rfft((silence - silence.mean()) * window)) ** 2
    power *= 2 / (len(silence) * np.sum(window**2))
    best = (HUMS[0], -math.inf)
    for hertz in HUMS:
        # A second's FFT has a bin each Hz; a Hann window spreads a line over three of them.
        lines = sum(float(power[k * hertz - 2 : k * hertz + 3].sum()) for k in range(1, 11))
        level = 10 * math.log10(lines) if lines > 0 else -math.inf
        if level > best[1]:
            best = (hertz, level)
    return best


def loudest(heard: Sequence[Heard]) -> Heard:
    return max(heard, key=lambda one: one.expected_peak)


def advise(heard: Heard) -> Advice:
    """What to do with the interface's input gain, by the loudest that was heard."""
    peak = heard.expected_peak
    if peak <= SILENT_DB or heard.snr < HEARD_DB:
        return Advice(
            math.inf,
            "Nothing is heard of what is played: check the cables, that the device is on, and that "
            "the right channels are named; then turn the interface's input gain up.",
        )
    if not COLDEST_DB <= peak <= HOTTEST_DB or any(heard.clipped):
        turn = AIM_DB - peak
        way = "down" if turn < 0 else "up"
        found = "is clipped" if any(heard.clipped) else f"peaks at {peak:.1f} dBFS"
        return Advice(
            turn,
            f"The return {found}: turn the interface's input gain {way} by about "
            f"{abs(turn):.0f} dB.",
        )
    return Advice(0.0, f"The return is right: it peaks at {peak:.1f} dBFS at its loudest.")

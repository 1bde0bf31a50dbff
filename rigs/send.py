"""Level setting of the send, over a cable from the interface's output to its input.

Through a device nobody can tell whose distortion it is; over a cable it is the interface's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.rig import Progress, Rig
from rigs.takes import clips, take

LADDER = (-40.0, -30.0, -24.0, -20.0, -16.0, -12.0, -9.0, -6.0, -4.0, -2.0, -1.0, 0.0)
"""The peaks, in dBFS, at which a sine is played."""

HERTZ = 997.0  # a whole number of cycles a second, and prime: no two samples of it are the same
DIRTY = 1e-3
"""Harmonics over fundamental, in amplitude, from which a level counts as distorted: -60 dB."""
BENT_DB = 0.2
"""How much the gain may change from the quieter levels' before a level counts as compressed."""

_TONE, _GAP = SAMPLE_RATE // 2, 3 * SAMPLE_RATE // 10
_QUIET = SAMPLE_RATE // 2
_FADE = SAMPLE_RATE // 50
_STEADY = slice(5 * _TONE // 8, _TONE - _FADE)  # of each tone, up to a quarter second late
_HARMONICS = 8


@dataclass(frozen=True)
class Send:
    """What came back at each rung of the ladder."""

    gain_db: tuple[float, ...]
    distortion: tuple[float, ...]
    """Harmonics over fundamental, in amplitude."""
    clipped: tuple[bool, ...]

    @property
    def judged(self) -> int:
        """How many rungs, from the quietest, came back without the return's own clipping."""
        return self.clipped.index(True) if any(self.clipped) else len(self.clipped)

    @property
    def hottest_clean(self) -> float:
        """The highest level, in dBFS, up to which everything came back clean; -inf: none did."""
        hottest = -math.inf
        usual = float(np.median(self.gain_db[:4]))
        for level, gain, dirt in zip(
            LADDER[: self.judged],
            self.gain_db[: self.judged],
            self.distortion[: self.judged],
            strict=True,
        ):
            if dirt > DIRTY or abs(gain - usual) > BENT_DB:
                break
            hottest = level
        return hottest


def tones() -> NDArray[np.float64]:
    """Silence, then a sine at each level of LADDER with silence after it: shape (frames,)."""
    sine = np.sin(2 * np.pi * HERTZ * np.arange(_TONE) / SAMPLE_RATE)
    ramp = np.minimum(1, np.arange(_TONE) / _FADE)
    tone = sine * ramp * ramp[::-1]
    rungs = [np.pad(tone * 10 ** (level / 20), (0, _GAP)) for level in LADDER]
    return np.concatenate([np.zeros(_QUIET), *rungs])


def hear_send(rig: Rig, progress: Progress = lambda _: None) -> Send:
    """Play the tones over the cable; raises UserError as ``take``, and if no tone comes back."""
    wet = take(rig, tones(), rig.knobs.default, progress).wet
    rungs = np.asarray(wet[_QUIET:], np.float64).reshape(len(LADDER), _TONE + _GAP)
    found = [_harmonics(rung[_STEADY]) for rung in rungs]
    if found[-1][0] < 1e-4:
        raise UserError(
            "The tone does not come back; plug the interface's output straight into its input, and "
            "check that the rig's file names these channels."
        )
    return Send(
        tuple(
            20 * math.log10(max(first, 1e-9)) - level
            for (first, _), level in zip(found, LADDER, strict=True)
        ),
        tuple(others / max(first, 1e-9) for first, others in found),
        tuple(clips(rig, rung) for rung in rungs),
    )


def _harmonics(tone: NDArray[Any]) -> tuple[float, float]:
    """The amplitude of the fundamental, and of harmonics 2 to 8 together, by least squares."""
    t = 2 * np.pi * HERTZ * np.arange(len(tone)) / SAMPLE_RATE
    orders = np.arange(1, _HARMONICS + 1)
    angles = np.outer(t, orders)
    basis = np.concatenate([np.cos(angles), np.sin(angles), np.ones((len(tone), 1))], axis=1)
    weights = np.linalg.solve(basis.T @ basis, basis.T @ tone)[:-1].reshape(2, _HARMONICS)
    amplitudes = np.hypot(weights[0], weights[1])
    return float(amplitudes[0]), float(np.linalg.norm(amplitudes[1:]))


def advise_send(send: Send) -> tuple[bool, str]:
    """Whether the send is settled, and what to do, in a sentence or two."""
    hottest = send.hottest_clean
    if not any(send.clipped) and hottest == LADDER[-1]:
        return True, "The send is clean up to full scale: play it with send_db = 0."
    if send.judged < len(LADDER) and hottest == (LADDER[send.judged - 1] if send.judged else None):
        over = LADDER[-1] - hottest
        return False, (
            f"The send is clean up to {hottest:g} dBFS, but above that the return clips: turn the "
            f"interface's input gain down by about {over + 3:.0f} dB to hear the rest."
        )
    if hottest == -math.inf:
        return False, (
            "What comes back is distorted at every level: check that the cable goes straight from "
            "output to input, and that no effect or direct monitoring is switched on."
        )
    return False, (
        f"The send is clean up to {hottest:g} dBFS and distorts above: turn the interface's output "
        f"knob down by about {-hottest:g} dB and try again, or play softer with "
        f"send_db = {hottest:g}."
    )

"""What is judged of a take the moment it is made, before the knobs move on.

A check that needs nothing but the take is in :func:`judge`; :mod:`dataset.checks.company` has those
that hold it against what was captured before. Both work on stored captures as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.checks import quiet
from dataset.checks.stillness import stood_still
from rigs.audio import SAMPLE_RATE, count_clipped, peak_dbfs, rms_dbfs
from rigs.errors import UserError

THRESHOLDS: dict[str, float] = {
    # of a take alone
    "clip_run": 2,  # samples in a row at full scale that count as clipped
    "silence_dbfs": -90.0,  # a wet with less RMS than this is silent …
    "loud_dry_dbfs": -60.0,  # … which is wrong if the dry has more than this
    "dc_offset": 0.01,  # of full scale
    "still_run": 32,  # equal samples in a row that an analogue device does not give
    "hum_dbfs": -60.0,  # mains hum where the dry is silent is a fault above this …
    "hum_below": 30.0,  # … unless it is this many dB below the take's RMS
    "noise_dbfs": -50.0,  # the same of all that is heard there
    "noise_below": 20.0,
    # of a take among others
    "knob_off": 0.02,  # of its range: farther from where it was told, a knob is astray
    "latency_jump": 12.0,  # samples from one take to another
    "level_jump": 12.0,  # dB that a level may be off what other settings lead to expect, at least
    "bypass_ripple": 0.5,  # dB: a response as even as this, third octave by third octave, …
    "bypass_residue": -50.0,  # … that leaves no more than this many dB, is that of a wire
    "polarity": 0.5,  # a sentinel's correlation with the first below minus this is upside down
    "drift_esr": 0.01,  # ESR of a sentinel against the first one
    "settled_esr": 1e-4,  # ESR of two takes in a row of a rig that has come to rest
    "warm_up_minutes": 10.0,  # the longest that is waited for that at the beginning; 0: not at all
    "drift_minutes": 10.0,  # the same when a sentinel has drifted
}
"""The thresholds of all checks, which `[checks]` in a rig's TOML may change."""

REMARKS = frozenset(
    {
        "normalised",  # the capture's absolute level means nothing
        "silent as set",  # a knob at its end silences the device, as a sounding setting has shown
        "like the dry",  # a setting at which the device does nothing that can be heard
        "drift accepted",  # a person has decided to go on
    }
)
"""Flags that are no faults: something is to be said of the capture, but its sound is right."""

BLOCK = SAMPLE_RATE // 20


@dataclass(frozen=True)
class Verdict:
    """Levels of a take, and what is wrong with it. ``fatal`` flags make it impossible to store."""

    peak_dbfs: float
    rms_dbfs: float
    noise_floor_dbfs: float
    clipped: int
    flags: tuple[str, ...] = ()
    fatal: tuple[str, ...] = ()


def faults(flags: Iterable[str]) -> tuple[str, ...]:
    """Those of ``flags`` for which a take is repeated, and a capture not trained on."""
    return tuple(flag for flag in flags if flag not in REMARKS)


def thresholds(changes: Mapping[str, float]) -> dict[str, float]:
    """The defaults with a rig's own ``changes``; raises UserError for a name there is not."""
    for name, value in changes.items():
        if name not in THRESHOLDS:
            raise UserError(f"There is no check {name!r}; checks are {', '.join(THRESHOLDS)}.")
        if not math.isfinite(value):
            raise UserError(f"The check {name} is set to {value}; give a number.")
    return {**THRESHOLDS, **changes}


def _blocks(wet: NDArray[Any]) -> NDArray[np.float64]:
    """``wet`` in blocks of 50 ms, shape (blocks, 2400), without the rest; all of it if shorter."""
    size = min(BLOCK, len(wet))
    whole = len(wet) // size * size
    return np.asarray(wet[:whole], np.float64).reshape(-1, size)


def noise_floor(wet: NDArray[Any]) -> float:
    """The fifth percentile of the RMS of 50 ms blocks, dBFS: the level in the quietest moments.

    It is the noise floor only if the dry pauses for a twentieth of the time. -inf if silent.
    """
    quiet = float(np.percentile(np.sqrt(np.mean(_blocks(wet) ** 2, axis=1)), 5))
    return 20 * math.log10(quiet) if quiet > 0 else -math.inf


def dc_offset(wet: NDArray[Any]) -> float:
    """The median of the means of 50 ms blocks: a few that cut a low note short do not move it."""
    return float(np.median(np.mean(_blocks(wet), axis=1)))


def judge(
    dry: NDArray[Any], wet: NDArray[Any], simulated: bool, limits: Mapping[str, float]
) -> Verdict:
    """Judge the ``wet`` that came back for ``dry``, both of shape (frames,).

    What a simulation returns beyond full scale is scaled when it is stored, so it cannot clip; its
    silence is what the knobs ask for, not an unplugged cable, its DC, hum and noise what the
    device does, and its samples are not lost on the way.
    """
    if wet.shape != dry.shape or not len(wet):
        return Verdict(-math.inf, -math.inf, -math.inf, 0, fatal=("wrong length",))
    if not np.isfinite(wet).all():
        return Verdict(-math.inf, -math.inf, -math.inf, 0, fatal=("not finite",))
    rms = rms_dbfs(wet)
    peak, floor = peak_dbfs(wet), noise_floor(wet)
    if simulated:
        return Verdict(peak, rms, floor, 0)
    clipped = count_clipped(wet, int(limits["clip_run"]))
    flags = []
    if clipped:
        flags.append("clipped")
    if rms < limits["silence_dbfs"] and rms_dbfs(dry) > limits["loud_dry_dbfs"]:
        flags.append("silent")
    if abs(dc_offset(wet)) > limits["dc_offset"]:
        flags.append("dc offset")
    if stood_still(dry, wet, int(limits["still_run"])):
        flags.append("dropout")
    flags += quiet.flags(dry, wet, rms, limits)
    return Verdict(peak, rms, floor, clipped, tuple(flags))

"""What is judged of a take the moment it is made, before the knobs move on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE, count_clipped, peak_dbfs, rms_dbfs
from rigs.errors import UserError

THRESHOLDS: dict[str, float] = {
    "clip_run": 2,  # samples in a row at full scale that count as clipped
    "silence_dbfs": -90.0,  # a wet with less RMS than this is silent …
    "loud_dry_dbfs": -60.0,  # … which is wrong if the dry has more than this
    "dc_offset": 0.01,  # of full scale
}

REMARKS = frozenset({"normalised"})
"""Flags that are no faults: the capture's absolute level means nothing, but its sound is right."""

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
    silence is what the knobs ask for, not an unplugged cable, and its DC what the device does.
    """
    if wet.shape != dry.shape or not len(wet):
        return Verdict(-math.inf, -math.inf, -math.inf, 0, fatal=("wrong length",))
    if not np.isfinite(wet).all():
        return Verdict(-math.inf, -math.inf, -math.inf, 0, fatal=("not finite",))
    rms = rms_dbfs(wet)
    clipped = 0 if simulated else count_clipped(wet, int(limits["clip_run"]))
    flags = []
    if clipped:
        flags.append("clipped")
    if not simulated and rms < limits["silence_dbfs"] and rms_dbfs(dry) > limits["loud_dry_dbfs"]:
        flags.append("silent")
    if not simulated and abs(dc_offset(wet)) > limits["dc_offset"]:
        flags.append("dc offset")
    return Verdict(peak_dbfs(wet), rms, noise_floor(wet), clipped, tuple(flags))

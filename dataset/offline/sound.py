"""What can be heard of a capture offline: its levels, today's checks, its alignment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import fft

from dataset.checks import faults, judge
from rigs import clicks
from rigs.audio import SAMPLE_RATE, Audio, peak_dbfs, rms_dbfs
from rigs.errors import UserError

EXPLAINED = {
    "silent": "silent as set",
    "level jump": "level unlike others",
    "bypassed": "like the dry",
    "drift": "drift accepted",
}
"""Faults, and the remarks by which the session found that each was none."""

EARLY = 480
"""How many samples too early a wet may come and still be measured: 10 ms."""
CLICK_SLACK = 48.0
"""Samples by which clicks may disagree with the latency that was measured: a millisecond, for the
clicks of a device that distorts them are heard tens of samples off at some settings."""
LEVEL_SLACK = 0.05
"""dB between a level as stored and as computed again."""
AUDIBLE = -90.0
"""dBFS: what is below has neither alignment nor a level worth comparing."""

_REACH = 4800
_NEAR = 240
_SPAN = 1 << 18


def faults_heard(
    row: pd.Series[Any], dry: Audio, wet: Audio, simulated: bool, limits: Mapping[str, float]
) -> list[tuple[str, str]]:
    """Kinds and sentences of what is wrong with ``wet``, of the shape of ``dry``, (frames,)."""
    said = list(_levels(row, wet))
    verdict = judge(dry, wet, simulated, limits)
    new = unexplained([*verdict.fatal, *faults(verdict.flags)], row["flags"])
    if new:
        said.append((new[0], f"By today's checks it is {', '.join(new)}, and has no such flag."))
    late = misalignment(dry, wet, float(row["latency"]))
    if late is not None:
        where = "late" if late > 0 else "early"
        said.append(
            ("misaligned", f"The wet comes {abs(late):.4g} samples too {where} for its dry.")
        )
    return said


def unexplained(wrong: Sequence[str], flags: Iterable[str]) -> list[str]:
    """Those of ``wrong`` that a capture has no flag for, nor a remark that explains them."""
    said = set(flags)
    return [fault for fault in wrong if not said & {fault, EXPLAINED.get(fault, fault)}]


def _levels(row: pd.Series[Any], wet: Audio) -> list[tuple[str, str]]:
    """A level that is not the audio's: the row or the audio was changed by hand."""
    found = {"peak_dbfs": peak_dbfs(wet), "rms_dbfs": rms_dbfs(wet)}
    said = []
    for name, level in found.items():
        stored = float(row[name])
        if np.isnan(stored):
            stored = -np.inf
        if max(stored, level) > AUDIBLE and not abs(stored - level) <= LEVEL_SLACK:
            words = f"{name} says {stored:.2f} dBFS, but the audio has {level:.2f}."
            said.append(("edited", words))
    return said


def misalignment(dry: Audio, wet: Audio, latency: float) -> float | None:
    """By how many samples the wet comes too late (or, below 0, too early); None if it does not.

    ``latency`` is what was measured; round(latency) samples of it are removed already. Where the
    dry begins with clicks they decide, to within a millisecond. Elsewhere what fits best decides,
    and only shifts of more than 5 ms are seen: an amp's own filters delay, too.
    """
    if rms_dbfs(wet) < AUDIBLE:
        return None
    found = clicks_heard(dry, wet)
    if found is None:
        return _shift(dry, wet)
    late = found - (latency - round(latency) if np.isfinite(latency) else 0.0)
    return late if abs(late) > CLICK_SLACK else None


def clicks_heard(dry: Audio, wet: Audio) -> float | None:
    """How many samples after the dry's clicks the wet's are; None if there are none to be heard."""
    if not np.array_equal(dry[: clicks.FRAMES], clicks.click_train()):
        return None
    heard = np.concatenate([np.zeros(EARLY, np.float32), wet[: 2 * clicks.FRAMES]])
    try:
        return clicks.find_latency(heard, longest=2 * EARLY) - EARLY
    except UserError:
        return None  # too faint a click, or too noisy an amp, says nothing


def _shift(dry: Audio, wet: Audio) -> float | None:
    """The lag at which dry and wet fit clearly better than at any of less than 5 ms."""
    start = _loudest(dry)
    x = np.diff(np.asarray(dry[start : start + _SPAN], np.float64))
    y = np.diff(np.asarray(wet[start : start + _SPAN], np.float64))
    if len(x) < 4 * _REACH or not x.any() or not y.any():
        return None
    size = fft.next_fast_len(len(x) + _REACH, real=True)
    spectrum = np.conj(fft.rfft(x, size)) * fft.rfft(y, size)
    # Half-whitened: a single low note fits at many lags, its overtones at one.
    fit = np.abs(fft.irfft(spectrum / np.sqrt(np.abs(spectrum) + 1e-12), size))
    lags = np.concatenate([fit[-_REACH:], fit[: _REACH + 1]])
    best = int(np.argmax(lags)) - _REACH
    near = lags[_REACH - _NEAR : _REACH + _NEAR + 1].max()
    return float(best) if abs(best) > _NEAR and lags.max() > 1.5 * near else None


def _loudest(dry: Audio) -> int:
    """Where the loudest 5.5 s begin."""
    if len(dry) <= _SPAN:
        return 0
    power = np.cumsum(np.square(dry, dtype=np.float64)[:: SAMPLE_RATE // 100])
    width = _SPAN // (SAMPLE_RATE // 100)
    return int(np.argmax(power[width:] - power[:-width])) * (SAMPLE_RATE // 100)

"""What is heard where nothing is played: mains hum, and noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE

MAINS = (50.0, 60.0)
"""Hz. Rectifiers hum at twice the mains' frequency, so harmonics count."""
HARMONICS = 6

_SILENT = 1e-3
"""Of its peak: a dry below this is silent."""
_SHORTEST = round(0.2 * SAMPLE_RATE)
_DYING = round(0.1 * SAMPLE_RATE)
"""Of a pause's beginning: a device still rings there."""
_STEADY = 0.7
"""How much quieter, as a ratio, a pause's end may be: what dies away is no noise."""
_MOSTLY = 0.5
"""The share of hum in what is heard from which on it is called hum."""


@dataclass(frozen=True)
class Quiet:
    """RMS in the pauses of the dry, dBFS: the mains' part, if it is most of it, and the rest."""

    noise_dbfs: float
    hum_dbfs: float
    mains: float
    """Hz"""


def listen(dry: NDArray[Any], wet: NDArray[Any]) -> Quiet | None:
    """What ``wet`` has in the pauses of ``dry``, both (frames,); None where there is none.

    Of several pauses the quietest counts: in the others the device may still ring.
    """
    pauses = [wet[a:b] for a, b in _pauses(dry)]
    steady = [pause for pause in pauses if _is_steady(pause)]
    if not steady:
        return None
    quietest = min(steady, key=lambda pause: _rms(pause))
    whole = _rms(quietest)
    hum, mains = max((_hum(quietest, mains), mains) for mains in MAINS)
    if hum**2 <= _MOSTLY * whole**2:
        hum = 0.0
    return Quiet(_dbfs(math.sqrt(max(0.0, whole**2 - hum**2))), _dbfs(hum), mains)


def flags(
    dry: NDArray[Any], wet: NDArray[Any], rms_dbfs: float, limits: Mapping[str, float]
) -> tuple[str, ...]:
    """ "hum" or "noise" if either is too loud, by itself and beside a take of that RMS."""
    heard = listen(dry, wet)
    if heard is None:
        return ()
    if heard.hum_dbfs > max(limits["hum_dbfs"], rms_dbfs - limits["hum_below"]):
        return ("hum",)
    if heard.noise_dbfs > max(limits["noise_dbfs"], rms_dbfs - limits["noise_below"]):
        return ("noise",)
    return ()


def noise_share(dry: NDArray[Any], wet: NDArray[Any]) -> float:
    """The share of noise and hum in the energy of ``wet``; 0 if no pause of ``dry`` tells."""
    heard, rms = listen(dry, wet), _rms(wet)
    if heard is None or rms == 0:
        return 0.0
    # Hum is not in step with the takes, so that it is another one in each of them.
    energy = 10 ** (heard.noise_dbfs / 10) + 10 ** (heard.hum_dbfs / 10)
    return float(min(1.0, energy / rms**2))


def _pauses(dry: NDArray[Any]) -> list[tuple[int, int]]:
    """Where the dry is silent for long enough, without the time in which a device dies away."""
    loud = np.abs(dry) > _SILENT * np.abs(dry).max(initial=0.0)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], loud, [True]]).astype(np.int8)))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(a + _DYING, b) for a, b in pairs if b - a >= _SHORTEST]


def _is_steady(pause: NDArray[Any]) -> bool:
    half = len(pause) // 2
    before, after = _rms(pause[:half]), _rms(pause[half:])
    return after >= _STEADY * before


def _hum(pause: NDArray[Any], mains: float) -> float:
    """The RMS of the sines at ``mains`` and its harmonics that fit ``pause`` best."""
    x = np.asarray(pause, np.float64)
    phase = 2 * np.pi * mains * np.arange(len(x)) / SAMPLE_RATE
    orders = np.arange(1, HARMONICS + 1)[:, None]
    sines = np.vstack([np.cos(orders * phase), np.sin(orders * phase), np.ones((1, len(x)))])
    weights = np.linalg.lstsq(sines.T, x, rcond=None)[0]
    return float(np.sqrt(np.sum(np.square(weights[:-1])) / 2))


def _rms(x: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if len(x) else 0.0


def _dbfs(level: float) -> float:
    return 20 * math.log10(level) if level > 0 else -math.inf

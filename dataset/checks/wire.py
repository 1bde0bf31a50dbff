"""Whether a device does anything: a bypassed one is a wire, whose wet is just the dry."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from rigs.audio import SAMPLE_RATE

_SEGMENT = 8192
_LONGEST = 10 * SAMPLE_RATE
"""Of more no more is learned, and a live rig waits meanwhile."""
_BANDS = 1000.0 * 2.0 ** (np.arange(-9, 9) / 3)
"""Third octaves from 125 Hz to 6.35 kHz: what converters pass evenly, and amps do not."""
_HEARD = 1e-5
"""A band counts where the dry has this share of its strongest band's energy."""
_ENOUGH = 10
_LOW = slice(0, 9)
"""The bands up to 800 Hz …"""
_EXPLAINED = 0.3
"""… and the share of the wet's energy there that a linear device has to explain."""

_ONE_GAIN = 0.2
"""dB: two settings whose gains differ by more are not both a wire's."""
_APART = 0.05
"""Of a knob's range: settings this near are one."""
_EVEN = 6.0
"""dB: a device whose response is more even than this may be clean at some settings."""


@dataclass(frozen=True)
class Response:
    """A linear device's gain and its largest deviation from it in any third octave, in dB; and
    what of the wet's energy such a device does not explain, in dB of the whole."""

    gain_db: float
    ripple_db: float
    residue_db: float
    low: NDArray[np.complex128] | None = None
    """The response below 800 Hz, band by band, with its phase; None if it explains too little."""


@dataclass
class Wires:
    """Tells a bypassed device from one that is clean at some settings, by its other captures.

    A wire has one gain, whatever the knobs say. A device that is clean has several, or comes near
    being a wire at other settings too. A single such capture alone proves nothing.
    """

    ripple: float
    residue: float
    _wires: list[tuple[NDArray[np.float64], float]] = field(default_factory=list)
    """At which knobs, as shares of their ranges, and its gain."""
    _uneven: bool = False
    """Whether at some settings the device is anything but a wire …"""
    _even: bool = False
    """… and at some is much like one."""

    def judge(self, at: NDArray[np.float64], found: Response | None) -> str:
        """ "bypassed", a fault; "like the dry", a remark; or nothing."""
        if found is None or not self._is_wire(found):
            return ""
        gains = [gain for other, gain in self._wires if np.max(np.abs(other - at)) > _APART]
        if gains and float(np.ptp([*gains, found.gain_db])) > _ONE_GAIN:
            return "like the dry"
        return "bypassed" if gains or (self._uneven and not self._even) else "like the dry"

    def add(self, at: NDArray[np.float64], found: Response | None) -> None:
        """Take in a capture without faults."""
        if found is None:
            return
        if self._is_wire(found):
            self._wires.append((at, found.gain_db))
        elif found.ripple_db < _EVEN:
            self._even = True
        else:
            self._uneven = True

    def _is_wire(self, found: Response) -> bool:
        return found.ripple_db < self.ripple and found.residue_db < self.residue


def response(dry: NDArray[Any], wet: NDArray[Any]) -> Response | None:
    """How the first ten seconds of ``dry`` became ``wet``'s, both of shape (frames,).

    None if that cannot be told from so little.

    Welch's method: the cross-spectrum over the dry's spectrum is the response, and coherence is
    what it explains (Bendat and Piersol, "Random Data", 4th edition, 2010, chapter 6). Only
    magnitudes are compared: a delay and the phase of converters' filters are a wire's too.
    """
    if len(dry) < 2 * _SEGMENT:
        return None
    x, y = (np.asarray(audio[:_LONGEST], np.float64) for audio in (dry, wet))
    frequencies, xx = _spectrum(x, x)
    cross = _spectrum(x, y)[1]
    yy, xy, xx = np.abs(_spectrum(y, y)[1]), np.abs(cross), np.abs(xx)
    low, high = _BANDS * 2 ** (-1 / 6), _BANDS * 2 ** (1 / 6)
    bands = [(frequencies >= a) & (frequencies < b) for a, b in zip(low, high, strict=True)]
    energy = np.array([xx[band].sum() for band in bands])
    heard = energy > _HEARD * energy.max()
    if heard.sum() < _ENOUGH or not energy.max() > 0:
        return None
    gains = np.array([xy[band].sum() for band in bands])[heard] / energy[heard]
    if not (gains > 0).all():
        return None
    decibels = 20 * np.log10(gains)
    gain = float(np.median(decibels))
    within = (frequencies >= low[0]) & (frequencies < high[-1]) & (xx > 0)
    left = yy[within].sum() - (xy[within] ** 2 / xx[within]).sum()
    share = float(max(0.0, left) / max(yy[within].sum(), 1e-300))
    residue = 10 * math.log10(share) if share > 0 else -math.inf
    bass = _low([(cross[b].sum(), xx[b].sum(), yy[b].sum()) for b in bands[_LOW]])
    return Response(gain, float(np.max(np.abs(decibels - gain))), residue, bass)


def _low(bands: list[tuple[complex, float, float]]) -> NDArray[np.complex128] | None:
    """The response of bands of which the cross-spectrum and both spectra are given."""
    cross, xx, yy = np.array(bands).T
    heard = np.real(xx) > _HEARD * np.real(xx).max()
    if not heard.any() or not np.real(yy[heard]).sum() > 0:
        return None
    explained = np.sum(np.abs(cross[heard]) ** 2 / np.real(xx[heard])) / np.real(yy[heard]).sum()
    if explained < _EXPLAINED:
        return None
    # Weighted by what was played, so that a band of which little is known says little.
    return np.where(heard, cross / np.sqrt(np.maximum(np.real(xx), 1e-300)), 0)


def _spectrum(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Frequencies in Hz, and the cross-spectrum of ``x`` and ``y`` at them."""
    frequencies, density = signal.csd(x, y, fs=SAMPLE_RATE, nperseg=_SEGMENT, detrend=False)
    return frequencies, density

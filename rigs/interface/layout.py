"""What is sent in one take, and what its alignment clicks tell of the time between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from rigs import clicks
from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError

GAP = SAMPLE_RATE // 10
"""Silence around the dry: the clicks' own echo dies away before it, and its echo after it."""

SLACK = SAMPLE_RATE // 100
"""How much longer than the latency that is known a take listens."""

PILOT = 10 ** (-40 / 20)
"""RMS of the noise on a loop-back: far above converters' own, and its crosstalk far below."""

_AFTER = clicks.POSITIONS[-1] + 2048
"""From a train's beginning to where its last click has been heard out."""
_SAME = 0.9
"""Two answers are of one shape from this correlation on."""
JUMP = 12.0
"""Samples: more than a knob changes what clicks tell, less than drivers lose at once."""
_NO_HUM = signal.butter(2, 200, "highpass", fs=SAMPLE_RATE, output="sos")
_PERIOD = 479_001


@dataclass(frozen=True)
class Layout:
    """Frames of one take: clicks, a gap, the dry, a gap, and clicks again.

    ``wait`` is how many samples late the device may answer.
    """

    dry_frames: int
    wait: int

    @property
    def dry_at(self) -> int:
        return clicks.FRAMES + GAP

    @property
    def end_at(self) -> int:
        """Where the second train begins."""
        return self.dry_at + self.dry_frames + GAP

    @property
    def frames(self) -> int:
        return self.end_at + _AFTER + self.wait

    def sent(self, dry: NDArray[Any], gain: float) -> Audio:
        """What the device is given, shape (frames,): the clicks as loud as they can be."""
        out = self._trains(min(gain, 1 / clicks.LEVEL))
        out[self.dry_at : self.dry_at + self.dry_frames] = np.asarray(dry, np.float32) * gain
        return out

    def pilot(self) -> Audio:
        """What a loop-back is given, shape (frames,): noise from the first clicks to the last.

        Noise that repeats only after ten seconds, so whatever is lost, held or moved of it shows.
        """
        out = self._trains(1.0)
        out[self.noise] = np.resize(_noise(), self.noise.stop - self.noise.start)
        return out

    @property
    def noise(self) -> slice:
        """The frames of :meth:`pilot` that are noise."""
        return slice(clicks.FRAMES, self.end_at)

    def silent_until(self, latency: float) -> int:
        """How many frames at a take's beginning hold no answer yet."""
        return clicks.POSITIONS[0] + max(0, int(latency) - 32)

    def _trains(self, gain: float) -> Audio:
        out = np.zeros(self.frames, np.float32)
        train = np.float32(gain) * clicks.click_train()
        out[: clicks.FRAMES] = train
        out[self.end_at : self.end_at + clicks.FRAMES] = train[: self.frames - self.end_at]
        return out

    def wet(self, heard: NDArray[Any], latency: float) -> Audio:
        """The dry's answer in ``heard``, shape (dry_frames,)."""
        start = self.dry_at + round(latency)
        wet = np.zeros(self.dry_frames, np.float32)
        piece = heard[start : start + self.dry_frames]
        wet[: len(piece)] = piece
        return wet


@cache
def _noise() -> Audio:
    """Of a length that no driver's buffers add up to."""
    return PILOT * np.random.default_rng(0).standard_normal(_PERIOD, np.float32)


@dataclass(frozen=True)
class Times:
    """The latencies by a take's first and last clicks, None where those cannot be heard.

    ``moved`` says that between them the answer came to lie elsewhere: samples were lost or added.
    """

    first: float | None
    last: float | None
    moved: bool

    @property
    def latency(self) -> float | None:
        return self.last if self.first is None else self.first

    @property
    def proven(self) -> bool:
        """Whether nothing was lost, or as much added as lost."""
        return self.first is not None and self.last is not None and not self.moved


def time_first(heard: NDArray[Any], layout: Layout) -> float | None:
    """The latency by the first train, when ``heard``, shape (frames,), has reached the dry's."""
    return _latency(heard[: layout.dry_at + layout.wait], 0, layout.wait)


def time_take(heard: NDArray[Any], layout: Layout) -> Times:
    """Times both trains in ``heard``, shape (frames,)."""
    return time_last(heard, layout, time_first(heard, layout))


def time_last(heard: NDArray[Any], layout: Layout, first: float | None) -> Times:
    """Times the last train, with what the ``first`` one told."""
    last = _latency(heard, layout.end_at, layout.wait)
    if first is None or last is None:
        return Times(first, last, False)
    by, alike = _shift(heard, layout, round(first))
    # Where a knob has turned, the answer has another shape, which measures a little otherwise.
    return Times(first, last, by > 2 if alike > _SAME else abs(last - first) >= JUMP)


def _latency(heard: NDArray[Any], start: int, longest: int) -> float | None:
    try:
        return clicks.find_latency(heard, start=start, longest=longest)
    except UserError:
        return None


def _shift(heard: NDArray[Any], layout: Layout, latency: int) -> tuple[float, float]:
    """By how many samples the last train came later or earlier than the first, and how alike the
    two are: 1 if the same.
    """
    first = signal.sosfilt(_NO_HUM, heard[latency : latency + _AFTER].astype(np.float64))
    last = signal.sosfilt(_NO_HUM, heard[layout.end_at :].astype(np.float64))
    fit = np.abs(signal.correlate(last, first, "valid", method="fft"))
    energy = np.cumsum(np.concatenate([[0.0], last**2]))
    energy = energy[len(first) :] - energy[: -len(first)]
    alike = fit / np.sqrt(energy * np.sum(np.square(first)) + 1e-20)
    top = int(np.argmax(alike))
    return abs(float(top - latency)), float(alike[top])


class Known:
    """What one stream's takes tell of its latency.

    It is one for all of them while the stream stays open. The clicks of a take tell it to within
    the few samples by which a device's knobs bend their shape: enough to notice that it changed,
    not to change it for every setting. ``cable`` is what the interface alone takes, if that was
    measured before: while the clicks come close to it, it holds.
    """

    def __init__(self, cable: float | None = None) -> None:
        self.latency: float | None = None
        self._cable = cable
        self._beyond_loop = 0.0
        """What the device adds to the loop-back's latency."""

    def learn(self, device: float | None, loop: float | None) -> None:
        """Take over latencies that clicks told; None: they could not be heard."""
        if device is None:
            self.latency = loop
        elif loop is None:
            near = self._cable is not None and abs(device - self._cable) < JUMP
            self.latency = self._cable if near else device
        else:
            # Of an analogue device the difference is only what its filters do to the clicks.
            beyond = device - loop
            self._beyond_loop = beyond if abs(beyond) >= JUMP else 0.0
            self.latency = loop + self._beyond_loop

    def expected(self, device: float | None, loop: float | None) -> float:
        """What :meth:`settle` will most likely say of a take, by its first clicks."""
        known = self._through(loop)
        if known is None or (device is not None and abs(device - known) >= JUMP):
            return device or 0.0
        return known

    def _through(self, loop: float | None) -> float | None:
        return self.latency if loop is None else loop + self._beyond_loop

    def settle(self, device: Times, loop: Times | None = None) -> tuple[float, tuple[str, ...]]:
        """A take's latency, and what is wrong with it: "no latency" or "latency jump"."""
        through = None if loop is None else loop.latency
        known = self._through(through)
        found = device.latency
        if found is None:
            return (0.0, ("no latency",)) if known is None else (known, ())
        if known is not None and abs(found - known) < JUMP:
            self.latency = known
            return known, ()
        anew = self.latency is None
        if device.moved:
            return found, ()
        self.learn(found, through)
        # Clicks that are heard at both ends prove what they say; one train alone does not.
        return self.latency or found, () if anew or device.proven else ("latency jump",)

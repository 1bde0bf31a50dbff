"""The virtual amp at a glance: dry guitar and six knobs in, wet guitar out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.virtual.components import COMPONENTS, Components
from rigs.virtual.filters import CONTROL_STEP, Array, Network, TimeVaryingFilter
from rigs.virtual.oversampling import BLOCK, LATENCY
from rigs.virtual.pots import wiper
from rigs.virtual.power import PowerAmp
from rigs.virtual.preamp import Preamp
from rigs.virtual.tonestack import gain_control, presence, tone_stack

SAMPLE_RATE = 48_000

KNOBS = KnobTable(
    (
        Knob("Gain", taper="audio"),
        Knob("Bass", taper="audio"),
        Knob("Middle"),
        Knob("Treble"),
        Knob("Presence"),
        Knob("Master", taper="audio"),
    )
)
"""The panel, in the order of the last axis of ``positions``."""

_GAIN, _BASS, _MIDDLE, _TREBLE, _PRESENCE, _MASTER = range(6)


class VirtualAmp:
    """A six-knob tube amp: two triodes, a Bassman tone stack, a power stage that sags.

    Each render starts in the state that endless silence leaves, whatever was rendered before, and
    gives the same bits for the same arguments.
    """

    knobs = KNOBS
    sample_rate = SAMPLE_RATE

    def __init__(self, components: Components = COMPONENTS) -> None:
        self._components = components

    def render(
        self,
        dry: ArrayLike,
        positions: ArrayLike,
        rate: float = 1000.0,
        progress: Callable[[float], None] | None = None,
    ) -> NDArray[np.float64]:
        """Play ``dry`` through the amp while its knobs follow ``positions``.

        ``dry``: shape (frames,), 48 kHz, 1.0 = 0 dBFS = +12 dBu sine peak (4.36 V).
        ``positions``: panel positions 0…10 in the order of :data:`KNOBS`; shape (6,) or (1, 6) for
        still knobs, else a trajectory (control frames, 6) at ``rate`` Hz, frame 0 at sample 0,
        linear between frames, the last one held.
        ``progress`` is called after each block with the fraction done, the last time with 1.0.

        Returns the wet, shape (frames,), float64, aligned with ``dry`` sample for sample.

        Raises UserError if ``dry`` is not one-dimensional or holds a value that is not finite, if
        ``positions`` has another shape or leaves the panel, or if ``rate`` is not positive.
        """
        dry = _checked_dry(dry)
        trajectory = _checked_trajectory(positions, rate)
        frames = len(dry)
        wet = np.empty(frames)
        latency = 2 * LATENCY
        written = -latency
        for block in self._stream(dry, trajectory, rate, frames + latency):
            start = max(written, 0)
            stop = min(written + BLOCK, frames)
            if stop > start:
                wet[start:stop] = block[start - written : stop - written]
            written += BLOCK
            if progress is not None and frames:
                progress(min(max(written, 0) / frames, 1.0))
        return wet

    def _stream(
        self, dry: NDArray[np.float64], trajectory: Array, rate: float, frames: int
    ) -> Iterator[Array]:
        """Blocks of wet, ``2 * LATENCY`` samples late, until ``frames`` samples have come."""
        parts = self._components
        gain_filter = TimeVaryingFilter(order=1)
        preamp = Preamp(parts, SAMPLE_RATE)
        stack_filter = TimeVaryingFilter(order=3)
        presence_filter = TimeVaryingFilter(order=1)
        power = PowerAmp(parts.power, SAMPLE_RATE)
        for start in range(0, frames, BLOCK):
            volts = np.zeros(BLOCK)
            piece = dry[start : start + BLOCK]
            volts[: len(piece)] = piece
            volts *= parts.input.volts_full_scale
            # The preamp delays by LATENCY: the knobs behind it follow as much later.
            front = _control_frames(trajectory, rate, start)
            back = _control_frames(trajectory, rate, start - LATENCY)
            gain = wiper(parts.input.gain, front[:, _GAIN])
            grid = gain_filter.process(volts, gain_control(parts.input, gain, SAMPLE_RATE))
            plate = preamp.process(grid)
            toned = stack_filter.process(plate, self._stack_and_master(back))
            shelf = presence(
                parts.presence, wiper(parts.presence.pot, back[:, _PRESENCE]), SAMPLE_RATE
            )
            yield power.process(presence_filter.process(toned, shelf))

    def _stack_and_master(self, panel: Array) -> Network:
        """Tone stack with the master behind it, for panel positions of shape (f, 6)."""
        parts = self._components
        stack = tone_stack(
            parts.tone_stack,
            bass=wiper(parts.tone_stack.bass, panel[:, _BASS]),
            middle=wiper(parts.tone_stack.middle, panel[:, _MIDDLE]),
            treble=wiper(parts.tone_stack.treble, panel[:, _TREBLE]),
            rate=SAMPLE_RATE,
        )
        master = wiper(parts.power.master, panel[:, _MASTER])
        return Network(
            transition=stack.transition,
            feed=stack.feed,
            output=stack.output * master[:, None],
            direct=stack.direct * master,
        )


def _control_frames(trajectory: Array, rate: float, start: int) -> Array:
    """Panel positions at the control frames of the block that begins at sample ``start``."""
    samples = start + np.arange(0, BLOCK + CONTROL_STEP, CONTROL_STEP)
    at = np.clip(samples * (rate / SAMPLE_RATE), 0, len(trajectory) - 1)
    before = np.minimum(at.astype(np.intp), max(len(trajectory) - 2, 0))
    after = np.minimum(before + 1, len(trajectory) - 1)
    first = trajectory[before]
    return np.asarray(first + (trajectory[after] - first) * (at - before)[:, None])


def _checked_dry(dry: ArrayLike) -> NDArray[np.float64]:
    samples = np.asarray(dry)
    if samples.ndim != 1 or samples.dtype.kind not in "fiu":
        raise UserError(
            f"The dry signal has shape {samples.shape} and type {samples.dtype}; "
            "give one channel of numbers, shape (frames,)."
        )
    finite = np.isfinite(samples)
    if not finite.all():
        raise UserError(
            f"The dry signal has no finite value at sample {int(np.argmin(finite))}; "
            "check the file it came from."
        )
    return samples


def _checked_trajectory(positions: ArrayLike, rate: float) -> Array:
    panel = np.atleast_2d(np.asarray(positions, dtype=np.float64))
    if panel.ndim != 2 or panel.shape[1] != len(KNOBS) or not len(panel):
        raise UserError(
            f"The knob positions have shape {panel.shape}; the amp needs (control frames, "
            f"{len(KNOBS)}): {', '.join(KNOBS.names)}."
        )
    if not (np.isfinite(rate) and rate > 0):
        raise UserError(f"The knobs' rate is {rate:g} Hz; give a positive number.")
    for knob, column in zip(KNOBS, panel.T, strict=True):
        outside = ~((column >= knob.minimum) & (column <= knob.maximum))
        if outside.any():
            frame = int(np.argmax(outside))
            raise UserError(
                f"{knob.name} is at {column[frame]:g} in control frame {frame}: it goes from "
                f"{knob.minimum:g} to {knob.maximum:g}."
            )
    return panel

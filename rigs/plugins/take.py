"""A take through a plugin: a new instance, silence until it rests, then the dry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError

LEAST_PREROLL = 0.5
"""Seconds of silence at least: a control that is smoothed inside does not show in silence."""
RESTING = 2.0**-23
"""How far the output of a plugin at rest may wander in 0.1 s: a step of 24 bits."""
_CHUNK = SAMPLE_RATE // 10
LONGEST_LATENCY = 10 * SAMPLE_RATE


class Instance(Protocol):
    """A plugin that has just been made, and works in blocks of one size."""

    @property
    def seconds(self) -> float:
        """Spent in the plugin's own code so far."""

    @property
    def latency(self) -> int:
        """Frames that what :meth:`run` returns lags behind, as of the last call."""

    def run(self, dry: Audio, values: NDArray[np.float32]) -> Audio:
        """Plays whole blocks; ``values``, shape (blocks or 1, keys), for the controls."""

    def close(self) -> None:
        """Lets the plugin go."""


@dataclass(frozen=True)
class Take:
    """``wet`` has the frames of the dry and is aligned to it.

    ``seconds`` were spent in the plugin's own code: to make it, and to play it.
    """

    wet: Audio
    latency: int
    flags: tuple[str, ...]
    seconds: float


def play(
    make: Callable[[int], Instance],
    dry: Audio,
    values: NDArray[np.float32],
    block: int,
    longest_preroll: float,
    progress: Callable[[float], None],
) -> Take:
    """Play ``dry``, shape (frames,), through the plugin that ``make`` makes for a block size.

    ``values``, shape (1 + blocks, keys), are what its controls are given: before the audio, and
    then at each block; after the last row they stand still. Silence is played before, until the
    output rests, but for ``longest_preroll`` seconds at most. A plugin that delays is given
    silence after the dry, and its delay is removed.

    Raises UserError if the plugin says that it delays for ever.
    """
    instance = make(block)
    try:
        _settle(instance, values[:1], block, longest_preroll)
        latency = instance.latency
        if latency > LONGEST_LATENCY:
            raise UserError(
                f"The plugin says that it delays by {latency} frames, which is too long to be true."
            )
        blocks = -(-(len(dry) + latency) // block)
        padded = np.zeros(blocks * block, np.float32)
        padded[: len(dry)] = dry
        wet = np.empty_like(padded)
        moving = values[1:] if len(values) > 1 else values
        each = max(1, SAMPLE_RATE // block)
        for first in range(0, blocks, each):
            last = min(first + each, blocks)
            part = slice(first * block, last * block)
            rows = moving[min(first, len(moving) - 1) : last]
            wet[part] = instance.run(padded[part], rows)
            progress(min(last * block, len(dry)) / SAMPLE_RATE)
        flags = ("latency changed",) if instance.latency != latency else ()
    finally:
        instance.close()
    return Take(wet[latency : latency + len(dry)], latency, flags, instance.seconds)


def _settle(instance: Instance, values: NDArray[np.float32], block: int, longest: float) -> None:
    frames = -(-_CHUNK // block) * block
    silence, played = np.zeros(frames, np.float32), 0.0
    while played < longest:
        wet = instance.run(silence, values)
        played += frames / SAMPLE_RATE
        if played >= LEAST_PREROLL and np.ptp(wet) <= RESTING:
            return

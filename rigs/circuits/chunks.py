"""Cutting a take into pieces that are simulated apart, several at a time.

A circuit forgets. Each chunk begins ``overlap`` before what it is for, from the state that silence
leaves, and the dry fades in there; what it gives in that time is thrown away. Where chunks begin
follows from the take's length and the options alone, never from how many run at once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE
from rigs.circuits.deck import Array

MARGIN = 512
"""Frames that the resampling filters are given on either side."""
FADE = round(0.02 * SAMPLE_RATE)
SHORTEST_OVERLAP = 0.05
"""Seconds: the fade, and some to spare."""


@dataclass(frozen=True)
class Chunk:
    """Frames ``begin`` to ``end`` of a take, simulated from ``start`` to ``stop``."""

    begin: int
    end: int
    start: int
    stop: int
    fades: bool

    @property
    def frames(self) -> int:
        """Frames simulated."""
        return self.stop - self.start


def split(frames: int, length: int, overlap: int) -> list[Chunk]:
    """The chunks of a take of ``frames`` frames; the first begins in silence."""
    chunks = []
    for begin in range(0, frames, length):
        end = min(begin + length, frames)
        first = begin - overlap
        chunks.append(Chunk(begin, end, max(first, 0) - MARGIN, end + MARGIN, first > 0))
    return chunks


def raised(dry: NDArray[Any], chunk: Chunk, factor: int) -> Array:
    """The dry from the chunk's start to its stop, at ``factor`` times the rate; silent outside."""
    first, last = chunk.start - MARGIN, chunk.stop + MARGIN
    piece = np.zeros(last - first)
    inside = slice(max(first, 0), min(last, len(dry)))
    piece[inside.start - first : inside.stop - first] = dry[inside]
    fine = np.asarray(soxr.resample(piece, 1, factor, quality="VHQ"), np.float64)
    fine = fine[MARGIN * factor : (MARGIN + chunk.frames) * factor]
    if chunk.fades:
        fade = FADE * factor
        fine[:fade] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    return fine


def lowered(fine: Array, chunk: Chunk, factor: int) -> Array:
    """What the chunk is for, at 48 kHz, from all that was simulated."""
    wet = np.asarray(soxr.resample(fine, factor, 1, quality="VHQ"), np.float64)
    return wet[chunk.begin - chunk.start : chunk.end - chunk.start]


def in_parallel(
    work: Callable[[Chunk], Array],
    chunks: list[Chunk],
    jobs: int,
    done: Callable[[Chunk], None],
    kill: Callable[[], None],
) -> Array:
    """What ``work`` makes of the chunks, one after another, made by ``jobs`` threads.

    ``done`` is called in this thread as each is finished. Whatever goes wrong, Ctrl-C too,
    ``kill`` ends the work in hand, and no thread is left.
    """
    joined = np.zeros(chunks[-1].end if chunks else 0)
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="circuit")
    try:
        futures = {pool.submit(work, chunk): chunk for chunk in chunks}
        for future in as_completed(futures):
            chunk = futures[future]
            joined[chunk.begin : chunk.end] = future.result()
            done(chunk)
    except BaseException:
        kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return joined

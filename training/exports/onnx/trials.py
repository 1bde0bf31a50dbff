"""What an export is calibrated on and judged by: playing, at settings all over the panel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dataset.plans.base import sobol, to_positions
from dataset.signals import playing
from rigs.audio import SAMPLE_RATE, Audio
from rigs.knobs import KnobTable
from training.models.control import frames_for

SECONDS = 2.0
Trial = tuple[Audio, NDArray[np.float64]]
"""Dry, (samples,), and panel positions: (knobs,), or moving (frames_for(samples), knobs)."""


def trials(knobs: KnobTable, audio: Audio | None, settings: int, seed: int) -> Iterator[Trial]:
    """``settings`` still ones, the default first, and one trial in which all knobs move.

    Each is played a stretch of ``audio``, or made playing that another seed does not share.
    """
    positions = to_positions(knobs, sobol(len(knobs), settings + 4, [seed])).astype(np.float64)
    positions[0] = knobs.to_array(knobs.default)
    for number in range(settings):
        yield _stretch(audio, number / settings, [seed, number]), positions[number]
    dry = _stretch(audio, 1, [seed, settings])
    yield dry, _moving(knobs, positions[settings - 1 :], len(dry))


def _stretch(audio: Audio | None, where: float, seed: list[int]) -> Audio:
    if audio is None:
        return playing(SECONDS, np.random.default_rng(seed)).astype(np.float32)
    frames = min(len(audio), round(SECONDS * SAMPLE_RATE))
    start = round(where * (len(audio) - frames))
    return audio[start : start + frames]


def _moving(knobs: KnobTable, points: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """From point to point, (points, knobs), in even time; a switch jumps half-way."""
    frames = frames_for(samples)
    way = np.linspace(0, len(points) - 1, frames)
    columns = [
        column[np.rint(way).astype(int)]
        if knob.detents
        else np.interp(way, np.arange(len(points)), column)
        for knob, column in zip(knobs, points.T, strict=True)
    ]
    return np.stack(columns, axis=1)

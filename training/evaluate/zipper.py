"""Zipper noise: what is heard of control frames while a knob turns.

The control network is evaluated at control frames, and its outputs are linear between them. Were
it evaluated at every sample, it would not matter where the frames fall; so the same turn is played
several times with the frames a little later each time, and what differs from the mean of them is
the noise: all that has the frames' rhythm. What is common to them has no rhythm: it is a turn of a
slightly other shape. (Between two frames a straight line misses a curve of curvature c by
c x (48 - x) / 2 at sample x. The RMS of what of that has a rhythm is 0.41 times the whole's: this
noise is 7.8 dB under the difference from a control network evaluated at every sample.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rigs.audio import rms_dbfs
from rigs.knobs import Knob
from training.checkpoint import Model
from training.models.control import CONTROL_INTERVAL, frames_for
from training.play import play

TURN_SECONDS = 0.2
"""From one end of the knob to the other, as fast as a hand does it: along half a cosine, for a hand
has no corners, and a corner between two frames would be heard more than the frames."""
REST_SECONDS = 0.05
"""Before and after the turn."""
FREQUENCY, LEVEL_DBFS = 220.0, -12.0
"""Of the sine that sounds meanwhile; its peak."""
PLACES = 8
"""How many ways the frames fall."""


@dataclass(frozen=True)
class Zipper:
    """One knob turned up, all others at their defaults: RMS in dBFS, from the turn's beginning to
    the end, of the noise and of what it is in."""

    knob: str
    noise_dbfs: float
    output_dbfs: float


def turn(model: Model, knob: Knob) -> Zipper:
    """Turn ``knob`` from end to end while a sine sounds, and listen for the control frames."""
    rate = model.sample_rate
    rest, length = round(REST_SECONDS * rate), round(TURN_SECONDS * rate)
    samples = 2 * rest + length
    times = np.arange(samples) / rate
    sine = 10 ** (LEVEL_DBFS / 20) * np.sin(2 * np.pi * FREQUENCY * times)

    def positions(sample: NDArray[Any]) -> NDArray[np.float64]:
        setting = np.tile(model.knobs.to_array(model.knobs.default), (len(sample), 1))
        way = 0.5 - 0.5 * np.cos(np.pi * np.clip((sample - rest) / length, 0, 1))
        setting[:, model.knobs.names.index(knob.name)] = (
            knob.minimum + (knob.maximum - knob.minimum) * way
        )
        return setting

    played = []
    for late in range(0, CONTROL_INTERVAL, CONTROL_INTERVAL // PLACES):
        # Silence before the sine moves it against the frames, which begin with the audio.
        dry = np.concatenate([np.zeros(late), sine]).astype(np.float32)
        frames = np.arange(frames_for(len(dry))) * float(CONTROL_INTERVAL) - late
        wet = play(model.net, dry, model.knobs.to_inputs(positions(frames)))
        played.append(wet[late + rest :].astype(np.float64))
    found = np.array(played)
    mean = found.mean(axis=0)
    noise = np.sqrt(np.square(found - mean).mean(axis=0))
    return Zipper(knob.name, rms_dbfs(noise), rms_dbfs(mean))


def zipper_table(found: Iterable[Zipper]) -> pd.DataFrame:
    """One row a knob; ``below_db`` is how far the noise lies under the sound that it is in."""
    rows = [(z.knob, z.noise_dbfs, z.output_dbfs, z.output_dbfs - z.noise_dbfs) for z in found]
    return pd.DataFrame(rows, columns=["knob", "zipper_dbfs", "output_dbfs", "below_db"])

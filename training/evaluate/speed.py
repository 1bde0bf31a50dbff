"""How fast a model renders on this machine."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from training.checkpoint import Model
from training.play import play

SECONDS = 4.0
ATTEMPTS = 3


def times_real_time(model: Model) -> float:
    """Seconds of audio that `play` renders in a second at a still setting: the best of a few.

    The audio is noise: a net takes as long over it as over a guitar.
    """
    rng = np.random.default_rng(0)
    dry = rng.normal(0, 0.1, round(SECONDS * model.sample_rate)).astype(np.float32)
    knobs = model.knobs.to_inputs(model.knobs.to_array(model.knobs.default))
    play(model.net, dry[: model.sample_rate // 4], knobs)  # what is compiled or cached, is
    best = np.inf
    for _ in range(ATTEMPTS):
        began = perf_counter()
        play(model.net, dry, knobs)
        best = min(best, perf_counter() - began)
    return SECONDS / best

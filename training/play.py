"""Playing audio through a conditioned net, of any length, with knobs still or moving."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from rigs.rig import Progress
from training.models.conditioning import CONTROL_INTERVAL, frames_for
from training.models.wavenet import ConditionedWaveNet

CHUNK = 400 * CONTROL_INTERVAL
"""Samples rendered at once: small enough to stay in cache, large enough to keep cores busy."""


def lead_for(receptive_field: int) -> int:
    """Samples of the past a window needs, in whole control intervals."""
    return -(-(receptive_field - 1) // CONTROL_INTERVAL) * CONTROL_INTERVAL


@torch.no_grad()
def play(
    net: ConditionedWaveNet,
    dry: NDArray[np.float32],
    knobs: NDArray[np.floating],
    progress: Progress = lambda _: None,
) -> NDArray[np.float32]:
    """Wet audio, shape (samples,), from the state that endless silence leaves.

    ``dry``: (samples,). ``knobs``: (knobs,) if they are still, else one row a control frame,
    (frames_for(samples), knobs); −1…1.
    """
    samples = len(dry)
    lead = lead_for(net.receptive_field)
    parts = []
    moving = knobs.ndim == 2 and len(knobs) > 1
    frames = torch.from_numpy(np.atleast_2d(knobs).astype(np.float32))
    if moving and len(frames) < frames_for(samples):
        raise ValueError(f"{samples} samples need {frames_for(samples)} control frames")
    if moving:  # before the start, knobs rest where they begin
        frames = torch.cat([frames[:1].expand(lead // CONTROL_INTERVAL, -1), frames])
    padded = torch.zeros(lead + -(-samples // CONTROL_INTERVAL) * CONTROL_INTERVAL)
    padded[lead : lead + samples] = torch.from_numpy(np.asarray(dry, np.float32))
    for start in range(0, samples, CHUNK):
        stretch = padded[start : start + lead + CHUNK]
        if moving:
            first = start // CONTROL_INTERVAL
            positions = frames[first : first + len(stretch) // CONTROL_INTERVAL + 1]
        else:
            positions = frames
        wet = net(stretch[None], positions[None])[0]
        parts.append(wet[lead - net.receptive_field + 1 :])
        progress(min(start + CHUNK, samples) / 48000)
    return torch.cat(parts)[:samples].numpy() if parts else np.zeros(0, np.float32)

"""Playing audio through a conditioned net, of any length, with knobs still or moving."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from rigs.rig import Progress
from training.models.control import CONTROL_INTERVAL, frames_for, lead_for
from training.models.net import Net

__all__ = ["lead_for", "play"]

CHUNK = 400 * CONTROL_INTERVAL
"""Samples rendered at once: small enough to stay in cache, large enough to keep cores busy."""


@torch.no_grad()
def play(
    net: Net,
    dry: NDArray[np.float32],
    knobs: NDArray[np.floating],
    progress: Progress = lambda _: None,
) -> NDArray[np.float32]:
    """Wet audio, shape (samples,), from the state that endless silence leaves.

    ``dry``: (samples,). ``knobs``: (inputs,) if they are still, else one row a control frame,
    (frames_for(samples), inputs); encoded by `KnobTable.to_inputs`.
    """
    samples = len(dry)
    parts = []
    moving = knobs.ndim == 2 and len(knobs) > 1
    device = next(net.parameters()).device
    frames = torch.from_numpy(np.atleast_2d(knobs).astype(np.float32)).to(device)
    if moving and len(frames) < frames_for(samples):
        raise ValueError(f"{samples} samples need {frames_for(samples)} control frames")
    padded = torch.zeros(-(-samples // CONTROL_INTERVAL) * CONTROL_INTERVAL)
    padded[:samples] = torch.from_numpy(np.asarray(dry, np.float32))
    padded = padded.to(device)
    state = net.silent(frames[:1])  # before the start, knobs rest where they begin
    for start in range(0, samples, CHUNK):
        stretch, positions = padded[start : start + CHUNK], frames
        if moving:
            first = start // CONTROL_INTERVAL
            positions = frames[first : first + len(stretch) // CONTROL_INTERVAL + 1]
        wet, state = net.advance(state, stretch[None], positions[None])
        parts.append(wet[0].cpu())
        progress(min(start + CHUNK, samples) / 48000)
    return torch.cat(parts)[:samples].numpy() if parts else np.zeros(0, np.float32)

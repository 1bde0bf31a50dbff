"""What training minimises: ESR and pre-emphasised ESR, fair to quiet settings.

Each window's error is measured against that window's own energy, so a clean, quiet setting counts
as much as a loud one. A floor keeps near-silence from dominating: a window never counts as quieter
than ``FLOOR_DBFS``, the level under which ESR is not defined. What is averaged is the root of the
ratio: early on, some windows are off a hundredfold, and would otherwise be all that is learnt from.
"""

from __future__ import annotations

import torch
from torch import Tensor

FLOOR_DBFS = -60.0
PRE_EMPHASIS = 0.95
"""First-order coefficient; Wright and Välimäki, Perceptual Loss Function for Neural Modeling of
Audio Systems, 2020."""


def pre_emphasise(audio: Tensor) -> Tensor:
    """y[n] - 0.95 y[n-1], shape (..., samples - 1)."""
    return audio[..., 1:] - PRE_EMPHASIS * audio[..., :-1]


def windowed_esr(output: Tensor, target: Tensor, energy: Tensor) -> Tensor:
    """Error energy of each window over ``energy``, floored; shapes (batch, samples), (batch,)."""
    floor = target.shape[-1] * 10 ** (FLOOR_DBFS / 10)
    return (output - target).square().sum(-1) / (energy + floor)


def _ratio(energy_ratio: Tensor) -> Tensor:
    """The square root: a few windows that are far off must not drown all others' gradients."""
    return torch.sqrt(energy_ratio + 1e-6)


def loss(output: Tensor, target: Tensor, emphasis: float) -> Tensor:
    """Mean over windows of √ESR + ``emphasis`` x √(pre-emphasised ESR); (batch, samples) to ()."""
    plain = windowed_esr(output, target, target.square().sum(-1))
    bright, bright_target = pre_emphasise(output), pre_emphasise(target)
    emphasised = windowed_esr(bright, bright_target, bright_target.square().sum(-1))
    return torch.mean(_ratio(plain) + emphasis * _ratio(emphasised))

"""What training minimises: ESR and pre-emphasised ESR, fair to quiet settings.

Each window's error is measured against that window's own energy, so a clean, quiet setting counts
as much as a loud one. A floor keeps near-silence from dominating: a window never counts as quieter
than ``FLOOR_DBFS``, the level under which ESR is not defined. What is averaged is the root of the
ratio: early on, some windows are off a hundredfold, and would otherwise be all that is learnt from.

A root is not enough at the very start of a device whose level spans 50 dB. With e = ESR, r the
ratio of the output's level to the target's and c their correlation, e = (1 - r)² + 2 r (1 - c):
an output that is not yet alike (c = 0) does best to be silent, and a few windows that are 30 dB too
loud see to it that it becomes so. Silence is hard to leave: training stood there for up to two
thirds of its time. :func:`approach` is for that time. It puts (ln r)² for the first term and leaves
r out of the second: the same near the target, but an error of level counts in decibels, too quiet
as much as too loud, and likeness is sought whatever the level.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

FLOOR_DBFS = -60.0
PRE_EMPHASIS = 0.95
"""First-order coefficient; Wright and Välimäki, Perceptual Loss Function for Neural Modeling of
Audio Systems, 2020."""
_TINY = 1e-6
"""Added under a root: its slope at 0 is infinite."""


def pre_emphasise(audio: Tensor) -> Tensor:
    """y[n] - 0.95 y[n-1], shape (..., samples - 1)."""
    return audio[..., 1:] - PRE_EMPHASIS * audio[..., :-1]


def _floor(target: Tensor) -> float:
    """The energy of a window at the floor."""
    return float(target.shape[-1] * 10 ** (FLOOR_DBFS / 10))


def windowed_esr(output: Tensor, target: Tensor) -> Tensor:
    """Error energy of each window over the target's, floored; (batch, samples) to (batch,)."""
    return (output - target).square().sum(-1) / (target.square().sum(-1) + _floor(target))


def windowed_distance(output: Tensor, target: Tensor) -> Tensor:
    """(ln r)² + 2 (1 - c) of each window; (batch, samples) to (batch,).

    Both signals get the floor as one more, common, sample: what is under it is alike.
    """
    floor = _floor(target)
    ours, theirs = output.square().sum(-1) + floor, target.square().sum(-1) + floor
    alike = ((output * target).sum(-1) + floor) * torch.rsqrt(ours * theirs)
    return (0.5 * torch.log(ours / theirs)).square() + 2 * (1 - alike).clamp_min(0)


def _both(
    measure: Callable[[Tensor, Tensor], Tensor], output: Tensor, target: Tensor, emphasis: float
) -> Tensor:
    plain = measure(output, target)
    bright = measure(pre_emphasise(output), pre_emphasise(target))
    # The root: a few windows that are far off must not drown all others' gradients.
    return torch.mean(torch.sqrt(plain + _TINY) + emphasis * torch.sqrt(bright + _TINY))


def loss(output: Tensor, target: Tensor, emphasis: float) -> Tensor:
    """Mean over windows of √ESR + ``emphasis`` x √(pre-emphasised ESR); (batch, samples) to ()."""
    return _both(windowed_esr, output, target, emphasis)


def approach(output: Tensor, target: Tensor, emphasis: float) -> Tensor:
    """The same with :func:`windowed_distance` in ESR's place: for the first part of a training."""
    return _both(windowed_distance, output, target, emphasis)

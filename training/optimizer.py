"""What moves the weights down the gradient."""

from __future__ import annotations

import math

import torch

from training.models.net import Net
from training.options import TrainOptions
from training.soap import Soap

WARM_UP = 0.02
"""Share of the training in which the learning rate rises."""
FINAL_RATE = 0.002
"""Learning rate at the end, as a share of the highest."""


def build(net: Net, options: TrainOptions) -> torch.optim.Optimizer:
    """The optimiser of ``net``'s parameters; its whole state is kept over a stop."""
    if options.optimizer == "soap":
        return Soap(net.parameters(), lr=options.learning_rate)
    return torch.optim.Adam(net.parameters(), lr=options.learning_rate, fused=True)


def learning_rate(options: TrainOptions, fraction: float) -> float:
    """Linear warm-up, then half a cosine (Loshchilov and Hutter, SGDR, 2017)."""
    if fraction < WARM_UP:
        return options.learning_rate * (0.05 + 0.95 * fraction / WARM_UP)
    cosine = 0.5 * (1 + math.cos(math.pi * (fraction - WARM_UP) / (1 - WARM_UP)))
    return options.learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * cosine)


def set_rate(optimizer: torch.optim.Optimizer, options: TrainOptions, fraction: float) -> None:
    """Give every group the learning rate of this moment of the training."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(options, fraction)

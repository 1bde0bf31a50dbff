"""GRUs and LSTMs with random weights whose knobs matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tests.training.random_nets import noise
from training.models.recurrent import ConditionedRecurrent, GruConfig, LstmConfig
from training.play import play

CELLS: dict[str, GruConfig | LstmConfig] = {
    "GRU-10": GruConfig(units=10),
    "LSTM-16": LstmConfig(units=16),
    "GRU-5 of bases": GruConfig(units=5, conditioning="basis", bases=3, hidden=8, skip=True),
    "LSTM-3 of bases": LstmConfig(units=3, conditioning="basis", bases=2, hidden=4),
    "GRU-1": GruConfig(units=1, hidden=4),
    "LSTM-5": LstmConfig(units=5, hidden=4, skip=True),
}


def random_cell(config: GruConfig | LstmConfig, inputs: int, seed: int = 1) -> ConditionedRecurrent:
    """With peaks of about full scale."""
    torch.manual_seed(seed)
    net = ConditionedRecurrent(config, inputs)
    with torch.no_grad():
        for bias in net.biases:
            bias.add_(0.1 * torch.randn_like(bias))
        net.head.bias.fill_(0.05)
        layers: Any = net.control.layers
        for parameter in layers[-1].parameters():
            parameter.mul_(10)
        dry, rng = noise(4_800), np.random.default_rng(seed)
        settings = rng.uniform(-1, 1, (4, inputs)).astype(np.float32)
        peak = max(np.abs(play(net, dry, setting)).max() for setting in settings)
        net.head.weight.div_(peak)
        net.head.bias.div_(peak)
        if config.skip:
            net.skip.div_(peak)
    return net.eval()

"""Conditioned models by name. A new one is one file and one line here."""

from __future__ import annotations

from training.models.convnet import ConvNetConfig
from training.models.linear import LinearConfig
from training.models.net import Net, NetConfig
from training.models.recurrent import ConditionedRecurrent, GruConfig, LstmConfig
from training.models.stack import Stack
from training.models.wavenet import ConditionedWaveNet
from training.models.wavenet_config import WaveNetConfig
from training.models.wiener_hammerstein import WienerHammersteinConfig

MODELS: dict[str, tuple[type[NetConfig], type[Net]]] = {
    "wavenet": (WaveNetConfig, ConditionedWaveNet),
    "gru": (GruConfig, ConditionedRecurrent),
    "lstm": (LstmConfig, ConditionedRecurrent),
    "convnet": (ConvNetConfig, Stack),
    "linear": (LinearConfig, Stack),
    "wiener-hammerstein": (WienerHammersteinConfig, Stack),
}

__all__ = ["MODELS", "ConditionedWaveNet", "Net", "NetConfig", "WaveNetConfig"]

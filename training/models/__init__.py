"""Conditioned models by name. A new one is one file and one line here."""

from __future__ import annotations

from training.models.wavenet import ConditionedWaveNet, WaveNetConfig

MODELS = {"wavenet": (WaveNetConfig, ConditionedWaveNet)}

__all__ = ["MODELS", "ConditionedWaveNet", "WaveNetConfig"]

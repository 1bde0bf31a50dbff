"""How knob positions reach the audio path: FiLM, at control rate.

A small network maps the setting to scales and shifts (Perez et al., FiLM: Visual Reasoning with a
General Conditioning Layer, 2018). It is evaluated at control frames, one every 48 samples from the
first; between frames its outputs are linear. On a still knob they fold into the weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CONTROL_INTERVAL = 48
"""Samples from one control frame to the next."""


def frames_for(samples: int) -> int:
    """Control frames that ``samples`` samples need: one at or after the last one, too."""
    return -(-samples // CONTROL_INTERVAL) + 1


class ControlNetwork(nn.Module):
    """Knob positions, −1…1, shape (..., knobs), to conditioning values, shape (..., outputs).

    The activation is x / (1 + |x|): smooth, bounded, and one division on a microcontroller. The
    last layer starts at a tenth of the usual scale, so that training begins near an amp without
    knobs.
    """

    def __init__(self, knobs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Linear(knobs, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, outputs)]
        )
        with torch.no_grad():
            for parameter in self.layers[-1].parameters():
                parameter.mul_(0.1)

    def forward(self, knobs: Tensor) -> Tensor:
        values = knobs
        for layer in self.layers[:-1]:
            values = nn.functional.softsign(layer(values))
        out: Tensor = self.layers[-1](values)
        return out


class Schedule(nn.Module):
    """Applies values given at control frames to audio, linearly between frames."""

    fractions: Tensor

    def __init__(self) -> None:
        super().__init__()
        fractions = torch.arange(CONTROL_INTERVAL) / CONTROL_INTERVAL
        self.register_buffer("fractions", fractions, persistent=False)

    def scale_shift(self, audio: Tensor, scale: Tensor, shift: Tensor | None = None) -> Tensor:
        """``audio * scale + shift``.

        ``audio``: (batch, channels, samples). ``scale`` and ``shift``: (batch, 1, channels) if the
        knobs are still, else (batch, frames, channels), where the last frame stands one sample
        after the end of ``audio``, which may begin anywhere.
        """
        if scale.shape[1] == 1:
            scale = scale.transpose(1, 2)
            return (
                audio * scale
                if shift is None
                else torch.addcmul(shift.transpose(1, 2), audio, scale)
            )
        batch, channels, samples = audio.shape
        intervals = -(-samples // CONTROL_INTERVAL)
        lead = intervals * CONTROL_INTERVAL - samples
        blocks = nn.functional.pad(audio, (lead, 0)).view(
            batch, channels, intervals, CONTROL_INTERVAL
        )
        mixed = blocks * self._between(scale, intervals)
        if shift is not None:
            mixed = mixed + self._between(shift, intervals)
        return mixed.view(batch, channels, -1)[..., lead:]

    def _between(self, values: Tensor, intervals: int) -> Tensor:
        """Values at every sample of the last ``intervals``: (batch, channels, intervals, 48)."""
        frames = values[:, -intervals - 1 :].transpose(1, 2).contiguous()[..., None]
        return torch.lerp(frames[..., :-1, :], frames[..., 1:, :], self.fractions)

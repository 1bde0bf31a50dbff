"""Control rate: what follows the knobs is computed at control frames, and linear between them.

Frames stand one every 48 samples, the first at the first sample of audio: in training, in `play`,
on the pedal and in every export.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d

CONTROL_INTERVAL = 48
"""Samples from one control frame to the next."""


def frames_for(samples: int) -> int:
    """Control frames that ``samples`` samples need: one at or after the last one, too."""
    return -(-samples // CONTROL_INTERVAL) + 1


def lead_for(receptive_field: int) -> int:
    """Samples of the past a window needs, in whole control intervals."""
    return -(-(receptive_field - 1) // CONTROL_INTERVAL) * CONTROL_INTERVAL


def check_frames(samples: int, frames: int) -> None:
    """Raise ValueError unless ``frames`` control frames are one, or as many as samples need."""
    if frames > 1 and (frames - 1) * CONTROL_INTERVAL != samples:
        raise ValueError(f"{samples} samples do not fit {frames} control frames")


class Schedule(nn.Module):
    """Applies what is given at control frames to audio, linearly between frames.

    It is given for one frame, if the knobs are still, or for so many that the last one stands one
    sample after the end of the audio, which may begin anywhere. ``interval``: samples from one
    frame to the next, in audio that is oversampled.
    """

    fractions: Tensor

    def __init__(self, interval: int = CONTROL_INTERVAL) -> None:
        super().__init__()
        self.interval = interval
        self.register_buffer("fractions", torch.arange(interval) / interval, persistent=False)

    def scale_shift(
        self, audio: Tensor, scale: Tensor | None, shift: Tensor | None = None
    ) -> Tensor:
        """``audio * scale + shift``, either of which may be left out.

        ``audio``: (batch, channels, samples). ``scale`` and ``shift``: (batch, frames, channels).
        """
        given = scale if scale is not None else shift
        if given is None:
            return audio
        if given.shape[1] == 1:
            factor = None if scale is None else scale.transpose(1, 2)
            if shift is None:
                return audio * given.transpose(1, 2)
            summand = shift.transpose(1, 2)
            return audio + summand if factor is None else torch.addcmul(summand, audio, factor)
        mixed, lead = self._blocks(audio)
        if scale is not None:
            mixed = mixed * self._between(scale, mixed.shape[2])
        if shift is not None:
            mixed = mixed + self._between(shift, mixed.shape[2])
        return mixed.flatten(2)[..., lead:]

    def map(self, taps: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
        """``weights @ taps + biases``, shape (batch, out, samples), for weights that move, too.

        ``taps``: (batch, in, samples). ``weights``: (batch, frames, out, in). ``biases``: (batch,
        frames, out). Between frames it is what the frame before makes of the taps and what the
        frame after makes of them, mixed: the same as mixing weights.
        """
        if weights.shape[1] == 1:
            return weights[:, 0] @ taps + biases[:, 0, :, None]
        blocks, lead = self._blocks(taps)
        blocks, intervals = blocks.transpose(1, 2), blocks.shape[2]
        ends = weights[:, -intervals - 1 :]
        before, after = ends[:, :-1] @ blocks, ends[:, 1:] @ blocks
        mixed = torch.lerp(before, after, self.fractions.to(before)).transpose(1, 2)
        return (mixed + self._between(biases, intervals)).flatten(2)[..., lead:]

    def filter(self, audio: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
        """The same for filters, whose taps are many and all of one channel, without copying them.

        ``audio``: (batch, 1, samples). ``weights``: (batch, frames, out, taps), the last tap the
        newest sample; fewer samples come out by taps - 1.
        """
        batch, _, given, taps = weights.shape
        if weights.shape[1] == 1:
            filtered = conv1d(audio[:, 0], weights[:, 0].flatten(0, 1)[:, None], groups=batch)
            return torch.unflatten(filtered, 0, (batch, given)) + biases[:, 0, :, None]
        lead = -(audio.shape[2] - taps + 1) % self.interval
        blocks = nn.functional.pad(audio[:, 0], (lead, 0)).unfold(
            1, taps - 1 + self.interval, self.interval
        )
        intervals = blocks.shape[1]
        frames = weights[:, -intervals - 1 :]
        ends = torch.stack([frames[:, :-1], frames[:, 1:]], 2)  # (batch, intervals, 2, out, taps)
        groups = batch * intervals
        filtered = conv1d(blocks.flatten(0, 1), ends.reshape(-1, 1, taps), groups=groups)
        halves = filtered.view(batch, intervals, 2, given, self.interval)
        mixed = torch.lerp(halves[:, :, 0], halves[:, :, 1], self.fractions.to(halves)).transpose(
            1, 2
        )
        return (mixed + self._between(biases, intervals)).flatten(2)[..., lead:]

    def _blocks(self, audio: Tensor) -> tuple[Tensor, int]:
        """Audio cut at the frames, (batch, channels, intervals, interval), and its padding."""
        lead = -audio.shape[2] % self.interval
        padded = nn.functional.pad(audio, (lead, 0))
        return torch.unflatten(padded, 2, (-1, self.interval)), lead

    def _between(self, values: Tensor, intervals: int) -> Tensor:
        """Values at every sample of the last ``intervals``: (batch, channels, intervals, 48)."""
        frames = values[:, -intervals - 1 :].transpose(1, 2).contiguous()[..., None]
        return torch.lerp(frames[..., :-1, :], frames[..., 1:, :], self.fractions.to(frames))

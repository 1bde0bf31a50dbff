"""What every conditioned net is: audio and knobs in, audio out, in stretches or as a stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from training.models.control import CONTROL_INTERVAL, lead_for

State = tuple[Tensor, ...]
"""What a stream remembers: tensors whose first dimension is the batch, always of the same shapes
and in the same order for one net."""


class NetConfig(BaseModel, ABC):
    """Sizes of a net: all that it is built from, beside the length of its input."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @property
    @abstractmethod
    def receptive_field(self) -> int:
        """Samples of the past that a stretch needs before its first sample of output, plus one.

        For a net with memory: its warm-up, plus one.
        """

    @property
    @abstractmethod
    def macs_per_sample(self) -> int:
        """Multiply–adds of the audio path for one sample of output, folded at a still setting."""


class Net(nn.Module, ABC):
    """A conditioned net.

    ``inputs`` is the length of an encoded setting: :meth:`rigs.knobs.KnobTable.to_inputs` makes
    them. Wherever knobs are given, they are so encoded.
    """

    def __init__(self, config: NetConfig, inputs: int) -> None:
        super().__init__()
        self.config: Any = config
        self.inputs = inputs

    @property
    def receptive_field(self) -> int:
        """Samples of dry that the first sample of :meth:`forward`'s output has heard."""
        field: int = self.config.receptive_field
        return field

    @property
    def macs_per_sample(self) -> int:
        """Multiply–adds of the audio path for one sample of output, folded at a still setting."""
        macs: int = self.config.macs_per_sample
        return macs

    @abstractmethod
    def forward(self, dry: Tensor, knobs: Tensor) -> Tensor:
        """Wet audio, shape (batch, samples - receptive_field + 1), from a stretch of dry.

        ``dry``: (batch, samples). ``knobs``: (batch, frames, inputs): one frame if they are still,
        else frames_for(samples) with samples a multiple of the control interval, frame 0 at
        sample 0. Raises ValueError if frames and samples do not fit.
        """

    @abstractmethod
    def fold(self, knobs: Tensor | NDArray[np.floating], sample_rate: int) -> Any:
        """The static net at one setting, a class of `training/models/static.py`.

        ``knobs``: (inputs,). Folded in float64, rounded to float32 once.
        """

    def silent(self, knobs: Tensor) -> State:
        """The state that endless silence leaves at a setting; ``knobs``: (batch, inputs).

        A net of finite receptive field remembers that much dry, in whole control intervals, and
        the knobs at the frames within it: (batch, lead) and (batch, lead / 48, inputs).
        """
        lead = lead_for(self.receptive_field)
        frames = knobs[:, None].expand(-1, lead // CONTROL_INTERVAL, -1)
        return knobs.new_zeros(len(knobs), lead), frames

    def advance(self, state: State, dry: Tensor, knobs: Tensor) -> tuple[Tensor, State]:
        """Play on: the wet of ``dry``, as long as it, and the state after it.

        ``dry``: (batch, samples), samples a multiple of the control interval (the last stretch of
        a stream, or one whose knobs have stood still for a receptive field, may be of any length).
        ``knobs``: (batch, 1, inputs) if still, else (batch, samples / 48 + 1, inputs), whose last
        frame is the first of the next stretch.
        """
        past, frames = state
        samples, lead = dry.shape[1], past.shape[1]
        heard = torch.cat([past.expand(len(dry), -1), dry], 1)
        frames = frames.expand(len(knobs), -1, -1)
        still = knobs.shape[1] == 1 and bool((frames == knobs).all())
        if not still:
            if knobs.shape[1] == 1:
                knobs = knobs.expand(-1, samples // CONTROL_INTERVAL + 1, -1)
            knobs = torch.cat([frames, knobs], 1)
            frames = knobs[:, knobs.shape[1] - 1 - lead // CONTROL_INTERVAL : -1]
        wet = self(heard, knobs)[:, lead - self.receptive_field + 1 :]
        return wet, (heard[:, samples:], frames)

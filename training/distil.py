"""Learning from a model: it plays at any setting, with its knobs in any motion, any dry.

A big net fitted to the captures knows of the amp all that they say; a small one learns more from
it than from them alone, for it can be asked anything, as often as wanted (Hinton, Vinyals and Dean,
Distilling the Knowledge in a Neural Network, 2015).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.knobs import KnobTable
from training.checkpoint import Model
from training.data import DatasetWindows
from training.models.control import CONTROL_INTERVAL, lead_for
from training.models.net import Net
from training.options import TrainOptions
from training.step import Batch

STILL = 0.5
"""The share of the teacher's windows in which the knobs stand."""
SLOWEST, FASTEST = 0.1, 4.0
"""Of a knob's whole travel a second: how fast it moves in the others."""


class Teacher(Protocol):
    """What can be asked how the device sounds."""

    past: int
    """Samples of dry that it needs before those it is asked for, in whole control intervals."""

    def play(self, dry: Tensor, positions: NDArray[np.float64]) -> Tensor:
        """Wet, (batch, samples), of dry, (batch, past + samples).

        ``positions``: panel positions at the control frames of dry, (batch, frames, knobs).
        """


class ModelTeacher:
    """A conditioned model."""

    def __init__(self, model: Model, knobs: KnobTable) -> None:
        """Raises UserError if the model's knobs are not ``knobs``."""
        if model.knobs != knobs:
            theirs, ours = set(model.knobs.names), set(knobs.names)
            other = ", ".join(sorted(theirs ^ ours)) or "the ranges"
            raise UserError(
                f"train.teacher: the model {model.name} has other knobs than the dataset ({other} "
                "differ); a teacher is a model of the same device."
            )
        self._net: Net = model.net.eval()
        self._knobs = knobs
        self.past = lead_for(self._net.receptive_field)

    def to(self, device: torch.device) -> ModelTeacher:
        """The same, moved to a device."""
        self._net.to(device)
        return self

    @torch.no_grad()
    def play(self, dry: Tensor, positions: NDArray[np.float64]) -> Tensor:
        inputs = torch.from_numpy(self._knobs.to_inputs(positions).astype(np.float32))
        wet: Tensor = self._net(dry, inputs.to(dry.device))
        return wet[:, self.past - (self._net.receptive_field - 1) :]


class TaughtWindows:
    """Windows of captures, and of what a teacher plays: any stretch of the dry, at any setting.

    ``options.teacher_share`` of a batch is the teacher's. A batch depends on its number alone.
    """

    def __init__(
        self,
        captured: DatasetWindows,
        teacher: Teacher,
        options: TrainOptions,
        share: tuple[int, int] = (0, 1),
        device: torch.device | None = None,
    ) -> None:
        self._captured, self._teacher = captured, teacher
        self._seed, self._device = options.seed, device or torch.device("cpu")
        self._rank, self._world = share
        self._taught = round(options.teacher_share * options.batch)
        if not self._taught:
            raise UserError(
                f"train.teacher_share: {options.teacher_share:g} of {options.batch} windows is "
                "none; give a larger share."
            )

    def batch(self, number: int) -> Batch:
        """The teacher's windows take the place of the batch's first ones."""
        batch = self._captured.batch(number).to(self._device)
        rng = np.random.default_rng([self._seed, number, 1])
        asked = [(self._dry(rng), self._motion(rng)) for _ in range(self._taught)]
        mine = asked[self._rank :: self._world]
        if not mine:
            return batch
        dry = torch.from_numpy(np.stack([dry for dry, _ in mine])).to(self._device)
        positions = np.stack([motion for _, motion in mine])
        frames, heard = self._captured.frames, self._captured.lead + self._captured.frames
        past = self._teacher.past + frames
        wet = self._teacher.play(dry[:, -past:], positions[:, -past // CONTROL_INTERVAL - 1 :])
        inputs = self._captured.knobs.to_inputs(positions[:, -heard // CONTROL_INTERVAL - 1 :])
        batch.dry[: len(mine)] = dry[:, -heard:]
        batch.knobs[: len(mine)] = torch.from_numpy(inputs.astype(np.float32)).to(self._device)
        batch.wet[: len(mine)] = wet[:, -frames:]
        return batch

    def captures(self, number: int) -> list[str]:
        return self._captured.captures(number)

    @property
    def _samples(self) -> int:
        """Of dry in a window: enough of the past for both nets."""
        return max(self._captured.lead, self._teacher.past) + self._captured.frames

    def _dry(self, rng: np.random.Generator) -> NDArray[np.float32]:
        dry, samples = self._captured.cache.dry, self._samples
        found = np.zeros(samples, np.float32)
        span = self._captured.cache.spans[int(rng.integers(len(self._captured.cache.spans)))]
        length = min(samples, span.frames)
        start = span.dry_start + int(rng.integers(span.frames - length + 1))
        found[samples - length :] = dry[start : start + length]
        return found

    def _motion(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Panel positions at a window's control frames, (frames, knobs): somewhere, or on a way."""
        knobs = self._captured.knobs
        count = self._samples // CONTROL_INTERVAL + 1
        begin = _setting(rng, knobs)
        if rng.random() < STILL:
            return np.repeat(begin[None], count, axis=0)
        speed = np.exp(rng.uniform(np.log(SLOWEST), np.log(FASTEST), len(knobs)))
        travel = (knobs.maximum - knobs.minimum) * speed * CONTROL_INTERVAL / SAMPLE_RATE
        way = rng.choice([-1.0, 1.0], len(knobs)) * travel
        moving = begin + np.arange(count)[:, None] * way
        held = np.clip(moving, knobs.minimum, knobs.maximum)
        switches = np.array([bool(knob.detents) for knob in knobs])
        return np.where(switches, begin, held)


def _setting(rng: np.random.Generator, knobs: KnobTable) -> NDArray[np.float64]:
    """A setting, anywhere in the cube alike; switches in a detent."""
    anywhere = rng.uniform(knobs.minimum, knobs.maximum)
    detents = np.array([rng.integers(max(1, len(knob.detents))) for knob in knobs], np.float64)
    return np.where([bool(knob.detents) for knob in knobs], detents, anywhere)

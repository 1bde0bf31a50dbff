"""The training loop: windows in, the best checkpoint out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rigs.audio import esr
from rigs.errors import UserError
from training.losses import approach, loss
from training.models import ConditionedWaveNet
from training.options import TrainOptions
from training.play import play
from training.resume import Resume, State

WARM_UP = 0.02
"""Share of the training in which the learning rate rises."""
FINAL_RATE = 0.002
"""Learning rate at the end, as a share of the highest."""
APPROACH = 0.3
"""Share of the training that seeks level and likeness by themselves; the rest minimises ESR."""
LARGEST_GRADIENT = 1.0


@dataclass(frozen=True)
class Batch:
    """Windows: dry (batch, lead + window), knobs (batch, frames, knobs) −1…1, wet (batch, window).

    ``cut`` samples that a net makes of it come before the window: the lead is in whole control
    intervals, a receptive field is not.
    """

    dry: Tensor
    knobs: Tensor
    wet: Tensor
    cut: int


@dataclass(frozen=True)
class Example:
    """A whole capture at one setting; ``knobs``: (knobs,), −1…1."""

    dry: NDArray[np.float32]
    wet: NDArray[np.float32]
    knobs: NDArray[np.float32]


class Windows(Protocol):
    """Where batches come from: a batch depends on its number alone, so a training can go on."""

    def batch(self, number: int) -> Batch: ...

    def captures(self, number: int) -> list[str]: ...


@dataclass(frozen=True)
class Status:
    """How a training stands; ``validation`` is the mean ESR now, ``best`` the best so far."""

    step: int
    fraction: float
    seconds: float
    loss: float
    validation: float | None
    best: float


def learning_rate(options: TrainOptions, fraction: float) -> float:
    """Linear warm-up, then half a cosine (Loshchilov and Hutter, SGDR, 2017)."""
    if fraction < WARM_UP:
        return options.learning_rate * (0.05 + 0.95 * fraction / WARM_UP)
    cosine = 0.5 * (1 + math.cos(math.pi * (fraction - WARM_UP) / (1 - WARM_UP)))
    return options.learning_rate * (FINAL_RATE + (1 - FINAL_RATE) * cosine)


def validate(net: ConditionedWaveNet, examples: list[Example]) -> float:
    """Mean over settings of ESR, each held to at most 1 so that no one setting decides alone."""
    net.eval()
    ratios = [esr(e.wet, play(net, e.dry, e.knobs)) for e in examples]
    net.train()
    return float(np.mean(np.minimum(ratios, 1.0)))


def fit(
    net: ConditionedWaveNet,
    windows: Windows,
    validation: list[Example],
    options: TrainOptions,
    resume: Resume,
    report: Callable[[Status], None],
) -> State:
    """Train ``net`` and leave it at its best checkpoint; goes on where ``resume`` stopped.

    Raises UserError, naming the captures, if the loss stops being a number.
    """
    optimizer = torch.optim.Adam(net.parameters(), lr=options.learning_rate, fused=True)
    state = resume.load(net, optimizer)
    net.train()
    started = time.monotonic() - state.seconds
    fraction = _fraction(options, state.step, state.seconds)
    running = math.nan
    while fraction < 1:
        batch = windows.batch(state.step)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(options, fraction)
        output = net(batch.dry, batch.knobs)[:, batch.cut :]
        measure = approach if fraction < APPROACH else loss
        value = measure(output, batch.wet, options.emphasis)
        if not torch.isfinite(value):
            names = ", ".join(windows.captures(state.step))
            raise UserError(
                f"The loss stopped being a number at step {state.step}, on captures {names}; "
                "look at these with `ampsweep dataset check`, or lower learning_rate."
            )
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        state.step += 1
        state.seconds = time.monotonic() - started
        running = value.item() if math.isnan(running) else 0.98 * running + 0.02 * value.item()
        fraction = _fraction(options, state.step, state.seconds)
        score = None
        if fraction >= 1 or fraction * options.validations >= len(state.history) + 1:
            score = validate(net, validation)
            state.seconds = time.monotonic() - started
            state.record(net, running, score)
            resume.save(net, optimizer, state)
        report(Status(state.step, min(fraction, 1.0), state.seconds, running, score, state.best))
    net.load_state_dict(state.best_weights)
    net.eval()
    return state


def _fraction(options: TrainOptions, step: int, seconds: float) -> float:
    if options.steps is not None:
        return step / options.steps
    assert options.minutes is not None
    return seconds / (60 * options.minutes)

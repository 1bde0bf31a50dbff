"""The training loop: windows in, the best checkpoint out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rigs.audio import esr
from rigs.errors import UserError
from training.live import Log, no_log
from training.machine import Choice
from training.models.net import Net
from training.optimizer import build, learning_rate, set_rate
from training.options import TrainOptions
from training.place import ALONE, Place
from training.play import play
from training.resume import Resume, State
from training.step import Batch, NotANumber, Stepper

__all__ = ["Batch", "Example", "Status", "Windows", "fit", "learning_rate", "validate"]

SAVE_EVERY = 60.0
"""Seconds after which the state is saved if no validation has come."""


@dataclass(frozen=True)
class Example:
    """A whole capture at one setting; ``knobs``: (inputs,), encoded as a net is given them."""

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


def validate(net: Net, examples: list[Example]) -> float:
    """Mean over settings of ESR, each held to at most 1 so that no one setting decides alone."""
    net.eval()
    ratios = [esr(e.wet, play(net, e.dry, e.knobs)) for e in examples]
    net.train()
    return float(np.mean(np.minimum(ratios, 1.0)))


def fit(
    net: Net,
    windows: Windows,
    validation: list[Example],
    options: TrainOptions,
    resume: Resume,
    report: Callable[[Status], None],
    *,
    place: Place = ALONE,
    choice: Choice | None = None,
    stop: Callable[[], bool] = lambda: False,
    log: Log = no_log,
) -> State:
    """Train ``net`` and leave it at its best checkpoint; goes on where ``resume`` stopped.

    When ``stop`` says so, the state is saved and KeyboardInterrupt raised. Raises UserError, naming
    the captures, if the loss stops being a number.
    """
    optimizer = build(net, options)
    step = Stepper(net, optimizer, options, place, choice.precision if choice else "32")
    state = resume.load(net, optimizer, step.scaler.load_state_dict, place.share)
    state.machine = choice.as_dict() if choice else None
    net.train()
    started = time.monotonic() - state.seconds
    saved = time.monotonic()
    fraction = _fraction(options, state.step, state.seconds)
    while fraction < 1:
        set_rate(optimizer, options, fraction)
        try:
            state.count(step(windows.batch(state.step).to(place.device), fraction))
        except NotANumber:
            names = ", ".join(windows.captures(state.step))
            raise UserError(
                f"The loss stopped being a number at step {state.step}, on captures {names}; "
                "look at these with `ampsweep dataset check`, or lower learning_rate."
            ) from None
        state.seconds, stopping = place.agree([time.monotonic() - started, float(stop())])
        fraction = _fraction(options, state.step, state.seconds)
        score = None
        if fraction >= 1 or fraction * options.validations >= len(state.history) + 1:
            (score,) = place.agree([validate(net, validation) if place.rank == 0 else 0.0])
            (state.seconds,) = place.agree([time.monotonic() - started])
            state.record(net, score)
            log(state)
        if score is not None or stopping or time.monotonic() - saved > SAVE_EVERY:
            if place.rank == 0:
                resume.save(net, optimizer, state, step.scaler.state_dict())
            saved = time.monotonic()
        report(
            Status(state.step, min(fraction, 1.0), state.seconds, state.running, score, state.best)
        )
        if stopping and fraction < 1:
            raise KeyboardInterrupt(_stopped(state, fraction))
    net.load_state_dict(state.best_weights)
    net.eval()
    return state


def _stopped(state: State, fraction: float) -> str:
    best = f", best ESR so far {state.best:.3f}" if state.history else ""
    finish = "; with --finish it makes a model of the best so far" if state.history else ""
    return (
        f"Stopped after {state.step} steps ({fraction:.0%}{best}); the same command goes on from "
        f"there{finish}."
    )


def _fraction(options: TrainOptions, step: int, seconds: float) -> float:
    if options.steps is not None:
        return step / options.steps
    assert options.minutes is not None
    return seconds / (60 * options.minutes)

"""The training loop: it learns, goes on after a stop, and says what went wrong."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rigs.errors import UserError
from training.fit import Batch, Example, Status, fit, learning_rate
from training.losses import DEFAULT, approach, loss
from training.models import ConditionedWaveNet, WaveNetConfig
from training.optimizer import build
from training.options import TrainOptions
from training.play import lead_for
from training.resume import Resume, State
from training.step import Stepper

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = WaveNetConfig(channels=4, kernel_sizes=(3, 3), dilations=(1, 3), hidden=8)
WINDOW = 480
OPTIONS = TrainOptions(steps=10)


def _amp(dry: np.ndarray, gain: np.ndarray) -> np.ndarray:
    return np.tanh((1.5 + gain) * dry).astype(np.float32)


class Windows:
    """A one-knob amp without memory; ``poison`` puts a NaN into the wet of that batch."""

    def __init__(self, poison: int | None = None) -> None:
        self._lead = lead_for(CONFIG.receptive_field)
        self._poison = poison

    def batch(self, number: int) -> Batch:
        rng = np.random.default_rng([7, number])
        dry = rng.normal(0, 0.4, (8, self._lead + WINDOW)).astype(np.float32)
        gain = rng.uniform(-1, 1, (8, 1, 1)).astype(np.float32)
        wet = _amp(dry[:, self._lead :], gain[:, 0])
        if number == self._poison:
            wet[3, 5] = np.nan
        cut = self._lead - CONFIG.receptive_field + 1
        return Batch(*map(torch.from_numpy, (dry, gain, wet)), cut)

    def captures(self, number: int) -> list[str]:
        return [f"capture-{number}"]


def _validation() -> list[Example]:
    rng = np.random.default_rng(1)
    examples = []
    for gain in (-0.7, 0.2, 0.9):
        dry = rng.normal(0, 0.4, 4800).astype(np.float32)
        knobs = np.array([gain], np.float32)
        examples.append(Example(dry, _amp(dry, knobs), knobs))
    return examples


def test_knobs_that_stand_still_in_every_window_are_worked_out_once():
    torch.manual_seed(1)
    net = ConditionedWaveNet(CONFIG, 1)
    batch = Windows().batch(0)
    frames = batch.dry.shape[1] // 48 + 1
    spread = replace(batch, knobs=batch.knobs.expand(-1, frames, -1).clone())
    assert spread.at_rest().knobs.shape == (8, 1, 1)
    losses = [
        Stepper(copied := copy.deepcopy(net), build(copied, OPTIONS), OPTIONS)(given, 0.9)
        for given in (batch, spread)
    ]
    assert losses[0] == losses[1]
    spread.knobs[5, -1] += 0.01
    assert spread.at_rest().knobs.shape == (8, frames, 1)


def _train(
    folder: Path, *, steps: int = 60, stop_at: int | None = None, poison: int | None = None
) -> tuple[State, ConditionedWaveNet]:
    torch.manual_seed(0)
    net = ConditionedWaveNet(CONFIG, 1)
    options = TrainOptions(steps=steps, window=WINDOW, batch=8, validations=6, learning_rate=0.01)

    def report(status: Status) -> None:
        if status.step == stop_at:
            raise KeyboardInterrupt

    resume = Resume(folder / "resume", "mark")
    return fit(net, Windows(poison), _validation(), options, resume, report), net


def test_it_learns(tmp_path: Path) -> None:
    state, _ = _train(tmp_path, steps=400)
    assert state.best < 0.01
    assert state.best < 0.8 * state.history[0].esr


def test_the_best_weights_are_left_in_the_net(tmp_path: Path) -> None:
    state, net = _train(tmp_path)
    for name, value in net.state_dict().items():
        assert torch.equal(value, state.best_weights[name])


def test_a_stopped_training_goes_on_on_the_same_curve(tmp_path: Path) -> None:
    whole, net = _train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "stopped", stop_at=33)
    resumed, net_resumed = _train(tmp_path / "stopped")
    # The last validation before the stop was at step 30; step 31 on is done again, the same.
    assert [r.step for r in resumed.history] == [r.step for r in whole.history]
    assert [r.esr for r in resumed.history] == [r.esr for r in whole.history]
    for ours, theirs in zip(net.parameters(), net_resumed.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_another_training_is_not_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path, stop_at=33)
    net = ConditionedWaveNet(CONFIG, 1)
    optimizer = torch.optim.Adam(net.parameters())
    assert Resume(tmp_path / "resume", "mark").load(net, optimizer).step == 30
    assert Resume(tmp_path / "resume", "other").load(net, optimizer).step == 0


def test_nan_names_the_captures(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"step 12, on captures capture-12;"):
        _train(tmp_path, poison=12)


def test_the_learning_rate_rises_then_falls() -> None:
    options = TrainOptions(steps=10, learning_rate=0.01)
    rates = [learning_rate(options, f) for f in (0.0, 0.02, 0.5, 1.0)]
    assert rates[1] == pytest.approx(0.01)
    assert rates[0] < rates[1] > rates[2] > rates[3] > 0


def test_a_budget_is_one_thing() -> None:
    for wrong in ({}, {"minutes": 1, "steps": 5}):
        with pytest.raises(ValueError, match="either minutes or steps"):
            TrainOptions.model_validate(wrong)


class _Spanning(Windows):
    """An amp whose one knob spans 60 dB."""

    def batch(self, number: int) -> Batch:
        batch = super().batch(number)
        gain = batch.knobs[:, 0]
        return Batch(batch.dry, batch.knobs, batch.wet * 10 ** (1.5 * (gain - 1)), batch.cut)


def test_a_device_whose_level_spans_60_db_is_learnt(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = ConditionedWaveNet(CONFIG, 1)
    options = TrainOptions(steps=300, window=WINDOW, batch=8, validations=3, learning_rate=0.02)
    examples = []
    for example in _validation():
        level = np.float32(10 ** (1.5 * (float(example.knobs[0]) - 1)))
        examples.append(Example(example.dry, example.wet * level, example.knobs))
    state = fit(net, _Spanning(), examples, options, Resume(tmp_path, "mark"), lambda _: None)
    assert state.best < 0.02
    assert float(net.head.bias.detach()) == 0.0  # it would drown the quiet end


def test_a_training_begins_with_the_one_and_ends_with_the_other(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = ConditionedWaveNet(CONFIG, 1)
    options = TrainOptions(steps=2, window=WINDOW, batch=8, validations=1, learning_rate=1e-9)
    seen: list[float] = []
    both = []
    for number in (0, 1):
        batch = Windows().batch(number)
        output = net(batch.dry, batch.knobs)[:, batch.cut :].detach()
        both.append([float(measure(output, batch.wet, DEFAULT)) for measure in (approach, loss)])
    (first, otherwise), (_, second) = both
    assert abs(first - otherwise) > 0.1
    resume = Resume(tmp_path, "mark")
    fit(net, Windows(), _validation(), options, resume, lambda status: seen.append(status.loss))
    assert seen[0] == pytest.approx(first, rel=1e-4)
    assert seen[1] == pytest.approx(0.98 * first + 0.02 * second, rel=1e-4)

"""The terms of the loss: what each counts, and that quiet windows count as much as loud ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from training.losses import DEFAULT, TERMS, approach, loss
from training.options import TrainOptions


def _noise(*shape: int, seed: int = 0, level: float = 0.1) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, level, shape)).float()


def test_a_quiet_window_counts_as_much_as_a_loud_one() -> None:
    rng = np.random.default_rng(0)
    target = torch.from_numpy(rng.normal(0, 0.3, (1, 4800)))
    output = target * 0.9
    loud, quiet = (loss(output * gain, target * gain, DEFAULT) for gain in (1, 0.01))
    assert float(quiet) == pytest.approx(float(loud), rel=0.05)
    assert float(loud) == pytest.approx(0.2, rel=0.01)  # 10 % off, plain and emphasised


def test_near_silence_does_not_dominate() -> None:
    target = torch.full((1, 4800), 1e-6)
    assert float(loss(target + 1e-5, target, {"esr": 1.0})) < 0.05


def _levels(measure: Callable[..., torch.Tensor], gains: list[float]) -> list[float]:
    """What ``measure`` gives an output that is not alike at all, at gains in dB."""
    rng = np.random.default_rng(0)
    target, other = torch.from_numpy(rng.normal(0, 0.1, (2, 1, 4800)))
    other *= target.norm() / other.norm()
    return [float(measure(other * 10 ** (gain / 20), target, {"esr": 1.0})) for gain in gains]


def test_at_first_silence_is_no_way_out() -> None:
    right, quiet, loud = _levels(approach, [0, -20, 20])
    assert quiet == pytest.approx(loud, rel=0.02)  # as far off either way
    assert right < 0.6 * quiet
    silent, alike = _levels(loss, [-40, 0])
    assert silent < 0.8 * alike  # which is why ESR alone leads there


def test_near_the_target_both_losses_are_the_same() -> None:
    rng = np.random.default_rng(0)
    target, noise = torch.from_numpy(rng.normal(0, 0.1, (2, 3, 4800)))
    for output in (target + 0.03 * noise, target * 1.03, target * 0.98 + 0.02 * noise):
        one, other = (float(f(output, target, DEFAULT)) for f in (approach, loss))
        assert one == pytest.approx(other, rel=0.05)
    silence = torch.zeros(1, 4800)
    assert float(approach(silence, silence, DEFAULT)) < 0.01


@pytest.mark.parametrize("name", sorted(set(TERMS) - {"mrstft", "dc"}))
def test_weights_compare_ten_per_cent_too_quiet_is_a_tenth(name: str) -> None:
    target = _noise(2, 4096)
    assert float(loss(0.9 * target, target, {name: 1.0})) == pytest.approx(0.1, rel=0.06)
    assert float(loss(0.9 * target, target, {name: 3.0})) == pytest.approx(0.3, rel=0.06)


@pytest.mark.parametrize("name", sorted(TERMS))
@pytest.mark.parametrize("measure", [loss, approach])
def test_each_term_is_level_fair_and_can_be_descended(
    name: str, measure: Callable[..., Tensor]
) -> None:
    target, off = _noise(2, 4096), _noise(2, 4096, seed=1)
    loud = measure(target + 0.3 * off + 0.02, target, {name: 1.0})
    quiet = measure(0.05 * (target + 0.3 * off + 0.02), 0.05 * target, {name: 1.0})
    assert float(quiet) == pytest.approx(float(loud), rel=0.08)
    assert float(measure(target, target, {name: 1.0})) < 0.002
    output = (target + 0.3 * off + 0.02).requires_grad_()
    before = measure(output, target, {name: 1.0})
    before.backward()
    gradient = output.grad
    assert gradient is not None
    step = 0.01 * target.norm() / gradient.norm()
    after = measure(output.detach() - step * gradient, target, {name: 1.0})
    assert float(after) < float(before.detach())


@pytest.mark.parametrize("name", sorted(TERMS))
def test_one_loud_window_does_not_drown_the_others(name: str) -> None:
    """Each window has as much of the gradient's length, relative to its own level, as any other."""
    target = _noise(2, 4096) * torch.tensor([[1.0], [0.03]])
    output = (target * 0.8 + 0.1 * target.flip(-1)).requires_grad_()
    loss(output, target, {name: 1.0}).backward()
    gradient = output.grad
    assert gradient is not None
    loud, quiet = (gradient.norm(dim=-1) * target.norm(dim=-1)).tolist()
    assert 0.7 < quiet / loud < 1.4


def test_what_each_term_hears() -> None:
    t = torch.arange(9600) / 48_000
    low, high = (torch.sin(2 * torch.pi * f * t)[None] for f in (60.0, 3000.0))
    target = low + high

    def counts(output: Tensor, name: str) -> float:
        return float(loss(output, target, {name: 1.0}))

    for name in ("pre_emphasis", "a_weighting"):  # an error in the bass is heard less than by ESR
        assert counts(0.8 * low + high, name) < 0.3 * counts(0.8 * low + high, "esr")
        assert counts(low + 0.8 * high, name) > counts(low + 0.8 * high, "esr")
    assert counts(target + 0.1, "dc") == pytest.approx(0.1, rel=0.05)
    assert counts(target.roll(8, -1), "dc") < 0.01
    assert counts(-target, "level") < 0.01 < 1 < counts(-target, "esr")
    assert counts(-target, "mrstft") < 0.05  # magnitudes have no sign
    assert counts(low + 0.5 * high, "mrstft") > 0.1


def test_terms_are_chosen_by_name() -> None:
    options = TrainOptions(steps=1, losses={"esr": 1.0, "dc": 0.5, "level": 0.0})
    assert options.losses == {"esr": 1.0, "dc": 0.5}
    for wrong, sentence in (
        ({"esq": 1.0}, "no term 'esq'"),
        ({"esr": -1.0}, "cannot be negative"),
        ({"esr": 0.0}, "all weights are 0"),
    ):
        with pytest.raises(ValidationError, match=sentence):
            TrainOptions(steps=1, losses=wrong)
    with pytest.raises(ValidationError, match="a_weighting needs a window of 256"):
        TrainOptions(steps=1, window=128, losses={"a_weighting": 1.0})
    with pytest.raises(ValidationError, match="mrstft needs a truncate of 512"):
        TrainOptions(steps=1, truncate=480, losses={"mrstft": 1.0})

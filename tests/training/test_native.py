"""The compiled kernels compute what the torch path computes."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
import torch

from training import native
from training.models import ConditionedWaveNet, WaveNetConfig

NETS: list[dict[str, Any]] = [
    {"channels": 8},
    {"channels": 3, "kernel_sizes": (6, 15, 6), "dilations": (1, 13, 101), "head_kernel": 16},
    {"channels": 6, "kernel_sizes": (2, 5), "dilations": (30, 7), "head_kernel": 3},
    {"channels": 5, "kernel_sizes": (3,), "dilations": (1,)},
]


def test_there_is_a_compiler() -> None:
    """Without one the rest of this file would compare torch with itself."""
    assert isinstance(native.library(8), ctypes.CDLL)


def _run(net: ConditionedWaveNet, dry: torch.Tensor, knobs: torch.Tensor) -> list[torch.Tensor]:
    net.zero_grad()
    wet = net(dry, knobs)
    weight = torch.randn(wet.shape, generator=torch.Generator().manual_seed(3))
    (wet * weight).sum().backward()
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in net.parameters()]
    return [wet.detach(), *(g.clone() for g in grads)]


@pytest.mark.parametrize("config", NETS, ids=lambda c: f"{c['channels']} channels")
@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_output_and_gradients(
    config: dict[str, Any], moving: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    net = ConditionedWaveNet(WaveNetConfig(**config), 4)
    for parameter in net.control.layers[-1].parameters():
        parameter.data *= 10  # so that the knobs matter
    net.head.requires_grad_()  # its bias, too, though training leaves it
    samples = 48 * (net.receptive_field // 48 + 12)
    dry = torch.randn(5, samples)
    knobs = torch.rand(5, samples // 48 + 1 if moving else 1, 4) * 2 - 1
    compiled = _run(net, dry, knobs)
    monkeypatch.setattr(ConditionedWaveNet, "_native_serves", lambda *_: False)
    reference = _run(net, dry, knobs)
    # In the torch path the last residual reaches no output; the kernels leave it out.
    for ours, theirs in zip(compiled, reference, strict=True):
        scale = max(1.0, float(theirs.abs().max()))
        # Sums over thousands of samples that mostly cancel: float32 leaves this much.
        assert float((ours - theirs).abs().max()) < 5e-4 * scale


def test_two_passes_at_once_do_not_share_memory() -> None:
    torch.manual_seed(1)
    net = ConditionedWaveNet(WaveNetConfig(), 2)
    dry, knobs = torch.randn(2, 48 * 60), torch.zeros(2, 1, 2)
    alone = torch.autograd.grad(net(dry, knobs).sum(), net.rechannel.weight)[0]
    first, second = net(dry, knobs), net(dry * 2, knobs + 1)
    torch.autograd.grad(second.sum(), net.rechannel.weight)
    again = torch.autograd.grad(first.sum(), net.rechannel.weight)[0]
    assert torch.equal(alone, again)


def test_nan_is_not_hidden() -> None:
    net = ConditionedWaveNet(WaveNetConfig(), 2)
    dry = torch.zeros(1, 48 * 60)
    dry[0, -5] = float("nan")
    assert net(dry, torch.zeros(1, 1, 2)).isnan().any()


def test_without_a_compiler_torch_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    native.library.cache_clear()
    try:
        assert native.library(8) is None
        wet = ConditionedWaveNet(WaveNetConfig(), 2)(torch.zeros(1, 48 * 60), torch.zeros(1, 1, 2))
        assert wet.isfinite().all()
    finally:
        native.library.cache_clear()

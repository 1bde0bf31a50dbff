"""The compiled kernels compute what the torch path computes."""

from __future__ import annotations

import copy
import ctypes
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.training.random_nets import stir
from training.models import ConditionedWaveNet, WaveNetConfig
from training.native import wavenet as native
from training.native.build import use


def _array(channels: int, kernels: tuple[int, ...], dilations: tuple[int, ...]) -> dict[str, Any]:
    return {"channels": channels, "kernel_sizes": kernels, "dilations": dilations}


A1 = tuple(2**i for i in range(5))
NETS: dict[str, dict[str, Any]] = {
    "the default": {},
    "A2": {**_array(3, (6, 15, 6), (1, 13, 101)), "head_kernel": 16},
    "tanh": {**_array(6, (2, 5), (30, 7)), "head_kernel": 3, "activation": "tanh"},
    "one layer": _array(5, (3,), (1,)),
    "A1": {
        "arrays": [{**_array(c, (3,) * 5, A1), "activation": "tanh"} for c in (16, 8)],
    },
    "three arrays, odd widths": {
        "arrays": [
            {**_array(7, (3, 2), (3, 50)), "activation": "tanh"},
            {**_array(10, (4, 1), (7, 1)), "negative_slope": 0.2},
            _array(2, (3,), (5,)),
        ],
        "head_kernel": 4,
    },
}


@pytest.fixture(autouse=True)
def two_threads() -> Any:
    """Whatever the machine has: who takes which window must not matter."""
    use(2)
    yield
    use(None)


def test_there_is_a_compiler() -> None:
    """Without one the rest of this file would compare torch with itself."""
    assert isinstance(native.library(), ctypes.CDLL)


def _lively(config: dict[str, Any]) -> ConditionedWaveNet:
    """A net whose knobs matter, and whose head's bias is not left out as training leaves it."""
    torch.manual_seed(1)
    net = ConditionedWaveNet(WaveNetConfig(**config), 4)
    stir(net, 5)
    net.head.requires_grad_()
    return net


def _audio(net: ConditionedWaveNet, moving: bool, over: int = 0) -> tuple[Tensor, Tensor]:
    samples = 48 * (net.receptive_field // 48 + 12) + over
    frames = samples // 48 + 1 if moving else 1
    # With one seed in some tens a value lies so near LeakyReLU's kink that rounding picks its side.
    torch.manual_seed(2)
    return torch.randn(3, samples), torch.rand(3, frames, 4) * 2 - 1


def _run(net: ConditionedWaveNet, dry: Tensor, knobs: Tensor) -> list[Tensor]:
    """Output, and gradients of all parameters."""
    wet = net(dry, knobs)
    weight = torch.randn(wet.shape, generator=torch.Generator().manual_seed(3)).to(wet.dtype)
    grads = torch.autograd.grad(
        (wet * weight).sum(), list(net.parameters()), allow_unused=True, materialize_grads=True
    )
    return [wet.detach(), *grads]


# FiLM's weights stand still and hyper's are generated, each in all shapes; others are as either.
CASES = [(name, how) for name in NETS for how in ("film", "hyper")]
CASES += [("one layer", "concat"), ("one layer", "basis")]


@pytest.mark.parametrize(("name", "conditioning"), CASES)
@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_output_and_gradients(name: str, conditioning: str, moving: bool) -> None:
    """Beside torch's in double precision, of which single precision leaves this much."""
    net = _lively({**NETS[name], "conditioning": conditioning})
    dry, knobs = _audio(net, moving)
    compiled = _run(net, dry, knobs)
    reference = _run(copy.deepcopy(net).double(), dry.double(), knobs.double())
    for ours, theirs in zip(compiled, reference, strict=True):
        assert float((ours - theirs).abs().max()) <= 1e-4 * float(theirs.abs().max())


def test_still_knobs_with_any_number_of_samples() -> None:
    net = _lively(NETS["A2"])
    dry, knobs = _audio(net, moving=False, over=31)
    ours = _run(net, dry, knobs)
    use(0)
    for mine, theirs in zip(ours, _run(net, dry, knobs), strict=True):
        assert float((mine - theirs).abs().max()) <= 1e-4 * float(theirs.abs().max())


def test_threads_and_company_change_nothing() -> None:
    """A window's output is its own, and sums over windows keep their order."""
    net = _lively(NETS["A1"])
    dry, knobs = _audio(net, moving=True)
    two = _run(net, dry, knobs)
    use(1)
    assert all(torch.equal(a, b) for a, b in zip(two, _run(net, dry, knobs), strict=True))
    with torch.no_grad():
        assert torch.equal(net(dry[1:2], knobs[1:2])[0], two[0][1])


def test_two_passes_at_once_do_not_share_memory() -> None:
    net = _lively({})
    dry, knobs = torch.randn(2, 48 * 60), torch.zeros(2, 1, 4)
    alone = torch.autograd.grad(net(dry, knobs).sum(), net.rechannel.weight)[0]
    first, second = net(dry, knobs), net(dry * 2, knobs + 1)
    torch.autograd.grad(second.sum(), net.rechannel.weight)
    again = torch.autograd.grad(first.sum(), net.rechannel.weight)[0]
    assert torch.equal(alone, again)


@pytest.mark.parametrize("activation", ["leaky_relu", "tanh"])
def test_nan_is_not_hidden(activation: str) -> None:
    net = _lively({"activation": activation})
    dry = torch.zeros(1, 48 * 60)
    dry[0, -5] = float("nan")
    wet = net(dry, torch.zeros(1, 1, 4))
    assert wet[0, -5:].isnan().all()
    assert wet[0, :-5].isfinite().all()


def _tanh(x: Tensor) -> tuple[Tensor, Tensor]:
    """What one channel of one layer with one tap makes of ``x``, and the slope there.

    The only other parts of that net are a mix-in of 1 and factors of 1.
    """
    weights = torch.zeros(1 + 2 + 1 + 1 + 1 + 1 + 1)
    weights[2], weights[6] = 1.0, 1.0  # the mix-in, the head
    weights.requires_grad_()
    arrays = [native.Array(1, [(1, 1)], None)]
    conditions = torch.tensor([[[1.0, 1.0, 0.0, 1.0]]]).expand(len(x), 1, 4).clone()
    conditions.requires_grad_()
    wet = native.wavenet(x[:, None], weights, None, conditions, head_kernel=1, arrays=arrays)
    shifts = torch.autograd.grad(wet.sum(), conditions)[0][:, 0, 2]
    return wet.detach()[:, 0], shifts


def test_tanh_is_torchs() -> None:
    x = torch.cat([torch.linspace(-20, 20, 4001), torch.logspace(-30, 0, 200)])
    for scale in (x, torch.tensor([1e18, -1e18])):
        ours, slope = _tanh(scale)
        theirs = torch.tanh(scale)
        assert torch.allclose(ours, theirs, rtol=1e-6, atol=0)
        assert torch.allclose(slope, 1 - theirs * theirs, rtol=0, atol=1e-6)


def test_without_a_compiler_torch_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    native.compiled.cache_clear()
    try:
        assert native.library() is None
        wet = ConditionedWaveNet(WaveNetConfig(), 2)(torch.zeros(1, 48 * 60), torch.zeros(1, 1, 2))
        assert wet.isfinite().all()
    finally:
        native.compiled.cache_clear()

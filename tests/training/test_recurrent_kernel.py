"""The compiled GRU and LSTM compute what the torch path computes in float64."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
import torch
from torch import Tensor

from training.models.cell import Cell
from training.native import recurrent as native
from training.native.build import use

BATCH = 11
"""More windows than a vector holds, and not a multiple of them."""
CELLS = [Cell("gru", 5), Cell("lstm", 8)]


@pytest.fixture(autouse=True)
def _threads(one_thread):
    use(2)
    yield
    use(None)


@pytest.fixture(params=CELLS, ids=lambda cell: f"{cell.kind} {cell.hidden}")
def cell(request) -> Cell:
    return request.param


def _given(cell: Cell, samples: int, moving: bool, own: bool) -> list[Any]:
    """Random dry, frames, weight and state."""
    torch.manual_seed(1)
    width = cell.width + (cell.rows * cell.hidden if own else 0)
    frames = 0.5 * torch.randn(BATCH, samples // 48 + 1 if moving else 1, width)
    weight = None if own else 0.5 * torch.randn(cell.rows, cell.hidden)
    return [torch.randn(BATCH, samples), frames, weight, 0.5 * torch.randn(BATCH, cell.memory)]


def _results(cell: Cell, given: list[Any], double: bool, **cuts: int) -> list[Tensor]:
    """Wet, last state, and the gradients of all but dry."""
    dry, *rest = [x if x is None else x.double() if double else x for x in given]
    inputs = [x if x is None else x.clone().requires_grad_() for x in rest]
    wet, last = cell.run(dry, *inputs, **cuts)
    late = slice(48 * cuts.get("first", 0), None)
    weights = torch.linspace(-1, 1, wet[:, late].numel()).view_as(wet[:, late])
    wanted = [x for x in inputs if x is not None]
    loss = (wet[:, late] * weights).sum() + last.sum()
    grads = torch.autograd.grad(loss, wanted, allow_unused=True)
    zeros = map(torch.zeros_like, wanted)
    found = [zero if grad is None else grad for zero, grad in zip(zeros, grads, strict=True)]
    return [wet.detach(), last.detach(), *found]


def _alike(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        assert float((a - b).abs().max()) <= 3e-6 * max(1.0, float(b.abs().max()))


def test_there_is_a_compiler() -> None:
    """Without one the rest of this file would compare torch with itself."""
    assert isinstance(native.library("gru", 5), ctypes.CDLL)


@pytest.mark.parametrize("own", [False, True], ids=["one W", "own W"])
@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_output_and_gradients(cell: Cell, moving: bool, own: bool) -> None:
    given = _given(cell, 48 * 4 if moving else 48 * 3 + 17, moving, own)
    _alike(_results(cell, given, False), _results(cell, given, True))


@pytest.mark.parametrize("cuts", [{"first": 2}, {"stretch": 2}, {"first": 1, "stretch": 2}])
@pytest.mark.parametrize("moving", [False, True], ids=["still", "moving"])
def test_cut_gradients(cell: Cell, moving: bool, cuts: dict[str, int]) -> None:
    given = _given(cell, 48 * 6, moving, own=False)
    cut = _results(cell, given, False, **cuts)
    _alike(cut, _results(cell, given, True, **cuts))
    whole = _results(cell, given, False)
    assert torch.equal(cut[0], whole[0])
    assert float((cut[2] - whole[2]).abs().max()) > 1e-3, "nothing was cut"


@pytest.mark.parametrize("own", [False, True], ids=["one W", "own W"])
def test_what_silence_leaves(cell: Cell, own: bool) -> None:
    _, frames, weight, _ = _given(cell, 48, False, own)
    found = cell.settle(frames, weight, samples=4800, tolerance=0.0)
    weight = None if weight is None else weight.double()
    double = cell.settle(frames.double(), weight, samples=960, tolerance=0.0)
    _alike([found], [double])
    assert float(found.abs().max()) > 0.05


def test_threads_change_nothing_but_the_order_of_sums(cell: Cell) -> None:
    given = _given(cell, 48 * 2, False, False)
    two = _results(cell, given, False)
    use(1)
    one = _results(cell, given, False)
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[2], two[2])
    _alike(one, two)


def test_torch_serves_when_it_is_asked_to_or_nothing_compiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = _given(Cell("gru", 5), 48, False, False)
    use(0)
    assert native.library("gru", 5) is None
    use(1)
    monkeypatch.setenv("CXX", "no-such-compiler")
    native.compiled.cache_clear()
    try:
        assert native.library("gru", 5) is None
        assert Cell("gru", 5).run(*given)[0].isfinite().all()
    finally:
        native.compiled.cache_clear()


def test_nan_is_not_hidden(cell: Cell) -> None:
    dry, frames, weight, state = _given(cell, 96, False, False)
    dry[3, 50] = float("nan")
    wet, last = cell.run(dry, frames, weight, state)
    assert wet[3, 50:].isnan().all()
    assert last[3].isnan().any()
    assert wet[:3].isfinite().all()
    assert wet[4:].isfinite().all()


def test_two_passes_at_once_do_not_share_memory(cell: Cell) -> None:
    dry, frames, weight, state = _given(cell, 96, False, False)
    weight.requires_grad_()
    alone = torch.autograd.grad(cell.run(dry, frames, weight, state)[0].sum(), weight)[0]
    first, second = cell.run(dry, frames, weight, state), cell.run(-dry, frames, weight, -state)
    torch.autograd.grad(second[0].sum(), weight)
    assert torch.equal(torch.autograd.grad(first[0].sum(), weight)[0], alone)

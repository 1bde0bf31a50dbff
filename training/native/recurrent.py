"""A GRU's or LSTM's audio path as C++, compiled on first use for its size.

The plain torch path in `training/models/cell.py` is the reference and the fallback.
"""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.native.build import BEND, borrow, build, give_back, pointer, threads

SOURCE = Path(__file__).with_name("recurrent.cpp")


def library(kind: str, hidden: int) -> ctypes.CDLL | None:
    """The compiled kernels for "gru" or "lstm" of a size.

    None if they cannot be compiled, or if torch is to serve (:func:`training.native.build.use`).
    """
    return compiled(kind, hidden) if threads() else None


@functools.cache
def compiled(kind: str, hidden: int) -> ctypes.CDLL | None:
    """:func:`library`, whoever is to serve."""
    loaded = build(SOURCE, BEND, HIDDEN=hidden, GRU=int(kind == "gru"))
    if loaded is not None:
        loaded.workspace.restype = ctypes.c_int64
    return loaded


def _shape(dry: Tensor, frames: Tensor, first: int, stretch: int, own: bool) -> Any:
    """What the C++ calls `shape`."""
    sizes = [*dry.shape, frames.shape[1], first, stretch, threads(), own]
    return (ctypes.c_int32 * len(sizes))(*sizes)


class _Kernel(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        dry: Tensor,
        frames: Tensor,
        weight: Tensor | None,
        state: Tensor,
        native: ctypes.CDLL,
        first: int,
        stretch: int,
    ) -> tuple[Tensor, Tensor]:
        dry, frames, state = (x.contiguous() for x in (dry, frames, state))
        shared = torch.empty(0) if weight is None else weight.contiguous()
        shape = _shape(dry, frames, first, stretch, weight is None)
        wet, last = torch.empty_like(dry), torch.empty_like(state)
        keep = any(ctx.needs_input_grad)
        kept = borrow(native.workspace(shape)) if keep else None
        inputs = map(pointer, (shared, dry, frames, state))
        keeper = None if kept is None else pointer(kept)
        native.forward(shape, *inputs, keeper, *map(pointer, (wet, last)))
        if keep:
            ctx.native, ctx.shape, ctx.kept = native, shape, kept
            ctx.save_for_backward(shared, dry, frames)
        return wet, last

    @staticmethod
    def backward(ctx: Any, grad_wet: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        weight, dry, frames = ctx.saved_tensors
        grads = torch.empty_like(weight), torch.empty_like(frames), grad_last.contiguous().clone()
        tensors = (weight, dry, frames, ctx.kept, grad_wet.contiguous())
        ctx.native.backward(ctx.shape, *map(pointer, (*tensors, *grads)))
        give_back(ctx.kept)
        ctx.kept = None  # a second backward through it would meet what another step has written
        return None, grads[1], grads[0] if weight.numel() else None, grads[2], None, None, None


def recurrent(
    dry: Tensor,
    frames: Tensor,
    weight: Tensor | None,
    state: Tensor,
    *,
    kind: str,
    hidden: int,
    first: int = 0,
    stretch: int = 0,
) -> tuple[Tensor, Tensor]:
    """The wet, (batch, samples), and the last state; differentiable but for ``dry``. float32, CPU.

    ``frames``: (batch, frames, width), in the order of `training/models/cell.py`; frames is 1 or
    samples / 48 + 1. ``weight``: (rows, hidden), or None if every frame ends with one of its own.
    ``state``: (batch, hidden) or, of an LSTM, (batch, 2 hidden): h, then c. No gradient is made
    for the ``first`` blocks of 48 samples, and none passes from one ``stretch`` blocks to another
    (0: it passes everywhere).
    """
    native = library(kind, hidden)
    assert native is not None
    wet, last = _Kernel.apply(  # type: ignore[no-untyped-call]
        dry, frames, weight, state, native, first, stretch
    )
    return wet, last


@torch.no_grad()
def settle(
    frames: Tensor,
    weight: Tensor | None,
    state: Tensor,
    *,
    kind: str,
    hidden: int,
    samples: int,
    tolerance: float,
) -> Tensor:
    """The state that silence leaves at the first frame, from ``state`` on, after at most so many
    samples, or when nothing changes by more than ``tolerance`` in 48 of them."""
    native = library(kind, hidden)
    assert native is not None
    frames, state = frames[:, :1].contiguous(), state.contiguous().clone()
    shared = torch.empty(0) if weight is None else weight.contiguous()
    shape = _shape(state[:, :1], frames, 0, 0, weight is None)
    native.settle(
        shape,
        *map(pointer, (shared, frames)),
        samples,
        ctypes.c_float(tolerance),
        pointer(state),
    )
    return state

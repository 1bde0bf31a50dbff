"""A WaveNet's audio path as C++: any number of layer arrays, whatever their weights follow.

The plain torch path in `training/models/wavenet.py` is the reference and the fallback.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.native.build import BEND, borrow, build, give_back, pointer, threads

SOURCE = Path(__file__).with_name("wavenet.cpp")
BLOCK = 48
"""Samples from one control frame to the next, as in the C++."""


@dataclass(frozen=True)
class Array:
    """Layers of one width; ``layers``: kernel size and dilation of each."""

    channels: int
    layers: Sequence[tuple[int, int]]
    slope: float | None
    """Of a leaky ReLU; None: tanh."""


def library() -> ctypes.CDLL | None:
    """The compiled kernels.

    None if they cannot be compiled, or if torch is to serve (:func:`training.native.build.use`).
    """
    return compiled() if threads() else None


@functools.cache
def compiled() -> ctypes.CDLL | None:
    """:func:`library`, whoever is to serve."""
    loaded = build(SOURCE, BEND)
    if loaded is not None:
        loaded.workspace.restype = ctypes.c_int64
    return loaded


class _Call:
    """What the C++ calls `shape` and `slopes`: sizes of the windows and of the net."""

    def __init__(
        self, samples: int, frames: int, generated: bool, head_kernel: int, arrays: Sequence[Array]
    ) -> None:
        flat = [samples, frames, int(generated), head_kernel, len(arrays)]
        for array in arrays:
            flat += [array.channels, int(array.slope is None), len(array.layers)]
            flat += [number for layer in array.layers for number in layer]
        slopes = [array.slope or 0.0 for array in arrays]
        self.sizes = (ctypes.c_int32 * len(flat))(*flat), (ctypes.c_float * len(slopes))(*slopes)


class _Kernel(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        dry: Tensor,
        weights: Tensor,
        generated: Tensor,
        conditions: Tensor,
        head_kernel: int,
        arrays: Sequence[Array],
    ) -> Tensor:
        native = compiled()
        assert native is not None
        (batch, samples), count = dry.shape, threads()
        shape = _Call(samples, conditions.shape[1], generated.numel() > 0, head_kernel, arrays)
        field = head_kernel + sum((k - 1) * d for array in arrays for k, d in array.layers)
        kept = any(ctx.needs_input_grad)
        window = native.workspace(*shape.sizes, int(kept))
        memory = borrow(window * (batch if kept else min(count, batch)))
        wet = torch.empty(batch, samples - field + 1)
        inputs = [x.contiguous() for x in (weights, generated, conditions, dry)]
        given = [*map(pointer, (*inputs, memory))]
        native.forward(*shape.sizes, int(kept), batch, count, *given, pointer(wet))
        if kept:
            ctx.native, ctx.call, ctx.memory = native, (*shape.sizes, batch, count), memory
            ctx.save_for_backward(*inputs)
        else:
            give_back(memory)
        return wet

    @staticmethod
    def backward(ctx: Any, grad_wet: Tensor) -> tuple[Tensor | None, ...]:
        weights, generated, conditions, _ = inputs = ctx.saved_tensors
        grad_weights = torch.empty(len(conditions), weights.numel())
        grads = (grad_weights, torch.empty_like(generated), torch.empty_like(conditions))
        given = (*inputs, ctx.memory, grad_wet.contiguous(), *grads)
        ctx.native.backward(*ctx.call, *map(pointer, given))
        give_back(ctx.memory)
        ctx.memory = None  # a second backward through it would meet what another step has written
        return None, grad_weights.sum(0), *grads[1:], None, None


def wavenet(
    dry: Tensor,
    weights: Tensor,
    generated: Tensor | None,
    conditions: Tensor,
    *,
    head_kernel: int,
    arrays: Sequence[Array],
) -> Tensor:
    """The audio path of a conditioned WaveNet, differentiable but for ``dry``; float32, CPU.

    ``dry``: (batch, samples); ``frames`` below is 1 if the knobs are still, else samples / 48 + 1.

    ``weights``: (n,), array by array: the entry's (C × inputs); of each layer the convolution's
    and mix-in's as one map (C × (C K + 1), the mix-in last) and its biases (C), then the residual's
    (C × C) and its biases (C); the head's (C′ × C to the next array, 1 × C × head_kernel of the
    last). At the end the output's offset.

    ``generated``: None, or (batch, frames, m): convolutions, mix-ins and their biases of all
    layers, which ``weights`` then leaves out; linear between frames.

    ``conditions``: (batch, frames, k), array by array: the entry's factors (C), then, if nothing
    is generated, scales and shifts (C each) of each layer's convolution; at the end the output's
    factor. Linear between frames.

    Returns (batch, samples - receptive field + 1).
    """
    # Still knobs may come with any number of samples, blocks are whole: what is added in front
    # reaches only samples that are then cut.
    added = -dry.shape[1] % BLOCK
    if added:
        dry = torch.nn.functional.pad(dry, (added, 0))
    if generated is None:
        generated = torch.empty(0)
    result: Tensor = _Kernel.apply(  # type: ignore[no-untyped-call]
        dry, weights, generated, conditions, head_kernel, arrays
    )
    return result[:, added:]

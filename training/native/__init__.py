"""Training's inner loop as C++, compiled on first use by the system's compiler.

The plain torch path in `training/models/wavenet.py` is the reference and the fallback: without a
compiler everything works, only slower.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("wavenet.cpp")
FLAGS = (
    *("-std=c++17", "-O3", "-march=native", "-shared", "-fPIC", "-pthread"),
    # Sums may be reordered, as vector units must; NaN and infinity stay what they are.
    *("-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno"),
)


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ampsweep" / "native"


def _processor() -> str:
    """What -march=native depends on, so that a cache shared between machines is not misused."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


@functools.cache
def library(channels: int) -> ctypes.CDLL | None:
    """The compiled kernels for nets of ``channels`` channels; None if they cannot be compiled."""
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        return None
    key = "\n".join([SOURCE.read_text(), *FLAGS, str(channels), compiler, _processor()])
    name = f"wavenet-{channels}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.so"
    try:
        folder = _cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                built = Path(temporary) / name
                command = [
                    compiler,
                    *FLAGS,
                    f"-DCHANNELS={channels}",
                    str(SOURCE),
                    "-o",
                    str(built),
                ]
                subprocess.run(command, check=True, capture_output=True, timeout=300)
                built.replace(folder / name)
        loaded = ctypes.CDLL(str(folder / name))
    except (OSError, subprocess.SubprocessError):
        return None
    loaded.workspace.restype = ctypes.c_int64
    return loaded


def _threads() -> int:
    """Cores this process may use: windows are independent, so each core takes its share."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pointer(tensor: Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(tensor.data_ptr())


class _Shape:
    """What the C++ calls `shape`: sizes of the window and of the net."""

    def __init__(
        self, samples: int, frames: int, head_kernel: int, layers: list[tuple[int, int]]
    ) -> None:
        flat = [samples, frames, head_kernel, len(layers), *(n for pair in layers for n in pair)]
        self.array = (ctypes.c_int32 * len(flat))(*flat)


_free: dict[int, list[Tensor]] = {}
"""Working memory not in use, by size: the page faults of fresh memory cost more than the sums."""


def _borrow(floats: int) -> Tensor:
    waiting = _free.get(floats)
    return waiting.pop() if waiting else torch.empty(floats)


def _give_back(memory: Tensor) -> None:
    if memory.numel() not in _free:
        _free.clear()  # windows have changed size; the old memory will not be asked for again
    _free.setdefault(memory.numel(), []).append(memory)


class _Kernel(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        dry: Tensor,
        conditions: Tensor,
        parameters: Tensor,
        channels: int,
        slope: float,
        head_kernel: int,
        layers: list[tuple[int, int]],
    ) -> Tensor:
        native = library(channels)
        assert native is not None
        batch, samples = dry.shape
        shape = _Shape(samples, conditions.shape[1], head_kernel, layers)
        receptive_field = head_kernel + sum((k - 1) * d for k, d in layers)
        memory = _borrow(native.workspace(shape.array, batch))
        wet = torch.empty(batch, samples - receptive_field + 1)
        call = (shape.array, ctypes.c_float(slope), batch, _threads())
        dry, conditions, parameters = (x.contiguous() for x in (dry, conditions, parameters))
        inputs = (parameters, dry, conditions)
        native.forward(*call, *map(_pointer, (*inputs, memory)), _pointer(wet))
        if any(ctx.needs_input_grad):
            ctx.native, ctx.call, ctx.memory = native, call, memory
            ctx.save_for_backward(*inputs)
        else:
            _give_back(memory)
        return wet

    @staticmethod
    def backward(ctx: Any, grad_wet: Tensor) -> tuple[Tensor | None, ...]:
        parameters, dry, conditions = ctx.saved_tensors
        grad_parameters, grad_conditions = (
            torch.empty_like(parameters),
            torch.empty_like(conditions),
        )
        tensors = (parameters, dry, conditions, ctx.memory, grad_wet.contiguous())
        outputs = (grad_parameters, grad_conditions)
        ctx.native.backward(*ctx.call, *map(_pointer, (*tensors, *outputs)))
        _give_back(ctx.memory)
        ctx.memory = None  # a second backward through it would meet what another step has written
        return None, grad_conditions, grad_parameters, None, None, None, None


def wavenet(
    dry: Tensor,
    conditions: Tensor,
    parameters: Tensor,
    *,
    channels: int,
    slope: float,
    head_kernel: int,
    layers: list[tuple[int, int]],
) -> Tensor:
    """The audio path of a conditioned WaveNet, differentiable but for ``dry``; float32, CPU.

    ``dry``: (batch, samples), samples a multiple of 48. ``conditions``: (batch, frames, C + 2 C L
    + 1): factors of the rechannel, scales and shifts layer by layer, factor of the head; frames is
    1 or samples / 48 + 1. ``parameters``: the weights in NAM's order. ``layers``: kernel size and
    dilation of each. Returns (batch, samples - receptive field + 1).
    """
    result: Tensor = _Kernel.apply(  # type: ignore[no-untyped-call]
        dry, conditions, parameters, channels, slope, head_kernel, layers
    )
    return result

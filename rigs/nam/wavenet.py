"""NAM's WaveNet, and how it is played.

A stack of layers on the input x (Atkinson's NeuralAmpModelerCore, `docs/wavenet_walkthrough.rst`):

    z = f(conv(h) + m·x)        dilated, causal; m mixes the input in; f may be gated
    h ← h + R·z                 the residual, to the next layer
    s ← s + H·z                 the skip sum, to the head; H is the identity unless it is given

Layers come in arrays of one width each. An array begins by mixing the channels of h into its own
and ends by a convolution of s, which is where the sum of the next array starts; of the last one it
is, scaled, the output, unless a further head of convolutions follows.

The signal goes through in chunks, channels × frames. One matrix product a layer does convolution,
mix-in and bias at once: its taps lie stacked above x and a row of ones. It is done in double
precision, for loud captures amplify rounding a hundredfold, and here there is time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.nam.activations import Activation
from rigs.nam.products import multiply

Floats = NDArray[np.float64]

CHUNK = 1024
"""Frames; few enough that what a layer touches stays in the processor's cache."""


@dataclass(frozen=True)
class Conv:
    """A causal convolution: ``weight`` of shape (out, in, taps), the newest tap last; ``bias``.

    ``mixin``, shape (out,), is multiplied with the net's input and added.
    """

    weight: Floats
    bias: Floats
    dilation: int = 1
    mixin: Floats | None = None

    @property
    def lag(self) -> int:
        """How many frames back it looks."""
        taps = int(self.weight.shape[2])
        return self.dilation * (taps - 1)

    @property
    def stacked(self) -> int:
        """How many rows the taps have, stacked, with the input and the ones below them."""
        return int(self.weight.shape[1] * self.weight.shape[2]) + 2

    @cached_property
    def matrix(self) -> Floats:
        """Shape (out, stacked): tap by tap, then mix-in and bias."""
        out = len(self.weight)
        mixin = np.zeros(out, np.float64) if self.mixin is None else self.mixin
        taps = self.weight.transpose(0, 2, 1).reshape(out, -1)
        return np.ascontiguousarray(np.column_stack([taps, mixin, self.bias]))


@dataclass(frozen=True)
class Gate:
    """What becomes of a convolution's output: ``mode`` "none", "gated" or "blended"."""

    main: Activation
    mode: str = "none"
    second: Activation | None = None

    def apply(self, z: Floats) -> Floats:
        """Works in place; what is left is the first half of the channels if there is a second."""
        if self.second is None:
            self.main(z)
            return z
        half = len(z) // 2
        top, bottom = z[:half], z[half:]
        before = top.copy() if self.mode == "blended" else None
        self.main(top)
        self.second(bottom)
        if before is None:
            top *= bottom
        else:
            top -= before
            top *= bottom
            top += before
        return top


@dataclass(frozen=True)
class Layer:
    """``residual`` and ``skip`` are 1x1, weight and bias side by side: shape (out, in + 1)."""

    conv: Conv
    gate: Gate
    residual: Floats | None
    skip: Floats | None


@dataclass(frozen=True)
class LayerArray:
    """``entry``, shape (channels, in), has no bias."""

    entry: Floats
    layers: tuple[Layer, ...]
    head: Conv


@dataclass(frozen=True)
class WaveNet:
    """The net. ``tail`` is the further head: each convolution after its activation."""

    arrays: tuple[LayerArray, ...]
    scale: np.float64
    tail: tuple[tuple[Activation, Conv], ...] = ()

    @property
    def convs(self) -> list[Conv]:
        """All convolutions that look back or have a mix-in."""
        layers = [layer.conv for array in self.arrays for layer in array.layers]
        return layers + [array.head for array in self.arrays] + [conv for _, conv in self.tail]

    @property
    def receptive_field(self) -> int:
        """How many frames of the input an output frame depends on, itself included."""
        return 1 + sum(conv.lag for conv in self.convs)

    @property
    def state_size(self) -> int:
        """How many numbers a stream keeps."""
        lines = sum(int(conv.weight.shape[1]) * (conv.lag + CHUNK) for conv in self.convs)
        return lines + CHUNK * max(conv.stacked for conv in self.convs)

    def stream(self) -> Stream:
        """A stream in the state that endless silence leaves."""
        return Stream(self)


class _Line:
    """The input of one convolution: a chunk, and as much before it as the taps reach back."""

    def __init__(self, conv: Conv) -> None:
        self._conv = conv
        self._line = np.zeros((conv.weight.shape[1], conv.lag + CHUNK), np.float64)

    def newest(self, frames: int) -> Floats:
        """Where the chunk is to be written."""
        return self._line[:, self._conv.lag : self._conv.lag + frames]

    def run(self, x: Floats, stack: Floats, out: Floats, settle: bool) -> None:
        """Convolve what :meth:`newest` was given, and ``x`` mixed in, shape (1, frames).

        With ``settle`` its first frame is taken to have stood there forever.
        """
        line, lag = self._line, self._conv.lag
        if settle:
            line[:, :lag] = line[:, lag : lag + 1]
        _, width, taps = self._conv.weight.shape
        frames = x.shape[1]
        for tap in range(taps):
            start = tap * self._conv.dilation
            stack[tap * width : (tap + 1) * width, :frames] = line[:, start : start + frames]
        rows = self._conv.stacked
        stack[rows - 2, :frames] = x
        stack[rows - 1, :frames] = 1
        multiply(self._conv.matrix, stack[:rows, :frames], out)
        line[:, :lag] = line[:, frames : frames + lag]


class Stream:
    """A WaveNet and what it remembers."""

    def __init__(self, net: WaveNet) -> None:
        self._net = net
        self._lines = [[_Line(layer.conv) for layer in array.layers] for array in net.arrays]
        self._heads = [_Line(array.head) for array in net.arrays]
        self._tail = [_Line(conv) for _, conv in net.tail]
        self._stack = np.empty((max(conv.stacked for conv in net.convs), CHUNK), np.float64)
        # One row more than channels: the ones that carry the biases of 1x1 convolutions.
        self._z = np.empty((max(len(conv.weight) for conv in net.convs) + 1, CHUNK), np.float64)
        self._chunk(np.zeros(1, np.float64), settle=True)

    def run(self, x: NDArray[Any]) -> Floats:
        """The wet of ``x``, shape (frames,), which goes on where the last one ended."""
        starts = range(0, len(x), CHUNK)
        return np.concatenate([self._chunk(x[start : start + CHUNK]) for start in starts])

    def _chunk(self, x: NDArray[Any], settle: bool = False) -> Floats:
        net, frames = self._net, len(x)
        condition = np.asarray(x, np.float64)[None]
        h = skips = condition
        for number, (array, lines) in enumerate(zip(net.arrays, self._lines, strict=True)):
            entry = np.empty((len(array.entry), frames), np.float64)
            multiply(array.entry, h, entry)
            h = entry
            total = self._heads[number].newest(frames)
            total[...] = skips if number else 0
            for layer, line in zip(array.layers, lines, strict=True):
                line.newest(frames)[...] = h
                self._layer(layer, line, h, condition, total, settle)
            skips = np.empty((len(array.head.weight), frames), np.float64)
            self._heads[number].run(condition, self._stack, skips, settle)
        wet = skips * net.scale
        for (activation, conv), line in zip(net.tail, self._tail, strict=True):
            activation(wet)
            line.newest(frames)[...] = wet
            wet = np.empty((len(conv.weight), frames), np.float64)
            line.run(condition, self._stack, wet, settle)
        mono: Floats = wet[0]
        return mono

    def _layer(
        self, layer: Layer, line: _Line, h: Floats, x: Floats, total: Floats, settle: bool
    ) -> None:
        """Adds to ``h`` and ``total`` what ``layer`` does."""
        frames = x.shape[1]
        z = self._z[: len(layer.conv.weight), :frames]
        line.run(x, self._stack, z, settle)
        z = layer.gate.apply(z)
        with_ones = self._z[: len(z) + 1, :frames]
        with_ones[len(z)] = 1
        if layer.skip is None:
            total += z
        else:
            skip = np.empty((len(layer.skip), frames), np.float64)
            multiply(layer.skip, with_ones, skip)
            total += skip
        if layer.residual is not None:
            more = np.empty((len(layer.residual), frames), np.float64)
            multiply(layer.residual, with_ones, more)
            h += more

"""NAM's LSTM: its file layout, and how it is played.

The cell of Hochreiter & Schmidhuber (Long Short-Term Memory, 1997) with the forget gate of Gers et
al. (2000), as PyTorch orders it. For each layer a file holds a matrix (4·hidden, input + hidden)
whose rows are the gates i, f, g, o; one bias; and the state from which it starts, h then c. The
head's weights and its bias follow.

Single precision, and sums in NeuralAmpModelerCore's order: a cell that forgets slowly adds up its
rounding, to 1.6e-5 in one of the published examples, so that only the same rounding gives the same
sound. All gates come from one tanh, σ(x) = (1 + tanh(x/2))/2, which costs no rounding. The loop
over samples takes as long as its calls do, and so it makes few.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.nam.activations import RATIONAL
from rigs.nam.fields import Fields
from rigs.nam.weights import Weights

Floats = NDArray[np.float32]
State = tuple[tuple[Floats, Floats], ...]
"""Every layer's h and c, of shape (hidden,)."""

CHUNK = 2048
"""Frames; every layer goes through a chunk before the next one does."""
SILENCE = 24_000
"""Frames that NeuralAmpModelerCore plays of silence before it begins."""

MOST_LAYERS = 8
MOST_HIDDEN = 256

A, B, C, D, E = (np.float32(value) for value in RATIONAL)
SLOPES = np.array([[A], [C], [E]])
OFFSETS = np.array([[A], [B]])


@dataclass(frozen=True)
class Cell:
    """One layer. ``into`` (inputs, 4·hidden), ``again`` (hidden, 4·hidden); i, f and o halved."""

    into: Floats
    again: Floats
    bias: Floats
    h: Floats
    c: Floats


@dataclass(frozen=True)
class Lstm:
    """The net; ``head`` has shape (hidden,)."""

    cells: tuple[Cell, ...]
    head: Floats
    bias: np.float32

    receptive_field = None
    """It remembers without end."""

    @cached_property
    def _silent(self) -> State:
        stream = Stream(self, tuple((cell.h, cell.c) for cell in self.cells))
        for start in range(0, SILENCE, CHUNK):
            before = stream.state
            stream.run(np.zeros(min(CHUNK, SILENCE - start), np.float32))
            if np.array_equal(before, stream.state):
                break  # silence changes nothing any more
        return stream.state

    def stream(self) -> Stream:
        """A stream in the state that silence leaves."""
        return Stream(self, self._silent)


class Stream:
    """An LSTM and what it remembers."""

    def __init__(self, net: Lstm, state: State) -> None:
        self._net = net
        self.state = state

    def run(self, x: NDArray[Any]) -> Floats:
        """The wet of ``x``, shape (frames,), which goes on where the last one ended."""
        starts = range(0, len(x), CHUNK)
        return np.concatenate([self._chunk(x[start : start + CHUNK]) for start in starts])

    def _chunk(self, x: NDArray[Any]) -> Floats:
        signal: Floats = np.asarray(x, np.float32)[:, None]
        state = []
        for cell, (h, c) in zip(self._net.cells, self.state, strict=True):
            signal, c = _run(cell, signal, h, c)
            state.append((signal[-1], c))
        self.state = tuple(state)
        wet: Floats = np.add.reduce(signal.T * self._net.head[:, None])
        return wet + self._net.bias


class _Tanh:
    """:func:`rigs.nam.activations.tanh` of a short vector, in as few calls as can be."""

    def __init__(self, length: int) -> None:
        self._by = np.empty((2, length), np.float32)
        self._square, self._size = self._by
        self._terms = np.empty((3, length), np.float32)
        self._head, self._tail, self._low = self._terms
        self._both, self._inner = self._terms[:2], self._terms[1:]

    def __call__(self, x: Floats, out: Floats) -> None:
        square, size, head, low = self._square, self._size, self._head, self._low
        np.abs(x, size)
        np.multiply(x, x, square)
        np.multiply(SLOPES, size, self._terms)  # a|x|, c|x|, e|x|
        np.add(self._both, OFFSETS, self._both)  # a + a|x|, b + c|x|
        np.multiply(self._inner, self._by, self._inner)  # (b + c|x|)x², ex²
        np.add(head, self._tail, head)
        np.multiply(x, head, out)
        np.add(low, size, low)
        np.add(square, D, square)
        np.multiply(low, square, low)
        np.add(low, D, low)
        np.divide(out, low, out)


def _run(cell: Cell, x: Floats, h: Floats, c: Floats) -> tuple[Floats, Floats]:
    """All h, shape (frames, hidden), and the last c, for inputs of shape (frames, inputs)."""
    frames, hidden = len(x), len(h)
    driven = np.zeros((frames, 4 * hidden), np.float32)
    for column, row in zip(x.T, cell.into, strict=True):
        driven += column[:, None] * row
    factor = _halves(hidden)
    offset = 1 - factor
    # What the input gives, what each h gives, the bias: summed row by row, in this order.
    terms = np.empty((hidden + 2, 4 * hidden), np.float32)
    first, middle, terms[-1] = terms[0], terms[1:-1], cell.bias
    again, hs, c = cell.again, np.empty((frames, hidden), np.float32), c.copy()
    gates, fed = np.empty(4 * hidden, np.float32), np.empty(hidden, np.float32)
    i, f, g, o = gates.reshape(4, hidden)
    squash_gates, squash = _Tanh(4 * hidden), _Tanh(hidden)
    add, times, total = np.add, np.multiply, np.add.reduce
    for drive, out in zip(driven, hs, strict=True):
        first[:] = drive
        times(again, h[:, None], middle)
        total(terms, out=gates)
        squash_gates(gates, gates)
        times(gates, factor, gates)
        add(gates, offset, gates)
        times(c, f, c)
        times(i, g, fed)
        add(c, fed, c)
        squash(c, out)
        times(out, o, out)
        h = out
    return hs, c


def _halves(hidden: int) -> Floats:
    """What the rows of i, f, g, o are multiplied with, before the tanh and after it."""
    return np.repeat(np.array([0.5, 0.5, 1, 0.5], np.float32), hidden)


def read_lstm(config: Fields, weights: Weights) -> Lstm:
    """Raises UserError for what is damaged, does not fit together or cannot be played."""
    for name, default in (("input_size", None), ("in_channels", 1), ("out_channels", 1)):
        if config.integer(name, 1, MOST_HIDDEN, default) != 1:
            raise config.unplayable(f"an LSTM whose {name} is not 1")
    hidden = config.integer("hidden_size", 1, MOST_HIDDEN)
    factor = _halves(hidden)
    cells, inputs = [], 1
    for _ in range(config.integer("num_layers", 1, MOST_LAYERS)):
        matrix = _single(weights.convolution(4 * hidden, inputs + hidden, 1)[:, :, 0]).T * factor
        bias = _single(weights.take(4 * hidden)) * factor
        h, c = _single(weights.take(hidden)), _single(weights.take(hidden))
        cells.append(Cell(matrix[:inputs], matrix[inputs:], bias, h, c))
        inputs = hidden
    head, bias = _single(weights.take(hidden)), _single(weights.take(1))
    return Lstm(tuple(cells), head, bias[0])


def _single(values: NDArray[np.float64]) -> Floats:
    return np.asarray(values, np.float32)

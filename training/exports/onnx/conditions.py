"""From knobs to the weights of the audio path: `training.models.conditioning`, in the graph.

Values have shape (frames, n). A new conditioning needs a line in MAPPERS to be exported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from training.exports.onnx.graph import Graph
from training.models.conditioning import Conditioning, ControlNetwork
from training.models.conditioning.basis import Basis
from training.models.conditioning.concat import Concat
from training.models.conditioning.film import Film
from training.models.conditioning.hyper import Hyper


def numbers(tensor: Tensor | None) -> NDArray[np.float32]:
    assert tensor is not None
    return tensor.detach().cpu().float().numpy()


@dataclass(frozen=True)
class Scaled:
    """A map that stands still, with what it gives scaled (None: it is not) and shifted."""

    scale: str | None
    shift: str


@dataclass(frozen=True)
class Mixed:
    """A map whose weights, (frames, out, in), and biases, (frames, out), follow the knobs."""

    weights: str
    biases: str


Mapped = Scaled | Mixed


def control(graph: Graph, network: ControlNetwork, inputs: str) -> str:
    """The control network's outputs."""
    values = inputs
    layers = [cast(nn.Linear, layer) for layer in network.layers]
    for number, layer in enumerate(layers, start=1):
        weight, bias = graph.constant(numbers(layer.weight)), graph.constant(numbers(layer.bias))
        values = graph.op("Gemm", values, weight, bias, transB=1)
        if number < len(layers):
            values = graph.op("Softsign", values)
    return values


def plus_one(graph: Graph, value: str) -> str:
    return graph.op("Add", value, graph.constant(np.ones(1)))


def _film(graph: Graph, how: Film, index: int, values: str, *_: Any) -> Mapped:
    out = how.maps[index][0]
    scale, shift = graph.split(values, [out, out], 1)
    return Scaled(plus_one(graph, scale), shift)


def _concat(graph: Graph, how: Concat, index: int, _: str, inputs: str, *__: Any) -> Mapped:
    weight = numbers(cast(nn.Linear, how.knobs[index]).weight)
    return Scaled(None, graph.op("MatMul", inputs, graph.constant(weight.T)))


def _basis(
    graph: Graph, how: Basis, index: int, values: str, _: str, weight: Tensor, bias: Tensor
) -> Mapped:
    out, width = how.maps[index]
    mix, scale, shift = graph.split(values, [how.count, out, out], 1)
    bases = graph.constant(numbers(how.bases[index]).reshape(how.count, -1))
    added = graph.reshape(graph.op("MatMul", mix, bases), -1, out, width)
    scale = plus_one(graph, scale)
    weights = graph.op("Add", added, graph.constant(numbers(weight)))
    biases = graph.op("Mul", scale, graph.constant(numbers(bias)))
    return Mixed(
        graph.op("Mul", graph.reshape(scale, -1, out, 1), weights), graph.op("Add", biases, shift)
    )


def _hyper(
    graph: Graph, how: Hyper, index: int, values: str, _: str, weight: Tensor, bias: Tensor
) -> Mapped:
    (out, width), rank = how.maps[index], how.rank
    left, right, shift = graph.split(values, [rank * out, rank * width, out], 1)
    directions = graph.constant(numbers(how.directions[index]))
    right = graph.op("Add", graph.reshape(right, -1, width, rank), directions)
    turned = graph.op("Transpose", right, perm=[0, 2, 1])
    delta = graph.op("MatMul", graph.reshape(left, -1, out, rank), turned)
    return Mixed(
        graph.op("Add", delta, graph.constant(numbers(weight))),
        graph.op("Add", shift, graph.constant(numbers(bias))),
    )


MAPPERS: dict[type[Conditioning], Callable[..., Mapped]] = {
    Film: _film,
    Concat: _concat,
    Basis: _basis,
    Hyper: _hyper,
}
"""Each is given the graph, the conditioning, the map's number, its outputs of the control network,
the encoded knobs, and the map's weight (out, in) and bias (out,)."""

"""The conditioned GRU and LSTM as an ONNX graph that streams: `training.models.cell` in a Scan.

A stream remembers h, then, of an LSTM, c. All that does not hang on the sample before is worked out
for a whole block; the Scan holds what is left of a step.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor

from training.exports.onnx.conditions import MAPPERS, Mapped, Mixed, control, numbers
from training.exports.onnx.graph import Graph
from training.exports.onnx.schedule import Schedule
from training.models.control import CONTROL_INTERVAL
from training.models.recurrent import SETTLE, ConditionedRecurrent

ALIKE = 1e-6
"""A state as near as this to the one that endless silence leaves is taken for it."""


def size(net: ConditionedRecurrent) -> int:
    """Numbers in the state."""
    return net.cell.memory


@torch.no_grad()
def prime(net: ConditionedRecurrent) -> int:
    """Samples of silence from a state of zeros to that of endless silence: at 32 random settings
    measured, and four times that for the others; at most what endless is taken for here."""
    made = torch.Generator().manual_seed(1)
    knobs = 2 * torch.rand(32, net.inputs, generator=made) - 1
    frames, weight = net.frames(knobs[:, None])
    (silent,) = net.silent(knobs)
    samples = CONTROL_INTERVAL
    while samples < SETTLE:
        reached = net.cell.settle(frames, weight, samples=samples, tolerance=0.0)
        if float((reached - silent).abs().max()) <= ALIKE:
            break
        samples *= 2
    return min(4 * samples, SETTLE)


def build(graph: Graph, net: ConditionedRecurrent, inputs: str) -> tuple[str, str]:
    """Wet and the next state, from the values `dry` and `state` and the encoded knobs."""
    n, rows, schedule = net.cell.hidden, net.cell.rows, Schedule(graph, "dry")
    frames, common = _frames(graph, net, inputs)
    widths = [4 * n, rows, 4 * n, n, 1, 1]
    values = graph.op("Concat", *frames[: len(widths)], axis=1)
    at = graph.op("Transpose", schedule.samples(values, sum(widths)), perm=[0, 2, 1])
    a, s, t, head, skip, offset = graph.split(
        graph.op("Squeeze", at, graph.constant([0])), widths, 1
    )
    u = graph.op("Transpose", "dry", perm=[1, 0])
    driven = graph.op("Add", graph.op("Mul", a, u), t)
    fed = [driven, s]
    if common is None:
        own = schedule.samples(frames[-1], rows * n)
        fed.append(graph.reshape(graph.op("Transpose", own, perm=[0, 2, 1]), -1, rows, n))
    states = graph.split("state", [n] * (size(net) // n), 0)
    *last, h = _scan(graph, net, states, fed, common)
    heard = graph.op("ReduceSum", graph.op("Mul", head, h), graph.constant([1]), keepdims=1)
    wet = graph.op("Add", graph.op("Add", heard, graph.op("Mul", skip, u)), offset)
    return graph.op("Transpose", wet, perm=[1, 0]), graph.op("Concat", *last, axis=0)


def _frames(graph: Graph, net: ConditionedRecurrent, inputs: str) -> tuple[list[str], str | None]:
    """A, S, T, head, skip, offset at the frames, (frames, …), and W: alone, if it stands still."""
    n, how = net.cell.hidden, net.conditioning
    sizes = net.output_sizes
    given = iter(graph.split(control(graph, net.control, inputs), [s for s in sizes if s], 1))
    *values, factors, level = [next(given) if size else "" for size in sizes]
    level = graph.op("Exp", level)
    nothing = graph.op("Mul", level, graph.constant(np.zeros(1)))

    def standing(row: Tensor | np.ndarray) -> str:
        """(width,) at every frame."""
        array = numbers(row) if isinstance(row, Tensor) else row
        return graph.op("Add", nothing, graph.constant(array.reshape(1, -1)))

    hearing = [each.rows for each in net.maps if each.input]
    turns = iter(graph.split(graph.op("Exp", factors), hearing, 1) if factors else ())
    fed, scales, shifts, owns, stills = [], [], [], [], []
    for index, each in enumerate(net.maps):
        weight, bias = cast(Tensor, net.weights[index]), cast(Tensor, net.biases[index])
        mapped: Mapped = MAPPERS[type(how)](graph, how, index, values[index], inputs, weight, bias)
        scale = standing(np.ones(each.rows))
        if isinstance(mapped, Mixed):
            shift, hears = mapped.biases, graph.slice(mapped.weights, 2, -1)
            hears = graph.reshape(hears, -1, each.rows)
            if each.state:
                owns.append(graph.slice(mapped.weights, 2, 0, n))
        else:
            scale = mapped.scale or scale
            shifted = graph.op("Mul", scale, graph.constant(numbers(bias)))
            shift = graph.op("Add", shifted, mapped.shift)
            hears = graph.op("Mul", scale, graph.constant(numbers(weight[:, -1])))
            if each.state:
                stills.append(numbers(weight[:, :n]))
        if not each.input:
            hears = standing(np.zeros(each.rows))
        elif factors:
            hears = graph.op("Mul", hears, next(turns))
        fed.append(hears)
        if each.state:
            scales.append(scale)
        shifts.append(shift)
    head = graph.op("Mul", level, graph.constant(numbers(net.head.weight)))
    skip = graph.op("Mul", level, graph.constant(numbers(net.skip))) if net.config.skip else nothing
    offset = graph.op("Mul", level, graph.constant(numbers(net.head.bias)))
    joined = [graph.op("Concat", *parts, axis=1) for parts in (fed, scales, shifts)]
    found = [*joined, head, skip, offset]
    if stills:
        return found, graph.constant(np.concatenate(stills))
    own = graph.op("Concat", *owns, axis=1)
    return [*found, graph.reshape(own, -1, net.cell.rows * n)], None


def _scan(
    graph: Graph, net: ConditionedRecurrent, states: list[str], fed: list[str], common: str | None
) -> list[str]:
    """The last of each of ``states``, and h after every sample, (samples, n).

    ``fed``: driven, (samples, 4n), scales, (samples, rows), and W at each sample unless common.
    """
    n, rows = net.cell.hidden, net.cell.rows
    shapes = [(n,)] * len(states) + [(4 * n,), (rows,), (rows, n)][: len(fed)]

    def step(body: Graph, given: list[str]) -> list[str]:
        h, (driven, scale, *own) = given[0], given[len(states) :]
        scaled = body.op("Mul", scale, body.op("MatMul", own[0] if own else cast(str, common), h))
        d = body.split(driven, [n] * 4, 0)
        heard = body.split(scaled, [n] * (rows // n), 0)
        z = [body.op("Add", *pair) for pair in zip(d, heard, strict=False)]
        if net.cell.kind == "gru":
            reset, update = (body.op("Sigmoid", each) for each in z[:2])
            m = body.op("Tanh", body.op("Add", d[3], body.op("Mul", reset, z[2])))
            h = body.op("Add", m, body.op("Mul", update, body.op("Sub", h, m)))
            return [h, body.op("Identity", h)]
        taken, kept, out = (body.op("Sigmoid", z[plane]) for plane in (0, 1, 3))
        c = body.op("Mul", kept, given[1])
        c = body.op("Add", c, body.op("Mul", taken, body.op("Tanh", z[2])))
        h = body.op("Mul", out, body.op("Tanh", c))
        return [h, c, body.op("Identity", h)]

    return graph.scan(states, fed, shapes, step)

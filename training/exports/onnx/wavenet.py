"""The conditioned WaveNet as an ONNX graph that streams: `training.models.wavenet`, node by node.

A stream remembers what every dilated convolution has been given, as far back as it looks: of each
layer (C, lag), then of the head, one after another in one vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from torch import Tensor, nn

from training.exports.onnx.conditions import MAPPERS, Mapped, Mixed, Scaled, control, numbers
from training.exports.onnx.graph import Graph
from training.exports.onnx.schedule import Schedule
from training.models.control import lead_for
from training.models.wavenet import ConditionedWaveNet
from training.models.wavenet_config import LayerArray


def memory(net: ConditionedWaveNet) -> list[tuple[int, int]]:
    """Channels and lag of each line of the state."""
    lines = [(c, (kernel - 1) * dilation) for c, kernel, dilation in net.config.layers]
    lines.append((net.config.arrays[-1].channels, net.config.head_kernel - 1))
    return [(channels, lag) for channels, lag in lines if lag]


def size(net: ConditionedWaveNet) -> int:
    """Numbers in the state."""
    return sum(channels * lag for channels, lag in memory(net))


def prime(net: ConditionedWaveNet) -> int:
    """Samples of silence after which all that came before is forgotten."""
    return lead_for(net.receptive_field)


def build(graph: Graph, net: ConditionedWaveNet, inputs: str) -> tuple[str, str]:
    """Wet and the next state, from the values `dry` and `state` and the encoded knobs."""
    return _Builder(graph, net, inputs).run()


class _Builder:
    def __init__(self, graph: Graph, net: ConditionedWaveNet, inputs: str) -> None:
        self._graph = graph
        self._net = net
        self._inputs = inputs
        self._schedule = Schedule(graph, "dry")
        self._u = graph.op("Unsqueeze", "dry", graph.constant([1]))
        lines = memory(net)
        parts = graph.split("state", [channels * lag for channels, lag in lines], 0)
        self._past = iter(
            graph.reshape(part, 1, channels, lag)
            for part, (channels, lag) in zip(parts, lines, strict=True)
        )
        self._next: list[str] = []

    def run(self) -> tuple[str, str]:
        graph, net = self._graph, self._net
        outputs = iter(self._outputs())
        x, total, level = self._u, "", ""
        layers = enumerate(cast(Any, layer) for layer in net.layers)
        for number, array in enumerate(net.config.arrays):
            entry = net.rechannel if number == 0 else net.joins[number - 1].rechannel
            x = graph.op("Conv", x, graph.constant(numbers(cast(nn.Conv1d, entry).weight)))
            if net.conditioning.scales_input:
                factor = graph.op("Exp", next(outputs))
                x = graph.op("Mul", x, self._schedule.samples(factor, array.channels))
            if number:
                join = cast(nn.Conv1d, net.joins[number - 1].head)
                total = graph.op("Conv", total, graph.constant(numbers(join.weight)))
            for _ in array.dilations:
                index, layer = next(layers)
                values = next(outputs) if net.conditioning.sizes[index] else ""
                a = self._activated(array, self._convolved(index, layer, x, values))
                total = graph.op("Add", total, a) if total else a
                if index < len(net.layers) - 1:
                    residual = [graph.constant(numbers(p)) for p in layer.residual.parameters()]
                    x = graph.op("Add", x, graph.op("Conv", a, *residual))
        level = self._schedule.samples(graph.op("Exp", next(outputs)), 1)
        heard = self._remembered(total, net.config.head_kernel - 1)
        mixed = graph.op("Conv", heard, graph.constant(numbers(net.head.weight)))
        offset = graph.constant(numbers(net.head.bias).reshape(1, 1, 1))
        wet = graph.op("Add", graph.op("Mul", mixed, level), offset)
        state = graph.op("Concat", *self._next, axis=0)
        return graph.op("Squeeze", wet, graph.constant([1])), state

    def _outputs(self) -> Iterator[str]:
        """The control network's: of each array its entry and its layers, then the level."""
        net, sizes = self._net, []
        of_layers = iter(net.conditioning.sizes)
        for array in net.config.arrays:
            sizes.append(array.channels if net.conditioning.scales_input else 0)
            sizes += [next(of_layers) for _ in array.dilations]
        taken = [size for size in (*sizes, 1) if size]
        values = control(self._graph, net.control, self._inputs)
        yield from self._graph.split(values, taken, 1)

    def _convolved(self, index: int, layer: Any, x: str, values: str) -> str:
        """Dilated convolution and mix-in of a layer, as the knobs have it."""
        graph, conv = self._graph, cast(nn.Conv1d, layer.conv)
        (kernel,), (dilation,) = conv.kernel_size, conv.dilation
        bias = cast(Tensor, conv.bias)
        how = self._net.conditioning
        mapped: Mapped = MAPPERS[type(how)](
            graph, how, index, values, self._inputs, layer.weight, bias
        )
        heard = self._remembered(x, (kernel - 1) * dilation)
        if isinstance(mapped, Mixed):
            return self._mixed(mapped, heard, conv)
        stills = [graph.constant(numbers(parameter)) for parameter in (conv.weight, bias)]
        z = graph.op("Conv", heard, *stills, dilations=[dilation])
        mixin = graph.constant(numbers(layer.mixin.weight).reshape(1, -1, 1))
        return self._scaled(mapped, graph.op("Add", z, graph.op("Mul", self._u, mixin)), len(bias))

    def _scaled(self, mapped: Scaled, z: str, width: int) -> str:
        graph = self._graph
        if mapped.scale is not None:
            z = graph.op("Mul", z, self._schedule.samples(mapped.scale, width))
        return graph.op("Add", z, self._schedule.samples(mapped.shift, width))

    def _mixed(self, mapped: Mixed, heard: str, conv: nn.Conv1d) -> str:
        """What the weights before an interval make of it and those after it, mixed."""
        graph, schedule = self._graph, self._schedule
        width = conv.in_channels * conv.kernel_size[0] + 1
        taps = schedule.blocks(self._taps(heard, conv), width)
        ends = [
            graph.op("MatMul", weights, taps) for weights in schedule.ends(mapped.weights, rank=3)
        ]
        z = schedule.joined(schedule.mix(*ends), conv.out_channels)
        return graph.op("Add", z, schedule.samples(mapped.biases, conv.out_channels))

    def _taps(self, heard: str, conv: nn.Conv1d) -> str:
        """What the map is given, (1, C K + 1, samples): channel by channel its taps, then u."""
        graph, (kernel,), (dilation,) = self._graph, conv.kernel_size, conv.dilation
        lag = (kernel - 1) * dilation
        taps = [
            graph.op(
                "Unsqueeze",
                graph.slice(heard, 2, tap * dilation, tap * dilation - lag or None),
                graph.constant([2]),
            )
            for tap in range(kernel)
        ]
        stacked = graph.op("Concat", *taps, axis=2)
        flat = graph.op("Reshape", stacked, graph.constant([1, conv.in_channels * kernel, -1]))
        return graph.op("Concat", flat, self._u, axis=1)

    def _remembered(self, x: str, lag: int) -> str:
        """``x``, (1, C, samples), behind what it was before; its end is kept for the next block."""
        if not lag:
            return x
        graph = self._graph
        heard = graph.op("Concat", next(self._past), x, axis=2)
        self._next.append(graph.reshape(graph.slice(heard, 2, -lag), -1))
        return heard

    def _activated(self, array: LayerArray, z: str) -> str:
        if array.activation == "tanh":
            return self._graph.op("Tanh", z)
        return self._graph.op("LeakyRelu", z, alpha=array.negative_slope)

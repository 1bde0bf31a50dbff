"""What is given at control frames, at every sample: `training.models.control`, in the graph."""

from __future__ import annotations

import numpy as np

from training.exports.onnx.graph import Graph
from training.models.control import CONTROL_INTERVAL


class Schedule:
    """``dry`` is the value, (1, samples), whose control frames they are.

    What is given has one frame, if the knobs are still, or samples / 48 + 1.
    """

    def __init__(self, graph: Graph, dry: str) -> None:
        self._graph = graph
        intervals = graph.op(
            "Div", graph.op("Shape", dry, start=1), graph.constant([CONTROL_INTERVAL])
        )
        self._frames = graph.op("Add", intervals, graph.constant([1]))
        self._fractions = graph.constant(np.arange(CONTROL_INTERVAL) / CONTROL_INTERVAL)

    def ends(self, values: str, rank: int) -> tuple[str, str]:
        """``values``, (frames, …) of ``rank`` dimensions, before and after each interval."""
        graph = self._graph
        shape = graph.op("Concat", self._frames, graph.constant([1] * (rank - 1)), axis=0)
        every = graph.op("Expand", values, shape)
        return graph.slice(every, 0, 0, -1), graph.slice(every, 0, 1)

    def mix(self, before: str, after: str) -> str:
        """From the one, (…, 1 or 48), to the other, over an interval: (…, 48)."""
        graph = self._graph
        return graph.op(
            "Add", before, graph.op("Mul", graph.op("Sub", after, before), self._fractions)
        )

    def samples(self, values: str, width: int) -> str:
        """``values``, (frames, width), at every sample: (1, width, samples)."""
        graph, last = self._graph, self._graph.constant([2])
        ends = [
            graph.op("Unsqueeze", graph.op("Transpose", end, perm=[1, 0]), last)
            for end in self.ends(values, rank=2)
        ]
        return graph.reshape(self.mix(*ends), 1, width, -1)

    def blocks(self, audio: str, width: int) -> str:
        """``audio``, (1, width, samples), cut at the frames: (intervals, width, 48)."""
        cut = self._graph.reshape(audio, width, -1, CONTROL_INTERVAL)
        return self._graph.op("Transpose", cut, perm=[1, 0, 2])

    def joined(self, blocks: str, width: int) -> str:
        """The inverse of :meth:`blocks`."""
        return self._graph.reshape(
            self._graph.op("Transpose", blocks, perm=[1, 0, 2]), 1, width, -1
        )

"""Panel positions as a net is given them: `rigs.knobs.KnobTable.to_inputs`, in the graph."""

from __future__ import annotations

import numpy as np

from rigs.knobs import KnobTable
from training.exports.onnx.graph import Graph


def encode(graph: Graph, table: KnobTable, positions: str) -> str:
    """``positions``: (frames, knobs). Gives (frames, inputs).

    A position beyond the end of a knob's travel is taken as that end.
    """
    low, high = graph.constant(table.minimum), graph.constant(table.maximum)
    within = graph.op("Min", graph.op("Max", positions, low), high)
    knob_of, factors, offsets, is_detent = [], [], [], []
    for index, knob in enumerate(table):
        if knob.detents:
            for detent in range(len(knob.detents)):
                knob_of.append(index)
                factors.append(1.0)
                offsets.append(-float(detent))
                is_detent.append(True)
        else:
            knob_of.append(index)
            factors.append(2 / (knob.maximum - knob.minimum))
            offsets.append(-2 * knob.minimum / (knob.maximum - knob.minimum) - 1)
            is_detent.append(False)
    picked = graph.op("Gather", within, graph.constant(knob_of), axis=1)
    factor, offset = graph.constant(np.array(factors)), graph.constant(np.array(offsets))
    inputs = graph.op("Add", graph.op("Mul", picked, factor), offset)
    if not any(is_detent):
        return inputs
    one = graph.constant(np.ones(1))
    hats = graph.op("Relu", graph.op("Sub", one, graph.op("Abs", inputs)))
    # 1 in the columns of switches: a choice without a boolean tensor.
    switches = graph.constant(np.array(is_detent, np.float32))
    knobs = graph.op("Mul", inputs, graph.op("Sub", one, switches))
    return graph.op("Add", knobs, graph.op("Mul", hats, switches))

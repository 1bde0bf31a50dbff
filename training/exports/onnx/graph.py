"""Writing an ONNX graph down, operator by operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

OPSET = 21
IR_VERSION = 10
"""What onnxruntime 1.18 and later read. Opset 21 is the first with quantisation to 16 bits."""

Shape = Sequence[int | str]


def _floats(names: Sequence[str], shapes: Sequence[Shape]) -> list[tuple[str, int, Shape]]:
    return [(name, TensorProto.FLOAT, shape) for name, shape in zip(names, shapes, strict=True)]


class Graph:
    """Collects nodes and constants. Values are known by their names, which are strings."""

    def __init__(self, names: Counter[str] | None = None) -> None:
        """``names``: those that are taken, of a graph that this one is within."""
        self._nodes: list[NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], TensorProto] = {}
        self._names: Counter[str] = Counter() if names is None else names

    def _fresh(self, kind: str) -> str:
        self._names[kind] += 1
        return f"{kind}_{self._names[kind]}"

    def constant(self, values: NDArray[Any] | Sequence[int]) -> str:
        """A float32 or int64 tensor; the same values are one constant."""
        array = np.asarray(values)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(array, self._fresh("constant"))
        return str(self._constants[key].name)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """One operator of one output."""
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """One operator of several outputs."""
        node = self._fresh(kind)
        names = [node if outputs == 1 else f"{node}_{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, name=node, **attributes))
        return names

    def give(self, value: str, name: str) -> None:
        """Make ``value`` the graph's output ``name``."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))

    def slice(self, value: str, axis: int, start: int, end: int | None = None) -> str:
        """``value[start:end]`` along ``axis``."""
        stop = np.iinfo(np.int64).max if end is None else end
        bounds = [self.constant([bound]) for bound in (start, stop, axis)]
        return self.op("Slice", value, *bounds)

    def reshape(self, value: str, *shape: int) -> str:
        """0 keeps a dimension, −1 takes what is left."""
        return self.op("Reshape", value, self.constant(shape))

    def split(self, value: str, sizes: Sequence[int], axis: int) -> list[str]:
        return self.ops("Split", len(sizes), value, self.constant(sizes), axis=axis)

    def scan(
        self,
        states: Sequence[str],
        sequences: Sequence[str],
        shapes: Sequence[Shape],
        step: Callable[[Graph, list[str]], list[str]],
    ) -> list[str]:
        """``step`` by step through the first dimension of ``sequences``.

        A step is given the states and its slices, of these ``shapes``, and returns the next states
        and what is to be collected, which is of the first state's shape. Gives the last states,
        and what was collected. A step may use values of this graph.
        """
        body = Graph(self._names)
        given = [self._fresh("step") for _ in shapes]
        made = step(body, given)
        kinds = [*shapes[: len(states)], shapes[0]]
        graph = helper.make_graph(
            body._nodes,
            self._fresh("body"),
            [helper.make_tensor_value_info(*one) for one in _floats(given, shapes)],
            [helper.make_tensor_value_info(*one) for one in _floats(made, kinds)],
            list(body._constants.values()),
        )
        return self.ops(
            "Scan", len(made), *states, *sequences, body=graph, num_scan_inputs=len(sequences)
        )

    def model(
        self, inputs: dict[str, Shape], outputs: dict[str, Shape], metadata: dict[str, str]
    ) -> ModelProto:
        """The whole, checked by ONNX's own checker; all inputs and outputs are float32."""

        def described(shapes: dict[str, Shape]) -> list[Any]:
            floats = _floats(list(shapes), list(shapes.values()))
            return [helper.make_tensor_value_info(*one) for one in floats]

        graph = helper.make_graph(
            self._nodes,
            "ampsweep",
            described(inputs),
            described(outputs),
            list(self._constants.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="ampsweep",
        )
        helper.set_model_props(model, metadata)
        checker.check_model(model, full_check=True)
        return model

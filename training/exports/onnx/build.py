"""A model as an ONNX model in memory: float32, with what it says of itself."""

from __future__ import annotations

import json
from types import ModuleType

from onnx import ModelProto

from rigs.errors import UserError
from training.checkpoint import Model
from training.exports.onnx import recurrent, wavenet
from training.exports.onnx.graph import OPSET, Graph
from training.exports.onnx.knobs import encode
from training.models.control import CONTROL_INTERVAL
from training.models.net import Net
from training.models.recurrent import ConditionedRecurrent
from training.models.wavenet import ConditionedWaveNet

KINDS: dict[type[Net], ModuleType] = {
    ConditionedWaveNet: wavenet,
    ConditionedRecurrent: recurrent,
}
"""Each module has `build`, `size`, how many numbers a stream remembers, and `prime`, how many
samples of silence it begins with."""

STREAM = (
    f"Begin with a state of zeros and play prime_samples of silence at the first block's knobs; "
    f"then give each block the next_state of the one before. A block has a multiple of "
    f"{CONTROL_INTERVAL} samples; knobs are panel positions (of a switch, the index of its "
    f"detent): one row if they are still, else one at every {CONTROL_INTERVAL}th sample from the "
    f"first, and one at the end, which is the next block's first."
)


def build(model: Model, said: dict[str, str]) -> ModelProto:
    """``said`` goes into the metadata beside what the model itself knows.

    Raises UserError for a kind of net that has no graph yet.
    """
    net = model.net
    kind = KINDS.get(type(net))
    if kind is None:
        raise UserError(
            f"A model of kind {model.kind} cannot be exported to ONNX; train one of kind wavenet, "
            "gru or lstm."
        )
    graph = Graph()
    wet, state = kind.build(graph, net, encode(graph, model.knobs, "knobs"))
    graph.give(wet, "wet")
    graph.give(state, "next_state")
    size = kind.size(net)
    return graph.model(
        {"dry": (1, "samples"), "state": (size,), "knobs": ("frames", len(model.knobs))},
        {"wet": (1, "samples"), "next_state": (size,)},
        {**facts(model), "prime_samples": str(kind.prime(net)), **said},
    )


def facts(model: Model) -> dict[str, str]:
    """What stands in `metadata_props`."""
    known = {
        "name": model.name,
        "device": model.device,
        "sample_rate": str(model.sample_rate),
        "knobs": json.dumps(model.knobs.to_json(), ensure_ascii=False),
        "input_level_dbu": model.input_level_dbu,
        "output_level_dbu": model.output_level_dbu,
        "control_interval": str(CONTROL_INTERVAL),
        "opset": str(OPSET),
        "stream": STREAM,
    }
    return {key: str(value) for key, value in known.items() if value is not None}

"""A `.nam` file of others as a starting point: its weights in a net whose knobs do nothing yet.

What Neural Amp Modeler calls a standard, lite, feather or nano WaveNet (A1), and an A2, is a
WaveNet here too, and its LSTM of one layer is an LSTM. With its conditioning at identity the net
plays what the file plays, at every setting, and training goes on from there. One thing differs:
NAM's players have an approximation in the place of tanh (`rigs/nam/activations.py`), nets in
training have tanh. An LSTM remembers the difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor, nn

from rigs.audio import SAMPLE_RATE
from rigs.config import explain
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.nam.fields import Fields
from rigs.nam.files import read_nam
from rigs.nam.lstm import Lstm, read_lstm
from rigs.nam.wavenet import LayerArray, WaveNet
from rigs.nam.wavenet_file import read_wavenet
from rigs.nam.weights import Weights
from training.checkpoint import Model
from training.models import MODELS
from training.models.conditioning.concat import Concat
from training.models.recurrent import ConditionedRecurrent
from training.models.wavenet import ConditionedWaveNet

NO_KNOBS = KnobTable((Knob("(a static capture)"),))
"""A table has a knob at least; no device has this one."""


@dataclass(frozen=True)
class Start:
    """A net to begin with, as a checkpoint names its kind and sizes."""

    kind: str
    config: dict[str, Any]
    net: ConditionedWaveNet | ConditionedRecurrent


def model_from_nam(path: Path) -> Model:
    """A `.nam` file as a model that training can start from, of a device without known knobs.

    Raises UserError as :func:`net_from_nam` does.
    """
    start = net_from_nam(path, NO_KNOBS.inputs)
    return Model(path.name, path.stem, NO_KNOBS, SAMPLE_RATE, start.kind, start.net, training={})


def net_from_nam(path: Path, inputs: int, network: Mapping[str, Any] | None = None) -> Start:
    """The net of a `.nam` file, for knobs of so many encoded ``inputs``.

    ``network`` may say how knobs reach it, and of an LSTM how it is trained. Raises UserError if
    the file cannot be read, or holds a net of another structure than can be trained here.
    """
    file = read_nam(path)
    if file.architecture not in ("WaveNet", "LSTM"):
        raise file.config.wrong(
            f"its architecture is {file.architecture[:40]}, and only a WaveNet or an LSTM can be "
            "trained on; give another file"
        )
    weights = Weights(file.weights, file.config)
    found: WaveNet | Lstm
    if file.architecture == "WaveNet":
        found = read_wavenet(file.config, weights)
        sizes = _sizes(found, file.config)
    else:
        found = read_lstm(file.config, weights)
        sizes = _lstm_sizes(found, file.config)
    weights.done()
    kind = file.architecture.lower()
    config_class, net_class = MODELS[kind]
    try:
        config = config_class.model_validate({**(network or {}), **sizes})
    except ValidationError as error:
        raise file.config.wrong(
            f"this net cannot be trained on here ({explain(error)}); give another"
        ) from None
    net = cast(ConditionedWaveNet | ConditionedRecurrent, net_class(config, inputs))
    with torch.no_grad():
        _set_identity(net)
        if isinstance(net, ConditionedWaveNet):
            _copy(cast(WaveNet, found), net)
        else:
            _copy_lstm(cast(Lstm, found), net)
    return Start(kind, config.model_dump(mode="json"), net.eval())


def _lstm_sizes(net: Lstm, config: Fields) -> dict[str, Any]:
    if len(net.cells) > 1:
        raise _unfit(config, f"{len(net.cells)} layers of LSTM, not one,")
    return {"units": len(net.head)}


def _sizes(net: WaveNet, config: Fields) -> dict[str, Any]:
    described = config.each("layers", len(net.arrays))
    rows = zip(net.arrays, described, strict=True)
    *inner, last = [_array(array, fields) for array, fields in rows]
    if net.tail:
        raise _unfit(config, "a further head")
    for array, fields in zip(net.arrays[:-1], described, strict=False):
        if array.head.lag or array.head.bias.any():
            raise _unfit(fields, "a head of several taps or with a bias before the last array")
    return {"arrays": [*inner, last], "head_kernel": int(net.arrays[-1].head.weight.shape[2])}


def _array(array: LayerArray, fields: Fields) -> dict[str, Any]:
    channels = len(array.entry)
    for layer in array.layers:
        if layer.gate.second is not None:
            raise _unfit(fields, "gates")
        if layer.skip is not None or layer.residual is None:
            raise _unfit(fields, "a head1x1, or no layer1x1")
        if len(layer.conv.weight) != channels:
            raise _unfit(fields, "a bottleneck")
    return {
        "channels": channels,
        "kernel_sizes": [int(layer.conv.weight.shape[2]) for layer in array.layers],
        "dilations": [layer.conv.dilation for layer in array.layers],
        **_activation(fields),
    }


def _activation(fields: Fields) -> dict[str, Any]:
    """What all layers of an array have; the file has been read, so it says what is allowed."""
    given = fields.values.get("activation")
    said = [
        {"type": value} if isinstance(value, str) else cast(dict[str, Any], value)
        for value in (given if isinstance(given, list) else [given])
    ]
    if any(one != said[0] for one in said):
        raise _unfit(fields, "a different activation in each layer")
    if said[0]["type"] in ("Tanh", "Fasttanh"):
        return {"activation": "tanh"}
    if said[0]["type"] == "LeakyReLU":
        slope = Fields(said[0], fields.where).number("negative_slope", 0.01)
        return {"activation": "leaky_relu", "negative_slope": slope}
    raise _unfit(fields, f"the activation {said[0]['type'][:40]}")


def _unfit(fields: Fields, what: str) -> UserError:
    return fields.wrong(f"a net with {what} cannot be trained on here; give another file")


def _set_identity(net: ConditionedWaveNet | ConditionedRecurrent) -> None:
    """Make the knobs do nothing: every scale 1, every shift and every added weight 0."""
    for parameter in cast(nn.Linear, net.control.layers[-1]).parameters():
        parameter.zero_()
    if isinstance(net.conditioning, Concat):
        for parameter in net.conditioning.knobs.parameters():
            parameter.zero_()


def _copy(found: WaveNet, net: ConditionedWaveNet) -> None:
    layers = iter(net.layers)
    for number, array in enumerate(found.arrays):
        entry = net.rechannel if number == 0 else cast(Any, net.joins[number - 1]).rechannel
        _put(entry.weight, array.entry)
        for layer in array.layers:
            ours = cast(Any, next(layers))
            residual = cast(NDArray[np.float64], layer.residual)
            _put(ours.conv.weight, layer.conv.weight)
            _put(ours.conv.bias, layer.conv.bias)
            _put(ours.mixin.weight, cast(NDArray[np.float64], layer.conv.mixin))
            _put(ours.residual.weight, residual[:, :-1])
            _put(ours.residual.bias, residual[:, -1])
        if number < len(net.joins):
            _put(cast(Any, net.joins[number]).head.weight, array.head.weight)
    _put(net.head.weight, found.arrays[-1].head.weight * found.scale)
    _put(cast(Tensor, net.head.bias), found.arrays[-1].head.bias * found.scale)


def _copy_lstm(found: Lstm, net: ConditionedRecurrent) -> None:
    """The reader halves i, f and o, for all of its gates come from one tanh; ours do not."""
    (cell,), n = found.cells, len(found.head)
    whole = np.repeat([2.0, 2.0, 1.0, 2.0], n)
    _put(net.weights[0], np.concatenate([cell.again, cell.into]).T * whole[:, None])
    _put(net.biases[0], cell.bias * whole)
    _put(net.head.weight, found.head.astype(np.float64))
    _put(net.head.bias, np.array([found.bias], np.float64))


def _put(ours: Tensor, theirs: NDArray[np.float64]) -> None:
    ours.copy_(torch.from_numpy(np.ascontiguousarray(theirs)).reshape(ours.shape))

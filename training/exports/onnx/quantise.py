"""Weights of 8 bits, by onnxruntime's static quantisation (QDQ).

Weights are int8 with a scale for each output channel; what goes in and out of a convolution has 16
bits, with a scale found by playing. Eight bits there are too few: a guitar's loud and quiet notes
go through the same convolutions (`docs/exports.md` has what was measured). The head, the control
network and what is mixed between frames stay in floating point.
"""

from __future__ import annotations

import copy
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
from onnx import ModelProto
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from rigs.errors import UserError
from training.exports.onnx.player import Feed
from training.models.conditioning.concat import Concat
from training.models.conditioning.film import Film
from training.models.net import Net
from training.models.recurrent import ConditionedRecurrent


class Played(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)


def check_quantisable(net: Net) -> None:
    """Raises UserError if ``net`` is recurrent, or its weights are made while it plays."""
    if isinstance(net, ConditionedRecurrent):
        raise UserError(
            "A recurrent net hears its own errors again, sample by sample, and has few weights to "
            "save by 8 bits; export it without --int8."
        )
    if not isinstance(getattr(net, "conditioning", None), Film | Concat):
        raise UserError(
            "The weights of this model are mixed while it plays, so they cannot be kept in 8 bits; "
            "export it without --int8."
        )


def quantise(model: ModelProto, feeds: Iterable[Feed]) -> ModelProto:
    """``model`` with 8-bit weights; ``feeds`` are blocks of playing, with their states."""
    convolutions = [node.name for node in model.graph.node if node.op_type == "Conv"]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        target = Path(folder) / "int8.onnx"
        quantize_static(
            copy.deepcopy(model),  # it is left without its weights
            target,
            Played(feeds),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=convolutions[-1:],
            activation_type=QuantType.QInt16,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(target)


@contextmanager
def _quiet() -> Iterator[None]:
    """onnxruntime advises on the root logger; there is nothing that a user could do about it."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)

"""A model as an ONNX file that streams, with its knobs: opset 21, float32 or with int8 weights.

| input | shape | |
|---|---|---|
| `dry` | (1, samples) | a block, a multiple of 48 samples long |
| `state` | (size,) | what the block before left; zeros at first |
| `knobs` | (1 or samples / 48 + 1, knobs) | panel positions: still, or at the control frames |

| output | shape | |
|---|---|---|
| `wet` | (1, samples) | |
| `next_state` | (size,) | |
"""

from __future__ import annotations

from pathlib import Path

from rigs.audio import Audio
from training.checkpoint import Model
from training.exports.files import write_export
from training.exports.onnx.build import build
from training.exports.onnx.graph import OPSET
from training.exports.onnx.judge import Deviation, calibration, judge
from training.exports.onnx.player import OnnxPlayer
from training.exports.onnx.quantise import check_quantisable, quantise

__all__ = ["OPSET", "Deviation", "OnnxPlayer", "write_onnx"]


def write_onnx(
    path: Path,
    model: Model,
    *,
    int8: bool = False,
    audio: Audio | None = None,
    said: dict[str, str] | None = None,
) -> Deviation:
    """Write ``model``, with ``said`` in its metadata beside all that it knows itself.

    ``audio`` is what it is judged by and calibrated on; None: made playing. Raises UserError for a
    net that cannot be written so, or a file that cannot be written.
    """
    if int8:
        check_quantisable(model.net)
    numbers = "int8 weights, int16 activations" if int8 else "float32"
    made = build(model, {**(said or {}), "numbers": numbers})
    if int8:
        made = quantise(made, calibration(made, model, audio))
    found = judge(made, model, audio)
    for key, value in (("esr_median", found.median), ("esr_worst", found.worst)):
        made.metadata_props.add(key=key, value=f"{value:.3g}")
    write_export(path, made.SerializeToString())
    return found

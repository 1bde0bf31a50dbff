"""An ONNX export in several number formats: how far from the model itself, and how fast.

    python benchmarks/onnx_numbers.py MODEL

prints, for each format, the ESR against torch over the export's own trials, and how much faster
than real time onnxruntime plays blocks of 48, 480 and 4800 samples, knobs still, on one thread of
this processor. The first two rows are what `ampsweep export onnx` writes.
"""

from __future__ import annotations

import copy
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.quantization import (
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from dataset.signals import playing
from training.checkpoint import load_model
from training.exports.onnx.build import build
from training.exports.onnx.judge import calibration, judge
from training.exports.onnx.player import OnnxPlayer
from training.exports.onnx.quantise import Played, quantise

SECONDS = 4.0
LOUD_TAIL = {"CalibPercentile": 99.99}


def eight_bits(floating, feeds, path, method, **options):
    """Activations of 8 bits as well, on a scale for the whole range or for all but the peaks."""
    quantize_static(
        copy.deepcopy(floating),
        path,
        Played(feeds),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        op_types_to_quantize=["Conv"],
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=method,
        extra_options=options,
    )
    return onnx.load(path)


def dynamic(floating, path):
    """Activations of 8 bits, on a scale that each block finds for itself."""
    quantize_dynamic(copy.deepcopy(floating), path, per_channel=True, op_types_to_quantize=["Conv"])
    return onnx.load(path)


def main() -> None:
    torch.set_num_threads(1)
    model = load_model(Path(sys.argv[1]))
    floating = build(model, {})
    feeds = calibration(floating, model, None)
    dry = playing(SECONDS, np.random.default_rng(3)).astype(np.float32)
    still = model.knobs.to_array(model.knobs.default)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.onnx"
        made = {
            "float32": floating,
            "int8 weights, int16 activations": quantise(floating, feeds),
            "int8, static, whole range": eight_bits(
                floating, feeds, path, CalibrationMethod.MinMax
            ),
            "int8, static, all but peaks": eight_bits(
                floating, feeds, path, CalibrationMethod.Percentile, **LOUD_TAIL
            ),
            "int8, dynamic": dynamic(floating, path),
        }
    for name, one in made.items():
        found, player, speeds = judge(one, model, None), OnnxPlayer(one.SerializeToString()), []
        for block in (48, 480, 4_800):
            start = time.process_time()
            player.play(dry, still, block)
            speeds.append(f"{SECONDS / (time.process_time() - start):.1f}")
        size = len(one.SerializeToString()) / 1024
        print(
            f"{name}: ESR median {found.median:.1e}, worst {found.worst:.1e}; {size:.0f} KiB; "
            f"x real time {', '.join(speeds)}",
            flush=True,
        )


if __name__ == "__main__":
    main()

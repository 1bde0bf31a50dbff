"""The pedal image, version 1: the one binary file that the pedal, LV2 and the web page load.

docs/pedal-image.md describes its bytes. `layout` has them in Python, `write` and `read` use it.
"""

from __future__ import annotations

from training.exports.pedal.image import (
    DenseLayer,
    ModelFacts,
    PedalError,
    PedalImage,
    PedalImageError,
    PedalKnob,
)
from training.exports.pedal.read import load_pedal, read_pedal
from training.exports.pedal.write import to_pedal, write_pedal

__all__ = [
    "DenseLayer",
    "ModelFacts",
    "PedalError",
    "PedalImage",
    "PedalImageError",
    "PedalKnob",
    "load_pedal",
    "read_pedal",
    "to_pedal",
    "write_pedal",
]

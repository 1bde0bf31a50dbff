"""MODEL where a model or its pedal image may be named: the image of either."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.export import facts_of
from training.checkpoint import load_model
from training.exports.pedal import ModelFacts, load_pedal, read_pedal, to_pedal

ModelOrImage = Annotated[
    Path, typer.Argument(metavar="MODEL", help="The model's folder, or a pedal image.")
]


def image_of(path: Path) -> tuple[bytes, ModelFacts]:
    """The pedal image of what is at ``path``, and what it says of itself.

    Raises UserError if there is neither a model nor an image, or the model has no image.
    """
    if path.is_file():
        return path.read_bytes(), load_pedal(path).facts
    loaded = load_model(path)
    image = to_pedal(loaded.net, facts_of(loaded))
    return image, read_pedal(image).facts

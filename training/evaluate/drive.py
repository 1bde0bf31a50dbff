"""Which knob drives: the one whose turning says most about how a device distorts."""

from __future__ import annotations

import re

from rigs.knobs import Knob
from training.checkpoint import Model

_DRIVES = re.compile(r"gain|drive|dist|fuzz|boost", re.IGNORECASE)


def drive_knob(model: Model) -> Knob:
    """The first knob that sounds like drive by its name; else the first."""
    named = [knob for knob in model.knobs if _DRIVES.search(knob.name)]
    return (named or list(model.knobs))[0]

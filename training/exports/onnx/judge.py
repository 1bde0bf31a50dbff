"""An export played beside the model itself: how far they differ, and what goes through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from dataset.stats import QUIET_DBFS
from rigs.audio import Audio, esr, rms_dbfs
from rigs.errors import UserError
from training.checkpoint import Model
from training.exports.onnx.player import Feed, OnnxPlayer
from training.exports.onnx.trials import trials
from training.play import play

CALIBRATION, JUDGEMENT = (16, 1), (8, 2)
"""How many still settings, and the seed."""


@dataclass(frozen=True)
class Deviation:
    """ESR of a file's sound against torch's, over so many trials that sound at all."""

    median: float
    worst: float
    trials: int


def judge(made: ModelProto, model: Model, audio: Audio | None) -> Deviation:
    """``audio`` is what is played; None: made playing.

    Raises UserError if the model is silent in all trials.
    """
    player, found = OnnxPlayer(made.SerializeToString()), list[float]()
    for dry, positions in trials(model.knobs, audio, *JUDGEMENT):
        wet = play(model.net, dry, model.knobs.to_inputs(positions))
        if rms_dbfs(wet) > QUIET_DBFS:
            found.append(esr(wet, player.play(dry, positions)))
    if not found:
        raise UserError(
            f"{model.name} is silent at all of {JUDGEMENT[0]} settings, so the file cannot be "
            "judged; train it again, or give --audio that it sounds with."
        )
    return Deviation(float(np.median(found)), max(found), len(found))


def calibration(made: ModelProto, model: Model, audio: Audio | None) -> list[Feed]:
    """Blocks of playing at settings that none of the trials has."""
    player, feeds = OnnxPlayer(made.SerializeToString()), list[Feed]()
    for dry, positions in trials(model.knobs, audio, *CALIBRATION):
        player.play(dry, positions, listen=feeds.append)
    return feeds

"""Models, as a checkpoint holds them, of random nets."""

from __future__ import annotations

from rigs.knobs import Knob, KnobTable
from tests.training.random_nets import random_net
from training.checkpoint import Model
from training.models import WaveNetConfig

PANEL = KnobTable(
    (
        Knob("Gain"),
        Knob("High Cut", 200.0, 20_000.0, 5_000.0, unit="Hz"),
        Knob("Bright", 0.0, 2.0, 1.0, detents=("off", "+3 dB", "on/full")),
    )
)
"""Knobs whose names and positions are hard to put into a file's name."""

TINY = WaveNetConfig.model_validate(
    {"channels": 3, "kernel_sizes": [3, 1, 4], "dilations": [1, 1, 7], "hidden": 4}
)


def random_model(config: WaveNetConfig = TINY, panel: KnobTable = PANEL) -> Model:
    return Model(
        name="demo",
        device="my amp",
        knobs=panel,
        sample_rate=48_000,
        kind="wavenet",
        net=random_net(config, panel.inputs),
        training={},
        input_level_dbu=12.5,
    )

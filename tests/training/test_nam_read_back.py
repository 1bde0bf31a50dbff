"""A snapshot that we write is read and played by our own reader, too."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
import torch

from rigs import nam
from rigs.nam.activations import PLAIN
from tests.training.random_nets import A1, A2, SMALL, TEN_LAYERS, plucked, random_net
from training.exports.nam import snapshot_metadata, write_nam
from training.play import play


@pytest.mark.parametrize(
    "config", [A1, A2, SMALL, TEN_LAYERS], ids=["A1", "A2", "small", "ten layers"]
)
def test_the_same_sound(config, tmp_path, monkeypatch):
    # What NAM's players have in the place of tanh differs from it by up to 0.0005.
    monkeypatch.setitem(PLAIN, "Tanh", lambda x: np.tanh(x, out=x))
    knobs = np.array([-0.5, 0.8], np.float32)
    net, dry = random_net(config, 2), plucked(24_000)
    said = snapshot_metadata(
        name="Crunch",
        device="amp",
        model="demo",
        setting={"Gain": 7.0},
        date=datetime(2026, 7, 1),
        output_level_dbu=4.0,
    )
    path = tmp_path / "snapshot.nam"
    write_nam(path, net.fold(torch.from_numpy(knobs), 48_000), said)
    capture = nam.load(path)
    assert capture.metadata == said
    assert (capture.input_level_dbu, capture.output_level_dbu) == (None, 4.0)
    wet = play(net, dry, knobs)
    assert np.ptp(wet) > 0.02
    assert np.abs(capture.play(dry) - wet).max() < 1e-5

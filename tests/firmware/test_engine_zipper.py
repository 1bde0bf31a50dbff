"""A pot turned from end to end leaves no zipper.

Beside it stands the same net whose control network is evaluated at every sample: its image says so.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.firmware.engine_budget import FACTS, NETS, PANEL
from tests.training.pedal_image import at, put
from tests.training.random_nets import random_net
from training.exports.pedal import to_pedal
from training.exports.pedal.layout import Section
from training.native.engine import NativeEngine

RATE, TURN, REST = 48_000, 9_600, 2_400
MOST_DBFS = -70


def turned(samples: NDArray[np.float64], knob: int) -> NDArray[np.float64]:
    """Panel positions at these samples: half a cosine in 200 ms, as a hand turns it."""
    way = 0.5 - 0.5 * np.cos(np.pi * np.clip((samples - REST) / TURN, 0, 1))
    positions = np.full((len(samples), len(PANEL)), 5.0)
    positions[:, knob] = 10 * way
    return positions


@pytest.mark.parametrize("knob", [0, 5])
def test_no_zipper(knob):
    image = to_pedal(random_net(NETS["pedal"], len(PANEL)), FACTS)
    every_sample = NativeEngine(put(at(Section.MODEL, image) + 20, 1, image))
    assert every_sample.interval == 1
    frames = 300
    dry = 0.25 * np.sin(2 * np.pi * 220 * np.arange(48 * frames) / RATE).astype(np.float32)
    ideal = every_sample.render(dry, turned(np.arange(len(dry) + 1.0), knob))
    wet = NativeEngine(image).render(dry, turned(48.0 * np.arange(frames + 1), knob))
    peak = np.abs(wet - ideal).max()
    assert 0 < peak < 10 ** (MOST_DBFS / 20)
    # Without a ramp, knobs that jump at every frame are heard.
    jumping = np.repeat(turned(48.0 * np.arange(frames + 1), knob), 48, axis=0)[: len(dry) + 1]
    assert np.abs(every_sample.render(dry, jumping) - ideal).max() > 10 * peak

"""A model that has learnt an amp: the engine plays what torch plays, here and on the M7."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from rigs.audio import esr
from rigs.virtual import KNOBS, VirtualAmp
from tests.firmware.emulator import play_on_m7
from tests.training.random_nets import plucked
from training.exports.pedal import ModelFacts, to_pedal
from training.models import ConditionedWaveNet, WaveNetConfig
from training.models.control import frames_for, lead_for
from training.native.engine import NativeEngine
from training.optimizer import build
from training.options import TrainOptions
from training.play import play
from training.step import Batch, Stepper

STEPS, BATCH, WINDOW = 80, 4, 960
SAMPLES = 48 * 100
SETTINGS = np.random.default_rng(3).uniform(1, 9, (6, len(KNOBS))).astype(np.float32)
DRY = plucked(24_000)[4_800:]
CASES = ("leaky_relu", "tanh")


@functools.cache
def wets() -> tuple[np.ndarray, ...]:
    return tuple(VirtualAmp().render(DRY, setting).astype(np.float32) for setting in SETTINGS)


@functools.cache
def trained(activation: str) -> ConditionedWaveNet:
    torch.manual_seed(5)
    config = WaveNetConfig.model_validate(
        {
            **{"channels": 4, "kernel_sizes": (3,) * 6, "dilations": (1, 2, 4, 8, 16, 32)},
            **{"activation": activation, "hidden": 16},
        }
    )
    net, rng = ConditionedWaveNet(config, len(KNOBS)), np.random.default_rng(6)
    options = TrainOptions(optimizer="adam", learning_rate=0.01, steps=STEPS)
    step, lead = Stepper(net, build(net, options), options), lead_for(net.receptive_field)
    for number in range(STEPS):
        dry, wet, knobs = [], [], []
        for _ in range(BATCH):
            which, start = rng.integers(len(SETTINGS)), rng.integers(lead, len(DRY) - WINDOW)
            dry.append(DRY[start - lead : start + WINDOW])
            wet.append(wets()[which][start : start + WINDOW])
            knobs.append(KNOBS.to_inputs(SETTINGS[which])[None])
        parts = (torch.from_numpy(np.stack(each).astype(np.float32)) for each in (dry, knobs, wet))
        step(Batch(*parts, lead - net.receptive_field + 1), number / STEPS)
    return net.eval()


def positions(how: str) -> np.ndarray:
    """Panel positions: a setting; a way through all; one knob end to end."""
    if how == "still":
        return SETTINGS[0]
    at = np.linspace(0, len(SETTINGS) - 1, frames_for(SAMPLES))
    way = np.stack([np.interp(at, range(len(SETTINGS)), each) for each in SETTINGS.T], 1)
    if how == "sweep":
        way[:, 1:] = SETTINGS[0, 1:]
        way[:, 0] = np.linspace(0, 10, len(way))
    return way.astype(np.float32)


@pytest.mark.parametrize("activation", CASES)
def test_it_has_learnt(activation: str) -> None:
    """Silence would have an ESR of 1."""
    net = trained(activation)
    played = [play(net, DRY, KNOBS.to_inputs(setting)) for setting in SETTINGS]
    assert esr(np.concatenate(wets()), np.concatenate(played)) < 0.2


@pytest.mark.parametrize("how", ["still", "moving", "sweep"])
@pytest.mark.parametrize("activation", CASES)
def test_golden(activation: str, how: str) -> None:
    net, way, dry = trained(activation), positions(how), DRY[:SAMPLES]
    image = to_pedal(net, ModelFacts("trained", "virtual amp", KNOBS, 48_000))
    theirs = play(net, dry, KNOBS.to_inputs(way))
    assert np.abs(theirs).max() > 0.02
    for wet in (NativeEngine(image).render(dry, way), play_on_m7(image, dry, way).wet):
        assert np.abs(wet - theirs).max() <= 1e-5

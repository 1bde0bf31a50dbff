"""The engine plays what torch plays."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from rigs.audio import esr
from tests.firmware.engine_cases import NETS, moving, still, sweep
from tests.training.pedal_image import FACTS, IMAGE, INPUTS, KNOBS, MODEL, put
from tests.training.random_nets import TEN_LAYERS, noise, plucked, random_net
from training.exports.pedal import to_pedal
from training.models.wavenet import ConditionedWaveNet
from training.native.engine import NativeEngine
from training.play import play

SAMPLES = 9_600 + 31
SEVERAL = ("tanh, 16 and 8 wide", "5, 4 and 7 wide", "bases, 3 and 2 wide")


@functools.cache
def net(name: str) -> ConditionedWaveNet:
    return random_net(NETS[name], INPUTS)


@functools.cache
def engine(name: str) -> NativeEngine:
    return NativeEngine(to_pedal(net(name), FACTS))


@pytest.mark.parametrize("knobs", ["still", "moving", "sweep"])
@pytest.mark.parametrize("name", NETS)
def test_golden(name, knobs):
    positions = {"still": still(), "moving": moving(SAMPLES), "sweep": sweep(SAMPLES)}[knobs]
    dry = noise(SAMPLES)
    ours = engine(name).render(dry, positions)
    theirs = play(net(name), dry, KNOBS.to_inputs(positions))
    assert np.abs(theirs).max() > 0.05, "the net is silent, so the test says little"
    assert np.abs(ours - theirs).max() <= 1e-5 * max(1, np.abs(theirs).max())


def test_a_minute_of_playing_with_knobs_that_move():
    samples = 60 * 48_000
    dry = np.tile(plucked(96_000), samples // 96_000)
    positions = moving(samples)
    ten = random_net(TEN_LAYERS, INPUTS)
    ours = NativeEngine(to_pedal(ten, FACTS)).render(dry, positions)
    assert esr(play(ten, dry, KNOBS.to_inputs(positions)), ours) < 1e-8


@pytest.mark.parametrize("name", ["8 wide", "3 wide", "bases", *SEVERAL])
def test_blocks_of_any_size_sound_the_same(name):
    """Whatever asks for audio, the knobs follow frames that stand every 48 samples."""
    dry, player = noise(4_800), engine(name)
    positions = moving(len(dry))
    whole = player.render(dry, positions)
    rng = np.random.default_rng(5)
    for knob, position in enumerate(positions[0]):
        player.set(knob, position)
    player.restart()
    parts, at = [], 0
    while at < len(dry):
        left = 48 - at % 48
        if left == 48:
            for knob, position in enumerate(positions[at // 48 + 1]):
                player.set(knob, position)
        now = int(rng.integers(1, left + 1))
        parts.append(player.process(dry[at : at + now]))
        at += now
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-5


@pytest.mark.parametrize("name", ["ten layers", *SEVERAL])
def test_silence_stays_what_it_was(name):
    """The state at the start is that which endless silence leaves."""
    wet = engine(name).render(np.zeros(9_600, np.float32), still())
    assert np.abs(wet - wet[0]).max() < 1e-6
    assert abs(wet[0]) > 1e-3, "silence should have an offset here, else the test says little"


def test_another_control_interval():
    """Frames every 17 samples, in one image; the torch side has one every 48 only."""
    fast = NativeEngine(put(MODEL + 20, 17))
    assert fast.interval == 17
    dry = noise(1_700)
    slow = NativeEngine(IMAGE)
    assert np.abs(fast.render(dry, still()) - slow.render(dry, still())).max() < 1e-6
    frames = moving(4_800)[:101]
    wet = fast.render(dry, frames)
    assert np.abs(np.diff(wet)).max() < 4 * np.abs(np.diff(slow.render(dry, frames[:37]))).max()
    assert np.isfinite(wet).all()


def test_knobs_stop_at_their_ends():
    player = NativeEngine(IMAGE)
    assert player.get(0) == KNOBS.default["Gain"]
    for asked, found in ((11, 10), (-1, 0), (3.5, 3.5), (np.nan, 3.5)):
        player.set(0, asked)
        assert player.get(0) == found
    player.set(99, 1)
    assert player.get(99) == 0


def test_two_engines_do_not_meet():
    dry = noise(960)
    one, other = NativeEngine(IMAGE), NativeEngine(IMAGE)
    alone = one.render(dry, still())
    one.restart()
    parts = [
        (one.process(dry[i : i + 48]), other.process(dry[i : i + 48])) for i in range(0, 960, 48)
    ]
    assert np.abs(np.concatenate([a for a, _ in parts]) - alone).max() == 0


def test_positions_must_fit():
    with pytest.raises(ValueError, match=r"not \(3, 7\)"):
        NativeEngine(IMAGE).render(noise(90), np.zeros((2, 7)))

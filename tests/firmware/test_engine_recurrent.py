"""GRUs and LSTMs: the engine plays what torch plays, and their images hold them whole."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from tests.firmware.emulator import play_on_m7
from tests.firmware.engine_cases import moving, still, sweep
from tests.firmware.recurrent_cases import CELLS, random_cell
from tests.training.pedal_image import FACTS, INPUTS, KNOBS, at, code_of, put
from tests.training.random_nets import noise, plucked
from training.exports.pedal import PedalError, PedalImageError, read_pedal, to_pedal
from training.exports.pedal.cell import PedalCell
from training.exports.pedal.layout import Section
from training.models.recurrent import ConditionedRecurrent
from training.native.build import use
from training.native.engine import NativeEngine
from training.play import play

SECONDS = 10
LONG = ("GRU-10", "LSTM-16")
"""Those that are played for so long; the others by plain torch, which need not be compiled."""


@functools.cache
def net(name: str) -> ConditionedRecurrent:
    return random_cell(CELLS[name], INPUTS)


@functools.cache
def image(name: str) -> bytes:
    return to_pedal(net(name), FACTS)


@pytest.mark.parametrize("knobs", ["still", "moving", "sweep"])
@pytest.mark.parametrize("name", CELLS)
def test_golden_after_ten_seconds(name, knobs):
    samples = SECONDS * 48_000 if name in LONG else 2_400 + 7
    positions = {"still": still(), "moving": moving(samples), "sweep": sweep(samples)}[knobs]
    dry = np.resize(plucked(96_000), samples)
    ours = NativeEngine(image(name)).render(dry, positions)
    cores = use(None if name in LONG else 0)
    theirs = play(net(name), dry, KNOBS.to_inputs(positions))
    use(cores)
    assert np.ptp(theirs) > 0.1, "the net is silent, so the test says little"
    assert np.abs(ours - theirs).max() <= 1e-4 * max(1, np.abs(theirs).max())


@pytest.mark.parametrize("name", ["GRU-10", "LSTM-16", "GRU-5 of bases"])
def test_golden_on_the_m7(name):
    dry = noise(2_400 + 5)
    for positions in (still(), moving(len(dry))):
        wet = play_on_m7(image(name), dry, positions).wet
        cores = use(None if name in LONG else 0)
        theirs = play(net(name), dry, KNOBS.to_inputs(positions))
        use(cores)
        assert np.abs(wet - theirs).max() <= 1e-4 * max(1, np.abs(theirs).max())


@pytest.mark.parametrize("name", CELLS)
def test_the_image_alone_folds_to_what_torch_folds_to(name):
    found = read_pedal(image(name))
    assert isinstance(found.base, PedalCell)
    for unit in np.random.default_rng(4).uniform(-1, 1, (3, INPUTS)).astype(np.float32):
        ours, theirs = found.fold(unit), net(name).fold(torch.from_numpy(unit), 48_000)
        assert vars(ours).keys() == vars(theirs).keys()
        for part, value in vars(theirs).items():
            mine = getattr(ours, part)
            if isinstance(value, str):
                assert mine == value
            else:
                tolerance = 1e-4 if part == "silent" else 1e-6 * max(1, np.abs(value).max())
                assert np.abs(mine - value).max() <= tolerance, part


AUDIO = at(Section.AUDIO, image("GRU-5 of bases"))
FAULTS = {
    "a kind that is not there": (0, 5, PedalError.KIND),
    "the other kind": (0, 3, PedalError.DIMENSION),
    "another number format": (4, 1, PedalError.KIND),
    "another conditioning": (8, 2, PedalError.KIND),
    "bases that nothing mixes": (8, 0, PedalError.DIMENSION),
    "no units": (12, 0, PedalError.DIMENSION),
    "too many units": (12, 65, PedalError.DIMENSION),
    "other units": (12, 6, PedalError.DIMENSION),
    "other bases": (16, 2, PedalError.DIMENSION),
    "too many bases": (16, 17, PedalError.DIMENSION),
    "an array elsewhere": (20, 0, PedalError.DIMENSION),
    "an array of another count": (24, 7, PedalError.DIMENSION),
    "a weight of NaN": (28, 0x7FC00000, PedalError.NUMBER),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault(fault):
    offset, value, code = FAULTS[fault]
    damaged = put(AUDIO + offset, value, image("GRU-5 of bases"))
    assert code_of(damaged) is code
    with pytest.raises(PedalImageError) as caught:
        NativeEngine(damaged)
    assert caught.value.code is code

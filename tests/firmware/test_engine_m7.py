"""The engine on an emulated Cortex-M7: what it plays, what it takes, what it needs."""

from __future__ import annotations

import json
import re
import subprocess

import numpy as np
import pytest

from tests.firmware.emulator import made, play_on_m7
from tests.firmware.engine_budget import KEPT, NAMES, PANEL, TOO_LARGE, count, image_of
from tests.firmware.engine_cases import NETS as WIDTHS
from tests.firmware.engine_cases import moving, still, sweep
from tests.training.pedal_image import FACTS, INPUTS, KNOBS
from tests.training.random_nets import noise, random_net
from training.exports.pedal import to_pedal
from training.play import play

SAMPLES = 48 * 50 + 7
KIB = 1024
ITCM, DTCM, AXI = 64 * KIB, 128 * KIB, 512 * KIB
MOST = {
    **{"pedal-small": 1_500, "pedal": 4_600, "A2-Lite": 4_000, "tanh": 5_500},
    **{"GRU-10": 1_200, "LSTM-16": 3_200},
}
"""Instructions a sample: of pedal, knobs moving or not; of the others, knobs still."""


PLAYED = (
    *("2 wide", "3 wide", "4 wide", "5 wide", "16 wide", "bases", "ten layers", "A2-Lite"),
    *("tanh, 3 wide", "tanh, 5 wide", "tanh, ten layers", "tanh, bases"),
    *("3 and 2 wide", "tanh, 16 and 8 wide", "5, 4 and 7 wide", "2, 8, 3 and 12 wide"),
    *("bases, 3 and 2 wide", "tanh, bases, 16 and 8 wide", "nam-standard"),
)


@pytest.mark.parametrize("knobs", ["still", "moving", "sweep"])
@pytest.mark.parametrize("name", PLAYED)
def test_golden(name, knobs):
    net = random_net(WIDTHS[name], INPUTS)
    positions = {"still": still(), "moving": moving(SAMPLES), "sweep": sweep(SAMPLES)}[knobs]
    dry = noise(SAMPLES)
    wet = play_on_m7(to_pedal(net, FACTS), dry, positions).wet
    theirs = play(net, dry, KNOBS.to_inputs(positions))
    assert np.abs(theirs).max() > 0.05, "the net is silent, so the test says little"
    assert np.abs(wet - theirs).max() <= 1e-5 * max(1, np.abs(theirs).max())


@pytest.mark.parametrize("name", NAMES)
def test_instructions(name):
    found, kept = count(name), json.loads(KEPT.read_text())[name]
    grown = {each: found[each] / kept[each] for each in kept if found[each] > 1.02 * kept[each]}
    assert not grown, "if that has to be: python -m tests.firmware.engine_budget --write"
    if name == TOO_LARGE:
        return
    assert found["still"] <= MOST[name]
    if name == "pedal":
        assert max(found.values()) <= MOST[name]


@pytest.mark.parametrize("name", [name for name in NAMES if name != TOO_LARGE])
def test_memory(name):
    played = play_on_m7(image_of(name), noise(480), np.full(len(PANEL), 5.0))
    assert played.fast <= DTCM, "what every sample touches fits tightly coupled memory"
    assert played.arena <= AXI // 2
    assert played.stack <= 2 * KIB


def symbols(*arguments: str) -> str:
    command = ["arm-none-eabi-nm", *arguments, str(made("engine.o"))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_needs_nothing_but_to_move_memory():
    """No heap, no libm, no exceptions, no doubles, whose arithmetic would be library calls here."""
    needed = {line.split()[-1] for line in symbols("-u").splitlines()}
    assert needed <= {"memcpy", "memset", "memmove", "memcmp"}


def test_code_fits_and_keeps_nothing_of_its_own():
    text = subprocess.run(
        ["arm-none-eabi-size", str(made("engine.o"))], capture_output=True, text=True, check=True
    ).stdout
    code, data, zeros = map(int, text.splitlines()[1].split()[:3])
    assert code <= AXI // 4
    assert data == zeros == 0
    # What a block of the pedal's net runs through fits the memory that has no waiting.
    hot = r"^\w+ (\w+) \w \S*(?:runILi8E|m7\d+convolve\w*ILi8E)"
    sizes = re.findall(hot, symbols("-S"), re.MULTILINE)
    assert 0 < sum(int(size, 16) for size in sizes) <= ITCM // 4

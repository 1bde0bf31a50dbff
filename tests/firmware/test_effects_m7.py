"""What is around the net, on the processor of the pedal: the same samples, and what they cost."""

from __future__ import annotations

import functools
import json
import subprocess

import numpy as np
import pytest
from scipy.signal import oaconvolve

from tests.firmware.effects_parts import BLOCK, BUILD, make, play, settings, sine
from tests.firmware.effects_whole import (
    BUDGET,
    CABINET,
    DEADLINE,
    FROM_MODEL,
    NET,
    PANEL,
    TO_MODEL,
    counted,
    turned,
    whole,
)
from tests.training.random_nets import noise
from training.play import play as play_net

counts = functools.cache(counted)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    make("effects", "effects-m7")


NOTE = np.concatenate([np.zeros(960), sine(110, 0.2, 0.5), np.zeros(2400)])
JOBS = {
    "decibels": (np.linspace(-100, 100, 480), []),
    "trim": (NOTE, settings((4800, {"gain": -20}))),
    "gate": (NOTE, settings(threshold=-50)),
    "cabinet": (np.concatenate([CABINET, noise(4800)]), settings(taps=2000)),
    "bypass": (NOTE, settings((4800, {"on": 1}))),
    "meter": (NOTE, []),
    "tuner": (NOTE, []),
    "load": (np.arange(96) * 40000.0, []),
    "chain": (NOTE, settings((4800, {"model": 2}), (7200, {"late": 1}), delay=30, model=1)),
}


@pytest.mark.parametrize("on", ["parts-clang", "parts.elf"])
@pytest.mark.parametrize("part", JOBS)
def test_every_compiler_and_processor_gives_the_same(part: str, on: str) -> None:
    audio, words = JOBS[part]
    here, there = play(part, audio, *words), play(part, audio, *words, on=on)
    assert np.abs(here).max() > 0.1
    # A cent is a small difference of large logarithms.
    tolerance = 1e-5 if part == "tuner" else 2e-6
    assert np.abs(here - there).max() <= tolerance * np.abs(here).max()


def test_the_whole_chain_is_its_parts_one_after_another() -> None:
    dry = noise(200 * BLOCK)
    positions = turned(200)
    wet, _ = whole(dry, positions, restless=False)
    frames = np.concatenate([positions[:1], positions])  # what is set is reached a block later
    given = dry * 10 ** (TO_MODEL / 20)
    amp = play_net(NET, given.astype(np.float32), PANEL.to_inputs(frames))
    wanted = oaconvolve(amp * 10 ** (FROM_MODEL / 20), CABINET)[: len(dry)]
    # It came in softly, and the cabinet has sounded since: all that is heard is linear after that.
    start = 96 + len(CABINET)
    assert np.abs(wanted).max() > 0.01
    assert np.abs(wet - wanted)[start:].max() < 2e-6


@pytest.mark.parametrize("restless", [False, True])
def test_the_whole_chain_sounds_the_same_on_the_m7(restless: bool) -> None:
    dry, positions = noise(60 * BLOCK), turned(60)
    here, _ = whole(dry, positions, restless)
    there, _ = whole(dry, positions, restless, "whole.elf")
    assert np.abs(here).max() > 0.01
    assert np.abs(here - there).max() < 2e-6


def test_no_part_costs_two_percent_more_than_it_did() -> None:
    budget = json.loads(BUDGET.read_text())
    assert counts().keys() == budget.keys()
    grown = {
        f"{part}, {which}": (before, counts()[part][which])
        for part, row in budget.items()
        for which, before in row.items()
        if counts()[part][which] > 1.02 * before + 40  # a tick of the clock that counts
    }
    assert grown == {}, "python -m tests.firmware.effects_whole --write, if it must be so"


def test_the_worst_block_is_within_four_fifths_of_its_deadline() -> None:
    assert counts()["whole, all moving"]["worst"] < 0.8 * DEADLINE


@pytest.mark.parametrize("taps", [512, 1024, 2048])
def test_the_cabinet_has_the_same_work_in_every_block(taps: int) -> None:
    row = counts()[f"cabinet {taps}"]
    assert row["worst"] < 1.01 * row["mean"]


def test_the_transform_is_cheaper_than_direct_convolution() -> None:
    """Four times as many taps for less; were it otherwise, the cabinet should be the direct one."""
    for taps in (128, 512):
        assert counts()[f"cabinet {4 * taps}"]["mean"] < counts()[f"direct {taps}"]["mean"]


def test_nothing_is_needed_from_a_library_and_nothing_is_double() -> None:
    effects = str(BUILD / "effects.o")
    missing = subprocess.run(["arm-none-eabi-nm", "-u", effects], capture_output=True, text=True)
    assert set(missing.stdout.split()) - {"U"} <= {"memcpy", "memset", "memmove"}
    code = subprocess.run(
        ["arm-none-eabi-objdump", "-d", effects], capture_output=True, text=True
    ).stdout
    assert "vfma.f32" in code
    assert ".f64" not in code

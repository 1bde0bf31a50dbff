"""The engine refuses what the Python reader refuses, for the same reason."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.pedal_image import IMAGE, MIXED, SEVERAL, at, sealed
from tests.training.test_pedal_rejects import PLANTED, with_section
from training.exports.pedal import PedalImageError, read_pedal
from training.exports.pedal.layout import OPTIONAL, Section
from training.native.engine import NativeEngine


def found(data: bytes) -> int:
    """The code of the engine's verdict; 0: it plays."""
    try:
        NativeEngine(data)
    except PedalImageError as error:
        return error.code
    return 0


def found_in_python(data: bytes) -> int:
    try:
        read_pedal(data)
    except PedalImageError as error:
        return error.code
    return 0


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_fault(fault):
    data, code = PLANTED[fault]
    assert found(data) == code


def test_sections():
    assert found(with_section(OPTIONAL | 77)) == 0
    assert found(with_section(77)) == found_in_python(with_section(77)) != 0


def test_damage_gives_the_same_verdict():
    """Numbers of the tables overwritten: both readers name the same first fault."""
    rng = np.random.default_rng(6)
    interesting = [0, 1, 2, 3, 7, 65, 257, 1 << 31, (1 << 32) - 4, 0x7FC00000, 0x41200000]
    verdicts = set()
    for _ in range(4_000):
        whole = (IMAGE, MIXED, SEVERAL)[rng.integers(3)]
        data, records = bytearray(whole), at(Section.AUDIO, whole)
        for _ in range(rng.integers(1, 4)):
            tables = rng.random() < 0.6
            place = 4 * int(rng.integers(4, 400)) if tables else records + 4 * int(rng.integers(41))
            value = int(rng.choice(interesting) if rng.random() < 0.7 else rng.integers(1 << 32))
            data[place : place + 4] = value.to_bytes(4, "little")
        damaged = sealed(data)
        verdict = found(damaged)
        assert verdict == found_in_python(damaged)
        verdicts.add(verdict)
    assert verdicts >= {0, 5, 6, 7, 8, 9, 10}

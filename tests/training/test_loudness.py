"""The loudness in a snapshot's metadata is what NAM's own package would write there."""

from __future__ import annotations

import json
from datetime import datetime

import numpy as np
import pytest

from rigs import nam
from rigs.audio import rms_dbfs
from tests.players import nam_python
from tests.rigs.nam_files import DATA
from tests.training.models_at_random import random_model
from training.exports.loudness import loudness, pink_noise
from training.exports.snapshot import Labels, write_snapshot


@pytest.mark.parametrize("gain", [0.0, 10.0])
def test_as_nam_measures_it(gain, tmp_path):
    model, path = random_model(), tmp_path / "x.nam"
    setting = {"Gain": gain, "High Cut": 500.0, "Bright": 0.0}
    write_snapshot(path, model, setting, Labels(), datetime(2026, 7, 1))
    said = json.loads(path.read_text())["metadata"]["loudness"]
    assert said == pytest.approx(nam_python.load(path)._metadata_loudness(), abs=0.5)


@pytest.mark.parametrize("name", ["A2", "BossWN-a2", "BossWN-nano"])
def test_as_files_of_others_say_it(name):
    path = DATA / "nam/examples" / f"{name}.nam"
    if not path.exists():
        pytest.skip(f"test material absent: {path.name}")
    capture = nam.load(path)
    assert loudness(capture.play) == pytest.approx(capture.loudness, abs=0.25)


def test_the_noise_is_a_second_at_its_level():
    noise = pink_noise()
    assert len(noise) == 48_000
    assert rms_dbfs(noise) == pytest.approx(-14.97, abs=0.001)
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = [power[2**i : 2 ** (i + 1)].sum() for i in range(6, 14)]
    assert max(octaves) / min(octaves) < 1.4


def test_silence_has_none():
    assert loudness(np.zeros_like) is None
    assert loudness(lambda dry: dry) == pytest.approx(-14.97, abs=0.001)

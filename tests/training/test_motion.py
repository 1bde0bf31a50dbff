"""Knobs in motion: the model follows them as training means it to, and how that is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from judged_amp import FRAMES, KNOBS, Take, a_model, setting, sweep, write
from toy_nets import Toy, toy_model

from rigs.audio import SAMPLE_RATE, rms_dbfs
from rigs.trajectory import Trajectory
from training.checkpoint import Model
from training.evaluate.motion import (
    MOST_SEEN,
    judge_motion,
    motion_table,
    read,
    second_by_second,
    sweeps,
)
from training.evaluate.zipper import turn
from training.models.control import CONTROL_INTERVAL


@pytest.fixture
def model() -> Model:
    return a_model()


def test_the_model_follows_the_stored_trajectory(model: Model, tmp_path: Path) -> None:
    dataset = write(tmp_path, model, [Take("train", sweep(), 0), Take("train", sweep(seed=8), 1)])
    chosen, seen = sweeps(dataset)
    found = [judge_motion(model, read(chosen, place, seen)) for place in range(len(chosen))]
    # 24 bits stand between.
    assert max(one.measured.esr for one in found) < 1e-9
    assert found[0].moved == ("Gain", "Tone")
    assert found[0].seconds == FRAMES / SAMPLE_RATE
    steps = np.abs(np.diff(sweep().positions, axis=0)) / [10, 4, 1]
    assert found[0].fastest == pytest.approx(1000 * steps.max(), rel=1e-3)
    assert motion_table(found)["playing"].tolist() == ["seen", "seen"]


def test_other_frames_than_the_control_rate_are_followed_too(model: Model, tmp_path: Path) -> None:
    """A trajectory at 100 Hz, linear between: held against the same one at 1000 Hz."""
    coarse = sweep().positions[::10]
    fine = Trajectory(coarse, 100.0).at(np.arange(FRAMES // CONTROL_INTERVAL + 1) / 1000)
    dataset = write(tmp_path / "a", model, [Take("train", Trajectory(fine))])
    one = read(dataset, 0, True)
    slow = type(one)(one.capture_id, one.role, True, Trajectory(coarse, 100.0), one.dry, one.wet)
    assert judge_motion(model, slow).measured.esr < 1e-9
    assert judge_motion(model, slow).fastest == pytest.approx(
        judge_motion(model, one).fastest, rel=0.01
    )


def test_unseen_sweeps_are_judged_alone_if_there_are_some(model: Model, tmp_path: Path) -> None:
    takes = [
        Take("train", sweep(), 0),
        Take("test", sweep(seed=5), 5),
        Take("test", sweep(seed=6), 0.5),  # on playing that training met
        Take("sentinel", sweep(seed=7), 7),
        Take("test", setting(3), 8),
    ]
    chosen, seen = sweeps(write(tmp_path, model, takes))
    assert not seen
    assert [str(name)[-1] for name in chosen.captures["capture_id"]] == ["1"]
    assert chosen.captures["role"].tolist() == ["test"]


def test_seen_sweeps_are_a_sample_of_all(model: Model, tmp_path: Path) -> None:
    takes = [Take("train", sweep(seed=n), n % 12) for n in range(MOST_SEEN + 6)]
    chosen, seen = sweeps(write(tmp_path, model, takes))
    assert seen
    numbers = [int(str(name)[-6:]) for name in chosen.captures["capture_id"]]
    assert len(numbers) == MOST_SEEN == len(set(numbers))
    assert (numbers[0], numbers[-1]) == (0, MOST_SEEN + 5)


def test_no_sweeps(model: Model, tmp_path: Path) -> None:
    chosen, _ = sweeps(
        write(tmp_path, model, [Take("train", setting(3)), Take("test", setting(4))])
    )
    assert len(chosen) == 0
    assert len(motion_table([])) == 0


def test_second_by_second(model: Model, tmp_path: Path) -> None:
    dataset = write(tmp_path, model, [Take("train", sweep(), 0, 0.05)])
    followed = second_by_second(model, read(dataset, 0, True))
    assert followed.starts.tolist() == [0]
    assert followed.ratios[0] == pytest.approx(0.05, rel=0.15)
    assert followed.positions.min() >= 0
    assert followed.positions.max() <= 1
    way = (sweep().positions[:, 0] - 0) / 10
    assert followed.positions[0, 0] == pytest.approx(way[0], abs=1e-6)
    assert followed.positions[-1, 0] == pytest.approx(way[-1], abs=1e-3)


class Volume(Toy):
    """A gain of so many dB from one end of the first knob to the other, as play has it: linear
    between control frames."""

    def __init__(self, decibels: float) -> None:
        super().__init__()
        self.decibels = decibels

    def gain(self, way: torch.Tensor) -> torch.Tensor:
        return 10 ** (self.decibels / 40 * way)

    def forward(self, dry: torch.Tensor, knobs: torch.Tensor) -> torch.Tensor:
        gains = self.gain(knobs[..., 0])
        if gains.shape[1] == 1:
            return dry * gains
        share = torch.arange(CONTROL_INTERVAL) / CONTROL_INTERVAL
        between = torch.lerp(gains[:, :-1, None], gains[:, 1:, None], share)
        return dry * between.flatten(1)


def _volume(decibels: float) -> Model:
    return toy_model(Volume(decibels), "Volume")


def test_zipper_noise_of_a_volume_knob_is_what_theory_says() -> None:
    """Known: y = g(t) u(t), which between frames misses g'' x (48 - x) / 2 of it; of that, the
    part with the frames' rhythm is 48**2 sqrt(1/120 - 1/144) g'' u, in RMS."""
    model = _volume(60.0)
    found = turn(model, model.knobs.knobs[0])
    rate, length = SAMPLE_RATE, round(0.2 * SAMPLE_RATE)
    x = np.arange(length + round(0.05 * rate))
    way = 0.5 - 0.5 * np.cos(np.pi * np.clip(x / length, 0, 1))
    gain = 10 ** (60 / 40 * (2 * way - 1))
    sine = 10 ** (-12 / 20) * np.sin(2 * np.pi * 220 * (x + round(0.05 * rate)) / rate)
    curvature = np.gradient(np.gradient(gain))
    noise = CONTROL_INTERVAL**2 * (1 / 120 - 1 / 144) ** 0.5 * curvature * sine
    assert found.noise_dbfs == pytest.approx(rms_dbfs(noise), abs=0.5)
    assert found.output_dbfs == pytest.approx(rms_dbfs(gain * sine), abs=0.05)


def test_a_knob_that_does_nothing_makes_no_noise() -> None:
    model = _volume(0.0)
    assert turn(model, model.knobs.knobs[0]).noise_dbfs < -200


def test_a_switch_is_turned_too(model: Model) -> None:
    found = turn(model, KNOBS["Bright"])
    assert np.isfinite(found.noise_dbfs)
    assert found.noise_dbfs < found.output_dbfs - 30

"""Aliasing is what does not follow the note, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from judged_amp import a_model
from toy_nets import Toy, toy_model

from rigs.audio import SAMPLE_RATE
from rigs.knobs import Knob, KnobTable
from training.checkpoint import Model
from training.evaluate.aliasing import FREQUENCIES, LEVELS_DBFS, PERIOD, answer, cases
from training.evaluate.drive import drive_knob

DEFAULT = {"Drive": 5.0}


class Power(Toy):
    """y = u**n: of a sine, harmonics up to n and no other."""

    def __init__(self, power: int, offset: float = 0.0) -> None:
        super().__init__()
        self.power, self.offset = power, offset

    def forward(self, dry: torch.Tensor, knobs: torch.Tensor) -> torch.Tensor:
        return dry.double() ** self.power + self.offset


def _model(power: int, offset: float = 0.0) -> Model:
    return toy_model(Power(power, offset), "Drive")


def _answer(power: int, frequency: float, offset: float = 0.0) -> float:
    return answer(_model(power, offset), "x", DEFAULT, frequency, 0.0).ratio_db


def test_harmonics_under_half_the_rate_are_no_aliasing() -> None:
    # Not -inf: dry and wet are float32.
    assert _answer(5, 4000.0) < -110
    assert _answer(5, 4000.0, offset=0.5) < -110, "an offset is no aliasing"


def test_a_harmonic_that_folds_is() -> None:
    """sin^5 is (10 sin - 5 sin 3 + sin 5) / 16: at 5000 Hz and more, the last is beyond 24 kHz."""
    expected = 10 * np.log10(1 / (100 + 25))
    assert _answer(5, 5000.0) == pytest.approx(expected, abs=0.01)


def test_level_and_frequency_are_as_asked() -> None:
    found = answer(_model(1), "x", DEFAULT, 1000.0, -12.0)
    assert found.harmonics_dbfs == pytest.approx(-12 - 3.01, abs=0.01)
    assert abs(found.frequency - 1000) < SAMPLE_RATE / PERIOD
    assert round(found.frequency * PERIOD / SAMPLE_RATE) % 2 == 1


def test_silence_has_no_ratio() -> None:
    found = answer(_model(3), "x", DEFAULT, 1000.0, -36.0)
    assert found.harmonics_dbfs < -100
    assert np.isnan(found.ratio_db)


class Echo(Toy):
    """y(t) = u(t) + u(t - 20000): longer ago than the period that is looked at."""

    def forward(self, dry: torch.Tensor, knobs: torch.Tensor) -> torch.Tensor:
        return dry[:, 20_000:] + dry[:, :-20_000]


def test_the_sine_is_heard_after_the_past_is_over() -> None:
    """Its onset is no aliasing."""
    model = toy_model(Echo(20_001), "Drive")
    assert answer(model, "x", DEFAULT, 1000.0, -12.0).ratio_db < -110


def test_what_is_tried() -> None:
    model = a_model()
    tried = cases(model, drive_knob(model))
    assert len(tried) == 2 * len(FREQUENCIES) * len(LEVELS_DBFS)
    assert {words for words, *_ in tried} == {"every knob at its default", "Gain at 10"}
    assert {setting["Gain"] for _, setting, *_ in tried} == {5.0, 10.0}
    top = KnobTable((Knob("Gain", default=10.0),))
    assert {words for words, *_ in cases(replace(model, knobs=top), top["Gain"])} == {
        "every knob at its default"
    }

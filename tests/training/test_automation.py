"""A file of knobs that move."""

from __future__ import annotations

import numpy as np
import pytest

from rigs.errors import UserError
from tests.training.models_at_random import PANEL
from training.automation import read_automation

OTHERS = {"Gain": 2.0, "High Cut": 500.0, "Bright": 1.0}


def read(tmp_path, text: str, samples: int = 48_000):
    path = tmp_path / "a.csv"
    path.write_text(text)
    return read_automation(path, PANEL, OTHERS, samples)


def test_knobs_move_in_lines_and_switches_jump(tmp_path):
    found = read(tmp_path, "time,gain,Bright\n0.1,0,off\n0.5,8,2\n0.6,6,+3 dB\n")
    assert found.shape == (1001, 3)
    gain, cut, bright = found.T
    assert (cut == 500).all()
    assert gain[[0, 100, 300, 500, 550, 600, 1000]].tolist() == pytest.approx([0, 0, 4, 8, 7, 6, 6])
    assert bright[[0, 499, 500, 599, 600, 1000]].tolist() == [0, 0, 2, 2, 1, 1]


def test_one_line_is_a_setting(tmp_path):
    found = read(tmp_path, "time;High Cut\n3;200\n", samples=100)
    assert found.tolist() == [[2, 200, 1]] * 4


def test_a_knob_may_be_called_time(tmp_path):
    from rigs.knobs import Knob, KnobTable

    path = tmp_path / "a.csv"
    path.write_text("time,Time\n0,1\n1,2\n")
    found = read_automation(path, KnobTable((Knob("Time"),)), {"Time": 5.0}, 48_000)
    assert found[[0, 500, 1000], 0].tolist() == pytest.approx([1, 1.5, 2])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Gain\n1\n", "line 1, column 1: 'Gain' should be 'time'"),
        ("Gain,time\n1,0\n", "line 1, column 2: There is no knob 'time'"),
        ("time\n0\n", "line 1: no knob has a column"),
        ("time,Gain,GAIN\n0,1,1\n", "column 3: Gain has a column already"),
        ("time,Gian\n0,1\n", "no knob 'Gian'.*mean Gain"),
        ("time,Gain\n0,1\n0,2\n", "line 3, column 1: 0 s does not come after 0 s"),
        ("time,Gain\n-1,1\n", "'-1' is no time"),
        ("time,Gain\nnan,1\n", "'nan' is no time"),
        ("time,Gain\n0,11\n", "line 2, column 2: Gain cannot be set to 11"),
        ("time,Bright\n0,0.5\n", "cannot stand at 0.5"),
        ("time,Gain\n0,1,2\n", "cells, but 2 columns; write one cell for each of time, Gain"),
        ("time,Gain\n", "holds no setting"),
        ("", "holds no setting"),
    ],
)
def test_a_file_that_is_wrong(text, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, text)


def test_positions_are_those_of_a_still_setting(tmp_path):
    found = read(tmp_path, "time,Gain\n0,7\n1,7\n")
    assert np.array_equal(found, np.tile([7.0, 500.0, 1.0], (1001, 1)))

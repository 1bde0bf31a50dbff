"""Knobs are what a panel can have, and settings what its knobs can show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable

TABLE = KnobTable(
    (
        Knob("Gain", 0, 10, 5),
        Knob("Level", -20, 20, 0, unit="dB"),
        Knob("Voice", 0, 2, 1, detents=("clean", "crunch", "lead")),
    )
)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": " "}, "has no name"),
        ({"maximum": math.inf}, "not a number"),
        ({"minimum": 10.0}, "from a smaller number to a larger one"),
        ({"default": 11.0}, "outside its range"),
        ({"detents": ("a", "b")}, "range must be 0 to 1"),
        (
            {"maximum": 1.0, "default": 0.5, "detents": ("a", "b")},
            "between two of its detents",
        ),
    ],
)
def test_a_knob_that_no_panel_has(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Knob(**{"name": "Gain", **given})


def test_two_knobs_of_one_name_or_none_at_all() -> None:
    with pytest.raises(UserError, match="the same name"):
        KnobTable((Knob("Gain"), Knob("GAIN")))
    with pytest.raises(UserError, match="no knobs"):
        KnobTable(())


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"Gian": 3}, "no knob 'Gian'.*Did you mean Gain"),
        ({"Gain": 10.5}, "cannot be set to 10.5: it goes from 0 to 10"),
        ({"Gain": math.nan}, "cannot be set to nan"),
        ({"Voice": 0.5}, r"switch with positions 0 \(clean\), 1 \(crunch\), 2 \(lead\)"),
    ],
)
def test_a_setting_that_the_panel_cannot_show(setting: dict[str, float], words: str) -> None:
    with pytest.raises(UserError, match=words):
        TABLE.check(setting)


def test_a_setting_is_completed_whatever_its_case() -> None:
    assert TABLE.check({"gain": 7}) == {"Gain": 7.0, "Level": 0.0, "Voice": 1.0}


def test_units_go_there_and_back_and_switches_fall_into_detents() -> None:
    positions = np.array([[0.0, -20, 0], [10, 20, 2], [2.5, 5, 1]])
    unit = TABLE.to_unit(positions)
    assert unit.tolist() == [[-1, -1, -1], [1, 1, 1], [-0.5, 0.25, 0]]
    assert (TABLE.from_unit(unit) == positions).all()
    assert TABLE.from_unit(np.array([0.1, 0.1, 0.3]))[2] == 1


def test_a_table_survives_json() -> None:
    assert KnobTable.from_json(TABLE.to_json()) == TABLE
    for rows in ([{"nom": "Gain"}], [3], [{"name": "Gain", "detents": 3}]):
        with pytest.raises(UserError, match="cannot be read"):
            KnobTable.from_json(rows)  # type: ignore[arg-type]


def test_what_a_net_is_given_of_a_knob_is_one_value_and_of_a_switch_one_a_detent() -> None:
    assert TABLE.inputs == 2 + 3
    positions = np.array([[0.0, -20, 0], [10, 20, 2], [2.5, 5, 1]])
    inputs = TABLE.to_inputs(positions)
    assert inputs[:, :2].tolist() == [[-1, -1], [1, 1], [-0.5, 0.25]]
    assert inputs[:, 2:].tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert (TABLE.to_inputs(positions[2]) == inputs[2]).all()


def test_a_switch_on_its_way_is_between_two_detents() -> None:
    on_its_way = np.linspace(0, 2, 9)[:, None] * [0, 0, 1]
    inputs = TABLE.to_inputs(on_its_way.reshape(3, 3, 3)).reshape(9, 5)
    assert inputs[1, 2:].tolist() == [0.75, 0.25, 0]
    assert inputs[6, 2:].tolist() == [0, 0.5, 0.5]
    assert (inputs[:, 2:].sum(1) == 1).all()


def test_inputs_follow_the_order_of_the_panel() -> None:
    table = KnobTable((Knob("Voice", 0, 1, 0, detents=("a", "b")), Knob("Gain"), *TABLE.knobs[1:2]))
    assert table.to_inputs(np.array([1.0, 10, -20])).tolist() == [0, 1, 1, -1]

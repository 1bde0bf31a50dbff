"""A VST3 plugin's parameters as knobs.

A VST3 parameter is a number from 0 to 1, and a text for each: what the knob's scale says. The
knobs are read from the texts, so that they have the plugin's own numbers and names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rigs.knobs import Knob
from rigs.plugins.panel import MOST_DETENTS, Control, clean, shortest, unique

HIDDEN = frozenset({"bypass", "program", "current program", "preset"})
"""No part of a panel, whatever the plugin; VST3 has a mark for them, which does not reach us."""
_MIDI = re.compile(r"MIDI CC ?\d+", re.IGNORECASE)
"""JUCE makes up to 2048 parameters of this name, for plugins that know of MIDI."""
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?(\d*)|\.(\d+))(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*$")
_PROBES = 17
_TABLE = 257


class Parameter(Protocol):
    """What we use of pedalboard's parameters."""

    name: str
    label: str
    num_steps: int
    default_raw_value: float
    is_automatable: bool
    is_boolean: bool

    def get_text_for_raw_value(self, raw: float) -> str: ...


def controls_of(parameters: Sequence[Parameter]) -> tuple[Control, ...]:
    """Those parameters that have more than one position, as knobs; their keys are the indices."""
    made = (_control(key, parameter) for key, parameter in enumerate(parameters))
    return unique(control for control in made if control is not None)


def _control(key: int, parameter: Parameter) -> Control | None:
    name = clean(parameter.name, f"Parameter {key + 1}")
    if _MIDI.match(name):
        return None
    # What a host cannot automate is a meter or a matter of set-up more often than a knob.
    hidden = name.casefold() in HIDDEN or not parameter.is_automatable
    default = min(max(float(parameter.default_raw_value), 0.0), 1.0)
    steps = 2 if parameter.is_boolean else int(parameter.num_steps)
    if 2 <= steps <= MOST_DETENTS:
        return _stepped(key, name, parameter, steps, default, hidden)
    return _smooth(key, name, parameter, default, hidden)


def _stepped(
    key: int, name: str, parameter: Parameter, steps: int, default: float, hidden: bool
) -> Control:
    raw, texts = _scale(parameter, steps)
    labels = [clean(text, str(place)) for place, text in enumerate(texts)]
    numbers = _numbers(labels)
    values = tuple(map(float, raw))
    if numbers is not None and steps == 2:
        labels = ["off", "on"]
    elif numbers is not None:
        step = (numbers[-1] - numbers[0]) / (steps - 1)
        even = np.allclose(np.diff(numbers), step, rtol=1e-3, atol=0)
        if step > 0 and even:
            positions = tuple(map(float, numbers))
            start = positions[round(default * (steps - 1))]
            unit = _unit(parameter, labels[0])
            knob = Knob(name, positions[0], positions[-1], start, unit)
            return Control(key, knob, positions, values, float(step), hidden)
    top = float(steps - 1)
    knob = Knob(name, 0.0, top, float(round(default * top)), detents=tuple(labels))
    return Control(key, knob, tuple(map(float, range(steps))), values, hidden=hidden)


def _smooth(
    key: int, name: str, parameter: Parameter, default: float, hidden: bool
) -> Control | None:
    raw, texts = _scale(parameter, _PROBES)
    if len(set(texts)) == 1:
        return None
    numbers = _numbers(texts)
    taper = "linear"
    if numbers is not None:
        straight = numbers[0] + raw * (numbers[-1] - numbers[0])
        coarse = max(abs(numbers[-1] - numbers[0]) * 1e-5, 0.51 * _last_digit(texts))
        if np.abs(numbers - straight).max() <= coarse:
            raw, numbers = raw[[0, -1]], numbers[[0, -1]]
        else:
            taper = "as marked"
            raw, texts = _scale(parameter, _TABLE)
            numbers = _numbers(texts)
    start = _numbers([parameter.get_text_for_raw_value(default)])
    if numbers is None or start is None or not _in_order(numbers):
        # The scale has no numbers, or not in order ("-inf dB"): the knob is its own scale.
        return Control(key, Knob(name, 0.0, 1.0, shortest(default)), hidden=hidden)
    positions, first = np.unique(numbers, return_index=True)
    low, high = float(positions[0]), float(positions[-1])
    at = min(max(float(start[0]), low), high)
    knob = Knob(name, low, high, at, _unit(parameter, texts[0]), taper)
    values = tuple(map(float, raw[first]))
    return Control(key, knob, tuple(map(float, positions)), values, hidden=hidden)


def _scale(parameter: Parameter, count: int) -> tuple[NDArray[np.float64], list[str]]:
    """``count`` points evenly along the knob's travel, and what is written there."""
    raw = np.linspace(0, 1, count)
    return raw, [parameter.get_text_for_raw_value(float(r)) for r in raw]


def _in_order(numbers: NDArray[np.float64]) -> bool:
    way = numbers[-1] - numbers[0]
    return bool(way != 0 and (np.diff(numbers) * way >= 0).all())


def _numbers(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """The numbers that all ``texts`` begin with, all of one unit; None if one does not."""
    found = [_NUMBER.match(text) for text in texts]
    if not all(found) or len({match[4] for match in found if match}) != 1:
        return None
    numbers = np.array([float(match[1]) for match in found if match])
    return numbers if np.isfinite(numbers).all() else None


def _last_digit(texts: Sequence[str]) -> float:
    """What the last digit shown is worth, in the coarsest of ``texts``."""
    found = [_NUMBER.match(text) for text in texts]
    return float(10.0 ** -min(len(match[2] or match[3] or "") for match in found if match))


def _unit(parameter: Parameter, text: str) -> str:
    match = _NUMBER.match(text)
    return clean(parameter.label or "", clean((match[4] or "") if match else "", ""))

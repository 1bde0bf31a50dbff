"""Where a rehearsal takes the knobs: each to its ends and noon, the others at rest."""

from __future__ import annotations

import numpy as np

from rigs.knobs import Knob, Setting
from rigs.rig import Rig


def stations(rig: Rig) -> tuple[Setting, list[tuple[str, str, Setting]]]:
    """Where the rehearsal begins, and for each knob its ends and noon: knob, name, setting."""
    if rig.reach.only:
        return _listed_stations(rig)
    base = {knob.name: _snapped(rig, knob, knob.default) for knob in rig.knobs}
    found = []
    for knob in rig.knobs:
        middle = (knob.minimum + knob.maximum) / 2
        places = [knob.minimum, np.floor(middle) if knob.detents else middle, knob.maximum]
        for place in dict.fromkeys(_snapped(rig, knob, value) for value in places):
            found.append((knob.name, name_of(knob, place), {**base, knob.name: place}))
    return base, found


def _listed_stations(rig: Rig) -> tuple[Setting, list[tuple[str, str, Setting]]]:
    """Of a device that has only some settings: for each knob those at its ends.

    They are the two farthest apart of those that differ in that knob alone, if there are such.
    """
    knobs = rig.knobs
    only = rig.reach.only
    unit = np.array([knobs.to_unit(knobs.to_array(setting)) for setting in only])
    noon = knobs.to_unit(knobs.to_array(knobs.default))
    base = int(np.argmin(np.square(unit - noon).sum(1)))
    found = []
    for column, knob in enumerate(knobs):
        places = unit[:, column]
        alike: dict[bytes, list[int]] = {}
        for row, others in enumerate(np.round(np.delete(unit, column, 1), 6) + 0.0):
            alike.setdefault(others.tobytes(), []).append(row)
        rows = max(alike.values(), key=lambda rows: float(np.ptp(places[rows])))
        if not np.ptp(places[rows]) > 0:
            rows = list(range(len(only)))
        ends = (rows[int(np.argmin(places[rows]))], rows[int(np.argmax(places[rows]))])
        for row in dict.fromkeys(ends):
            found.append((knob.name, name_of(knob, only[row][knob.name]), dict(only[row])))
    return dict(only[base]), found


def name_of(knob: Knob, place: float) -> str:
    """ "Gain at 10", "Bright at on"."""
    label = knob.detents[round(place)] if knob.detents else f"{place:.4g}"
    return f"{knob.name} at {label}"


def _snapped(rig: Rig, knob: Knob, value: float) -> float:
    """``value`` where the rig's ``knob`` can stand."""
    step = rig.reach.steps.get(knob.name, 0.0)
    if step <= 0 or knob.detents:
        return float(value)
    most = np.floor((knob.maximum - knob.minimum) / step + 1e-9)
    return float(knob.minimum + step * min(round((value - knob.minimum) / step), most))

"""How much travel the order of a plan saves, and how long finding it takes.

    python benchmarks/plans.py

Settings are Sobol points on a panel of six knobs from 0 to 10; motors turn them by 300 degrees, at
240 degrees a second and 2000 a second squared, with 2 degrees of backlash. A hand turns them in
whole steps of one.
"""

from __future__ import annotations

import time

from dataset.plans.base import sobol, to_positions
from dataset.plans.order import least_travel, way
from dataset.plans.reach import snap
from rigs.actuators.grbl import GrblOptions
from rigs.actuators.grbl.shafts import Shafts
from rigs.actuators.grbl.travel import ShaftTravel
from rigs.actuators.person import A_KNOB
from rigs.knobs import Knob, KnobTable
from rigs.rig import Reach
from rigs.travel import OneByOne, Travel

KNOBS = KnobTable(tuple(Knob(name) for name in "ABCDEF"))
SIZES = (60, 200, 1000, 5000, 20_000)


def shafts() -> Travel:
    table = {k.name: {"axis": axis, "travel": 300} for k, axis in zip(KNOBS, "XYZABC", strict=True)}
    said = {"port": "none", "homing_current": "fixed", "knobs": table}
    options = GrblOptions.model_validate(said)
    return ShaftTravel(Shafts.of(KNOBS, options), options.speed, options.acceleration)


def main() -> None:
    steps = {"motors": 0.0, "a hand": 1.0}
    rigs: dict[str, Travel] = {"motors": shafts(), "a hand": OneByOne(KNOBS, A_KNOB)}
    print("rig | settings | minutes, as drawn | in order | found in s")
    for name, travel in rigs.items():
        for size in SIZES:
            reach = Reach(steps=dict.fromkeys(KNOBS.names, steps[name]))
            x = snap(KNOBS, reach, to_positions(KNOBS, sobol(len(KNOBS), size, [1])))
            home = KNOBS.to_array(KNOBS.default)
            began = time.perf_counter()
            order = least_travel(travel, x, x, home)
            seconds = time.perf_counter() - began
            drawn, found = (way(travel, y, y, home) / 60 for y in (x, x[order]))
            print(f"{name} | {size} | {drawn:.1f} | {found:.1f} | {seconds:.1f}")


if __name__ == "__main__":
    main()

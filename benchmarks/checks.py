"""How often the checks that look at other captures are wrong, and how often they find a fault.

    python benchmarks/checks.py [SETTINGS [AMP ...]]

Plays four seconds of made guitar at so many random settings (60 unless said) of the virtual amp and
of amps as LV2 plugins, a tenth of all knobs at an end, records them with a converter's noise, and
looks at each in turn as a session does. "False" counts good takes with the flag; "found" how many
of the same takes, upside down or 15 dB louder, get it, once there are enough to compare with.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from dataset.checks import thresholds
from dataset.checks.company import Company
from dataset.signals import make
from rigs.actuators.parameters import Parameters
from rigs.paths.lv2 import Lv2Options, Lv2Path
from rigs.paths.virtual import VirtualAmpPath
from rigs.rig import Options, Rig
from rigs.trajectory import Trajectory

GUITARIX = "http://guitarix.sourceforge.net/plugins/"
PLUGINS = {
    "gx_studiopre": GUITARIX + "gx_studiopre#studiopre",
    "gx_amp": GUITARIX + "gx_amp#GUITARIX",
    "ZamTube": "urn:zamaudio:ZamTube",
}


def paths():
    yield "virtual amp", VirtualAmpPath(Options(), Path())
    for name, uri in PLUGINS.items():
        yield name, Lv2Path(Lv2Options(uri=uri), Path())


def settings(knobs, count):
    rng = np.random.default_rng(1)
    for _ in range(count):
        share = rng.random(len(knobs))
        ends = rng.random(len(knobs))
        share[ends < 0.05], share[ends > 0.95] = 0, 1
        positions = knobs.minimum + share * (knobs.maximum - knobs.minimum)
        for column, knob in enumerate(knobs):
            if knob.detents:
                positions[column] = round(positions[column])
        yield knobs.to_setting(positions)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    rng = np.random.default_rng(0)
    chosen = sys.argv[2:]
    for name, path in paths():
        if chosen and name not in chosen:
            continue
        rig = Rig("bench", "bench", path.knobs, Parameters(Options(), Path()), path)
        company = Company(rig.knobs, thresholds({}))
        flags = {"polarity": 0, "level jump": 0, "bypassed": 0}
        found = {"polarity": 0, "level jump": 0}
        asked = {"polarity": 0, "level jump": 0}
        rig.open()
        for number, setting in enumerate(settings(rig.knobs, count)):
            dry = make("train", 4.0, number).audio
            wet = rig.take(dry, Trajectory.still(rig.knobs, setting))[0].wet
            wet = 0.05 * np.asarray(wet) + 1e-5 * rng.standard_normal(len(dry))
            for flag in company.judge(setting, dry, wet, 0.0):
                flags[flag] = flags.get(flag, 0) + 1
            for fault, spoilt in (("polarity", -wet), ("level jump", 10 ** (15 / 20) * wet)):
                asked[fault] += number >= 12
                said = company.judge(setting, dry, spoilt, 0.0)
                found[fault] += number >= 12 and fault in said
            company.add(setting, dry, wet, 0.0)
        rig.close()
        words = ", ".join(f"{fault} {n} of {asked[fault]}" for fault, n in found.items())
        wrong = ", ".join(f"{fault} {n}" for fault, n in flags.items())
        print(f"{name:<14} of {count}: false: {wrong}; found: {words}", flush=True)


if __name__ == "__main__":
    main()

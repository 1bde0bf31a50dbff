"""How fast plugins are captured, and how much of that time is the plugin's own.

    python benchmarks/plugins.py [MINUTES]

Captures MINUTES of audio (5 unless said) with knobs at rest, and as much with knobs moving,
through two Guitarix amps, and ZamTube in both formats. Of the whole session, from opening the rig
to the last part on disk, "takes" is the share in which audio was played, and "own" the share that
ran inside the plugin's code.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from dataset.planning import PlanRecipe, make_plan
from dataset.session import capture
from rigs.actuators.parameters import Parameters
from rigs.audio import SAMPLE_RATE
from rigs.paths.lv2 import Lv2Options, Lv2Path
from rigs.paths.vst3 import Vst3Options, Vst3Path
from rigs.rig import Options, Rig

GUITARIX = "http://guitarix.sourceforge.net/plugins/"
SECONDS = 5


def paths() -> dict[str, Lv2Path | Vst3Path]:
    here = Path()
    return {
        "gx_studiopre (LV2)": Lv2Path(Lv2Options(uri=GUITARIX + "gx_studiopre#studiopre"), here),
        "gx_amp (LV2)": Lv2Path(Lv2Options(uri=GUITARIX + "gx_amp#GUITARIX"), here),
        "ZamTube (LV2)": Lv2Path(Lv2Options(uri="urn:zamaudio:ZamTube"), here),
        "ZamTube (VST3)": Vst3Path(Vst3Options(file=Path("ZamTube")), here),
    }


def recipe(minutes: float, moving: bool) -> PlanRecipe:
    count = max(1, round(minutes * 60 / SECONDS))
    sweep = {"design": "sweep", "minutes": minutes, "seconds": SECONDS, "interval": 1}
    still = {"design": "sobol", "settings": count, "seconds": SECONDS}
    none = {"settings": 0, "seconds": 1}
    train = [sweep if moving else still]
    return PlanRecipe.model_validate({"train": train, "validation": none, "test": none})


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    for name, path in paths().items():
        assert path.knobs is not None
        rig = Rig("bench", "plugin", path.knobs, Parameters(Options(), Path()), path)
        for moving in (False, True):
            plan, dries = make_plan(
                rig.knobs, rig.device, recipe(minutes, moving), path.reach, rig.fingerprint()
            )
            path.device_seconds = 0.0
            in_takes = 0.0
            play = type(path).play

            def timed(*args, path=path, play=play):
                nonlocal in_takes
                begun = time.perf_counter()
                try:
                    return play(path, *args)
                finally:
                    in_takes += time.perf_counter() - begun

            path.play = timed
            with tempfile.TemporaryDirectory() as folder:
                begun = time.perf_counter()
                capture(rig, plan, dries, Path(folder))
                wall = time.perf_counter() - begun
            audio = sum(entry.frames for entry in plan.entries) / SAMPLE_RATE
            print(
                f"{name:<20}{'moving' if moving else 'at rest':<9}{audio / wall:7.1f} x real time"
                f"{100 * in_takes / wall:8.1f} % takes"
                f"{100 * path.device_seconds / wall:8.1f} % own",
                flush=True,
            )


if __name__ == "__main__":
    main()

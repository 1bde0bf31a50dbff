"""Captures the same plan again and again, and kills each session after a while.

Usage: kill_server.py FOLDER KILLS SEED. Prints, as JSON, for each kill whether a temporary file
lay there. Sessions are forks of one process that has everything imported, so that many fit into a
short test; writing is slowed down, so that kills land in it too.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas  # noqa: F401  (pyarrow imports it late, and each session would wait for it)
from tanh_rig import DEVICE, KNOBS, TanhPath, recipe, tanh_rig

from dataset.planning import make_plan
from dataset.session import capture

PLAN = recipe(
    train={"design": "sobol", "settings": 40, "seconds": 0.1},
    sentinels={"every": 8, "seconds": 0.1},
)


class SlowPath(TanhPath):
    def play(self, *args):
        time.sleep(0.01)
        return super().play(*args)


def main() -> None:
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    rng = np.random.default_rng(int(sys.argv[3]))
    plan, dries = make_plan(KNOBS, DEVICE, PLAN)
    sync = os.fsync
    outcomes = []
    while len(outcomes) < kills:
        child = os.fork()
        if child == 0:
            os.fsync = lambda handle: (time.sleep(0.05), sync(handle))[0]
            rig = tanh_rig()
            object.__setattr__(rig, "path", SlowPath())
            capture(rig, plan, dries, folder)
            os._exit(0)
        time.sleep(rng.uniform(0.05, 0.35))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
        outcomes.append(bool(list(folder.glob("*/.*.tmp"))))
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()

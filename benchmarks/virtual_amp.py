"""How many times faster than real time the virtual amp renders, on one core.

Run as ``python benchmarks/virtual_amp.py [seconds]``; prints the best of three renders.
"""

import os
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

from rigs.virtual import SAMPLE_RATE, VirtualAmp  # noqa: E402

RATE = 1000.0
"""Hz of the moving knobs' trajectory."""


def ratio(dry, positions):
    """Seconds of audio per second of computing, best of three."""
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        VirtualAmp().render(dry, positions, rate=RATE)
        best = min(best, time.perf_counter() - start)
    return len(dry) / SAMPLE_RATE / best


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    rng = np.random.default_rng(0)
    dry = 0.2 * rng.standard_normal(int(seconds * SAMPLE_RATE))
    still = np.full(6, 5.0)
    moving = rng.uniform(0, 10, (int(seconds * RATE), 6))
    print(f"still knobs   {ratio(dry, still):5.1f} x real time")
    print(f"moving knobs  {ratio(dry, moving):5.1f} x real time")


if __name__ == "__main__":
    main()

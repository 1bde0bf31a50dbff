"""How many training steps a second: the compiled kernels beside torch's own operations.

Run: python benchmarks/training_step.py
Both compute the same net, forward and backward, on the same windows with moving knobs, in turn in
one process; torch at whichever thread count suits it best. Prints the median of each and the ratio.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

import torch

from training.models import ConditionedWaveNet, WaveNetConfig
from training.native.build import use
from training.native.wavenet import library

BATCH, WINDOW, KNOBS, ROUNDS = 16, 4096, 6, 15


def seconds(net: ConditionedWaveNet, dry: torch.Tensor, knobs: torch.Tensor) -> float:
    start = time.perf_counter()
    net(dry, knobs).square().mean().backward()
    net.zero_grad()
    return time.perf_counter() - start


def main() -> None:
    config = WaveNetConfig()
    samples = -(-(config.receptive_field + WINDOW) // 48) * 48
    dry, knobs = torch.randn(BATCH, samples), torch.rand(BATCH, samples // 48 + 1, KNOBS)
    net = ConditionedWaveNet(config, KNOBS)
    cores = len(os.sched_getaffinity(0))
    # Of the compiled kernels all cores; torch's own operations beside them are too small for two.
    ways = [("compiled", None, 1)]
    ways += [(f"torch, {n} thread{'s'[: n > 1]}", 0, n) for n in sorted({1, cores})]
    times: dict[str, list[float]] = {}
    for round_ in range(ROUNDS + 1):
        for name, compiled, threads in ways:
            use(compiled)
            torch.set_num_threads(threads)
            if (library() is None) != (compiled == 0):
                sys.exit(f"{name}: it is not that which serves; is there a C++ compiler?")
            taken = seconds(net, dry, knobs)
            if round_:  # the first one warms up
                times.setdefault(name, []).append(taken)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(
            f"{name:18} {1 / median:6.1f} steps/s  {BATCH * WINDOW / median / 1e6:5.2f} M samples/s"
        )
    best = min(value for name, value in medians.items() if name != "compiled")
    print(f"compiled / torch at its best: {best / medians['compiled']:.2f} x ({cores} cores)")


if __name__ == "__main__":
    main()

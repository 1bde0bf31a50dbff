"""How many training steps a second: the compiled kernels beside torch's own operations.

Run: python benchmarks/training_step.py
Both compute the same net, forward and backward, on the same windows with moving knobs, in turn in
one process; torch at whichever thread count suits it best. Prints the median of each and the ratio.
"""

from __future__ import annotations

import os
import statistics
import time

import torch

from training.models import ConditionedWaveNet, WaveNetConfig

BATCH, WINDOW, KNOBS, ROUNDS = 16, 4096, 6, 15


def seconds(net: ConditionedWaveNet, dry: torch.Tensor, knobs: torch.Tensor) -> float:
    start = time.perf_counter()
    net(dry, knobs).square().mean().backward()
    net.zero_grad()
    return time.perf_counter() - start


class Plain(ConditionedWaveNet):
    """The reference path, whatever the machine could compile."""

    def _native_serves(self, dry: torch.Tensor) -> bool:
        return False


def main() -> None:
    config = WaveNetConfig()
    samples = -(-(config.receptive_field + WINDOW) // 48) * 48
    dry, knobs = torch.randn(BATCH, samples), torch.rand(BATCH, samples // 48 + 1, KNOBS)
    ours, plain = ConditionedWaveNet(config, KNOBS), Plain(config, KNOBS)
    cores = len(os.sched_getaffinity(0))
    times: dict[str, list[float]] = {}
    for round_ in range(ROUNDS + 1):
        runs = [("compiled", ours, 1), ("torch, 1 thread", plain, 1)]
        runs += [(f"torch, {cores} threads", plain, cores)] if cores > 1 else []
        for name, net, threads in runs:
            torch.set_num_threads(threads)
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

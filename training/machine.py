"""What trains a net fastest on this machine, found out by a short trial.

A guess would be wrong: two threads can be ten times slower than one on small nets, a GPU slower
than a processor's own vector units. So each way is tried for a few steps on real windows. The
first candidate is what wins nearly everywhere, and another takes its place only if it is clearly
faster: noise must not change from one day to the next what is computed. The choice is kept with
the training, so that it goes on as it began.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import torch

from rigs.errors import UserError
from training.models.net import Net
from training.native.build import cores, use
from training.optimizer import build
from training.options import Kernel, MachineOptions, Precision, TrainOptions
from training.place import ALONE, Place, accelerators
from training.step import Batch, Stepper

CLEARLY = 0.9
"""Another than the first candidate must take less than this share of its time."""
PATIENCE = 0.1
"""Seconds of steps after which a candidate has shown what it can."""
MOST_STEPS = 5
PAYS = 20 * 60
"""Seconds of training from which a minute of torch.compile's work may pay."""
SLOW = 1.0
"""Seconds of a step that is hardly ever slower: what is too short with these is not tried."""
ALIKE = 0.999
"""Cosine between gradients in 16 and 32 bits, at least, for 16 to be valid."""


@dataclass(frozen=True)
class Choice:
    """How a net is trained on a machine."""

    device: str = "cpu"
    kernel: Kernel = "native"
    threads: int = 1
    compile: bool = False
    precision: Precision = "32"

    def as_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    def __str__(self) -> str:
        words = [
            self.device,
            f"{self.kernel} kernels",
            f"{self.threads} thread{'s'[: self.threads > 1]}",
        ]
        words += ["torch.compile"] * self.compile
        words += {"32": [], "bf16": ["bfloat16"], "16": ["float16"]}[self.precision]
        return ", ".join(words)


@contextmanager
def running(choice: Choice) -> Iterator[None]:
    """Within it, torch and the compiled kernels keep to the choice.

    The kernels spread windows over cores themselves; more threads for torch's own operations, all
    small there, cost more in waiting for each other than they save.
    """
    native = choice.kernel == "native"
    before = torch.get_num_threads(), use(choice.threads if native else 0)
    torch.set_num_threads(1 if native else choice.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        use(before[1])


def candidates(fixed: MachineOptions, place: Place = ALONE) -> list[Choice]:
    """Devices, kernels and thread counts to try, the likeliest first; what is fixed stays so.

    Raises UserError if what is fixed goes together nowhere.
    """
    most = max(1, cores() // place.on_machine)
    counts = [fixed.threads] if fixed.threads else sorted({1, max(1, most // 2), most})[::-1]
    devices = [place.device.type] if place.world > 1 else ["cpu", *accelerators()]
    found, precision = [], fixed.precision or "32"
    for device in devices if fixed.device is None else [fixed.device]:
        kernels: list[Kernel] = ["torch"]
        if device == "cpu" and not fixed.compile:
            kernels = ["native", "torch"]  # the native ones are compiled already
        for kernel, threads in product(kernels, counts if device == "cpu" else counts[-1:]):
            if fixed.kernel in (None, kernel):
                found.append(Choice(device, kernel, threads, bool(fixed.compile), precision))
    if not found:
        raise UserError(
            "train.machine: the native kernels are the CPU's, and compiled already; with "
            f"{fixed.device or 'torch.compile'}, take kernel: torch."
        )
    return found


def choose(
    net: Net, batch: Callable[[int], Batch], options: TrainOptions, place: Place = ALONE
) -> Choice:
    """The fastest way to train ``net``, which is left as it is.

    ``batch`` gives the windows to try it on. Where several processes train, all get the choice of
    the first. Raises UserError if what is fixed goes together nowhere.
    """
    fixed = options.machine
    plain = candidates(fixed, place)
    best = plain[0]
    halves = best.device == "cuda" and fixed.precision is None
    compiles = fixed.compile is None and fixed.kernel != "native"
    if len(plain) > 1 or halves or (compiles and _long(options, SLOW)):
        trial = _Trial(net, batch, options)
        for choice in plain:
            trial.take(choice)
        best = trial.best
        if best.device == "cuda" and fixed.precision is None:
            trial.take(replace(best, precision=_half()))
        if compiles and trial.pays:
            trial.take(replace(trial.best_of_torch, compile=True))
        best = trial.best
    shared = place.share(json.dumps(best.as_dict()).encode())
    assert shared is not None
    return Choice(**json.loads(shared))


def _half() -> Precision:
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "16"


def _long(options: TrainOptions, step: float) -> bool:
    """Whether a training lasts long, steps taking so many seconds."""
    minutes = options.minutes
    seconds = step * (options.steps or 0) if minutes is None else 60 * minutes
    return seconds >= PAYS


class _Trial:
    """Takes the time of candidates."""

    def __init__(self, net: Net, batch: Callable[[int], Batch], options: TrainOptions) -> None:
        self._net, self._options = net, options
        self._batches = [batch(number) for number in range(2)]
        self._took: dict[Choice, float] = {}
        self.best = Choice()

    @property
    def pays(self) -> bool:
        """Whether torch.compile may: the training is long, and torch not hopelessly slower."""
        torchs = [took for choice, took in self._took.items() if choice.kernel == "torch"]
        least = self._took[self.best]
        return bool(torchs) and min(torchs) < 3 * least and _long(self._options, least)

    @property
    def best_of_torch(self) -> Choice:
        """The fastest with torch's own operations."""
        torchs = [choice for choice in self._took if choice.kernel == "torch"]
        return min(torchs, key=lambda choice: self._took[choice])

    def take(self, choice: Choice) -> None:
        """Try a candidate. It is left out if it fails, or computes something else."""
        if not self._took:
            self.best, self._took[choice] = choice, self._seconds(choice)
            return
        try:
            if choice.precision != "32" and not self._alike(choice):
                return
            took = self._seconds(choice)
        except Exception:  # whatever a compiler or a driver may raise: there are others
            return
        self._took[choice] = took
        if took < CLEARLY * self._took[self.best]:
            self.best = choice

    def _stepper(self, choice: Choice) -> tuple[Net, Stepper]:
        place = Place()
        place.device = torch.device(choice.device)
        net = copy.deepcopy(self._net).to(place.device)
        if choice.compile:
            net.compile()
        options = self._options
        return net, Stepper(net, build(net, options), options, place, choice.precision)

    def _seconds(self, choice: Choice) -> float:
        """Seconds of the fastest step, the first one left out: caches fill, code is compiled."""
        least = min(self._took.values(), default=math.inf)
        with running(choice):
            _, step = self._stepper(choice)
            batches = [batch.to(torch.device(choice.device)) for batch in self._batches]
            found = math.inf
            began = time.monotonic()
            for number in range(1 + MOST_STEPS):
                start = time.monotonic()
                step(batches[number % 2], 0.5)
                took = time.monotonic() - start
                found = min(found, took) if number else math.inf
                hopeless = not choice.compile and took > 3 * least
                if number and (hopeless or time.monotonic() - began > PATIENCE):
                    break
            return found

    def _alike(self, choice: Choice) -> bool:
        """Whether a step's gradient is that of 32 bits."""
        gradients = []
        for way in (choice, replace(choice, precision="32")):
            with running(way):
                net, step = self._stepper(way)
                step(self._batches[0].to(torch.device(way.device)), 0.5)
                parts = [p.grad.flatten() for p in net.parameters() if p.grad is not None]
                gradients.append(torch.cat(parts))
        one, other = gradients
        return float(torch.cosine_similarity(one, other, dim=0)) > ALIKE

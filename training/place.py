"""Where a training runs: one process on one device, or several that share each batch.

Several are started by torchrun, on one machine or on many, and joined by Lightning Fabric. Each
computes its share of every batch, and what is averaged is the gradient of the whole: the curve is
that of one process on the same batches, but for the rounding of sums. Nets are small (a gradient
is some 100 kB), so that the average is taken in one piece after the backward pass.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from rigs.errors import UserError


class Place:
    """One process on the CPU: nothing is shared, and it costs nothing."""

    rank = 0
    """Which process this is; the first one writes."""
    world = 1
    """How many there are."""
    on_machine = 1
    """How many of them are on this machine."""
    device = torch.device("cpu")

    def average(self, parameters: Sequence[nn.Parameter], value: Tensor) -> Tensor:
        """Put the mean over processes into the gradients; returns that of ``value``."""
        return value

    def agree(self, numbers: list[float]) -> list[float]:
        """The first process's numbers, in all of them."""
        return numbers

    def share(self, data: bytes | None) -> bytes | None:
        """What the first process has, in all of them."""
        return data


ALONE = Place()


class Together(Place):
    """A GPU, or several processes, through Lightning Fabric."""

    def __init__(self, fabric: Any) -> None:
        self._fabric = fabric
        self.rank, self.world = fabric.global_rank, fabric.world_size
        self.on_machine = max(1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
        self.device = fabric.device

    def average(self, parameters: Sequence[nn.Parameter], value: Tensor) -> Tensor:
        if self.world == 1:
            return value
        graded = [parameter for parameter in parameters if parameter.grad is not None]
        gradients = [cast(Tensor, parameter.grad).flatten() for parameter in graded]
        mean = self._fabric.all_reduce(torch.cat([value.reshape(1), *gradients]), reduce_op="mean")
        first, *parts = mean.split([1, *map(len, gradients)])
        for parameter, part in zip(graded, parts, strict=True):
            parameter.grad = part.view_as(parameter)
        return cast(Tensor, first)

    def agree(self, numbers: list[float]) -> list[float]:
        if self.world == 1:
            return numbers
        sent = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        agreed: list[float] = self._fabric.broadcast(sent).tolist()
        return agreed

    def share(self, data: bytes | None) -> bytes | None:
        if self.world == 1:
            return data
        (size,) = self.agree([-1.0 if data is None else float(len(data))])
        if size < 0:
            return None
        sent = torch.zeros(int(size), dtype=torch.uint8, device=self.device)
        if self.rank == 0 and data:
            sent.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
        got: Tensor = self._fabric.broadcast(sent)
        return bytes(got.cpu().tolist())


def open_place(device: str | None = None) -> Place:
    """The place that the environment asks for: what torchrun says, and ``device`` if given.

    Raises UserError if there is no such device here.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if device not in (None, "cpu") and device not in accelerators():
        raise UserError(
            f"train.machine: there is no {device} on this machine; take another device."
        )
    if world == 1:
        return ALONE if device in (None, "cpu") else _joined(device, 1, 1)
    there = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    chosen = device or next(iter(accelerators()), "cpu")
    return _joined(chosen, there, world // there)


def accelerators() -> list[str]:
    """The kinds of GPU that there are here: cuda, mps, or none."""
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [name for name, there in found.items() if there]


@lru_cache(maxsize=1)
def _joined(device: str, processes: int, machines: int) -> Together:
    from lightning_fabric import Fabric  # not for those who train on one CPU

    strategy = "ddp" if processes * machines > 1 else "auto"
    fabric = Fabric(accelerator=device, devices=processes, num_nodes=machines, strategy=strategy)
    fabric.launch()
    return Together(fabric)

"""Keeping a training's state on disk, so that it can be stopped at any moment and gone on with."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from rigs.files import make_folder, write_whole
from training.checkpoint import load_tensors, save_tensors
from training.models import ConditionedWaveNet


@dataclass(frozen=True)
class Record:
    """One validation: ``loss`` is the running training loss, ``esr`` the mean over settings."""

    step: int
    seconds: float
    loss: float
    esr: float


@dataclass
class State:
    """How far a training has come."""

    step: int = 0
    seconds: float = 0.0
    best: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[Record] = field(default_factory=list)

    def record(self, net: ConditionedWaveNet, loss: float, score: float) -> None:
        self.history.append(Record(self.step, self.seconds, loss, score))
        if score < self.best:
            self.best = score
            self.best_weights = {k: v.detach().clone() for k, v in net.state_dict().items()}


class Resume:
    """State in ``folder``, good only for the training that ``fingerprint`` tells from others.

    One safetensors file holds weights, optimiser and best weights, and carries the JSON state in a
    tensor beside them, so that one rename replaces all of it.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._path = folder / "state.safetensors"
        self._fingerprint = fingerprint

    def save(self, net: ConditionedWaveNet, optimizer: torch.optim.Optimizer, state: State) -> None:
        make_folder(self._path.parent)
        tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in state.best_weights.items()}
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in values.items()}
        described = {
            "fingerprint": self._fingerprint,
            "step": state.step,
            "seconds": state.seconds,
            "best": state.best,
            "history": [asdict(record) for record in state.history],
        }
        tensors["state"] = torch.tensor(list(json.dumps(described).encode()), dtype=torch.uint8)
        save_tensors(self._path, tensors)

    def load(self, net: ConditionedWaveNet, optimizer: torch.optim.Optimizer) -> State:
        """Restore net and optimiser; a fresh state if there is none of this training."""
        if not self._path.exists():
            return State()
        tensors = load_tensors(self._path)
        described = json.loads(bytes(tensors.pop("state").tolist()))
        if described["fingerprint"] != self._fingerprint:
            return State()
        groups: dict[str, dict[str, Tensor]] = {"net": {}, "best": {}, "adam": {}}
        for name, value in tensors.items():
            group, _, rest = name.partition(".")
            groups[group][rest] = value
        net.load_state_dict(groups["net"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in groups["adam"].items():
            index, _, key = name.partition(".")
            moments.setdefault(int(index), {})[key] = value
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        return State(
            step=described["step"],
            seconds=described["seconds"],
            best=described["best"],
            best_weights=groups["best"],
            history=[Record(**record) for record in described["history"]],
        )

    def clear(self) -> None:
        shutil.rmtree(self._path.parent, ignore_errors=True)


def write_history(path: Path, history: list[Record]) -> None:
    """The training curve as CSV, for plots."""
    rows = [f"{r.step},{r.seconds:.1f},{r.loss:.6g},{r.esr:.6g}" for r in history]
    write_whole(path, "\n".join(["step,seconds,loss,esr", *rows, ""]).encode())

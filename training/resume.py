"""Keeping a training's state on disk, so that it can be stopped at any moment and gone on with."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from rigs.errors import UserError
from rigs.files import make_folder
from training.checkpoint import save_tensors
from training.models.net import Net
from training.options import MachineOptions

LARGEST = 1 << 30
"""Bytes of the largest state that is read: an optimiser may keep many times the weights."""


@dataclass(frozen=True)
class Record:
    """One validation: ``loss`` is the running training loss, ``esr`` the mean over settings."""

    step: int
    seconds: float
    loss: float
    esr: float


@dataclass
class State:
    """How far a training has come, and on what ``machine``."""

    step: int = 0
    seconds: float = 0.0
    running: float = math.nan
    """The training loss, averaged over the last steps."""
    best: float = math.inf
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[Record] = field(default_factory=list)
    machine: dict[str, Any] | None = None

    def count(self, value: float) -> None:
        """A step was taken, and this was its loss."""
        self.step += 1
        self.running = value if math.isnan(self.running) else 0.98 * self.running + 0.02 * value

    def record(self, net: Net, score: float) -> None:
        self.history.append(Record(self.step, self.seconds, self.running, score))
        if score < self.best:
            self.best = score
            self.best_weights = {k: v.detach().cpu().clone() for k, v in net.state_dict().items()}


class Resume:
    """State in ``folder``, good only for the training that ``fingerprint`` tells from others.

    One safetensors file holds weights, optimiser and best weights, and carries the JSON state in a
    tensor beside them, so that one rename replaces all of it.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._path = folder / "state.safetensors"
        self._fingerprint = fingerprint

    def save(
        self,
        net: Net,
        optimizer: torch.optim.Optimizer,
        state: State,
        scaler: dict[str, Any] | None = None,
    ) -> None:
        make_folder(self._path.parent)
        tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in state.best_weights.items()}
        described = {
            "fingerprint": self._fingerprint,
            "step": state.step,
            "seconds": state.seconds,
            "running": state.running,
            "best": state.best,
            "history": [asdict(record) for record in state.history],
            "machine": state.machine,
            "optimizer": _packed(optimizer.state_dict(), "optimizer", tensors),
            "scaler": scaler or {},
        }
        tensors["state"] = torch.tensor(list(json.dumps(described).encode()), dtype=torch.uint8)
        save_tensors(self._path, {name: value.cpu() for name, value in tensors.items()})

    def read(self) -> bytes | None:
        """The file's bytes, for :meth:`load`; None if there is none."""
        if not self._path.exists():
            return None
        if self._path.stat().st_size > LARGEST:
            raise self._damaged("it is larger than any state")
        return self._path.read_bytes()

    def load(
        self,
        net: Net,
        optimizer: torch.optim.Optimizer | None = None,
        scaler: Callable[[dict[str, Any]], None] = lambda _: None,
        share: Callable[[bytes | None], bytes | None] = lambda data: data,
    ) -> State:
        """Restore net and optimiser; a fresh state if there is none of this training.

        With ``share``, of what the first process reads. Raises UserError if the file is damaged.
        """
        data = share(self.read())
        if data is None:
            return State()
        try:
            tensors = safetensors.torch.load(data)
            described = json.loads(bytes(tensors.pop("state").tolist()))
            if described["fingerprint"] != self._fingerprint:
                return State()
            state = _state(described, _under("best", tensors))
            sizes = {name: value.shape for name, value in net.state_dict().items()}
            for group in ("net", "best"):
                if {name: value.shape for name, value in _under(group, tensors).items()} != sizes:
                    raise ValueError("it holds another net")
            if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
                raise ValueError("it holds what is no number")
            net.load_state_dict(_under("net", tensors))
            if optimizer is not None:
                optimizer.load_state_dict(_unpacked(described["optimizer"], tensors))
                scaler(described["scaler"])
        except _SPOILT as error:
            raise self._damaged(" ".join(str(error).split())[:200]) from None
        return state

    def _damaged(self, how: str) -> UserError:
        return UserError(
            f"{self._path} is damaged ({how}); remove {self._path.parent} to begin this training "
            "anew."
        )

    def clear(self) -> None:
        shutil.rmtree(self._path.parent, ignore_errors=True)


_SPOILT = (
    *(SafetensorError, ValueError, KeyError, TypeError, AttributeError),
    *(IndexError, RuntimeError, RecursionError),
)
"""What reading a spoilt state may raise."""


def _under(group: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with ``group``, without it."""
    start = f"{group}."
    return {name[len(start) :]: v for name, v in tensors.items() if name.startswith(start)}


def _state(described: dict[str, Any], best: dict[str, Tensor]) -> State:
    machine = described["machine"]
    if machine is not None:
        MachineOptions(**machine)
    return State(
        step=int(described["step"]),
        seconds=float(described["seconds"]),
        running=float(described["running"]),
        best=float(described["best"]),
        best_weights=best,
        history=[Record(**record) for record in described["history"]],
        machine=machine,
    )


def _packed(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """``tree`` as JSON has it; its tensors go into ``tensors``, and their names stand for them.

    Of dicts, whose keys JSON would turn into text, the pairs are kept.
    """
    if isinstance(tree, Tensor):
        tensors[name] = tree.detach().contiguous()
        return {"tensor": name}
    if isinstance(tree, dict):
        pairs = [[key, _packed(value, f"{name}.{key}", tensors)] for key, value in tree.items()]
        return {"pairs": pairs}
    if isinstance(tree, list | tuple):
        return [_packed(value, f"{name}.{i}", tensors) for i, value in enumerate(tree)]
    if isinstance(tree, bool | int | float | str | None):
        return tree
    raise TypeError(f"an optimiser's state holds {type(tree).__name__}, at {name}")


def _unpacked(packed: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of :func:`_packed`; tuples have become lists."""
    if isinstance(packed, list):
        return [_unpacked(value, tensors) for value in packed]
    if not isinstance(packed, dict):
        return packed
    if "tensor" in packed:
        return tensors[packed["tensor"]]
    return {key: _unpacked(value, tensors) for key, value in packed["pairs"]}

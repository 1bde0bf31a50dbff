"""Models side by side: the same settings, the same playing, what each gets wrong and costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from dataset.store import Dataset
from rigs.errors import UserError
from rigs.knobs import KnobTable
from training.checkpoint import Model
from training.evaluate.captures import Floor, check_same, floor, settings_to_judge, still
from training.evaluate.judge import judge
from training.evaluate.metrics import spread
from training.evaluate.speed import times_real_time
from training.evaluate.tables import column, row
from training.evaluate.whole import Tell

MOST = 8
"""Models that are compared at once: as many as a drawing has colours for."""


@dataclass(frozen=True, eq=False)
class Contender:
    """One of the models: what it makes of each setting, and what it costs.

    ``rows``: as :func:`training.evaluate.tables.table` makes them. ``speed``: how many times
    faster than real time this machine renders it.
    """

    label: str
    model: Model
    rows: pd.DataFrame
    speed: float

    @property
    def ratios(self) -> NDArray[np.float64]:
        """ESR of each setting, shape (settings,); nan where the wet is too quiet to have one."""
        return self.rows["esr"].to_numpy(np.float64)

    def summary(self) -> dict[str, Any]:
        """Its line in a table, in plain numbers. Level errors are magnitudes, where there is an
        ESR."""
        net, loud = self.model.net, self.rows[self.rows["esr"].notna()]
        return {
            "name": self.label,
            "kind": self.model.kind,
            **{name: spread(loud[name].abs()) for name in ("esr", "mrstft", "level_error_db")},
            "parameters": sum(p.numel() for p in net.parameters()),
            "macs_per_sample": net.macs_per_sample,
            "receptive_field": net.receptive_field,
            "times_real_time": self.speed,
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` found; ``contenders`` as they were given. ``threads`` rendered."""

    device: str
    knobs: KnobTable
    contenders: tuple[Contender, ...]
    floor: Floor | None
    threads: int

    @property
    def settings(self) -> int:
        return len(self.contenders[0].rows)

    def best(self) -> list[int]:
        """For each contender, at how many settings no other has a lower ESR; ties count for all."""
        ratios = self._loud()
        return [int(count) for count in (ratios == ratios.min(axis=0)).sum(axis=1)]

    def wins(self) -> list[list[int]]:
        """At how many settings the one of the row has a lower ESR than the one of the column."""
        ratios = self._loud()
        counts = (ratios[:, None] < ratios[None]).sum(axis=2)
        return [[int(count) for count in line] for line in counts]

    def _loud(self) -> NDArray[np.float64]:
        """ESR, shape (contenders, settings that have one)."""
        ratios = np.array([one.ratios for one in self.contenders])
        return ratios[:, ~np.isnan(ratios).any(axis=0)]

    def to_json(self) -> dict[str, Any]:
        """All of it in plain numbers; an ESR that there is not is None."""
        first = self.contenders[0].rows
        names = self.knobs.names
        return {
            "device": self.device,
            "settings": self.settings,
            "floor": None if self.floor is None else self.floor.esr,
            "threads": self.threads,
            "models": [
                {**one.summary(), "best_at": best}
                for one, best in zip(self.contenders, self.best(), strict=True)
            ],
            "wins": self.wins(),
            "by_setting": [
                {
                    "capture_id": line["capture_id"],
                    "setting": {name: float(line[column(name)]) for name in names},
                    "esr": [_number(one.ratios[place]) for one in self.contenders],
                }
                for place, line in enumerate(first.to_dict("records"))
            ],
        }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def compare(
    models: Sequence[tuple[str, Model]], dataset: Dataset, tell: Tell = lambda *_: None
) -> Comparison:
    """Judge models, with what to call each, on the still test captures of ``dataset``.

    Raises UserError if one is of another device or panel, there are too few models or too many, no
    test captures, or only such as are too quiet to have an ESR.
    """
    if not 2 <= len(models) <= MOST:
        raise UserError(f"{len(models)} models were named to compare; name 2 to {MOST}.")
    for label, model in models:
        check_same(model, dataset, label)
    tests = settings_to_judge(dataset)
    rows: list[list[dict[str, Any]]] = [[] for _ in models]
    total, done = len(tests) * len(models), 0
    tell("settings", 0.0)
    for capture in still(tests):
        for (_, model), own in zip(models, rows, strict=True):
            own.append(row(judge(model, capture)))
            done += 1
            tell("settings", done / total)
    if all(np.isnan(line["esr"]) for line in rows[0]):
        raise UserError(
            f"All {len(tests)} test captures are too quiet to have an ESR; raise the level of the "
            "rig and capture them again."
        )
    contenders = []
    for (label, model), own in zip(models, rows, strict=True):
        tell("speed", 1.0)
        contenders.append(Contender(label, model, pd.DataFrame(own), times_real_time(model)))
    return Comparison(
        dataset.device, dataset.knobs, tuple(contenders), floor(dataset), torch.get_num_threads()
    )

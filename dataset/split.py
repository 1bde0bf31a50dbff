"""Giving roles to captures after the fact, so that nothing a model is judged by was trained on.

Two captures share material if they have the same setting, or if what was played into them
overlaps. What shares material goes into one role together. Where everything shares material, as
when one recording was played at every setting, a split by settings and by passages of the dry at
once is left: captures at a held-out setting of a passage to train on, and the other way round,
are then excluded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset.review import Verdict
from dataset.store import Dataset
from rigs.errors import UserError

HELD_OUT = ("test", "validation")
LEAKS = "split: shares material with another role"
"""The reason of an exclusion by a split: the next split takes it back."""


@dataclass(frozen=True)
class Split:
    """A role for each capture, by its name, and the names of those that must be left out."""

    roles: dict[str, str]
    excluded: frozenset[str]

    def verdicts(self) -> dict[str, Verdict]:
        """What review.parquet is to say."""
        return {
            name: Verdict(role=role, excluded=name in self.excluded, reason=_reason(name, self))
            for name, role in self.roles.items()
        }


def _reason(name: str, split: Split) -> str:
    return LEAKS if name in split.excluded else ""


def split(
    dataset: Dataset, *, validation: float, test: float, seed: int = 0, cross: bool = False
) -> Split:
    """Give ``validation`` and ``test`` these shares of the audio, and train the rest.

    Sentinels stay what they are, and so does what a person excluded; sweeps are trained on, for a
    model is judged at settings that stand still. ``cross`` splits settings and passages of the dry
    at once, each by these shares. The same captures and ``seed`` give the same split. Raises
    UserError for shares that are none, and if the captures share so much that a role got nothing.
    """
    shares = {"test": test, "validation": validation}
    if not all(0 <= share < 1 for share in shares.values()) or not 0 < sum(shares.values()) < 1:
        raise UserError(
            f"Shares of {validation:g} for validation and {test:g} for test leave nothing to split "
            "or nothing to train on; give fractions, as in 0.1."
        )
    chosen = _candidates(dataset)
    if not len(chosen):
        raise UserError(f"{dataset.folder} holds nothing to split but sentinels; capture some.")
    parts = _Parts.of(chosen)
    rng = np.random.default_rng(seed)
    wanted = [role for role in HELD_OUT if shares[role] > 0]
    if cross:
        return _crossed(chosen, parts, shares, wanted, rng)
    groups = _joined(parts.settings, parts.passages)
    roles = _deal(groups, parts.frames, parts.still, shares, rng)
    for role in [*wanted, "train"]:
        if role not in roles:
            raise UserError(
                f"The captures in {dataset.folder} share so many settings and passages of the dry "
                f"that none is left for {role}; split them both ways with --cross, or capture "
                "more."
            )
    return Split(dict(zip(chosen.captures["capture_id"], roles, strict=True)), frozenset())


def _candidates(dataset: Dataset) -> Dataset:
    rows = dataset.captures
    by_hand = rows["excluded"].astype(bool) & (rows["reason"] != LEAKS)
    keep = (rows["role"] != "sentinel") & ~by_hand
    return replace(dataset, captures=rows[keep].reset_index(drop=True))


@dataclass(frozen=True)
class _Parts:
    """Of each capture: the number of its setting and of its passage, its length, its rest."""

    settings: NDArray[np.int64]
    passages: NDArray[np.int64]
    frames: NDArray[np.int64]
    still: NDArray[np.bool_]

    @classmethod
    def of(cls, dataset: Dataset) -> _Parts:
        rows = dataset.captures
        still = rows["trajectory_rate"].isna().to_numpy()
        positions = dataset.settings()
        # A sweep has no setting in common with anything: it gets a number of its own.
        named: dict[Any, int] = {}
        settings = [
            named.setdefault(tuple(at.tolist()) if rest else ("sweep", row), len(named))
            for row, (at, rest) in enumerate(zip(positions, still, strict=True))
        ]
        frames = rows["frames"].to_numpy(np.int64)
        passages = _passages(rows["dry_id"].tolist(), rows["dry_offset"].to_numpy(np.int64), frames)
        return cls(np.array(settings), passages, frames, still)


def _passages(
    dry_ids: Sequence[str], starts: NDArray[np.int64], frames: NDArray[np.int64]
) -> NDArray[np.int64]:
    """A number for each capture: the same if what was played overlaps, if only by links."""
    order = sorted(range(len(dry_ids)), key=lambda row: (dry_ids[row], starts[row]))
    numbers = np.zeros(len(dry_ids), np.int64)
    number, dry, end = -1, "", 0
    for row in order:
        if dry_ids[row] != dry or starts[row] >= end:
            number, dry, end = number + 1, dry_ids[row], 0
        numbers[row] = number
        end = max(end, int(starts[row] + frames[row]))
    return numbers


def _joined(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each row: the same for rows that are linked by equal numbers in a or b."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = int(a.max()) + 1
    edges = coo_matrix((np.ones(len(a)), (a, count + b)), shape=(count + int(b.max()) + 1,) * 2)
    _, labels = connected_components(edges, directed=False)
    return np.asarray(labels[a], np.int64)


def _deal(
    groups: NDArray[np.int64],
    frames: NDArray[np.int64],
    still: NDArray[np.bool_],
    shares: dict[str, float],
    rng: np.random.Generator,
) -> list[str]:
    """A role for each row, whole groups at a time; "" stands for nothing, so train is what is left.

    Groups that hold a sweep are trained on. A role takes groups in random order, each unless it
    would overshoot its share by more than it fills it, and at least one.
    """
    numbers = np.unique(groups)
    length = {n: int(frames[groups == n].sum()) for n in numbers}
    free = [n for n in rng.permutation(numbers) if still[groups == n].all()]
    total = int(frames.sum())
    role_of: dict[int, str] = defaultdict(lambda: "train")
    for role, share in shares.items():
        got = 0
        for n in list(free) if share > 0 else []:
            if got + length[n] / 2 <= share * total or (not got and n == _least(free, length)):
                role_of[n] = role
                free.remove(n)
                got += length[n]
    return [role_of[n] for n in groups]


def _least(groups: Sequence[int], length: dict[int, int]) -> int:
    return min(groups, key=lambda n: (length[n], n))


def _crossed(
    chosen: Dataset,
    parts: _Parts,
    shares: dict[str, float],
    wanted: list[str],
    rng: np.random.Generator,
) -> Split:
    by_setting = _deal(parts.settings, parts.frames, parts.still, shares, rng)
    every = np.ones(len(chosen), bool)
    by_passage = _deal(parts.passages, parts.frames, every, shares, rng)
    names = chosen.captures["capture_id"].tolist()
    agree = [a == b for a, b in zip(by_setting, by_passage, strict=True)]
    got = {role for role, same in zip(by_setting, agree, strict=True) if same}
    for role in [*wanted, "train"]:
        if role not in got:
            raise UserError(
                f"Too few settings or passages of the dry are in {chosen.folder} to hold some of "
                f"both out for {role}; cut long captures into passages when they are imported, "
                "or capture more."
            )
    left_out = frozenset(name for name, same in zip(names, agree, strict=True) if not same)
    return Split(dict(zip(names, by_setting, strict=True)), left_out)

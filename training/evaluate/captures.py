"""Which captures of a dataset judge a model, and what of them training has met before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dataset.stats import repeats
from dataset.store import Dataset
from rigs.errors import UserError
from training.checkpoint import Model
from training.evaluate.judge import Capture, measure

LEARNT_FROM = ("train", "validation")
"""Roles that training meets: one to learn from, one to choose the checkpoint by."""
SAME = 1e-4
"""Settings that differ by no more of any knob's travel are the same."""


def check_same(model: Model, dataset: Dataset, where: str) -> None:
    """Raise UserError if ``model``, named ``where``, is of another device, panel or rate."""
    if model.device != dataset.device:
        raise UserError(
            f"{where} is a model of {model.device!r}, but {dataset.folder} was captured from "
            f"{dataset.device!r}; name a model and a dataset of one device."
        )
    if model.knobs != dataset.knobs:
        raise UserError(
            f"{dataset.folder} has other knobs or ranges than {where} was trained with; train it "
            "again on this dataset."
        )
    rates = {int(rate) for rate in dataset.captures["sample_rate"]}
    if rates != {model.sample_rate}:
        raise UserError(
            f"{where} plays at {model.sample_rate} Hz, but {dataset.folder} was captured at "
            f"{', '.join(map(str, sorted(rates)))} Hz; train it again on this dataset."
        )


def with_knobs(dataset: Dataset, *, moving: bool) -> Dataset:
    """Only the captures during which knobs move, or only those during which none does."""
    moves = dataset.captures["trajectory_rate"].notna()
    kept = dataset.captures[moves if moving else ~moves]
    return replace(dataset, captures=kept.reset_index(drop=True))


def settings_to_judge(dataset: Dataset) -> Dataset:
    """The still test captures; raises UserError if there are none."""
    found = with_knobs(dataset.select(["test"]), moving=False)
    if not len(found):
        raise UserError(f"{dataset.folder} holds no test captures; plan some and capture them.")
    return found


def still(chosen: Dataset) -> Iterator[Capture]:
    """Still captures, whole, one after another; raises UserError if one is damaged."""
    for row in chosen.rows():
        yield Capture(
            capture_id=str(row["capture_id"]),
            setting={name: float(row["setting"][name]) for name in chosen.knobs.names},
            dry=chosen.dry(row),
            wet=chosen.audio(row),
        )


@dataclass(frozen=True)
class Unseen:
    """How many of the test captures have a setting, and playing, that training never met.

    A sweep that passes a setting does not make it seen; a dry of which any part was played for a
    capture that training met is.
    """

    settings: int
    playing: int
    of: int


def seen_playing(dataset: Dataset, judged: Dataset) -> list[bool]:
    """For each capture of ``judged``, whether training met any of its dry; itself included."""
    learnt = dataset.select(LEARNT_FROM).captures
    spans = {
        dry: [(int(start), int(start + length)) for start, length in rows.itertuples(index=False)]
        for dry, rows in learnt.set_index("dry_id")[["dry_offset", "frames"]].groupby(level=0)
    }

    def met(row: pd.Series) -> bool:
        start = int(row["dry_offset"])
        end = start + int(row["frames"])
        return any(a < end and start < b for a, b in spans.get(row["dry_id"], []))

    return [met(row) for row in judged.rows()]


def unseen(dataset: Dataset, judged: Dataset) -> Unseen:
    """Count what of the still captures ``judged`` is new to a model trained on ``dataset``."""
    span = dataset.knobs.maximum - dataset.knobs.minimum
    known = with_knobs(dataset.select(LEARNT_FROM), moving=False).settings()
    away = np.abs(judged.settings()[:, None] - known[None]) / span
    met = (away.max(axis=2) <= SAME).any(axis=1) if len(known) else np.zeros(len(judged), bool)
    playing = seen_playing(dataset, judged)
    return Unseen(int((~met).sum()), len(playing) - sum(playing), len(judged))


@dataclass(frozen=True)
class Floor:
    """What the device differs by from itself: medians over sentinels that were captured again.

    ``level_error_db`` is of magnitudes; ``repeats`` how many were held against their first.
    """

    esr: float
    mrstft: float
    level_error_db: float
    repeats: int


def esr_of(floor: Floor | None) -> float | None:
    """The floor that is drawn beside ESRs; None if there is none."""
    return None if floor is None else floor.esr


def floor(dataset: Dataset) -> Floor | None:
    """None if no sentinel was captured twice; raises UserError if one is damaged."""
    pairs = repeats(dataset)
    if not pairs:
        return None
    names: Sequence[str] = dataset.captures["capture_id"].astype(str).tolist()
    place = {name: index for index, name in enumerate(names)}
    first: tuple[str, np.ndarray] | None = None
    found = []
    for pair in pairs:
        if first is None or first[0] != pair.first:
            first = pair.first, dataset.audio(place[pair.first])
        found.append(measure(first[1], dataset.audio(place[pair.capture_id])))
    return Floor(
        esr=float(np.median([pair.esr for pair in pairs])),
        mrstft=float(np.median([one.mrstft for one in found])),
        level_error_db=float(np.median([abs(one.level_error_db) for one in found])),
        repeats=len(pairs),
    )

"""The whole look over a dataset, part by part and capture by capture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from dataset.checks import faults, thresholds
from dataset.offline.among import Among
from dataset.offline.parts import read_all
from dataset.offline.report import Finding, Report
from dataset.offline.rows import faults_written, simulated
from dataset.offline.sound import AUDIBLE, faults_heard
from dataset.plan import Plan
from dataset.store import Dataset
from rigs.audio import Audio, rms_dbfs
from rigs.errors import UserError

Progress = Callable[[int, int], None]


def recheck(
    folder: Path,
    *,
    listen: bool = True,
    limits: Mapping[str, float] | None = None,
    plan: Plan | None = None,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Verify everything under a device's ``folder`` that can be verified without the device.

    That every part and dry is whole and ours; that nothing is there twice; that rows agree with
    each other, with their audio and with ``plan``, as far as they are of it; that each capture
    passes today's checks at ``limits``, and lies on its dry sample for sample. One capture's audio
    is in memory at a time, and the dries that it needs. ``progress`` is told how many captures of
    how many are done. With ``listen`` False, no capture's audio is decoded: that takes seconds
    where listening takes minutes, and finds what the rows and the dries tell.

    Raises UserError if there are no captures at all.
    """
    dataset, findings = read_all(folder)
    if dataset is None:
        return Report(folder, pd.DataFrame(), tuple(findings))
    chosen = thresholds({}) if limits is None else limits
    findings += faults_written(dataset, plan, chosen["latency_jump"])
    findings += _dries(dataset)
    heard = _Heard(dataset, chosen)
    order = dataset.captures.sort_values(["started_at", "capture_id"], kind="stable").index
    if not listen:
        order = order[:0]
    for done, position in enumerate(order):
        findings += heard.listen(int(position))
        progress(done + 1, len(order))
    return Report(folder, dataset.captures, tuple(findings))


def _dries(dataset: Dataset) -> Iterator[Finding]:
    """Dries that are missing or damaged, each named once, and those that nobody plays."""
    played = dataset.captures.groupby("dry_id", sort=False).size()
    for dry_id, count in played.items():
        try:
            dataset.whole_dry(str(dry_id))
        except UserError as error:
            yield Finding("dry", f"{str(dry_id)[:16]}", f"{error} {count} captures play it.")
    known = {str(dry_id)[:16] for dry_id in played.index}
    for path in sorted((dataset.folder / "dry").glob("*.parquet")):
        if path.stem not in known and not path.name.startswith("."):
            words = "No capture here plays this dry."
            yield Finding("unused dry", path.name, words, fault=False)


class _Heard:
    """Listens to capture after capture, and remembers what makes one a copy of another."""

    def __init__(self, dataset: Dataset, limits: Mapping[str, float]) -> None:
        self._dataset, self._limits = dataset, limits
        self._simulated = simulated(dataset.captures).to_numpy(bool)
        self._first: dict[bytes, pd.Series[Any]] = {}
        self._among = Among(dataset.knobs, limits)

    def listen(self, position: int) -> Iterator[Finding]:
        """What is wrong with the capture in that row."""
        row, made = self._dataset.row(position), bool(self._simulated[position])
        where = str(row["capture_id"])
        try:
            wet = self._dataset.audio(row)
            if row["trajectory_rate"] > 0:
                self._dataset.trajectory(row)
        except UserError as error:
            yield Finding("damaged", where, str(error))
            return
        try:
            self._dataset.whole_dry(str(row["dry_id"]))
        except UserError:
            return  # it has been named once, for all who play it
        try:
            dry = self._dataset.dry(row)
        except UserError as error:  # it is too short
            yield Finding("length", where, str(error))
            return
        setting = row["setting"]
        known = all(setting.get(name) is not None for name in self._dataset.knobs.names)
        if row["excluded"] or not known:
            return  # it is left out anyway, or was named when the rows were read
        for what, words in faults_heard(row, dry, wet, made, self._limits):
            yield Finding(what, where, words)
        if faults(row["flags"]):
            return  # it is known, and no company to be judged by
        if not made:
            for what, words in self._among.judge(row, dry, wet):
                yield Finding(what, where, words)
        if rms_dbfs(wet) >= AUDIBLE:
            yield from self._copy(row, wet, made)
            if row["role"] == "sentinel":
                for what, words in self._among.sentinel(row, dry, wet):
                    yield Finding(what, where, words)

    def _copy(self, row: pd.Series[Any], wet: Audio, made: bool) -> Iterator[Finding]:
        """Bits that another capture has, too: no analogue device gives the same noise twice."""
        first = self._first.setdefault(hashlib.sha256(wet.tobytes()).digest(), row)
        if first is row or first["capture_id"] == row["capture_id"]:
            return
        where, other = str(row["capture_id"]), first["capture_id"]
        names = self._dataset.knobs.names
        moved = [n for n in names if first["setting"].get(n) != row["setting"].get(n)]
        same_dry = all(first[c] == row[c] for c in ("dry_id", "dry_offset", "frames"))
        if moved:
            words = f"Its audio is that of {other}, but {', '.join(moved)} stood elsewhere"
        else:
            words = f"Its audio is that of {other}, bit for bit"
        if made and same_dry:
            if moved:
                yield Finding("no difference", where, f"{words}.", fault=False)
            return
        yield Finding("same audio", where, f"{words}; one of the two is a copy.")

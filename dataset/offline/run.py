"""The whole look over a dataset, part by part and capture by capture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from dataset.ahead import in_order
from dataset.checks import faults, thresholds
from dataset.offline.among import Among
from dataset.offline.parts import read_all
from dataset.offline.report import Finding, Report
from dataset.offline.rows import faults_written, is_simulated
from dataset.offline.sound import AUDIBLE, faults_heard
from dataset.plan import Plan
from dataset.store import Dataset
from rigs.audio import Audio, rms_dbfs
from rigs.errors import UserError

Progress = Callable[[str, int, int], None]
"""Called with what is done ("reading", "listening"), and how many of how many are."""


def recheck(
    folder: Path,
    *,
    listen: bool = True,
    limits: Mapping[str, float] | None = None,
    plan: Plan | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Verify everything under a device's ``folder`` that can be verified without the device.

    That every part and dry is whole and ours; that nothing is there twice; that rows agree with
    each other, with their audio and with ``plan``, as far as they are of it; that each capture
    passes today's checks at ``limits``, and lies on its dry sample for sample. A few captures'
    audio is in memory at a time, and the dries that they need. ``progress`` is told how many parts
    are read, then how many captures were listened to. With ``listen`` False, no capture's audio is
    decoded: that takes seconds where listening takes minutes, and finds what the rows and the
    dries tell.

    Raises UserError if there are no captures at all.
    """
    dataset, findings = read_all(folder, partial(progress, "reading"))
    if dataset is None:
        return Report(folder, pd.DataFrame(), tuple(findings))
    chosen = thresholds({}) if limits is None else limits
    findings += faults_written(dataset, plan, chosen["latency_jump"])
    findings += _dries(dataset)
    order = dataset.captures.sort_values(["started_at", "capture_id"], kind="stable").index
    rows = (dataset.row(int(position)) for position in (order if listen else ()))
    among = _Copies(dataset, chosen)
    for done, heard in enumerate(in_order(partial(_listen, dataset, chosen), rows), 1):
        findings += [*heard.findings, *among.judge(heard)]
        progress("listening", done, len(order))
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


@dataclass(frozen=True, eq=False)
class _Heard:
    """What one capture alone tells. ``whole`` is its dry and wet, if it can keep company."""

    row: pd.Series[Any]
    made: bool
    findings: list[Finding]
    whole: tuple[Audio, Audio] | None = None
    digest: bytes = b""


def _listen(dataset: Dataset, limits: Mapping[str, float], row: pd.Series[Any]) -> _Heard:
    """Decode a capture and look at it alone; called by several threads."""
    made, where = is_simulated(row["started_at"]), str(row["capture_id"])
    try:
        wet = dataset.audio(row)
        if row["trajectory_rate"] > 0:
            dataset.trajectory(row)
    except UserError as error:
        return _Heard(row, made, [Finding("damaged", where, str(error))])
    try:
        dataset.whole_dry(str(row["dry_id"]))
    except UserError:
        return _Heard(row, made, [])  # it has been named once, for all who play it
    try:
        dry = dataset.dry(row)
    except UserError as error:  # it is too short
        return _Heard(row, made, [Finding("length", where, str(error))])
    setting = row["setting"]
    known = all(setting.get(name) is not None for name in dataset.knobs.names)
    if row["excluded"] or not known:
        return _Heard(row, made, [])  # it is left out anyway, or was named when rows were read
    said = [
        Finding(what, where, words) for what, words in faults_heard(row, dry, wet, made, limits)
    ]
    if faults(row["flags"]):
        return _Heard(row, made, said)  # it is known, and no company to be judged by
    return _Heard(row, made, said, (dry, wet), hashlib.sha256(wet.tobytes()).digest())


class _Copies:
    """Holds capture after capture against those before, and knows a copy of one."""

    def __init__(self, dataset: Dataset, limits: Mapping[str, float]) -> None:
        self._dataset = dataset
        self._first: dict[bytes, pd.Series[Any]] = {}
        self._among = Among(dataset.knobs, limits)

    def judge(self, heard: _Heard) -> Iterator[Finding]:
        if heard.whole is None:
            return
        row, made, (dry, wet) = heard.row, heard.made, heard.whole
        where = str(row["capture_id"])
        if not made:
            for what, words in self._among.judge(row, dry, wet):
                yield Finding(what, where, words)
        if rms_dbfs(wet) >= AUDIBLE:
            yield from self._copy(heard)
            if row["role"] == "sentinel":
                for what, words in self._among.sentinel(row, dry, wet):
                    yield Finding(what, where, words)

    def _copy(self, heard: _Heard) -> Iterator[Finding]:
        """Bits that another capture has, too: no analogue device gives the same noise twice."""
        row, made = heard.row, heard.made
        first = self._first.setdefault(heard.digest, row)
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

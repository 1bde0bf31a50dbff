"""What can only be judged of a capture among the others: as a session does, but afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from dataset.checks.company import Company, off_course
from dataset.checks.sameness import compare, differs
from dataset.offline.sound import clicks_heard, unexplained
from rigs.audio import Audio
from rigs.knobs import KnobTable, Setting

SENTINEL_SLACK = 1.5
"""Samples by which the clicks of one setting, captured again, may come later or earlier."""


class Among:
    """Captures of one device, taken in one after another in the order in which they were made.

    What one rig captured for one plan keeps company: of another rig, levels may be others.
    """

    def __init__(self, knobs: KnobTable, limits: Mapping[str, float]) -> None:
        self._knobs, self._limits = knobs, limits
        self._companies: dict[tuple[str, str], Company] = {}
        self._sentinels: dict[tuple[Any, ...], tuple[str, Audio, float | None]] = {}

    def judge(self, row: pd.Series[Any], dry: Audio, wet: Audio) -> list[tuple[str, str]]:
        """Kinds and sentences of what is wrong with a real rig's capture beside the others."""
        setting = {name: float(row["setting"][name]) for name in self._knobs.names}
        said = list(self._astray(row, setting))
        kin = (str(row["plan_id"]), str(row["rig"]))
        company = self._companies.setdefault(kin, Company(self._knobs, self._limits))
        company.reopened()  # when it was, no row says: latencies are compared elsewhere
        if "drift accepted" in row["flags"]:
            company.changed()
        flags = company.judge(setting, dry, wet, float(row["latency"]))
        wrong = [flag for flag in _WORDS if flag in flags]
        if row["role"] == "sentinel" and "polarity" in wrong:
            wrong.remove("polarity")  # it is held against the first one
        said += [(flag, _WORDS[flag]) for flag in unexplained(wrong, row["flags"])]
        if not wrong:
            company.add(setting, dry, wet, float(row["latency"]))
        return said

    def sentinel(self, row: pd.Series[Any], dry: Audio, wet: Audio) -> Iterator[tuple[str, str]]:
        """The same of a sentinel against the first one of its plan, setting and dry."""
        setting = tuple(row["setting"][name] for name in self._knobs.names)
        dry_id, span = row["dry_id"], (row["dry_offset"], row["frames"])
        key = (row["plan_id"], row["rig"], dry_id, span, setting)
        heard = clicks_heard(dry, wet)
        latency = float(row["latency"]) if np.isfinite(row["latency"]) else 0.0
        late = None if heard is None else heard - (latency - round(latency))
        if key not in self._sentinels or "drift accepted" in row["flags"]:
            self._sentinels[key] = str(row["capture_id"]), wet, late
            return
        name, first, usual = self._sentinels[key]
        if late is not None and usual is not None and not abs(late - usual) <= SENTINEL_SLACK:
            yield "misaligned", f"It comes {abs(late - usual):.1f} samples from where {name} does."
        found = compare(first, wet)
        if found.correlation < -self._limits["polarity"]:
            wrong, words = "polarity", f"It is upside down against {name}."
        elif differs(found.esr, self._limits["drift_esr"], dry, wet):
            wrong, words = "drift", f"Its ESR against {name} is {found.esr:.2g}."
        else:
            return
        if unexplained([wrong], row["flags"]):
            yield wrong, words

    def _astray(self, row: pd.Series[Any], setting: Setting) -> Iterator[tuple[str, str]]:
        cells = row["reached"] or {}
        reached = {
            name: float(cells[name])
            for name in self._knobs.names
            if cells.get(name) is not None and np.isfinite(cells[name])
        }
        names = off_course(self._knobs, setting, reached, self._limits["knob_off"])
        if names and unexplained(["knob off"], row["flags"]):
            places = ", ".join(f"{n} at {reached[n]:.4g} for {setting[n]:.4g}" for n in names)
            yield "knob off", f"It was captured with {places}."


_WORDS = {
    "level jump": "Its level is not what other settings lead to expect.",
    "bypassed": "It is the dry as a wire gives it: the device was bypassed.",
    "polarity": "Low notes are upside down against those of all other settings.",
}

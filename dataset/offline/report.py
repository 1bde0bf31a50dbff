"""What a look over a dataset brings back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dataset.checks import faults
from dataset.review import Verdict, revise
from rigs.audio import SAMPLE_RATE


@dataclass(frozen=True)
class Finding:
    """Something about a file or a capture.

    ``what`` is a kind in a word or two, ``where`` the file's name or the capture's id, ``detail``
    a sentence. What is no ``fault`` is worth knowing, and nothing to mend.
    """

    what: str
    where: str
    detail: str
    fault: bool = True


@dataclass(frozen=True, eq=False)
class Report:
    """``captures`` are the rows that could be read, as ``Dataset.captures`` has them."""

    folder: Path
    captures: pd.DataFrame
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.fault]

    @property
    def kinds(self) -> Counter[str]:
        """How often each kind of fault was found."""
        return Counter(finding.what for finding in self.faults)

    @property
    def flagged(self) -> pd.DataFrame:
        """The captures with flags that are faults: known, kept, and not trained on."""
        return self.captures[self.captures["flags"].map(lambda flags: bool(faults(flags)))]

    @property
    def counts(self) -> dict[str, Any]:
        """What `metrics/check.json` holds."""
        roles = self.captures["role"].value_counts()
        return {
            "captures": len(self.captures),
            "minutes": round(float(self.captures["frames"].sum()) / SAMPLE_RATE / 60, 3),
            "flagged": len(self.flagged),
            "roles": {str(role): int(count) for role, count in roles.items()},
        }


def exclude(report: Report) -> int:
    """Exclude the captures that have faults, in review.parquet; returns how many they are.

    What review.parquet says already stays. Captures in parts that cannot be read have no row to
    exclude. Raises UserError if the review is damaged or cannot be written.
    """
    reasons: dict[str, list[str]] = {}
    known = set(report.captures["capture_id"])
    for finding in report.faults:
        if finding.where in known:
            reasons.setdefault(finding.where, []).append(f"{finding.what}: {finding.detail}")
    if not reasons:
        return 0
    said_before = dict(zip(report.captures["capture_id"], report.captures["reason"], strict=True))
    verdicts = {
        capture_id: Verdict(excluded=True, reason=said_before[capture_id] or " ".join(said))
        for capture_id, said in reasons.items()
    }
    revise(report.folder, verdicts)
    return len(reasons)

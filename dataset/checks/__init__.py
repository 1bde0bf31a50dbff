"""What is judged of captures: each check is one file here."""

from __future__ import annotations

from dataset.checks.verdict import (
    REMARKS,
    THRESHOLDS,
    Verdict,
    dc_offset,
    faults,
    judge,
    noise_floor,
    thresholds,
)

__all__ = [
    "REMARKS",
    "THRESHOLDS",
    "Verdict",
    "dc_offset",
    "faults",
    "judge",
    "noise_floor",
    "thresholds",
]

"""report.html: what was captured, what was learned and how it sounds, in one file."""

from __future__ import annotations

from training.report.coverage import CoverageItem
from training.report.page import write_report

__all__ = ["CoverageItem", "write_report"]

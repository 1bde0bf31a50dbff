"""report.html: what was captured, what was learned and how it sounds, in one file; and another of
models side by side."""

from __future__ import annotations

from training.report.coverage import CoverageItem
from training.report.page import write_report
from training.report.versus import write_comparison

__all__ = ["CoverageItem", "write_comparison", "write_report"]

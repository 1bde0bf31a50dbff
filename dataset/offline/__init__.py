"""Looking over a dataset that is already on disk: everything that can be verified offline.

What is found is a list, never an exception: one damaged part does not hide the others.
"""

from __future__ import annotations

from dataset.offline.report import Finding, Report
from dataset.offline.run import recheck

__all__ = ["Finding", "Report", "recheck"]

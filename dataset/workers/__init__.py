"""Takes of a simulated rig, made by several processes at once.

A take of such a rig follows from its file, the plan's entry and the dry alone, so it does not
matter who makes it, when, or how often: a worker that dies costs time and nothing else.
"""

from __future__ import annotations

from dataset.workers.jobs import Job, Made, WorkerRig
from dataset.workers.pool import Pool, made_by
from dataset.workers.source import by_workers

__all__ = ["Job", "Made", "Pool", "WorkerRig", "by_workers", "made_by"]

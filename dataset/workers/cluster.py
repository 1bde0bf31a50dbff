"""Workers on the machines of a Ray cluster."""

from __future__ import annotations

import logging
import socket
from concurrent.futures import Future
from functools import lru_cache
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from dataset.workers.jobs import Job, Made, WorkerRig
from dataset.workers.pool import Died, Pool
from rigs.errors import UserError
from rigs.rig import Rig

_PATIENCE = 5.0
"""Seconds until a machine answers."""


@lru_cache(maxsize=1)
def _opened(rig: WorkerRig) -> Rig:
    made = rig.check()
    made.open()
    return made


def make(rig: WorkerRig, job: Job) -> Made:
    """On a machine of the cluster: play ``job``. The rig stays open for the next."""
    return _opened(rig).take(job.dry, job.trajectory)


class ClusterPool(Pool):
    """As many workers as the cluster has processors, or ``size``.

    Every machine of the cluster needs ampsweep, and the rig's file at the same path.
    """

    def __init__(self, rig: WorkerRig, address: str, size: int | None = None) -> None:
        """``address`` is a cluster's, "auto" for the one this machine belongs to, or "local" for
        one of this machine alone.

        Raises UserError if workers cannot play the rig or if there is no such cluster.
        """
        rig.check()
        _knock(address)
        where: dict[str, Any] = {"address": address, "log_to_driver": False}
        if address == "local":
            where |= {"num_cpus": size, "include_dashboard": False}
        try:
            ray.init(**where, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise _no_cluster(address, str(error)) from None
        self.size = size or max(1, int(ray.cluster_resources()["CPU"]))
        self._rig = rig
        # The session makes a dead worker's job again itself, and counts.
        self._make = ray.remote(max_retries=0)(make)

    def submit(self, job: Job) -> Future[Made]:
        made: Future[Made] = self._make.remote(self._rig, job).future()
        return made

    def result(self, made: Future[Made]) -> Made:
        try:
            return made.result()
        except RayTaskError as error:
            cause: Any = error.cause
            raise cause from None
        except RayError:
            raise Died from None

    def close(self) -> None:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise UserError if nothing listens at HOST:PORT: Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        try:
            socket.create_connection((host, int(port)), _PATIENCE).close()
        except (OSError, ValueError, OverflowError) as error:
            raise _no_cluster(address, str(error)) from None


def _no_cluster(address: str, why: str) -> UserError:
    reason = next(iter(why.strip().splitlines()), "it does not say why").rstrip(".")
    return UserError(
        f"There is no Ray cluster at {address!r} ({reason}); start one with `ray start --head`, or "
        "give --cluster local."
    )

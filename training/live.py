"""Logging a training with DVCLive, for those who watch it in DVC's tools.

Everything it writes lies in `live/` in the model's folder: `metrics.json`, and a table for each
metric. It needs no git, writes no dvc.yaml and makes no experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.resume import State

Log = Callable[[State], None]
"""Called after each validation."""


def no_log(state: State) -> None:
    """What logs nothing."""


@contextmanager
def dvclive(folder: Path, wanted: bool) -> Iterator[Log]:
    """What logs into ``folder``, if ``wanted``; of a training that goes on, its whole past."""
    if not wanted:
        yield no_log
        return
    from dvclive.live import Live  # brings all of DVC

    where = str(folder / "live")
    live: Any = Live(where, report=None, save_dvc_exp=False, dvcyaml=None, monitor_system=False)
    logged = 0

    def log(state: State) -> None:
        nonlocal logged
        for record in state.history[logged:]:
            live.step = record.step
            live.log_metric("loss", record.loss)
            live.log_metric("validation_esr", record.esr)
            live.log_metric("seconds", round(record.seconds, 1))
        logged = len(state.history)
        live.make_summary()

    try:
        yield log
    finally:
        live.end()

"""The capture session: works through a plan, and can be killed at any moment.

``run`` is the loop; ``take`` says what a take is and where takes come from (``simulated``,
``live``); ``sentinels`` warms up and watches for drift; ``events`` is what is told meanwhile, to a
display and to ``log``; ``report`` makes of a log what a person reads; ``held`` and ``clock`` are
what lies there already, and what comes to lie there is called.
"""

from __future__ import annotations

from dataset.session.clock import SIMULATED_START
from dataset.session.events import (
    Decided,
    Event,
    Heard,
    Kept,
    Paused,
    Planned,
    Progressed,
    Resumed,
    Retrying,
    SetAside,
    Started,
    Summary,
    Waiting,
)
from dataset.session.held import held_indices
from dataset.session.run import capture, software
from dataset.session.take import Facts, Source, Take, Work, judged

__all__ = [
    "SIMULATED_START",
    "Decided",
    "Event",
    "Facts",
    "Heard",
    "Kept",
    "Paused",
    "Planned",
    "Progressed",
    "Resumed",
    "Retrying",
    "SetAside",
    "Source",
    "Started",
    "Summary",
    "Take",
    "Waiting",
    "Work",
    "capture",
    "held_indices",
    "judged",
    "software",
]

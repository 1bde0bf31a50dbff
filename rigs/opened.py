"""A rig while it is open, and how a session gets it back when its cable was pulled."""

from __future__ import annotations

import time
from collections.abc import Callable

from rigs.errors import UserError
from rigs.rig import Ask, Rig

PATIENCE = 600.0
"""Seconds that a session waits for a lost rig: time to find the cable and push it in again."""
PAUSE = 1.0


class Opened:
    """Opens ``rig`` on entry and closes it on exit, whatever happened."""

    def __init__(self, rig: Rig, ask: Ask, patience: float = PATIENCE) -> None:
        self.rig = rig
        self._ask = ask
        self._patience = patience

    def __enter__(self) -> Opened:
        self.rig.open(self._ask)
        return self

    def again(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Close what is left and open anew, homing and all.

        False if ``stop`` said to wait no longer; raises UserError if patience ends.
        """
        self.rig.close()
        end = time.monotonic() + self._patience
        while not stop():
            try:
                self.rig.open(self._ask)
                return True
            except UserError:
                if time.monotonic() >= end:
                    raise
                time.sleep(min(PAUSE, self._patience))
        return False

    def __exit__(self, *_: object) -> None:
        self.rig.close()

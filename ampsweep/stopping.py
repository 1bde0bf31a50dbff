"""Ctrl-C once: finish what is in hand and stop; twice: stop now."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

NOTICE = "Stopping after this capture; Ctrl-C again stops at once."


class Stop:
    """Within its context the first Ctrl-C only sets what calling it tells; the next one raises.

    ``notice`` says so on stderr where nothing else does. Elsewhere than in the main thread, where
    no signals arrive, Ctrl-C stays what it was.
    """

    def __init__(self, notice: bool) -> None:
        self._notice = notice
        self._asked = False
        self._before: object = None

    def __call__(self) -> bool:
        """Whether to stop after the capture in hand."""
        return self._asked

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        if self._notice:
            # Straight to the system: print may be what was interrupted.
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{NOTICE}\n".encode())

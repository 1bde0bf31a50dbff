"""Keys as they are pressed, while the program goes on."""

from __future__ import annotations

import os
import select
import sys
import time
from types import TracebackType


class Keys:
    """Reads the terminal's keys; without a terminal, there are none."""

    def __init__(self) -> None:
        self._file: int | None = None

    def __enter__(self) -> Keys:
        if sys.platform != "win32" and sys.stdin.isatty():
            import termios
            import tty

            self._file = sys.stdin.fileno()
            self._before = termios.tcgetattr(self._file)
            tty.setcbreak(self._file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if sys.platform != "win32" and self._file is not None:
            import termios

            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    def read(self, seconds: float) -> list[str]:
        """The keys that were pressed within so many seconds; an arrow is its escape sequence."""
        if self._file is None:
            time.sleep(seconds)
            return []
        if not select.select([self._file], [], [], seconds)[0]:
            return []
        return split(os.read(self._file, 1024).decode(errors="ignore"))


def split(pressed: str) -> list[str]:
    """What a terminal sent at once, key by key."""
    keys = []
    while pressed:
        length = 3 if pressed[:2] in ("\x1b[", "\x1bO") else 1
        keys.append(pressed[:length])
        pressed = pressed[length:]
    return keys

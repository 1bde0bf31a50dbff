"""The fake controller behind a pseudo-terminal, in a thread, with cables that can be pulled."""

from __future__ import annotations

import os
import re
import select
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

from grbl_controller import Controller


class Bench:
    """A fake controller on ``port``, whose time runs ``speed`` times as fast as ours.

    ``to_controller`` and ``to_host`` may change the bytes that pass: that is how they get lost.
    """

    def __init__(
        self,
        folder: Path,
        speed: float = 1.0,
        kind: type[Controller] = Controller,
        **controller: object,
    ) -> None:
        self.controller = kind(**controller)  # type: ignore[arg-type]
        self.port = folder / "ttyGRBL"
        self.speed = speed
        self.heard = b""
        self.to_controller: Callable[[bytes], bytes] = bytes
        self.to_host: Callable[[bytes], bytes] = bytes
        self.lock = threading.RLock()
        self._born = time.monotonic()
        self._hand = self._slave = -1
        self._over = False
        self.pull = False
        """Set by what passes bytes: pull the cable now, and put it back ``back_in`` seconds on."""
        self.back_in: float | None = None
        self._back_at: float | None = None
        self.plug()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def now(self) -> float:
        """The controller's time."""
        return (time.monotonic() - self._born) * self.speed

    def at(self, monotonic: float) -> float:
        """Ours as the controller's."""
        return (monotonic - self._born) * self.speed

    def hurry(self, speed: float) -> None:
        """From now on the controller's time runs ``speed`` times as fast as ours."""
        with self.lock:
            now = self.now()
            self.speed, self._born = speed, time.monotonic() - now / speed

    def plug(self) -> None:
        with self.lock:
            self._hand, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._hand, False)
            self.port.unlink(missing_ok=True)
            self.port.symlink_to(os.ttyname(self._slave))

    def unplug(self, power: bool = False) -> None:
        """Pull the cable; ``power`` comes over it, too."""
        with self.lock:
            self.port.unlink()
            os.close(self._hand)
            os.close(self._slave)
            self._hand = -1
            if power:
                self.controller.power_cycle()
                self.controller.out.clear()

    def say(self, do: Callable[[Controller], None]) -> None:
        """Something happens to the controller itself."""
        with self.lock:
            self.controller.advance(self.now())
            do(self.controller)

    def close(self) -> None:
        self._over = True
        self._thread.join()
        if self._hand >= 0:
            self.unplug()

    def _serve(self) -> None:
        while not self._over:
            with self.lock:
                if self._back_at is not None and time.monotonic() > self._back_at:
                    self._back_at = None
                    self.plug()
                hand = self._hand
            ready = select.select([hand] if hand >= 0 else [], [], [], 0.001)[0]
            with self.lock:
                if hand != self._hand:
                    continue
                data = b""
                if ready:
                    try:
                        data = os.read(hand, 4096)
                    except OSError:
                        continue
                self.heard += data
                now = self.now()
                self.controller.advance(now)
                self.controller.receive(self.to_controller(data), now)
                self.controller.advance(now)
                said, self.controller.out = b"".join(self.controller.out), []
                if hand >= 0 and (said := self.to_host(said)):
                    os.write(hand, said)
                if self.pull:
                    self.pull = False
                    self.unplug()
                    self._back_at = self.back_in and time.monotonic() + self.back_in


def lost(pattern: bytes, count: int = 1) -> Callable[[bytes], bytes]:
    """Swallows the first ``count`` occurrences of ``pattern`` in what passes."""
    left = [count]

    def swallow(data: bytes) -> bytes:
        data, found = re.subn(pattern, b"", data, count=left[0]) if left[0] else (data, 0)
        left[0] -= found
        return data

    return swallow


def when(pattern: bytes, do: Callable[[], object], nth: int = 1) -> Callable[[bytes], bytes]:
    """Does something when the ``nth`` occurrence of ``pattern`` has passed."""
    left = [nth]

    def watch(data: bytes) -> bytes:
        for _ in re.finditer(pattern, data):
            left[0] -= 1
            if left[0] == 0:
                do()
        return data

    return watch


def late(pattern: bytes, rounds: int) -> Callable[[bytes], bytes]:
    """Holds everything back for ``rounds`` turns of the bench from the first ``pattern`` on."""
    kept, left = [b""], [rounds]

    def delay(data: bytes) -> bytes:
        kept[0] += data
        if re.search(pattern, kept[0]) and left[0]:
            left[0] -= 1
            return b""
        data, kept[0] = kept[0], b""
        return data

    return delay

"""The LV2 worker extension, without a thread.

A plugin may ask for work that takes too long for an audio thread, loading a file for instance,
and goes on without its result for as long as that takes. Here nothing is in a hurry: the work is
done between the block that asked for it and the next, so the result comes at the same sample
every time.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Sized
from ctypes import POINTER, c_int, c_uint32, c_void_p

from rigs.lv2.lilv import EXT, Descriptor

SCHEDULE = EXT + "worker#schedule"
INTERFACE = EXT + "worker#interface"
MOST_PENDING = 1024
LARGEST = 1 << 24
"""Bytes of the largest request or response that is passed on."""
MOST_ROUNDS = 64
_SUCCESS, _NO_SPACE = 0, 2

_ScheduleFunction = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, c_void_p)
_WorkFunction = ctypes.CFUNCTYPE(c_int, c_void_p, _ScheduleFunction, c_void_p, c_uint32, c_void_p)
_ResponseFunction = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, c_void_p)
_EndFunction = ctypes.CFUNCTYPE(c_int, c_void_p)


class _Schedule(ctypes.Structure):
    """LV2_Worker_Schedule."""

    _fields_ = (("handle", c_void_p), ("schedule_work", _ScheduleFunction))


class _Interface(ctypes.Structure):
    """LV2_Worker_Interface; functions that a plugin lacks are null."""

    _fields_ = (
        ("work", _WorkFunction),
        ("work_response", _ResponseFunction),
        ("end_run", _EndFunction),
    )


class Worker:
    """Collects a plugin's requests; :meth:`finish` does them all."""

    def __init__(self) -> None:
        self._requests: deque[bytes] = deque()
        self._responses: deque[bytes] = deque()
        self._ask = _ScheduleFunction(self._collector(self._requests))
        self._respond = _ScheduleFunction(self._collector(self._responses))
        self.schedule = _Schedule(None, self._ask)
        self._interface: _Interface | None = None
        self._handle: int | None = None

    @staticmethod
    def _collector(queue: deque[bytes]):  # type: ignore[no-untyped-def]
        def collect(_: int | None, size: int, data: int | None) -> int:
            if len(queue) >= MOST_PENDING or size > LARGEST:
                return _NO_SPACE
            queue.append(ctypes.string_at(data, size) if data and size else b"")
            return _SUCCESS

        return collect

    def attach(self, descriptor: Descriptor, handle: int | None) -> None:
        """From here on the requests are those of the plugin with this ``handle``."""
        found = descriptor.extension_data(INTERFACE.encode()) if descriptor.extension_data else None
        if found:
            self._interface = ctypes.cast(found, POINTER(_Interface)).contents
        self._handle = handle

    @property
    def requests(self) -> Sized:
        """What the plugin has asked for and not got yet."""
        return self._requests

    @property
    def ends(self) -> bool:
        """Whether the plugin wants to be told of the end of every block."""
        return self._interface is not None and bool(self._interface.end_run)

    def finish(self) -> None:
        """Do the work asked for, and what comes of it.

        Call it after every block that left requests, or after every one if the plugin ``ends``.
        """
        interface = self._interface
        if interface is None:
            return
        for _ in range(MOST_ROUNDS):
            if not self._requests:
                break
            while self._requests:
                data = self._requests.popleft()
                interface.work(self._handle, self._respond, None, len(data), _pointer(data))
            while self._responses:
                data = self._responses.popleft()
                if interface.work_response:
                    interface.work_response(self._handle, len(data), _pointer(data))
        if interface.end_run:
            interface.end_run(self._handle)


def _pointer(data: bytes) -> int | None:
    """``data`` as a pointer; the caller holds on to it."""
    return ctypes.cast(ctypes.c_char_p(data), c_void_p).value

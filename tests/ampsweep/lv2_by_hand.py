"""The smallest LV2 host: any sample rate, any block, the same buffer for in and out."""

from __future__ import annotations

import ctypes
from ctypes import POINTER
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rigs.lv2.lilv import Descriptor

Audio = NDArray[np.float32]


class HandHost:
    """The plugin of ``bundle``, which has ``knobs`` knobs."""

    def __init__(self, bundle: Path, knobs: int, rate: float = 48_000.0) -> None:
        library = ctypes.CDLL(str(bundle / "ampsweep.so"))
        library.lv2_descriptor.restype = POINTER(Descriptor)
        self.descriptor = library.lv2_descriptor(0).contents
        self.handle = self.descriptor.instantiate(
            ctypes.addressof(self.descriptor), rate, f"{bundle}/".encode(), None
        )
        if not self.handle:
            raise RuntimeError(f"the plugin of {bundle} was not made")
        self.controls = np.zeros(knobs + 4, np.float32)
        self.knobs, self.rest = self.controls[:knobs], self.controls[knobs:]
        self.rest[2] = 1.0  # enabled
        for number in range(len(self.controls)):
            self._connect(2 + number, self.controls.ctypes.data + 4 * number)
        self.descriptor.activate(self.handle)
        self.run = self.descriptor.run

    def _connect(self, port: int, where: int) -> None:
        self.descriptor.connect_port(self.handle, port, where)

    @property
    def latency(self) -> int:
        return int(self.rest[3])

    def play(self, dry: Audio, *, in_place: bool = False) -> Audio:
        """One block."""
        dry = np.ascontiguousarray(dry, np.float32).copy()
        wet = dry if in_place else np.full_like(dry, np.nan)
        self._connect(0, dry.ctypes.data)
        self._connect(1, wet.ctypes.data)
        self.run(self.handle, len(dry))
        return wet

    def play_in_blocks(self, dry: Audio, sizes: list[int], *, in_place: bool = False) -> Audio:
        """Blocks of these sizes, over and over."""
        parts, at = [], 0
        while at < len(dry):
            size = sizes[len(parts) % len(sizes)]
            parts.append(self.play(dry[at : at + size], in_place=in_place))
            at += size
        return np.concatenate(parts)

    def close(self) -> None:
        self.descriptor.cleanup(self.handle)

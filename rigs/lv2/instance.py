"""One LV2 plugin at work, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_uint32
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError
from rigs.lv2.catalogue import Plugin
from rigs.lv2.features import SEQUENCE_BYTES, Features
from rigs.lv2.lilv import EXT, lilv
from rigs.lv2.ports import Port
from rigs.lv2.worker import Worker

_ATOM = EXT + "atom#"
_HEADER_BYTES = 8


class Lv2Instance:
    """A new instance of ``plugin``, as it is before any audio.

    Every run is of blocks of ``block`` frames: a plugin may convolve by them. ``inputs`` are the
    audio ports that are given the dry, ``output`` the one that is kept, ``keys`` the control
    ports that :meth:`run` is given values for. Raises UserError if the plugin cannot be made.
    """

    def __init__(
        self, plugin: Plugin, block: int, inputs: Sequence[int], output: int, keys: Sequence[int]
    ) -> None:
        self._block = block
        self._worker = Worker()
        self._features = Features(self._worker, block)
        begun = perf_counter()
        self._made = lilv().lilv_plugin_instantiate(
            plugin.pointer, SAMPLE_RATE, self._features.array
        )
        self.seconds = perf_counter() - begun
        if not self._made:
            raise UserError(
                f"The LV2 plugin {plugin.name} could not be started; its files are damaged, or it "
                "needs something that it does not tell of."
            )
        self._descriptor = self._made.contents.descriptor.contents
        self._handle = self._made.contents.handle

        count = len(plugin.ports)
        # What the plugin tells stands apart from what it is told, which a row overwrites whole.
        self._controls = np.zeros(count, np.float32)
        self._told = np.zeros(count, np.float32)
        self._columns = np.array(keys, np.intp)
        self._input = np.zeros(block, np.float32)
        self._unused = np.zeros(block, np.float32)
        self._outputs = {
            p.index: np.zeros(block, np.float32)
            for p in plugin.ports
            if p.is_a("OutputPort") and (p.is_a("AudioPort") or p.is_a("CVPort"))
        }
        self._output = self._outputs[output]
        self._latency_port = next((p.index for p in plugin.ports if p.reports_latency), None)
        # uint64 for the alignment that events have.
        self._events = {
            p.index: np.zeros(SEQUENCE_BYTES // 8, np.uint64)
            for p in plugin.ports
            if _ATOM + "AtomPort" in p.classes
        }
        urids = self._features.urids
        self._empty = self._header(_HEADER_BYTES, urids.map(f"{_ATOM}Sequence".encode()))
        self._room = self._header(SEQUENCE_BYTES - 8, urids.map(f"{_ATOM}Chunk".encode()))
        self._resets: list[NDArray[np.uint64]] = []
        for port in plugin.ports:
            self._connect(port, port.index in inputs)
        self._worker.attach(self._descriptor, self._handle)
        if self._descriptor.activate:
            self._descriptor.activate(self._handle)
        self._worker.finish()

    @staticmethod
    def _header(size: int, kind: int) -> bytes:
        """LV2_Atom, followed by an LV2_Atom_Sequence_Body of frames and no events."""
        return np.array([size, kind, 0, 0], np.uint32).tobytes()

    def _connect(self, port: Port, driven: bool) -> None:
        where: int | None = None
        if port.is_a("ControlPort", "InputPort"):
            self._controls[port.index] = port.at_rest
            where = self._controls.ctypes.data + 4 * port.index
        elif port.is_a("ControlPort"):
            where = self._told.ctypes.data + 4 * port.index
        elif port.index in self._outputs:
            where = self._outputs[port.index].ctypes.data
        elif port.index in self._events:
            where = self._events[port.index].ctypes.data
            _bytes(self._events[port.index])[: len(self._empty)] = self._empty
            if port.is_a("OutputPort"):
                self._resets.append(self._events[port.index])
        elif port.is_a("AudioPort") or port.is_a("CVPort"):
            where = (self._input if driven else self._unused).ctypes.data
        self._descriptor.connect_port(self._handle, port.index, where)

    @property
    def latency(self) -> int:
        """Frames that the plugin says it delays by, as of the last block."""
        if self._latency_port is None:
            return 0
        reported = float(self._told[self._latency_port])
        return int(reported) if np.isfinite(reported) and reported > 0 else 0

    def run(self, dry: Audio, values: NDArray[np.float32]) -> Audio:
        """What comes of ``dry``, shape (frames,): whole blocks.

        ``values``, shape (blocks, keys), is what the controls are given at each block; with one
        row they stand still.
        """
        rows = np.repeat(self._controls[None], len(values), axis=0)
        rows[:, self._columns] = values
        wet = np.empty(len(dry), np.float32)
        # As little as can be for each block: with moving knobs there are 750 a second of audio,
        # and no copy in Python is cheaper than one between two views of bytes.
        source = _bytes(np.ascontiguousarray(dry, np.float32))
        sink, asked = _bytes(wet), _bytes(rows)
        given, heard, controls = _bytes(self._input), _bytes(self._output), _bytes(self._controls)
        resets = [(_bytes(events)[: len(self._room)], self._room) for events in self._resets]
        run, handle, frames = self._descriptor.run, self._handle, c_uint32(self._block)
        finish, requests, always = self._worker.finish, self._worker.requests, self._worker.ends
        size, row, spent = 4 * self._block, controls.nbytes, 0.0
        for number, at in enumerate(range(0, sink.nbytes, size)):
            if number < len(rows):
                controls[:] = asked[number * row : (number + 1) * row]
            for events, header in resets:
                events[:] = header
            given[:] = source[at : at + size]
            begun = perf_counter()
            run(handle, frames)
            if requests or always:
                finish()
            spent += perf_counter() - begun
            sink[at : at + size] = heard
        self.seconds += spent
        return wet

    def close(self) -> None:
        """Let the plugin go; nothing else may be called after it."""
        if self._made:
            begun = perf_counter()
            if self._descriptor.deactivate:
                self._descriptor.deactivate(self._handle)
            lilv().lilv_instance_free(self._made)
            self._made = None
            self.seconds += perf_counter() - begun


def _bytes(array: NDArray[Any]) -> memoryview:
    """The bytes of a contiguous array, to be read and written in place."""
    view: memoryview = array.data.cast("B")
    return view

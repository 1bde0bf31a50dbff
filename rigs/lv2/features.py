"""What the host offers to an LV2 plugin: the features that it can ask for."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_float, c_int, c_int32, c_uint32, c_void_p

from rigs.audio import SAMPLE_RATE
from rigs.lv2.lilv import EXT, LV2, Feature
from rigs.lv2.worker import SCHEDULE, Worker

_ATOM, _BLOCK = EXT + "atom#", EXT + "buf-size#"
_MAP, _UNMAP = EXT + "urid#map", EXT + "urid#unmap"
_OPTIONS, _LOG = EXT + "options#options", EXT + "log#log"
_PROMISES = (
    LV2 + "hardRTCapable",
    LV2 + "inPlaceBroken",  # input and output never share a buffer here
    _BLOCK + "boundedBlockLength",
    _BLOCK + "fixedBlockLength",
    _BLOCK + "powerOf2BlockLength",
    _BLOCK + "coarseBlockLength",
    EXT + "state#threadSafeRestore",
)
"""Features that are nothing but a promise, which we keep: every block has the same 2^n frames."""

SUPPORTED = frozenset({_MAP, _UNMAP, _OPTIONS, _LOG, SCHEDULE, *_PROMISES})
MOST_URIDS = 1 << 20
SEQUENCE_BYTES = 1 << 16
"""Of the buffer of a port that carries events."""

_MapFunction = ctypes.CFUNCTYPE(c_uint32, c_void_p, c_char_p)
_UnmapFunction = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_uint32)
# Both take more arguments, of which none is looked at: a line of a log is dropped.
_LogFunction = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, c_char_p)


class _Map(ctypes.Structure):
    _fields_ = (("handle", c_void_p), ("map", _MapFunction))


class _Unmap(ctypes.Structure):
    _fields_ = (("handle", c_void_p), ("unmap", _UnmapFunction))


class _Log(ctypes.Structure):
    _fields_ = (("handle", c_void_p), ("printf", _LogFunction), ("vprintf", _LogFunction))


class _Option(ctypes.Structure):
    """LV2_Options_Option; the last one of an array is all zeros."""

    _fields_ = (
        ("context", c_int),
        ("subject", c_uint32),
        ("key", c_uint32),
        ("size", c_uint32),
        ("type", c_uint32),
        ("value", c_void_p),
    )


class Urids:
    """Small numbers for URIs, given out in order of asking."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._uris: dict[int, ctypes.Array[ctypes.c_char]] = {}

    def map(self, uri: bytes | None) -> int:
        """The number of ``uri``; 0, which means failure, if there is none or too many."""
        if uri is None or (uri not in self._numbers and len(self._numbers) >= MOST_URIDS):
            return 0
        if uri not in self._numbers:
            number = self._numbers[uri] = len(self._numbers) + 1
            self._uris[number] = ctypes.create_string_buffer(uri)
        return self._numbers[uri]

    def unmap(self, number: int) -> int | None:
        """The address of the URI of that number, or None."""
        text = self._uris.get(number)
        return None if text is None else ctypes.addressof(text)


class Features:
    """The array that a plugin is given when it is made. It must outlive the plugin."""

    def __init__(self, worker: Worker, block: int) -> None:
        self.urids = urids = Urids()
        self._map = _Map(None, _MapFunction(lambda _, uri: urids.map(uri)))
        self._unmap = _Unmap(None, _UnmapFunction(lambda _, number: urids.unmap(number)))
        silent = _LogFunction(lambda *_: 0)
        self._log = _Log(None, silent, silent)
        self._worker = worker
        self._options = self._make_options(block)
        data = {
            _MAP: ctypes.addressof(self._map),
            _UNMAP: ctypes.addressof(self._unmap),
            _OPTIONS: ctypes.addressof(self._options),
            _LOG: ctypes.addressof(self._log),
            SCHEDULE: ctypes.addressof(worker.schedule),
            **dict.fromkeys(_PROMISES),
        }
        self._features = [Feature(uri.encode(), pointer) for uri, pointer in data.items()]
        self.array = (POINTER(Feature) * (len(data) + 1))()  # the last one stays null
        for place, feature in enumerate(self._features):
            self.array[place] = ctypes.pointer(feature)

    def _make_options(self, block: int) -> ctypes.Array[_Option]:
        def number(uri: str) -> int:
            return self.urids.map(uri.encode())

        lengths = dict.fromkeys(("minBlockLength", "maxBlockLength", "nominalBlockLength"), block)
        given: dict[str, c_int32 | c_float] = {
            _BLOCK + name: c_int32(value)
            for name, value in {**lengths, "sequenceSize": SEQUENCE_BYTES}.items()
        }
        given[EXT + "parameters#sampleRate"] = c_float(SAMPLE_RATE)
        self._values = tuple(given.values())
        kinds = {c_int32: number(_ATOM + "Int"), c_float: number(_ATOM + "Float")}
        options = [
            _Option(0, 0, number(key), 4, kinds[type(value)], ctypes.addressof(value))
            for key, value in given.items()
        ]
        return (_Option * (len(options) + 1))(*options)

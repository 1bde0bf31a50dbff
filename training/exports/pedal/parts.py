"""What a pedal image is read by: nothing in it is trusted before it is checked."""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum
from typing import Any, NoReturn

import numpy as np

from training.exports.pedal import layout
from training.exports.pedal.image import PedalError, PedalImageError
from training.exports.pedal.layout import Section
from training.models.static import Array


class Parts:
    """An image's header, records, arrays and texts; raises PedalImageError for bad ones."""

    def __init__(self, data: bytes, where: str) -> None:
        self._data = data
        self._where = where
        self._sections: dict[int, tuple[int, int]] = {}

    def _fail(self, code: PedalError, what: str) -> NoReturn:
        raise PedalImageError(code, self._where, what)

    # Whether these are the bytes that were written.

    def _header(self) -> None:
        data = self._data
        if data[: len(layout.MAGIC)] != layout.MAGIC:
            self._fail(PedalError.MAGIC, "is not a pedal image")
        if len(data) < layout.HEADER.size:
            self._fail(PedalError.SIZE, f"ends after {len(data)} bytes")
        _, version, size, crc = layout.HEADER.unpack_from(data)
        if version != layout.VERSION:
            self._fail(
                PedalError.VERSION, f"has version {version}, but this reads {layout.VERSION}"
            )
        if len(data) > layout.LARGEST_IMAGE:
            self._fail(PedalError.SIZE, f"is larger than {layout.LARGEST_IMAGE // 1024} KiB")
        if size != len(data) or size < layout.HEADER.size + layout.COUNT.size:
            self._fail(PedalError.SIZE, f"should have {size} bytes, but has {len(data)}")
        if zlib.crc32(memoryview(data)[layout.HEADER.size :]) != crc:
            self._fail(PedalError.CRC, "is damaged")
        self._table()

    def _table(self) -> None:
        data, start = self._data, layout.HEADER.size + layout.COUNT.size
        count = self._count("sections", *layout.COUNT.unpack_from(data, layout.HEADER.size))
        end = start + count * layout.ENTRY.size
        if end > len(data):
            self._fail(PedalError.SECTION, "ends within its table of sections")
        for i in range(count):
            section, offset, length = layout.ENTRY.unpack_from(data, start + i * layout.ENTRY.size)
            if offset % 4 or length % 4 or offset < end or length > len(data) - offset:
                self._fail(PedalError.SECTION, f"has its section {section} out of place")
            end = offset + length
            if section in self._sections:
                self._fail(PedalError.SECTION, f"has two sections {section}")
            if section not in list(Section) and not section & layout.OPTIONAL:
                self._fail(PedalError.SECTION, f"needs a section {section} that this cannot read")
            self._sections[section] = offset, end
        for section in Section:
            if section not in self._sections:
                self._fail(PedalError.SECTION, f"has no section {section.name}")

    # The parts that sections are made of: each is checked before it is trusted.

    def _count(self, what: str, value: int) -> int:
        low, high = layout.LIMITS[what]
        if not low <= value <= high:
            self._fail(PedalError.DIMENSION, f"has {what} {value}, not {low} to {high}")
        return value

    def _record(self, record: struct.Struct, section: Section) -> tuple[Any, ...]:
        return self._records(record, section, 0, 1)[0]

    def _records(
        self, record: struct.Struct, section: Section, offset: int, count: int
    ) -> list[tuple[Any, ...]]:
        """``count`` records from ``offset`` in the section."""
        start, end = self._sections[section]
        start += offset
        stop = start + count * record.size
        if stop > end:
            self._fail(PedalError.DIMENSION, f"has a section {section.name} that is too short")
        return list(record.iter_unpack(self._data[start:stop]))

    def _kind(self, what: str, value: int, *known: IntEnum) -> None:
        if value not in known:
            self._fail(PedalError.KIND, f"has {what} {value}, which this cannot play")

    def _number(self, value: float) -> float:
        if not np.isfinite(value):
            self._fail(PedalError.NUMBER, "holds a value that is not a number")
        return value

    def _array(self, section: Section, offset: int, count: int, expected: int) -> Array:
        start, end = self._sections[section]
        if count != expected:
            self._fail(PedalError.DIMENSION, f"has an array of {count} values, not {expected}")
        if offset % 4 or offset < start or offset > end or 4 * count > end - offset:
            self._fail(PedalError.DIMENSION, f"has an array outside section {section.name}")
        array = np.frombuffer(self._data, "<f4", count, offset).astype(np.float32)
        if not np.isfinite(array).all():
            self._fail(PedalError.NUMBER, "holds a weight that is not a number")
        array.setflags(write=False)
        return array

    def _text(self, offset: int, length: int) -> str:
        start, end = self._sections[Section.TEXT]
        if (
            length > layout.LARGEST_TEXT
            or offset < start
            or offset >= end
            or length >= end - offset
        ):
            self._fail(PedalError.TEXT, "has a text out of place")
        raw = self._data[offset : offset + length]
        if b"\0" in raw or self._data[offset + length] != 0:
            self._fail(PedalError.TEXT, "has a text that does not end where it says")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._fail(PedalError.TEXT, "has a text that is not UTF-8")

    def _short(self, raw: bytes) -> str:
        text = raw.rstrip(b"\0")
        if not 1 <= len(text) <= layout.SHORT_NAME or not all(32 <= byte < 127 for byte in text):
            self._fail(PedalError.TEXT, "has a short name that is not 1 to 11 ASCII characters")
        return text.decode("ascii")

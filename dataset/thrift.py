"""Thrift's compact protocol, read from bytes that anyone may have made.

("Thrift compact protocol encoding", Apache Thrift.)
"""

from __future__ import annotations

from typing import Any

NUMBER = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
"""A number's bytes, as a regular expression."""

_MOST_ITEMS = 1 << 19
_DEEPEST = 12


class Placed(int):
    """A number that knows which bytes it was read from: from ``begin`` to ``end``."""

    begin: int
    end: int


def read_struct(data: bytes, at: int = 0, depth: int = 0) -> tuple[dict[int, Any], int]:
    """A structure's fields by their numbers, and where it ends.

    Numbers are :class:`Placed`, strings bytes, lists and structures Python's own. Raises ValueError
    or IndexError if it is none.
    """
    fields: dict[int, Any] = {}
    number = 0
    if depth > _DEEPEST:
        raise ValueError("its metadata is nested too deeply")
    while head := data[at]:
        at += 1
        if head < 16:
            number, at = _varint(data, at)
            number = _signed(number)
        else:
            number += head >> 4
        kind = head & 15
        if kind <= 2:
            fields[number] = kind == 1
        else:
            fields[number], at = _value(data, at, kind, depth)
    return fields, at + 1


def to_number(data: bytes) -> int:
    """The number whose bytes :data:`NUMBER` found."""
    value = 0
    for byte in reversed(data):
        value = value << 7 | byte & 127
    return (value >> 1) ^ -(value & 1)


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if 4 <= kind <= 6:
        value, end = _varint(data, at)
        number = Placed(_signed(value))
        number.begin, number.end = at, end
        return number, end
    if kind == 8:
        length, at = _varint(data, at)
        if at + length > len(data):
            raise IndexError
        return data[at : at + length], at + length
    if kind == 12:
        return read_struct(data, at, depth + 1)
    if kind == 9:
        return _list(data, at, depth)
    if kind in (1, 2, 3):
        return data[at], at + 1
    if kind == 7:
        return None, at + 8
    raise ValueError("its metadata has a type that Parquet does not know")


def _list(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    head = data[at]
    at += 1
    count, kind = head >> 4, head & 15
    if count == 15:
        count, at = _varint(data, at)
    # Each takes a byte at least, and a hundred once it is read.
    if count > min(_MOST_ITEMS, len(data) - at):
        raise IndexError
    items = []
    for _ in range(count):
        item, at = _value(data, at, kind, depth + 1)
        items.append(item)
    return items, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("its metadata has a number that is too long")

"""What a Parquet file says of its columns and pages, read without trusting any of it.

Arrow's reader believes a file's own words: it ends the process where some numbers of a column do
not fit each other, and makes room for as many values as a page claims to hold. So they are read
here first, and a file that contradicts itself is left alone. (Structures and their field numbers:
parquet.thrift, Apache Parquet format 2.11.)
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from dataset.thrift import NUMBER, Placed, read_struct, to_number

MOST_FOOTER = 8 << 20
"""Bytes: that of a file with a hundred row groups has half a megabyte."""
MOST_HEADER = 1 << 16
"""Bytes of a page's header."""
MOST_PAGES = 1 << 16

CODECS = ("UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW")

_BYTE_ARRAY = 6
_DATA, _INDEX, _DICTIONARY, _DATA_2 = range(4)
_SWELLS = 24
"""How many times its size a page may have once it is unpacked: Snappy's most is 22."""
_PLAIN_PAGE = re.compile(
    rb"\x15\x00\x15(%b)\x15(%b)(?:\x15%b\x1c|\x2c)\x15(%b)(?:\x15%b){3}(?:\x1c\x00)?\x00\x00"
    % ((NUMBER,) * 5),
    re.DOTALL,
)
"""The header of a page as Arrow writes it: its size, unpacked and packed, and its values."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's chunk in a row group: where its ``size`` bytes begin, how many values it holds,
    what they come to when they are unpacked, and their bounds as they are stored, if known."""

    path: str
    codec: str
    values: int
    unpacked: int
    size: int
    start: int
    has_dictionary: bool
    of_bytes: bool
    """Whether a value may be of any length, as strings are."""
    bounds: tuple[bytes, bytes] | None


@dataclass(frozen=True, slots=True)
class Group:
    """A row group. ``columns`` are its leaves, in the order of the schema."""

    rows: int
    columns: tuple[Column, ...]


def read_layout(path: Path) -> tuple[Group, ...]:
    """The row groups of the file; raises ValueError for what no writer writes, or OSError."""
    stat = path.stat()
    return _layout(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


def check_pages(path: Path, columns: Sequence[Column]) -> None:
    """Raise ValueError if pages of ``columns`` are not what the footer says that they are.

    Their sizes have to add up to the chunk's, and their values to its; a page is no larger when it
    is unpacked than the whole chunk is said to be, and a dictionary has no value without a byte.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for column in columns:
            try:
                _check_chunk(data, column)
            except (IndexError, AttributeError, TypeError):
                raise ValueError(f"the pages of {column.path} are damaged") from None


def _check_chunk(data: mmap.mmap, column: Column) -> None:
    at, end, values, unpacked, pages = column.start, column.start + column.size, 0, 0, 0
    while at < end:
        kind, full, packed, count, begin = _page(data, at, end)
        pages += 1
        unpacked += begin - at + full
        if kind in (_DATA, _DATA_2):
            values += count
        fits = (
            kind in (_DATA, _INDEX, _DICTIONARY, _DATA_2)
            and min(full, packed, count) >= 0
            and (kind != _DICTIONARY or (column.has_dictionary and count <= full))
            and values <= column.values
            and unpacked <= column.unpacked
            and (full == packed if column.codec == CODECS[0] else full <= _SWELLS * packed)
            and pages <= MOST_PAGES
        )
        at = begin + packed
        if not fits or at > end:
            raise ValueError(f"a page of {column.path} is not what the file says of it")
    if values != column.values:
        raise ValueError(f"{column.path} has {values} values, and should have {column.values}")


def _page(data: mmap.mmap, at: int, end: int) -> tuple[int, int, int, int, int]:
    """A page's kind, its size unpacked and packed, its values, and where its bytes begin."""
    if plain := _PLAIN_PAGE.match(data, at, end):
        full, packed, count = plain.groups()
        return _DATA, to_number(full), to_number(packed), to_number(count), plain.end()
    header, size = read_struct(data[at : min(end, at + MOST_HEADER)])
    kind = header.get(1, -1)
    own = header.get({_DATA: 5, _DICTIONARY: 7, _DATA_2: 8}.get(kind, 0), {})
    count = 0 if kind == _INDEX else own.get(1, -1)
    return kind, header.get(2, -1), header.get(3, -1), count, at + size


@lru_cache(maxsize=64)
def _layout(path: Path, *look: int) -> tuple[Group, ...]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if len(tail) < 8 or tail[4:] != b"PAR1" or length > size - 12:
            raise ValueError("it does not end as Parquet does")
        if length > MOST_FOOTER:
            raise ValueError(f"it has {length} bytes of metadata")
        end = size - 8 - length
        file.seek(end)
        footer = file.read(length)
    for shape in _shapes:
        if groups := shape.read(footer, end):
            return groups
    try:
        said = read_struct(footer)[0]
        leaves = list(_leaves(said[2]))
        groups = tuple(_group(one, leaves, end) for one in said.get(4, ()))
        if len(groups) == 1 and len(_shapes) < _MOST_SHAPES:
            _shapes.append(_Shape.of(footer, said))
        return groups
    except (IndexError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("its metadata is damaged") from None


def _leaves(schema: list[dict[int, Any]]) -> Iterator[str]:
    """The dotted paths of the columns that hold values; the schema is a tree, parents first."""
    parents: list[tuple[list[str], list[int]]] = []
    for number, element in enumerate(schema):
        while parents and not parents[-1][1][0]:
            parents.pop()
        path: list[str] = []
        if parents:
            path = [*parents[-1][0], element[4].decode("utf-8", "replace")]
            parents[-1][1][0] -= 1
        if element.get(5, 0):
            parents.append((path, [element[5]]))
        elif number:
            yield ".".join(path)


def _group(said: dict[int, Any], leaves: list[str], end: int) -> Group:
    columns = tuple(_column(_path(chunk), _facts(chunk), _bounds(chunk), end) for chunk in said[1])
    if [column.path for column in columns] != leaves or said[3] < 0:
        raise ValueError("a row group has not the columns of the schema")
    return Group(said[3], columns)


def _path(chunk: dict[int, Any]) -> str:
    return b".".join(chunk[3][3]).decode("utf-8", "replace")


def _facts(chunk: dict[int, Any]) -> list[int]:
    """Codec, values, bytes unpacked and packed, where the first page and the dictionary are, and
    of which type they are."""
    if 1 in chunk:
        raise ValueError("a column lies in another file")
    said = chunk[3]
    if not all(isinstance(said.get(field, 0), int) for field in (1, 4, 5, 6, 7, 9, 11)):
        raise TypeError
    return [said[4], said[5], said[6], said[7], said[9], said.get(11, 0), said[1]]


def _bounds(chunk: dict[int, Any]) -> tuple[bytes, bytes] | None:
    said = chunk[3].get(12, {})
    least, most = said.get(6), said.get(5)
    return (least, most) if isinstance(least, bytes) and isinstance(most, bytes) else None


def _column(
    path: str, facts: Sequence[int], bounds: tuple[bytes, bytes] | None, end: int
) -> Column:
    codec, values, unpacked, size, first, dictionary, kind = facts
    # 0 stands for none: without a dictionary, or, as Arrow writes a column of no rows, no data,
    # or neither.
    start = min((at for at in (first, dictionary) if at != 0), default=0)
    empty = values == unpacked == size == 0
    if min(values, unpacked, size) < 0 or (start < 4 and not empty) or start + size > end:
        raise ValueError(f"{path[:80]} does not lie in the file")
    if not 0 <= codec < len(CODECS):
        raise ValueError(f"{path[:80]} is compressed in a way that nobody knows")
    return Column(
        path,
        CODECS[codec],
        values,
        unpacked,
        size,
        start,
        dictionary > 0,
        kind == _BYTE_ARRAY,
        bounds,
    )


@dataclass(frozen=True)
class _Shape:
    """A footer that was read, with gaps for the numbers of its row group: thousands of parts
    differ in nothing else, and a regular expression is read in a twentieth of the time."""

    pattern: re.Pattern[bytes]
    rows: int
    """In which gap the rows are; of each column, its path, its bounds, and in which its facts."""
    columns: tuple[tuple[str, tuple[bytes, bytes] | None, tuple[int | None, ...]], ...]

    @classmethod
    def of(cls, footer: bytes, said: dict[int, Any]) -> _Shape:
        """Raises as reading it does; ``said`` was read from ``footer``."""
        [group] = said[4]
        gaps = {number.begin: number for number in _numbers([said[3], group])}
        order = {begin: place for place, begin in enumerate(sorted(gaps))}
        text, done = b"", 0
        for begin in order:
            text += re.escape(footer[done:begin]) + b"(%b)" % NUMBER
            done = gaps[begin].end
        text += re.escape(footer[done:])
        columns = tuple(
            (
                _path(chunk),
                _bounds(chunk),
                tuple(
                    order[fact.begin] if isinstance(fact, Placed) else None
                    for fact in _facts(chunk)
                ),
            )
            for chunk in group[1]
        )
        return cls(re.compile(text, re.DOTALL), order[group[3].begin], columns)

    def read(self, footer: bytes, end: int) -> tuple[Group, ...] | None:
        """The row group of a footer of this shape; None if it is of another."""
        found = self.pattern.fullmatch(footer)
        if found is None:
            return None
        said = found.groups()
        columns = tuple(
            _column(path, [0 if at is None else to_number(said[at]) for at in facts], bounds, end)
            for path, bounds, facts in self.columns
        )
        rows = to_number(said[self.rows])
        if rows < 0:
            raise ValueError("a row group has fewer rows than none")
        return (Group(rows, columns),)


def _numbers(said: Any) -> Iterator[Placed]:
    if isinstance(said, Placed):
        yield said
    elif isinstance(said, list | dict):
        for value in said.values() if isinstance(said, dict) else said:
            yield from _numbers(value)


_MOST_SHAPES = 8
_shapes: list[_Shape] = []

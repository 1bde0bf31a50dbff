"""Where in a TOML file a value stands, so that an error can name the line.

tomllib says nothing of lines once a file is read. This walks over the same text again, which is
known to be valid by then, and notes the line of every key, of inline tables and arrays too.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress

Path = tuple[str | int, ...]
"""Keys from the top of the file down; a number counts an array's items from 0."""

_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:\s|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # as many as two quotes may stand before the closing three
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\n]*")


class _Scan:
    """One pass over a valid ``text``. Every step moves on, so that it ends whatever the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._newlines = [m.start() for m in re.finditer("\n", text)]
        self._counts: dict[Path, int] = {}

    def document(self) -> Iterator[tuple[Path, int, bool]]:
        """Each path, its line, and whether it is written out there, not just passed through."""
        table: Path = ()
        while self._skip(_GAP) < len(self.text):
            line = self._line()
            if self._take("[["):
                keys = self._keys()
                yield from self._passed(keys[:-1], (), line)
                array = (*self._last_items(keys[:-1]), *keys[-1:])
                yield array, line, array not in self._counts
                table = (*array, self._counts.get(array, 0))
                self._counts[array] = self._counts.get(array, 0) + 1
                yield table, line, True
                self._take("]]")
            elif self._take("["):
                keys = self._keys()
                yield from self._passed(keys[:-1], (), line)
                table = self._last_items(keys)
                yield table, line, True
                self._take("]")
            else:
                yield from self._pair(table)

    def _pair(self, table: Path) -> Iterator[tuple[Path, int, bool]]:
        line, start = self._line(), self.at
        keys = self._keys()
        yield from self._passed(keys[:-1], table, line)
        yield (*table, *keys), line, True
        self._skip(_BLANK)
        self._take("=")
        yield from self._value((*table, *keys))
        self.at = max(self.at, start + 1)

    def _value(self, path: Path) -> Iterator[tuple[Path, int, bool]]:
        self._skip(_GAP)
        if self._take("["):
            index = 0
            while self._skip(_GAP) < len(self.text) and not self._take("]"):
                start = self.at
                yield (*path, index), self._line(), True
                yield from self._value((*path, index))
                self._skip(_GAP)
                self._take(",")
                index += 1
                self.at = max(self.at, start + 1)
        elif self._take("{"):
            while self._skip(_GAP) < len(self.text) and not self._take("}"):
                yield from self._pair(path)
                self._skip(_GAP)
                self._take(",")
        elif not self._match(_STRING):
            self._match(_BARE)

    def _keys(self) -> Path:
        """A dotted key, as its parts."""
        keys: list[str] = []
        while True:
            self._skip(_BLANK)
            found = _KEY.match(self.text, self.at)
            if found is None:
                break
            self.at = found.end()
            with suppress(tomllib.TOMLDecodeError):
                keys.extend(tomllib.loads(f"{found[0]} = 0"))
            self._skip(_BLANK)
            if not self._take("."):
                break
        return tuple(keys)

    def _passed(self, keys: Path, table: Path, line: int) -> Iterator[tuple[Path, int, bool]]:
        for length in range(1, len(keys) + 1):
            path = (*table, *keys[:length])
            yield path if table else self._last_items(path), line, False

    def _last_items(self, keys: Path) -> Path:
        """``keys`` of a header: a key of an array of tables means the last of them so far."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _line(self) -> int:
        return bisect_left(self._newlines, self.at) + 1

    def _take(self, sign: str) -> bool:
        taken = self.text.startswith(sign, self.at)
        self.at += len(sign) if taken else 0
        return taken

    def _match(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found is not None

    def _skip(self, pattern: re.Pattern[str]) -> int:
        self._match(pattern)
        return self.at


def key_lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every table, key and array item of a valid TOML ``text``.

    A table is where its own header or key is, else where the first of its keys is.
    """
    written: dict[Path, int] = {}
    passed: dict[Path, int] = {}
    for path, line, here in _Scan(text).document():
        (written if here else passed).setdefault(path, line)
    return {**passed, **written}


def find_line(text: str, where: Sequence[object]) -> int | None:
    """The line, from 1, of the key ``where`` in a valid TOML ``text``, or of its nearest parent.

    None if not even its first key is there.
    """
    lines = {tuple(map(str, path)): line for path, line in key_lines(text).items()}
    wanted = tuple(map(str, where))
    return next((lines[wanted[:n]] for n in range(len(wanted), 0, -1) if wanted[:n] in lines), None)

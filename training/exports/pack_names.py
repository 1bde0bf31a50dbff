"""How the files of a pack are called, and the rig that reads their names again.

`amp Gain@7.5_Bright@on.nam`: what `rigs/nam/names.py` reads without a pattern.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable, Setting

LONGEST = 255
"""Bytes of a file's name."""
LARGEST_NUMBER = 1e6


@dataclass(frozen=True)
class Naming:
    """``words`` are the knobs' names and ``labels`` the switches', as a file's name can hold them.

    ``told`` are the knobs that names say.
    """

    device: str
    knobs: KnobTable
    words: Mapping[str, str]
    labels: Mapping[str, tuple[str, ...]]
    told: tuple[str, ...]

    @classmethod
    def of(cls, device: str, knobs: KnobTable, settings: list[Setting]) -> Naming:
        """Names say all knobs, or, if that makes them too long, those that differ.

        Raises UserError if two settings have the same name, or one is too long still.
        """
        words = dict(zip(knobs.names, _distinct(map(_clean, knobs.names)), strict=True))
        labels = {k.name: _distinct(map(_clean, k.detents)) for k in knobs if k.detents}
        all_told = cls(_clean(device).lstrip("."), knobs, words, labels, knobs.names)
        differing = tuple(n for n in knobs.names if len({setting[n] for setting in settings}) > 1)
        if not differing:
            raise UserError("A pack needs two settings that differ; export one alone with --set.")
        for naming in (all_told, cls(all_told.device, knobs, words, labels, differing)):
            names = [naming.file(setting) for setting in settings]
            longest = max(names, key=lambda name: len(name.encode()))
            if len(longest.encode()) <= LONGEST:
                break
        else:
            raise UserError(
                f"A file would be called {longest[:60]!r}…, longer than the {LONGEST} bytes that a "
                "name may have; let fewer knobs move."
            )
        if len(set(names)) < len(names):
            raise UserError("Two settings of the pack are the same; leave one out.")
        return naming

    def file(self, setting: Setting) -> str:
        """The file's name; raises UserError for a position that it cannot hold."""
        parts = [f"{self.words[n]}@{self._word(self.knobs[n], setting[n])}" for n in self.told]
        return f"{self.device} {'_'.join(parts)}.nam"

    def _word(self, knob: Knob, value: float) -> str:
        if knob.detents:
            return self.labels[knob.name][round(value)]
        if abs(value) >= LARGEST_NUMBER:
            raise UserError(f"{knob.name} at {value:g} is too large a number for a file's name.")
        return f"{round(value, 6) + 0.0:.6f}".rstrip("0").rstrip(".")

    def rig(self, name: str, comment: Iterable[str]) -> str:
        """The TOML with which the pack is a rig like any other; it stands in the pack's folder."""
        lines = [f"# {line}".rstrip() for line in comment]
        lines += [f"name = {_quoted(_plain(name))}", f"device = {_quoted(_plain(self.device))}"]
        lines += ["", "[actuator]", 'type = "parameters"', "", "[path]", 'type = "nam-pack"']
        lines += ['folder = "."', "normalised = false"]
        knobs = [knob for knob in self.knobs if knob.name in self.told]
        ranges = [
            f"{_quoted(self.words[knob.name])} = [{knob.minimum!r}, {knob.maximum!r}]"
            for knob in knobs
            if not knob.detents
        ]
        switches = [
            f"{_quoted(self.words[knob.name])} = "
            f"[{', '.join(map(_quoted, self.labels[knob.name]))}]"
            for knob in knobs
            if knob.detents
        ]
        for title, rows in (("[path.ranges]", ranges), ("[path.switches]", switches)):
            lines += ["", title, *rows] if rows else []
        return "\n".join(lines) + "\n"


def _clean(text: str) -> str:
    """``text`` without what parts words in a name, or what a file system does not take."""
    return re.sub(r"[^\w.+-]+|_+", "-", unicodedata.normalize("NFC", text))


def _distinct(words: Iterable[str]) -> tuple[str, ...]:
    """``words``, numbered where two would be read as one."""
    found: dict[str, str] = {}
    for word in words:
        candidate, count = word, 1
        while _read_as(candidate) in found:
            count += 1
            candidate = f"{word}-{count}"
        found[_read_as(candidate)] = candidate
    return tuple(found.values())


def _read_as(word: str) -> str:
    """5, 5.0 and 5,0 are one, and so are HI and hi: see `rigs/nam/pack.py`."""
    try:
        return f"{float(word):g}"
    except ValueError:
        return word.casefold()


def _plain(name: str) -> str:
    """``name`` as rigs and devices may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip("._-")[:64] or "pack"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

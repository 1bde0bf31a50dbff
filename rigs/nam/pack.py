"""A folder of `.nam` files whose names say at which setting each was captured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable, Setting
from rigs.nam.names import read_names

MOST_FILES = 10_000
_NUMBER = re.compile(r"[+-]?\d{1,6}(?:[.,]\d{1,6})?", re.ASCII)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Pack:
    """The settings there are, each with its file; and what stands the same in all of them."""

    knobs: KnobTable
    files: tuple[tuple[Path, Setting], ...]
    fixed: dict[str, str]


def read_pack(
    folder: Path,
    glob: str = "*.nam",
    pattern: re.Pattern[str] | None = None,
    ranges: Mapping[str, tuple[float, float]] = {},
    switches: Mapping[str, tuple[str, ...]] = {},
    without: Path | None = None,
) -> Pack:
    """Read the names of the files in ``folder`` that match ``glob``, but of ``without``; and not
    the files.

    A knob goes from the smallest number found to the largest, or as ``ranges`` says. One of which
    words are found is a switch, with the words in alphabetical order, or as ``switches`` lists
    them. Upper and lower case are the same. Raises UserError if the names do not say one setting
    each, all of the same knobs.
    """
    found = [path for path in _find(folder, glob) if path != without]
    said = read_names(found, pattern)
    names = {key: name for key, (name, _) in next(iter(said.values())).items()}
    _check_asked((*ranges, *switches), names)
    knobs: list[Knob] = []
    files: dict[Path, Setting] = {path: {} for path in said}
    fixed: dict[str, str] = {}
    for key, name in names.items():
        words = {path: row[key][1] for path, row in said.items()}
        if len(set(map(_same, words.values()))) == 1:
            fixed[name] = next(iter(words.values()))
            continue
        bounds = _asked(ranges, key)
        labels = _asked(switches, key) or _labels(name, words)
        if labels and bounds:
            raise UserError(
                f"{name} is a switch, which has no range; remove it from [path.ranges]."
            )
        knob, values = _switch(name, words, labels) if labels else _knob(name, words, bounds)
        knobs.append(knob)
        for path, value in values.items():
            files[path][name] = value
    if not knobs:
        raise UserError(
            f"By their names the {len(said)} files in {folder} differ in no knob; add captures, "
            "or a pattern to [path]."
        )
    _check_distinct(files)
    return Pack(KnobTable(tuple(knobs)), tuple(files.items()), fixed)


def _check_asked(asked: Iterable[str], names: Mapping[str, str]) -> None:
    for name in asked:
        if name.casefold() not in names:
            raise UserError(
                f"No file's name says anything of {name!r}, only of {', '.join(names.values())}; "
                "correct it."
            )


def _same(word: str) -> str:
    """``word`` as it is compared: 5, 5.0 and 5,0 are one, and so are HI and hi."""
    return f"{_number(word):g}" if _NUMBER.fullmatch(word) else word.casefold()


def _number(word: str) -> float:
    return float(word.replace(",", "."))


def _find(folder: Path, glob: str) -> list[Path]:
    try:
        paths = sorted(
            path
            for path in folder.iterdir()
            if fnmatchcase(path.name.casefold(), glob.casefold()) and path.is_file()
        )
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be read ({error.strerror}); name the folder of the pack."
        ) from None
    if not 1 <= len(paths) <= MOST_FILES:
        raise UserError(
            f"The folder {folder} holds {len(paths)} files {glob}; a pack has 1 to {MOST_FILES}."
        )
    return paths


def _asked(given: Mapping[str, _T], key: str) -> _T | None:
    return next((value for name, value in given.items() if name.casefold() == key), None)


def _labels(name: str, words: Mapping[Path, str]) -> tuple[str, ...]:
    """The positions of a switch; none if all ``words`` are numbers."""
    numbers = [path for path, word in words.items() if _NUMBER.fullmatch(word)]
    others = [path for path in words if path not in numbers]
    if not others:
        return ()
    if numbers:
        raise UserError(
            f"{name} is a number in the name of {numbers[0].name!r} and {words[others[0]]!r} in "
            f"that of {others[0].name!r}; correct one, or list all positions under [path.switches]."
        )
    spelt: dict[str, str] = {}
    for word in words.values():
        spelt.setdefault(_same(word), word)
    return tuple(spelt[key] for key in sorted(spelt))


def _switch(
    name: str, words: Mapping[Path, str], labels: tuple[str, ...]
) -> tuple[Knob, dict[Path, float]]:
    """A switch, and where it stands in each file."""
    index = {_same(label): float(position) for position, label in enumerate(labels)}
    for path, word in words.items():
        if _same(word) not in index:
            raise UserError(
                f"{path.name!r} has {name} at {word!r}, which is not among {', '.join(labels)}; "
                "add it to [path.switches]."
            )
    values = {path: index[_same(word)] for path, word in words.items()}
    bounds = (0.0, len(labels) - 1.0)
    return Knob(name, *bounds, _usual(values.values(), bounds), detents=labels), values


def _knob(
    name: str, words: Mapping[Path, str], asked: tuple[float, float] | None
) -> tuple[Knob, dict[Path, float]]:
    """A knob, and where it stands in each file."""
    values = {path: _number(word) for path, word in words.items()}
    bounds = asked or (min(values.values()), max(values.values()))
    for path, value in values.items():
        if not bounds[0] <= value <= bounds[1]:
            raise UserError(
                f"{path.name!r} has {name} at {value:g}, beyond {bounds[0]:g} to {bounds[1]:g}; "
                "correct [path.ranges]."
            )
    return Knob(name, *bounds, _usual(values.values(), bounds)), values


def _usual(values: Iterable[float], bounds: tuple[float, float]) -> float:
    """The value that most files have; of several such, the one nearest the middle."""
    count = Counter(values)
    return max(sorted(count), key=lambda value: (count[value], -abs(value - sum(bounds) / 2)))


def _check_distinct(files: Mapping[Path, Setting]) -> None:
    seen: dict[tuple[float, ...], Path] = {}
    for path, setting in files.items():
        other = seen.setdefault(tuple(setting.values()), path)
        if other is not path:
            raise UserError(
                f"{other.name!r} and {path.name!r} are of the same setting; leave one out."
            )

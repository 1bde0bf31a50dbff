"""Every error in a rig's TOML names the file, the line, and what to write instead."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from rigs import registry
from rigs.config import LARGEST, load_rig
from rigs.errors import UserError
from rigs.knobs import KnobTable
from rigs.rig import Actuator, Motion, Options, Recording, SignalPath
from rigs.toml_lines import find_line, key_lines

GOOD = """\
name = "bench"
device = "amp"
[actuator]
type = "parameters"
[path]
type = "virtual-amp"
"""


class Shaft(Options):
    axis: Literal["X", "Y", "Z"]
    degrees: float = Field(default=300.0, gt=0, le=3600)


class WinchOptions(Options):
    port: str
    speed: int = 3
    knobs: dict[str, Shaft] = Field(default={})


class Winch(Actuator):
    """Turns knobs by rope. It takes options of every shape."""

    options_type = WinchOptions

    def check(self, knobs: KnobTable) -> None:
        assert isinstance(self.options, WinchOptions)
        for knob in knobs:
            if knob.name not in self.options.knobs:
                raise UserError(f"no rope holds {knob.name}; add [actuator.knobs.{knob.name}].")

    def go(self, knobs: KnobTable, trajectory: Any) -> Motion:
        return Motion(knobs.to_setting(trajectory.positions[0]))


class Wire(SignalPath):
    """Passes audio, and has no knobs of its own."""

    def play(self, dry: Any, motion: Motion, progress: Any) -> Recording:
        return Recording(np.asarray(dry))


@pytest.fixture(autouse=True)
def winch_and_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("winch_for_a_test")
    module.Winch, module.Wire = Winch, Wire  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "winch_for_a_test", module)
    monkeypatch.setitem(registry.ACTUATORS, "winch", "winch_for_a_test:Winch")
    monkeypatch.setitem(registry.PATHS, "wire", "winch_for_a_test:Wire")


HEAD = 'name = "bench"\ndevice = "amp"\n'
VIRTUAL = '[path]\ntype = "virtual-amp"\n'
PARAMETERS = '[actuator]\ntype = "parameters"\n'
WIRE = '[path]\ntype = "wire"\n[knobs.Gain]\n'
WINCH = '[actuator]\ntype = "winch"\nport = "/dev/rope"\n'
AXES = '[actuator.knobs.Gain]\naxis = "X"\n'

BROKEN: dict[str, tuple[str, int, list[str]]] = {
    # --- not TOML
    "no quotes": (GOOD.replace('"amp"', "amp"), 2, ["text goes in quotes"]),
    "no value": (GOOD + "[knobs.Gain]\nminimum\n", 8, ["write key = value"]),
    "an open quote": (GOOD.replace('"amp"', '"amp'), 2, ["a quote is not closed"]),
    "an open quote on the last line": (GOOD + "[knobs.Gain]\nunit = 'dB", 8, ["not closed"]),
    "an open list": (GOOD + "[knobs.Gain]\ndetents = ['a',\n", 8, ["end a list with ]"]),
    "an open section": (GOOD.replace("[path]", "[path"), 5, ["in [brackets]"]),
    "a decimal comma": (GOOD + "[knobs.Gain]\nminimum = 0,5\n", 8, ["one key = value a line"]),
    "a key twice": (GOOD.replace("[path]", "[path]\ntype = 'x'"), 7, ["remove one of the two"]),
    "a section twice": (GOOD + '[actuator]\nspeed = 3\n', 7, ["in the file already"]),
    "a backslash": (GOOD.replace('"amp"', '"C:\\qamp"'), 2, ["'single quotes'"]),
    "a comma too many": (GOOD + "knobs = {a = 1, }\n", 7, ["between the last value and }"]),
    "a huge number": (GOOD + f"[knobs.Gain]\nminimum = {'9' * 5000}\n", 8, ["mend"]),
    # --- the top of the file
    "no name": (GOOD.replace('name = "bench"\n', ""), 1, ["lacks name", "add a line name = "]),
    "no path": (HEAD + PARAMETERS, 1, ["lacks path", "add a section [path]"]),
    "an unknown key": ("nane = 1\n" + GOOD, 1, ["no 'nane'", "did you mean 'name'?"]),
    "an unknown section": (GOOD + "\n[level]\ninput_dbu = 1\n", 8, ["did you mean 'levels'?"]),
    "a name that is no file's": (GOOD.replace('"amp"', '"../amp"'), 2, ["letter", "'../amp'"]),
    "a number for a name": (GOOD.replace('"amp"', "11"), 2, ["device must be text", "not 11"]),
    "a value for a section": (GOOD + "[levels]\ninput_dbu = 'hot'\n", 8, ["a number", "'hot'"]),
    "text for a number": (GOOD + "[checks]\ndc_offset = '0.1'\n", 8, ["a number", "not '0.1'"]),
    "yes for a number": (GOOD + "[checks]\ndc_offset = true\n", 8, ["a number", "not True"]),
    "infinity": (GOOD + "[checks]\ndc_offset = inf\n", 8, ["not infinite"]),
    # --- types
    "no type": (HEAD + "[actuator]\nspeed = 3\n" + VIRTUAL, 3, ["lacks type", "grbl, midi"]),
    "a number for a type": (HEAD + "[actuator]\ntype = 3\n" + VIRTUAL, 4, ["the type 3", "grbl"]),
    "an unknown type": (
        GOOD.replace('"parameters"', '"parameter"'), 4, ["no type", "did you mean 'parameters'?"]
    ),
    "the other half's type": (
        GOOD.replace('"parameters"', '"virtual-amp"'), 4, ["'virtual-amp' goes into [path]"]
    ),
    "a section that is a value": ("actuator = 3\n" + HEAD + VIRTUAL, 1, ["must be a section"]),
    # --- options
    "an option there is not": (GOOD + "gain = 3\n", 7, ["[path] has no 'gain'", "remove it"]),
    "an option misspelt": (
        HEAD + WINCH + "sped = 4\n" + AXES + WIRE, 6, ["port, speed, knobs (did you mean 'speed'?)"]
    ),
    "an option missing": (
        HEAD + WINCH.replace("port", "# port") + AXES + WIRE, 3, ["[actuator] lacks port"]
    ),
    "an option of the wrong type": (
        HEAD + WINCH + "speed = 'fast'\n" + AXES + WIRE, 6, ["a whole number", "not 'fast'"]
    ),
    "a nested option misspelt": (
        HEAD + WINCH + AXES + "degress = 3\n" + WIRE,
        8,
        ["[actuator.knobs.Gain] has no 'degress'", "axis, degrees (did you mean 'degrees'?)"],
    ),
    "a nested option out of range": (
        HEAD + WINCH + AXES + "degrees = -3\n" + WIRE, 8, ["degrees must be more than 0", "not -3"]
    ),
    "a nested option missing": (
        HEAD + WINCH + "[actuator.knobs.Gain]\n" + WIRE, 6, ["[actuator.knobs.Gain] lacks axis"]
    ),
    "no such choice": (
        HEAD + WINCH + AXES.replace('"X"', '"W"') + WIRE, 7, ["'X', 'Y' or 'Z'", "not 'W'"]
    ),
    "a nested section that is a value": (
        HEAD + WINCH + "[actuator.knobs]\nGain = 3\n" + WIRE, 7, ["Gain must be a section"]
    ),
    "in an inline table": (
        HEAD + WINCH + 'knobs = {Gain = {axis = "X", degrees = 0}}\n' + WIRE, 6, ["more than 0"]
    ),
    "in a section whose name has quotes and a dot": (
        HEAD + WINCH + '[actuator.knobs."Gain 2.1"]\naxis = "W"\n' + WIRE, 7, ["'W'"]
    ),
    "a knob that the actuator lacks": (HEAD + WINCH + WIRE, 3, ["no rope holds Gain"]),
    # --- knobs
    "no knobs": (HEAD + WINCH + '[path]\ntype = "wire"\n', 1, ["no knobs", "list at least one"]),
    "a knob that is not there": (
        GOOD + "[knobs.Gian]\n", 7, ["no knob 'Gian'", "Did you mean Gain?"]
    ),
    "a range turned round": (
        GOOD + "# Gain\n[knobs.Gain]\nminimum = 9\nmaximum = 2\n", 8, ["'Gain' goes from 9 to 2"]
    ),
    "a range beyond the panel": (
        GOOD + "[knobs.Gain]\nmaximum = 11\n", 7, ["the device's own is 0 to 10"]
    ),
    "a default out of range": (
        GOOD + "[knobs.Bass]\n[knobs.Gain]\ndefault = 11\n", 8, ["default 11 outside its range"]
    ),
    "one knob twice": (GOOD + "[knobs.Gain]\n[knobs.gain]\n", 8, ["Gain and gain are one knob"]),
    "a knob's misspelt key": (
        GOOD + "[knobs.Gain]\nmin = 3\n", 8, ["no 'min'", "minimum, maximum, default"]
    ),
    "a detent that is no text": (
        HEAD + WINCH + AXES + WIRE + "detents = [\n  'off',\n  1,\n]\n", 13, ["in quotes", "not 1"]
    ),
    # --- what could be taken for something else
    "after a comment with brackets": (
        "# [knobs]\n# gain = 3\n" + GOOD + "gain = 3 # [path]\n", 9, ["no 'gain'"]
    ),
    "after text of several lines": (
        'name = """bench"""\ndevice = "amp"\n[actuator]\ntype = "parameters"\n[knobs.Gain]\n'
        'unit = """\n[path]\ngain = 3 \\"""\n"""\n' + VIRTUAL + "gain = 3\n", 12, ["no 'gain'"]
    ),
    "after a list with brackets": (
        HEAD + WINCH + AXES + WIRE + "detents = ['[path]', # ]\n'gain = 3']\nminimum = 'x'\n",
        13,
        ["minimum must be a number"],
    ),
    "by dotted keys": (
        HEAD + 'actuator.type = "parameters"\npath.type = "virtual-amp"\npath.gain = 3\n',
        5,
        ["[path] has no 'gain'"],
    ),
    "in Windows' line ends": (GOOD.replace("\n", "\r\n") + "gain = 3\r\n", 7, ["no 'gain'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file(name: str, tmp_path: Path) -> None:
    text, line, words = BROKEN[name]
    path = tmp_path / "rig.toml"
    path.write_text(text, newline="")
    with pytest.raises(UserError) as caught:
        load_rig(path)
    said = str(caught.value)
    assert said.startswith(f"{path}, line {line}: "), said
    assert said.endswith(".")
    assert "\n" not in said
    for word in words:
        assert word in said


def test_good_files_load(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(GOOD)
    assert load_rig(path).knobs["Gain"].maximum == 10
    path.write_bytes("\N{ZERO WIDTH NO-BREAK SPACE}".encode() + GOOD.encode())
    assert load_rig(path).device == "amp"
    path.write_text(HEAD + WINCH + AXES + WIRE + "unit = 'dB'\n")
    assert load_rig(path).knobs["gain"].unit == "dB"


def test_a_knob_of_the_file_alone_has_defaults_that_fit(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    knobs = "minimum = 1\nmaximum = 4\n[knobs.Voice]\ndetents = ['a', 'b', 'c']\n"
    path.write_text(HEAD + WINCH + AXES + "[actuator.knobs.Voice]\naxis = 'Y'\n" + WIRE + knobs)
    gain, voice = load_rig(path).knobs
    assert (gain.minimum, gain.maximum, gain.default) == (1, 4, 2.5)
    assert (voice.minimum, voice.maximum, voice.default) == (0, 2, 0)


def test_a_narrowed_knob_keeps_its_default_within(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(GOOD + "[knobs.gain]\nminimum = 7\n")
    gain = load_rig(path).knobs["Gain"]
    assert (gain.minimum, gain.maximum, gain.default) == (7, 10, 7)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'name = "\xff"\n', "line 1: this is not UTF-8 text"),
        (b"x = 1\nname = '\xe4'\n", "line 2: this is not UTF-8 text"),
        (b"a = " + b"[" * 100_000, "mend it"),
        (b"#" * (LARGEST + 1), "larger than any rig's file"),
    ],
)
def test_files_that_are_no_text(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_bytes(data)
    with pytest.raises(UserError, match=words):
        load_rig(path)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        load_rig(tmp_path / "rig.toml")
    with pytest.raises(UserError, match="is a directory"):
        load_rig(tmp_path)


# --- lines ----------------------------------------------------------------------------------


def paths_of(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield from paths_of(inner, (*path, key))


LINES = '''\
name = "a # [b]" # [c]
"quo.ted key".'x y' = 1
multi = """
[actuator]
fake = 3
\\""" still
""""
[a.b]
c = { d = 1, e = [1, {f = 2}], "g h" = 'x' }
arr = [ # comment ]
  1, "]",
  [2,
   3],
]
[[t]]
x = 1
[t.sub]
y = 2
[[t]]
x = 3
[a]
z = 1979-05-27 07:32:00
'''


@pytest.mark.parametrize(
    ("where", "line"),
    [
        (["quo.ted key", "x y"], 2),
        (["multi"], 3),
        (["actuator"], None),
        (["fake"], None),
        (["a"], 21),
        (["a", "b"], 8),
        (["a", "b", "c", "e", 1, "f"], 9),
        (["a", "b", "c", "nothing"], 9),
        (["a", "b", "arr", 2, 1], 13),
        (["t", 0, "sub", "y"], 18),
        (["t", 1, "x"], 20),
        (["a", "z"], 22),
        ([], None),
    ],
)
def test_a_line(where: list[object], line: int | None) -> None:
    assert find_line(LINES, where) == line


def test_every_key_has_a_line() -> None:
    assert set(key_lines(LINES)) == set(paths_of(tomllib.loads(LINES)))


def quoted(text: str) -> str:
    """``text`` as a TOML string, whatever is in it."""
    return '"' + "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in text) + '"'


VALUES = st.recursive(
    st.integers().map(str)
    | st.booleans().map(lambda b: str(b).lower())
    | st.text("ab[]{}=#'\\\" \n,.", max_size=12).map(quoted)
    | st.text('ab[]{}=#"\\ \n,.', max_size=12).map(lambda t: f"'''{t}'''")
    | st.text("ab[]{}=#\"' ,.", max_size=12).map(lambda t: f'"""\n{t.replace(chr(34), "")}"""'),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda rows: "[ # ]\n" + " ,\n".join(rows) + "\n]")
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda table: "{" + ", ".join(f'"{k}."= {v}' for k, v in table.items()) + "}"
        )
    ),
    max_leaves=6,
)
DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(["", "[x]", "[[y]]", "[x.'z w']"]), VALUES), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=150)
@given(DOCUMENTS)
def test_the_walk_agrees_with_tomllib(parts: list[tuple[str, str]]) -> None:
    lines, expected, seen = list[str](), dict[str, int](), set[str]()
    for number, (header, value) in enumerate(parts):
        if header and (header == "[[y]]" or header not in seen):
            lines.append(header)
            seen.add(header)
        lines.extend(["# k = [1", ""])
        expected[f"k{number}"] = "\n".join(lines).count("\n") + 2
        lines.append(f"k{number} = {value} # ]")
    text = "\n".join(lines)
    found = key_lines(text)
    assert set(found) == set(paths_of(tomllib.loads(text)))
    assert {str(p[-1]): n for p, n in found.items() if str(p[-1]) in expected} == expected

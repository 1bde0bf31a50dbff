"""Reading a netlist: an ngspice file whose `.param` lines and comments say what a rig must know.

::

    * input in 1 V                                    node, and volts at 0 dBFS
    * output out 2 V
    * settle 0.25 s                                   how long it remembers
    .param Drive=5 ; knob "Drive" 0..10 taper audio   a knob and its default
    .param Bright=0 ; switch "Bright" off, on         a switch: the index of its detent
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rigs.circuits.allowed import objection
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable

LARGEST = 64 * 1024
"""Bytes of a netlist."""
BUILTIN = "builtin:"
NODE = r"[A-Za-z0-9_]{1,64}"

_NETLISTS = Path(__file__).parent / "netlists"
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_LEVEL = re.compile(rf"\*\s*(input|output)\s+({NODE})\s+(\d+(?:\.\d+)?)\s*V")
_SETTLE = re.compile(r"\*\s*settle\s+(\d+(?:\.\d+)?)\s*s")
_PARAM = re.compile(rf"\.param\s+([A-Za-z]\w*)\s*=\s*({_NUMBER})", re.IGNORECASE | re.ASCII)
_KNOB = re.compile(
    rf'knob\s+"([^"]{{1,64}})"\s+({_NUMBER})\s*\.\.\s*({_NUMBER})'
    r"(?:\s+unit\s+(\S{1,16}))?(?:\s+taper\s+(linear|audio|reverse audio))?"
)
_SWITCH = re.compile(r'switch\s+"([^"]{1,64})"\s+([^,]+(?:,[^,]+)+)')
_RESISTOR = re.compile(r"(r\w*\s+\S+\s+\S+)\s+\{([^{}]+)\}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Level:
    """A node, and the volts there that are full scale."""

    node: str
    volts: float


@dataclass(frozen=True)
class Netlist:
    """A circuit. ``statements`` are whole lines, checked; those of knobs are left out.

    ``names`` are the parameters' names, one for each knob of ``knobs``.
    """

    name: str
    knobs: KnobTable
    names: tuple[str, ...]
    statements: tuple[str, ...]
    input: Level
    output: Level
    settle: float
    """Seconds after which it has forgotten what was played before."""

    @property
    def sweeps(self) -> bool:
        """Whether knobs can move: they can where they only set resistors."""
        return not any(
            re.search(rf"\b{name}\b", statement, re.IGNORECASE)
            for name in self.names
            for statement in self.statements
            if split_resistor(statement) is None
        )

    def has_node(self, node: str) -> bool:
        """Whether a part outside subcircuits is connected to ``node``, or looks at it."""
        inside = False
        for statement in self.statements:
            first, *words = re.findall(r"[\w.]+", statement.lower())
            inside = (inside or first == ".subckt") and first != ".ends"
            if not inside and not first.startswith(".") and node.lower() in words:
                return True
        return False


def split_resistor(statement: str) -> tuple[str, str] | None:
    """A resistor whose value is an expression, as (what comes before, expression); else None."""
    match = _RESISTOR.fullmatch(statement)
    return (match[1], match[2]) if match else None


def load(name: str, folder: Path) -> Netlist:
    """The netlist of that name: `builtin:…`, or a file, relative to ``folder``.

    Raises UserError, with file and line, if it cannot be had or says what a netlist may not.
    """
    if name.startswith(BUILTIN):
        shipped = sorted(path.stem for path in _NETLISTS.glob("*.cir"))
        short = name.removeprefix(BUILTIN)
        if short not in shipped:
            raise UserError(
                f"There is no netlist {name!r}; the built-in ones are "
                + ", ".join(BUILTIN + stem for stem in shipped)
                + "."
            )
        path = _NETLISTS / f"{short}.cir"
    else:
        path = folder / name
    if not path.is_file():
        raise UserError(f"There is no netlist {path}; give its name relative to the rig's TOML.")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as a netlist: {error}.") from None
    if len(data) > LARGEST:
        raise UserError(f"{path} is larger than {LARGEST // 1024} KiB; give a smaller netlist.")
    return parse(text, name if name.startswith(BUILTIN) else str(path))


def parse(text: str, name: str) -> Netlist:
    """The circuit that ``text`` describes; ``name`` is for errors, which are UserErrors."""
    levels: dict[str, Level] = {}
    settle: float | None = None
    knobs: dict[str, Knob] = {}
    statements: list[str] = []
    ended = False
    for number, code, comment in _lines(text, name):

        def wrong(what: str, number: int = number) -> UserError:
            return UserError(f"{name}, line {number}: {what}.")

        if not code:
            if match := _LEVEL.fullmatch(comment):
                if match[1] in levels or not float(match[3]) > 0:
                    raise wrong(f"there has to be one {match[1]}, at more than 0 V")
                levels[match[1]] = Level(match[2], float(match[3]))
            elif match := _SETTLE.fullmatch(comment):
                settle = float(match[1])
            continue
        if ended:
            raise wrong("something follows `.end`; remove it")
        if code.lower() == ".end":
            ended = True
            continue
        if objected := objection(code):
            raise wrong(f"`{code[:40]}` {objected}")
        try:
            knob = _knob(code, comment)
        except (UserError, ValueError) as error:
            raise wrong(str(error).rstrip(".")) from None
        if knob is None:
            statements.append(code)
        elif knob[0].lower() in (known.lower() for known in knobs):
            raise wrong(f"the parameter {knob[0]} is there twice; remove one")
        else:
            knobs[knob[0]] = knob[1]
    for what in ("input", "output"):
        if what not in levels:
            raise UserError(f"{name} has no line `* {what} NODE VOLTS V`; add it.")
    if settle is None or not settle <= 10:
        raise UserError(f"{name} has no line `* settle SECONDS s` of at most 10; add it.")
    try:
        table = KnobTable(tuple(knobs.values()))
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    return Netlist(
        name,
        table,
        tuple(knobs),
        tuple(statements),
        levels["input"],
        levels["output"],
        settle,
    )


def _lines(text: str, name: str) -> Iterator[tuple[int, str, str]]:
    """Logical lines as (number, code, comment), without the title, which is the first line."""
    number, code, comment = 0, "", ""
    for n, line in enumerate(text.splitlines()[1:], start=2):
        line = line.strip()
        if line.startswith("+"):
            if not code:
                raise UserError(f"{name}, line {n}: there is nothing before it to be continued.")
            rest, _, more = line[1:].partition(";")
            code, comment = f"{code} {rest.strip()}", comment or more.strip()
            continue
        if code:
            yield number, code, comment
        number, code, comment = n, "", ""
        if line.startswith("*"):
            yield n, "", line
        else:
            code, _, comment = (part.strip() for part in line.partition(";"))
    if code:
        yield number, code, comment


def _knob(code: str, comment: str) -> tuple[str, Knob] | None:
    """The parameter's name and the knob, if ``comment`` makes it one."""
    kind = comment.split(None, 1)[0] if comment else ""
    if kind not in ("knob", "switch"):
        return None
    param = _PARAM.fullmatch(code)
    if param is None:
        raise ValueError(f"a {kind} belongs to one plain number, as in `.param Name=5`")
    default = float(param[2])
    if kind == "knob":
        match = _KNOB.fullmatch(comment)
        if match is None:
            raise ValueError('write a knob as `; knob "Name" 0..10 taper audio`')
        label, low, high, unit, taper = match.groups()
        return param[1], Knob(
            label, float(low), float(high), default, unit or "", taper or "linear"
        )
    match = _SWITCH.fullmatch(comment)
    if match is None:
        raise ValueError('write a switch as `; switch "Name" off, on`')
    detents = tuple(label.strip() for label in match[2].split(","))
    return param[1], Knob(match[1], 0.0, float(len(detents) - 1), default, detents=detents)

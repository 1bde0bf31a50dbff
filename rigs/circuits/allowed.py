"""What a netlist may say.

To ngspice a netlist is a program: a control section runs shell commands, a comment that begins with
``*#`` is such a section, models read files. So nothing is passed on but statements that are known
to describe parts of a circuit, in characters that they need, and none that knows the time or
chance: chunks of the dry are simulated apart, and twice must give the same.
"""

from __future__ import annotations

import re

ELEMENTS = "rclkdqjmbefghvix"
"""Resistor, capacitor, inductor, coupling, diode, BJT, JFET, MOSFET, behavioural and the four
controlled sources, voltage and current source, subcircuit."""
CARDS = (".param", ".func", ".model", ".subckt", ".ends", ".nodeset")
MODELS = ("d", "npn", "pnp", "njf", "pjf", "nmos", "pmos", "vdmos", "r", "c", "l")
RESERVED = "ampsweep"
"""Begins the names that are added to a netlist."""
LONGEST = 2000

_CHARACTERS = re.compile(r"[\w.,+\-*/^(){}=<>?:|&!' \t]*", re.ASCII)
_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?[a-z]*"
_SUPPLY = re.compile(rf"[vi]\w*\s+\w+\s+\w+\s+(dc\s+)?({_NUMBER}|\{{[^{{}}]*\}}|'[^']*')")
_MODEL = re.compile(r"\.model\s+\w+\s+(\w+)")
_WORD = re.compile(r"[a-z_]\w*")
_FORBIDDEN = {
    "the time or the frequency": {"time", "hertz"},
    "the temperature": {"temper"},
    "files": {"file", "input_file", "pwlfile"},
    "chance": {
        *("agauss", "gauss", "aunif", "unif", "limit", "rnd", "random", "sgauss", "sunif"),
        *("srandom", "spoisson", "sexponential", "poisson", "exponential", "trnoise", "trrandom"),
    },
}


def objection(statement: str) -> str | None:
    """Why ``statement``, one logical line, may not be in a netlist; None if it may."""
    if len(statement) > LONGEST:
        return f"is longer than {LONGEST} characters; split it"
    good = _CHARACTERS.match(statement)
    if good is None or good.end() < len(statement):
        odd = statement[good.end() if good else 0]
        return f"holds the character {odd!r}, which no part of a circuit needs; remove it"
    text = statement.lower()
    for what, words in _FORBIDDEN.items():
        for word in words.intersection(_WORD.findall(text)):
            return f"says {word!r}, but a circuit may not depend on {what}; remove or rename it"
    if any(word.startswith(RESERVED) for word in _WORD.findall(text)):
        return f"uses a name that begins with {RESERVED!r}; rename it"
    first = text.split(None, 1)[0]
    if first.startswith("."):
        return _card(first, text)
    if first[0] not in ELEMENTS:
        return (
            f"is no part that is known here; parts begin with one of {', '.join(ELEMENTS.upper())}"
        )
    if first[0] in "vi" and not _SUPPLY.fullmatch(text):
        return "is a source that is not plain DC; write it as `Vname node node volts`"
    return None


def _card(first: str, text: str) -> str | None:
    if first not in CARDS:
        return f"is the card {first!r}; only {', '.join(CARDS)} are allowed"
    model = _MODEL.match(text)
    if first == ".model" and (model is None or model[1] not in MODELS):
        return f"is a model of an unknown kind; the kinds allowed are {', '.join(MODELS)}"
    return None

"""What ngspice is given: the circuit at its setting, a source that reads the dry, fixed steps.

The integration is trapezoidal with a step that never changes: the local error does not steer it
(``chgtol`` is out of reach), so that the circuit is sampled on one grid, chunks agree with each
other, and the oversampling alone says how exact it is. ngspice reaches the full step by doubling
the first hundredth of it and so comes to stand at :data:`PHASE`; the source's samples stand just
behind, so that every step reads one of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from rigs.audio import SAMPLE_RATE
from rigs.circuits.allowed import RESERVED
from rigs.circuits.netlist import Netlist, split_resistor

Array = NDArray[np.float64]

PHASE = 0.28
"""Steps by which ngspice's grid is behind time 0."""
SOURCE = "dry.txt"
_READ_AT = "28001"
"""Decimals of the source's times, in steps: PHASE and a trace, so that a step which failed and is
tried shorter still falls between the two samples that were read."""
_UNIT = 1 << 30
_BLOCK = 1 << 15


@dataclass(frozen=True)
class Job:
    """A circuit between two nodes: what is the same for all chunks of a take.

    ``still`` holds the value of each parameter that rests, ``moving`` the names of those that the
    source's further columns drive.
    """

    netlist: Netlist
    input: str
    output: str
    volts: float
    """At the input for a sample of 1."""
    oversample: int
    still: Mapping[str, float]
    moving: tuple[str, ...] = ()

    @property
    def step(self) -> float:
        """Seconds."""
        return 1 / (SAMPLE_RATE * self.oversample)

    def deck(self, steps: int) -> str:
        """The file that makes ngspice go ``steps`` steps."""
        parameters = [f".param {name}={value:.9g}" for name, value in self.still.items()]
        nodes = " ".join([self.input, *map(_node, self.moving)])
        scales = " ".join([f"{self.volts / _UNIT:.12g}", *[f"{1 / _UNIT:.12g}"] * len(self.moving)])
        offsets = " ".join("0" for _ in range(1 + len(self.moving)))
        return "\n".join(
            [
                f"* {RESERVED}",
                *parameters,
                *map(self._moved, self.netlist.statements),
                *(f".global {_node(name)}" for name in self.moving),
                f"a{RESERVED} %v([{nodes}]) {RESERVED}_source",
                f'.model {RESERVED}_source filesource(file="{SOURCE}" amploffset=[{offsets}] '
                f"amplscale=[{scales}] timeoffset=0 timescale={self.step:.15g} "
                "timerelative=false amplstep=false)",
                ".options method=trap reltol=1e-5 chgtol=1 itl4=100",
                f".save v({self.output})",
                f".tran {self.step:.15g} {(steps + 1) * self.step:.15g} 0 {self.step:.15g}",
                ".end\n",
            ]
        )

    def _moved(self, statement: str) -> str:
        """The statement with moving parameters as voltages."""
        resistor = split_resistor(statement)
        if resistor is None:
            return statement
        before, value = resistor
        moved = value
        for name in self.moving:
            moved = re.sub(rf"\b{name}\b", f"v({_node(name)})", moved, flags=re.IGNORECASE)
        return statement if moved == value else f"{before} R='{moved}'"


def write_source(file: TextIO, columns: Array) -> None:
    """Write what the source reads: ``columns``, shape (steps, 1 + moving), the dry first."""
    whole = np.rint(columns * _UNIT).astype(np.int64)
    first, last = (" ".join(map(str, row)) for row in (whole[0].tolist(), whole[-1].tolist()))
    file.write(f"0 {first}\n")
    for start in range(0, len(whole), _BLOCK):
        rows = whole[start : start + _BLOCK].tolist()
        numbered = zip(count(start), rows, strict=False)
        file.writelines(f"{k}.{_READ_AT} {' '.join(map(str, row))}\n" for k, row in numbered)
    # Behind its last line the source would fall to 0.
    for k in range(len(whole), len(whole) + 4):
        file.write(f"{k}.{_READ_AT} {last}\n")


def _node(name: str) -> str:
    return f"{RESERVED}_{name}"

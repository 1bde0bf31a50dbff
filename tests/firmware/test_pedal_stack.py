"""The pedal's stack at its deepest: what the compiler says each function takes, call by call.

GCC writes both beside each object (``-fcallgraph-info=su``). What libDaisy's own functions take is
not in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.firmware.emulator import BUILD, made

FREE = 12_452
"""Bytes of tightly coupled memory that the stack has; docs/pedal.md, by hand."""
INTERRUPT = 108
"""What the processor keeps of what it interrupts, and aligns."""
LIBDAISY = 4 * 1024
"""Left to libDaisy's functions below both, and to its interrupts."""
INDIRECT = "__indirect_call"
REACHED = {
    "daisy-check": r"^virtual |::Rack::judge\(",
    "m7-cascade": r" run\(ampsweep::LayerArray&|::run\(ampsweep::LayerArray&",
    "m7-wavenet": r" ampsweep::m7::convolve",
}
"""What calls through a pointer can reach, by the file in which they are: more than they do."""
SORT = "introsort_loop"
"""Of std::sort, which calls itself for more than 16 numbers; a pot's median is of fewer."""


@dataclass
class Calls:
    """Of all functions: their stack in bytes, what they are called, and whom they call."""

    own: dict[str, int] = field(default_factory=dict)
    label: dict[str, str] = field(default_factory=dict)
    callees: dict[str, set[str]] = field(default_factory=dict)

    def read(self, path: Path) -> None:
        text = path.read_text()
        for name, label in re.findall(r'node: \{ title: "([^"]*)" label: "([^"]*)"', text):
            if taken := re.search(r"(\d+) bytes \((\w+)\)", label):
                assert taken[2] == "static", f"{label} takes as much as it likes"
                self.own[name] = max(self.own.get(name, 0), int(taken[1]))
                self.label[name] = label
        for name, callee in re.findall(r'sourcename: "([^"]*)" targetname: "([^"]*)"', text):
            if name == callee and SORT in name:
                continue
            through = f"{INDIRECT} of {path.stem}"
            self.callees.setdefault(name, set()).add(through if callee == INDIRECT else callee)

    def depth(self, name: str, above: tuple[str, ...] = ()) -> int:
        """Bytes of the deepest way down from there."""
        assert name not in above, f"{name} calls itself"
        below = self.callees.get(name, set())
        return self.own.get(name, 0) + max(
            (self.depth(callee, (*above, name)) for callee in below), default=0
        )

    def named(self, pattern: str) -> list[str]:
        return [name for name, label in self.label.items() if re.search(pattern, label)]


def calls() -> Calls:
    made("daisy-check.o")
    made("engine.o")
    found = Calls()
    for path in (BUILD / "daisy-check.ci", *sorted(BUILD.glob("m7-*.ci"))):
        found.read(path)
    for through in [n for each in found.callees.values() for n in each if INDIRECT in n]:
        reached = found.named(REACHED[through.rpartition(" ")[2]])
        assert reached
        found.callees[through] = set(reached)
    return found


def test_the_main_loop_and_the_audio_that_interrupts_it_fit_the_stack() -> None:
    found = calls()
    (main,) = found.named(r"^int main\(\)")
    (audio,) = found.named(r"::audio\(daisy::AudioHandle")
    deepest = {"main": found.depth(main), "audio": found.depth(audio)}
    print("bytes of stack:", deepest)
    assert min(deepest.values()) > 1_000, "the chain alone, painted, takes 1.5 KiB"
    assert sum(deepest.values()) + INTERRUPT <= FREE - LIBDAISY

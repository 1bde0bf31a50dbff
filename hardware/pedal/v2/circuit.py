"""A circuit as parts with named pins on named nets, its electrical rules, and KiCad's netlist.

The kinds of pins, and which of them may meet, are those of KiCad's own electrical rules check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["input", "output", "bidirectional", "passive", "power_in", "power_out", "open"]
"""What a pin is; "open" is an output that only pulls down (open collector)."""

DRIVES = ("output", "power_out")
"""Two of these on one net fight."""


@dataclass(frozen=True)
class Pin:
    number: str
    name: str
    kind: Kind


@dataclass(frozen=True)
class Part:
    """``nets`` is the net of each pin by its name, None where nothing is to be connected.

    ``value`` and ``footprint`` are as KiCad takes them.
    """

    reference: str
    value: str
    footprint: str
    pins: tuple[Pin, ...]
    nets: Mapping[str, str | None]


@dataclass(frozen=True)
class Circuit:
    """All parts. ``powered``: nets that supply others though no supply pin drives them, and the net
    that their power comes from, through passive parts; itself, where a connector brings it."""

    title: str
    parts: tuple[Part, ...]
    powered: Mapping[str, str] = field(default_factory=dict)

    def nets(self) -> dict[str, list[tuple[Part, Pin]]]:
        """Each net's pins, nets by name and pins by the order of the parts."""
        found: dict[str, list[tuple[Part, Pin]]] = {}
        for part in self.parts:
            for pin in part.pins:
                net = part.nets.get(pin.name)
                if net is not None:
                    found.setdefault(net, []).append((part, pin))
        return dict(sorted(found.items()))

    def faults(self) -> list[str]:
        """What breaks a rule, one clause each; none: the circuit is sound as far as rules see."""
        return list(self._faults())

    def _faults(self) -> Iterator[str]:
        references = [part.reference for part in self.parts]
        for reference in dict.fromkeys(references):
            if references.count(reference) > 1:
                yield f"{reference} is there {references.count(reference)} times"
        for part in self.parts:
            names = {pin.name for pin in part.pins}
            for name in part.nets.keys() - names:
                yield f"{part.reference} has no pin {name}"
            for name in sorted(names - part.nets.keys()):
                yield f"{part.reference} {name} is neither connected nor said to be open"
        for net, pins in self.nets().items():
            yield from self._net_faults(net, pins)
        for net, source in self.powered.items():
            if net not in self._reached(source):
                yield f"net {net} gets its power from {source}, and no part leads there"

    def _reached(self, source: str) -> set[str]:
        """The nets that a current from ``source`` reaches through parts of two or three pins, all
        passive; it goes no further than to a net with supply pins, ground above all."""
        nets = self.nets()
        found, ahead = set[str](), [source] if source in nets else []
        while ahead:
            net = ahead.pop()
            found.add(net)
            if net != source and any(pin.kind.startswith("power") for _, pin in nets[net]):
                continue
            for part, _ in nets[net]:
                if len(part.pins) < 4 and all(pin.kind == "passive" for pin in part.pins):
                    ahead += [n for n in part.nets.values() if n is not None and n not in found]
        return found

    def _net_faults(self, net: str, pins: list[tuple[Part, Pin]]) -> Iterator[str]:
        kinds = [pin.kind for _, pin in pins]
        drivers = [f"{part.reference} {pin.name}" for part, pin in pins if pin.kind in DRIVES]
        if len(pins) < 2:
            part, pin = pins[0]
            yield f"net {net} ends at {part.reference} {pin.name}"
        if len(drivers) > 1:
            yield f"net {net} is driven by {' and '.join(drivers)}"
        supplied = "power_out" in kinds or net in self.powered
        if "power_in" in kinds and not supplied:
            yield f"net {net} feeds a supply pin, and nothing supplies it"
        drives = {"output", "bidirectional", "passive", "power_out", "open"} & set(kinds)
        if "input" in kinds and not drives:
            yield f"net {net} has inputs, and nothing drives them"

    def kicad(self) -> str:
        """KiCad's netlist (version E), which Pcbnew imports; the same text every time."""
        lines = [
            '(export (version "E")',
            f'  (design (tool "ampsweep") (comment {_q(self.title)}))',
        ]
        lines.append("  (components")
        for part in self.parts:
            lines += [
                f"    (comp (ref {_q(part.reference)})",
                f"      (value {_q(part.value)})",
                f"      (footprint {_q(part.footprint)}))",
            ]
        lines += ["  )", "  (nets"]
        for code, (net, pins) in enumerate(self.nets().items(), 1):
            lines.append(f'    (net (code "{code}") (name {_q(net)})')
            lines += [
                f"      (node (ref {_q(part.reference)}) (pin {_q(pin.number)}) "
                f"(pinfunction {_q(pin.name)}) (pintype {_q(pin.kind)}))"
                for part, pin in pins
            ]
            lines.append("    )")
        return "\n".join([*lines, "  )", ")"]) + "\n"


def _q(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""`ampsweep rigs show`: what a rig's file says, with its knobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ampsweep.rig_verbs.list import type_of
from rigs.config import load_rig
from rigs.knobs import Knob
from rigs.registry import ACTUATORS, PATHS
from rigs.rig import Rig


def show(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig to look at.")],
) -> None:
    """The knobs of a rig, its two halves with their options, and what it can do.

    Nothing moves or sounds.
    """
    loaded = load_rig(rig)
    console = Console(highlight=False)
    table = Table("knob", "range", "default", "unit", "taper", title=loaded.device)
    for knob in loaded.knobs:
        row = (knob.name, _range(knob, loaded), _default(knob), knob.unit, knob.taper)
        table.add_row(*map(Text, row))
    console.print(table)
    for name, registry, half in (
        ("actuator", ACTUATORS, loaded.actuator),
        ("path", PATHS, loaded.path),
    ):
        _line(console, f"{name}: {type_of(registry, half)}")
        for option, value in _flat(half.options.model_dump()):
            _line(console, f"  {option}: {value}")
    for line in _abilities(loaded):
        _line(console, line)
    loaded.close()


def _range(knob: Knob, rig: Rig) -> str:
    if knob.detents:
        return ", ".join(knob.detents)
    step = rig.reach.steps.get(knob.name)
    steps = f", in steps of {step:g}" if step else ""
    return f"{knob.minimum:g} to {knob.maximum:g}{steps}"


def _default(knob: Knob) -> str:
    return knob.detents[round(knob.default)] if knob.detents else f"{knob.default:g}"


def _line(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=not console.is_terminal)


def _flat(options: dict[str, Any], within: str = "") -> list[tuple[str, Any]]:
    """Options in sections, one a line: knobs.Gain.axis."""
    rows: list[tuple[str, Any]] = []
    for name, value in options.items():
        if isinstance(value, dict) and value:
            rows += _flat(value, f"{within}{name}.")
        elif value not in (None, "", {}, ()):
            rows.append((f"{within}{name}", value))
    return rows


def _abilities(rig: Rig) -> list[str]:
    reach = rig.reach
    lines = ["Its knobs " + ("can" if reach.sweeps else "cannot") + " move while audio plays."]
    if reach.only:
        lines.append(f"It has {len(reach.only)} settings, and no others.")
    if reach.one_by_one:
        lines.append("Each knob that moves costs effort, so a plan moves few at a time.")
    levels = (("input", rig.input_level_dbu), ("output", rig.output_level_dbu))
    known = [f"{name} {level:g} dBu" for name, level in levels if level is not None]
    unknown = "Its levels are not calibrated."
    lines.append(f"0 dBFS is {', '.join(known)}." if known else unknown)
    if rig.path.notice:
        lines.append(rig.path.notice)
    return lines

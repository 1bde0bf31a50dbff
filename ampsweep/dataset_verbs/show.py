"""`ampsweep dataset show`: what a dataset holds."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ampsweep.dataset_verbs.argument import Data
from ampsweep.dataset_verbs.words import cell
from dataset.stats import by_session, minutes
from dataset.store import Dataset
from rigs.knobs import Knob


def show(data: Data) -> None:
    """The device's knobs, what was captured of it, and when."""
    found = Dataset.open(data)
    console = Console(highlight=False)
    knobs = Table("knob", "range", "default", "taper", title=cell(found.device))
    for knob in found.knobs:
        steps = ", ".join(knob.detents) or f"{knob.minimum:g} to {knob.maximum:g} {knob.unit}"
        knobs.add_row(*map(cell, (knob.name, steps.strip(), _default(knob), knob.taper)))
    console.print(knobs)
    roles = Table("role", "captures", "minutes", "with flags")
    for role, rows in found.captures.groupby("role", sort=False):
        flags = int((rows["flags"].map(len) > 0).sum())
        roles.add_row(str(role), str(len(rows)), f"{minutes(rows):.1f}", str(flags))
    console.print(roles)
    sessions = Table("session", "rig", "captures", "minutes", "software")
    for s in by_session(found):
        cells = (s.session_id, s.rig, str(s.captures), f"{s.minutes:.1f}", s.software)
        sessions.add_row(*map(cell, cells))
    console.print(sessions)


def _default(knob: Knob) -> str:
    return knob.detents[round(knob.default)] if knob.detents else f"{knob.default:g}"

"""The dataset's card: a README.md beside the captures, for people and for Hugging Face."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dataset.coverage import cover
from dataset.schema import check_dry_header, open_parquet, read_table
from dataset.stats import RoleStats, Spread, by_role, by_session, minutes, repeats
from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.files import write_whole
from rigs.knobs import Knob

MADE_BY = "<!-- Written by `ampsweep dataset card`, which writes it anew: edits are lost. -->"

PANDAS = """\
import pandas as pd
captures = pd.read_parquet("captures")
captures[["role", "setting", "rms_dbfs"]]
"""
TORCH = """\
from dataset.store import Dataset
from training.data import DatasetWindows, TrainOptions
batch = DatasetWindows(Dataset.open("."), TrainOptions(minutes=10), 4096).batch(0)
"""
DATASETS = """\
from datasets import load_dataset
captures = load_dataset({folder!r}, split="train")  # all roles: see the column role
samples = captures[0]["audio"].get_all_samples().data * captures[0]["wet_scale"]
"""

LICENCES = {
    "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
    "MIT": "mit",
    "Apache-2.0": "apache-2.0",
    "PDDL-1.0": "pddl",
    "ODbL-1.0": "odbl",
}
"""SPDX identifiers, and what Hugging Face calls them."""


@dataclass(frozen=True)
class DryFacts:
    """What a dry says of itself; ``minutes`` of audio."""

    name: str
    kind: str
    licence: str
    minutes: float


def write_card(folder: Path, licence: str | None = None, *, force: bool = False) -> Path:
    """Write README.md under a device's ``folder``; returns its path.

    ``licence`` is an SPDX identifier or other words for the captures; without it, what the card
    said before stays, and "unknown" is written if there was none. The same dataset gives the same
    bytes. Raises UserError if there are no captures, or if there is a README.md that is not ours,
    unless ``force``.
    """
    path = folder / "README.md"
    before = _before(path)
    if before is not None and MADE_BY not in before and not force:
        raise UserError(
            f"{path} was not written by ampsweep; move it away, or replace it with --force."
        )
    stated = licence or _licence_in(before or "") or "unknown"
    write_whole(path, card(Dataset.open(folder), stated).encode())
    return path


def card(dataset: Dataset, licence: str) -> str:
    """The card of ``dataset`` as Markdown; raises UserError if a sentinel is damaged."""
    title = _cell(dataset.device)
    parts = [
        f"---\n{_front_matter(dataset, licence)}---\n{MADE_BY}\n",
        f"# {title}\n",
        _summary(dataset),
        "## Knobs\n",
        _table(("knob", "range", "default", "unit", "taper"), map(_knob, dataset.knobs)),
        "## What there is\n",
        _roles(dataset),
        "## How well it covers the panel\n",
        _coverage(dataset),
        "## Where it comes from\n",
        _provenance(dataset),
        "## Licence\n",
        _licence(dataset, licence),
        "## Loading it\n",
        _loading(dataset.folder.resolve().name),
    ]
    return "\n".join(parts)


def dries(folder: Path) -> list[DryFacts]:
    """The dries under a device's ``folder``, without their audio; raises UserError if damaged."""
    found = []
    for path in sorted((folder / "dry").glob("*.parquet")):
        file = open_parquet(path)
        check_dry_header(path, file)
        for row in read_table(path, file, ["name", "kind", "licence", "frames"]).to_pylist():
            name, kind, licence = (row[column] or "" for column in ("name", "kind", "licence"))
            found.append(DryFacts(name, kind, licence, (row["frames"] or 0) / SAMPLE_RATE / 60))
    return found


def _before(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return ""


def _licence_in(text: str) -> str:
    """What an earlier card said of the captures' licence."""
    line = next((row for row in text.splitlines() if row.startswith(_STATED)), "")
    return re.sub(r"\\(.)", r"\1", line.removeprefix(_STATED)).strip().removesuffix(".")


_STATED = "The captures: "


def _front_matter(dataset: Dataset, licence: str) -> str:
    known = LICENCES.get(licence)
    named: dict[str, Any] = {"license": known or ("unknown" if licence == "unknown" else "other")}
    if named["license"] == "other":
        named["license_name"] = licence
    count = len(dataset)
    size = "n<1K" if count < 1000 else "1K<n<10K" if count < 10_000 else "10K<n<100K"
    whole = {
        **named,
        "pretty_name": f"{dataset.device}, with its knobs",
        "tags": ["audio", "guitar", "amplifier", "effects", "neural-amp-modeling", "ampsweep"],
        "size_categories": [size],
        "configs": [
            {"config_name": name, "data_files": [{"split": "train", "path": f"{name}/*.parquet"}]}
            for name in ("captures", "dry")
        ],
    }
    whole["configs"][0]["default"] = True
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)


def _summary(dataset: Dataset) -> str:
    moving = int(dataset.captures["trajectory_rate"].notna().sum())
    settings = len(np.unique(dataset.settings(), axis=0))
    sweeps = f", {moving} of them with knobs that move while it plays" if moving else ""
    return (
        f"What **{_cell(dataset.device)}** does with a guitar's signal at {settings} settings of "
        f"its knobs: {len(dataset)} captures, {minutes(dataset.captures):.1f} minutes of audio at "
        f"48 kHz and 24 bits{sweeps}. Each is aligned, sample for sample, with the dry signal that "
        "was played. Knob values are positions on the panel.\n"
    )


def _roles(dataset: Dataset) -> str:
    roles = by_role(dataset)
    head = ("role", "captures", "minutes", "RMS dBFS", "peak dBFS", "noise dBFS", "flags")
    said = [_table(head, map(_role, roles))]
    said.append(
        "Levels are the least, median and most; the noise is that of the quietest moments. `train` "
        "is to learn from, `validation` chooses between models, `test` judges once. A `sentinel` "
        "is one setting captured again and again.\n"
    )
    for column, words in (
        ("input_level_dbu", "A sine at 0 dBFS is {} at the device's input."),
        ("output_level_dbu", "A sine of {} at its output reads 0 dBFS."),
    ):
        levels = Spread.of(dataset.captures[column].dropna())
        if levels is not None:
            same = math.isclose(levels.least, levels.most, abs_tol=0.05)
            known = f"{levels.median:.1f}" if same else f"{levels.least:.1f} to {levels.most:.1f}"
            said.append(words.format(f"{known} dBu") + "\n")
    ratios = [repeat.esr for repeat in repeats(dataset)]
    if ratios:
        said.append(
            f"Captured again, it repeats to an ESR of {np.median(ratios):.2g} (the worst of "
            f"{len(ratios)} sentinels: {max(ratios):.2g}); no model can be judged below.\n"
        )
    return "\n".join(said)


def _coverage(dataset: Dataset) -> str:
    if not len(dataset.select()):
        return "Every capture has faults or is excluded.\n"
    found = cover(dataset)
    said = (
        f"The centred discrepancy is {found.discrepancy:.2g}, {found.evenness:.0%} of that of as "
        f"many random settings. The largest ball without a train capture has a radius of "
        f"{found.gaps[0].radius:.2f} (a knob's whole range is 1)."
    )
    for role, away in found.distances.items():
        said += (
            f" {role.capitalize()} settings are {np.median(away):.2f} from the nearest train one."
        )
    return said + "\n"


def _provenance(dataset: Dataset) -> str:
    head = ("session", "began", "rig", "captures", "minutes", "software")
    sessions = [
        (s.session_id, s.began, s.rig, s.captures, f"{s.minutes:.1f}", s.software)
        for s in by_session(dataset)
    ]
    played = [(d.name, d.kind, d.licence, f"{d.minutes:.1f}") for d in dries(dataset.folder)]
    dry = _table(("dry", "kind", "licence", "minutes"), played)
    return f"{_table(head, sessions)}\n{dry}"


def _licence(dataset: Dataset, licence: str) -> str:
    played = sorted({dry.licence or "unknown" for dry in dries(dataset.folder)})
    return f"{_STATED}{_cell(licence)}.\n\nThe dry signals: {_cell(', '.join(played))}.\n"


def _loading(name: str) -> str:
    hugging_face = DATASETS.format(folder=f"../{name}")
    said = ["In this folder, with pandas (audio stays FLAC):\n", f"```python\n{PANDAS}```\n"]
    said += [
        "With torch and ampsweep: windows of dry, wet and knobs.\n",
        f"```python\n{TORCH}```\n",
    ]
    said += ["With Hugging Face `datasets`:\n", f"```python\n{hugging_face}```\n"]
    return "\n".join(said)


def _knob(knob: Knob) -> tuple[str, ...]:
    if knob.detents:
        return knob.name, ", ".join(knob.detents), knob.detents[round(knob.default)], "", "switch"
    where = f"{knob.minimum:g} to {knob.maximum:g}"
    return knob.name, where, f"{knob.default:g}", knob.unit, knob.taper


def _role(role: RoleStats) -> tuple[Any, ...]:
    flags = ", ".join(f"{count} {flag}" for flag, count in role.flags.items())
    levels = (_levels(spread) for spread in (role.rms, role.peak, role.noise))
    return role.role, role.captures, f"{role.minutes:.1f}", *levels, flags


def _levels(spread: Spread | None) -> str:
    if spread is None:
        return "–"
    numbers = [f"{max(value, -150):.0f}" for value in (spread.least, spread.median, spread.most)]
    return numbers[0] if len(set(numbers)) == 1 else " / ".join(numbers)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in lines)


def _cell(value: object) -> str:
    """Words from outside, with nothing in them that Markdown or HTML would act on."""
    words = " ".join(str(value).split())
    return "".join(f"\\{c}" if c in "|\\`*_<>[]#" else c for c in words if c.isprintable())

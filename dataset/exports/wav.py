"""Plain WAV files and tables: what any program reads."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset.exports.base import Exported, new_folder, plain_row, shortest, write_about
from dataset.store import Dataset
from rigs.audio import write_wav

CAPTURES, DRIES = "captures.csv", "dries.csv"
KNOB, REACHED = "knob ", "reached "
"""Before a knob's name, in the head of its column: where it was told to be, and where it was."""


def export_wav(dataset: Dataset, out: Path, on_capture: Callable[[int], None]) -> Exported:
    """Each wet and each whole dry as a 24-bit WAV; what else is known of a capture as CSV.

    A capture plays ``frames`` of its dry from ``dry_offset``. A wet is written as it is stored,
    before ``wet_scale``. Where knobs moved, ``trajectories/`` has seconds and positions.
    """
    with new_folder(out) as folder:
        for name in ("wet", "dry", "trajectories"):
            (folder / name).mkdir()
        write_about(folder, dataset, "wav")
        rows = []
        for number, row in enumerate(dataset.rows(), 1):
            rows.append(_row(dataset, row))
            write_wav(folder / rows[-1]["wet"], dataset.stored(row))
            trajectory = dataset.trajectory(row)
            if trajectory.moves:
                path = folder / "trajectories" / f"{row['capture_id']}.csv"
                head = ["seconds", *dataset.knobs.names]
                lines = [
                    dict(zip(head, [repr(i / trajectory.rate), *map(shortest, at)], strict=True))
                    for i, at in enumerate(trajectory.positions.tolist())
                ]
                _write_csv(path, lines)
            on_capture(number)
        _write_csv(folder / CAPTURES, rows)
        dries = []
        for dry_id in dict.fromkeys(row["dry_id"] for row in rows):
            dry = dataset.whole_dry(dry_id)
            file = f"dry/{dry_id[:16]}.wav"
            write_wav(folder / file, dry.audio)
            facts = {"name": dry.name, "kind": dry.kind, "licence": dry.licence}
            dries.append({"file": file, "dry_id": dry_id, "frames": dry.frames, **facts})
        _write_csv(folder / DRIES, dries)
    return Exported(len(rows))


def _row(dataset: Dataset, row: Any) -> dict[str, Any]:
    plain = plain_row(row)
    setting, reached = plain.pop("setting"), plain.pop("reached") or {}
    knobs = {f"{KNOB}{name}": shortest(setting[name]) for name in dataset.knobs.names}
    told = {name: reached.get(name) for name in dataset.knobs.names}
    stood = {
        f"{REACHED}{name}": "" if at is None else shortest(float(at)) for name, at in told.items()
    }
    first = {
        "capture_id": plain.pop("capture_id"),
        "role": plain.pop("role"),
        "wet": f"wet/{row['capture_id']}.wav",
        "dry": f"dry/{row['dry_id'][:16]}.wav",
    }
    flags = "; ".join(plain.pop("flags") or [])
    return {**first, **knobs, **plain, **stood, "flags": flags}


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)

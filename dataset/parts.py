"""One capture as one immutable Parquet file, and the dry signals beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from dataset.flac import decode_steps, encode
from dataset.schema import (
    capture_schema,
    check_dry_header,
    corrupt,
    dry_schema,
    open_parquet,
    read_table,
    to_bytes,
)
from dataset.signals import Dry
from rigs.audio import SAMPLE_RATE, from_int24, to_int24
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.knobs import KnobTable, Setting


@dataclass(frozen=True, eq=False)
class Capture:
    """A row of the dataset; each field is the column of that name. ``flac`` is ``audio``'s bytes.

    ``trajectory`` is frame-major and null for a static capture; ``reached`` lacks what the
    actuator did not report.
    """

    capture_id: str
    plan_id: str
    plan_index: int
    attempt: int
    session_id: str
    device: str
    rig: str
    role: str
    setting: Setting
    reached: Setting
    trajectory: list[float] | None
    trajectory_rate: float | None
    dry_id: str
    dry_offset: int
    flac: bytes
    wet_scale: float
    frames: int
    latency: float
    input_level_dbu: float | None
    output_level_dbu: float | None
    peak_dbfs: float
    rms_dbfs: float
    noise_floor_dbfs: float
    clipped: int
    flags: tuple[str, ...]
    started_at: datetime
    software: str
    sample_rate: int = SAMPLE_RATE


def captures_folder(folder: Path) -> Path:
    """Where the captures of a device's folder are."""
    return folder / "captures"


def part_path(folder: Path, capture_id: str) -> Path:
    """Where the capture of that name is kept in a device's folder."""
    return captures_folder(folder) / f"{capture_id}.parquet"


Noted = Callable[[Path, pa.Table], None]
"""Called with a part that is on disk, and with what is in it."""


def no_notes(path: Path, table: pa.Table) -> None:
    """The :data:`Noted` of who keeps no index."""


def write_part(folder: Path, capture: Capture, knobs: KnobTable, noted: Noted = no_notes) -> Path:
    """Put ``capture`` on disk under a device's ``folder``, whole or not at all; returns its path.

    Raises UserError if it is there already (parts are never rewritten) or cannot be written.
    """
    path = part_path(folder, capture.capture_id)
    if path.exists():
        raise UserError(f"{path} is there already, and parts are never rewritten; move it away.")
    row = asdict(capture)
    row["audio"] = {"bytes": row.pop("flac"), "path": f"{capture.capture_id}.flac"}
    row["flags"] = list(capture.flags)
    table = pa.Table.from_pylist([row], schema=capture_schema(capture.device, knobs))
    write_whole(path, to_bytes(table))
    noted(path, table)
    return path


def dry_path(folder: Path, dry_id: str) -> Path:
    """Where the dry of that id is kept in a device's folder."""
    return folder / "dry" / f"{dry_id[:16]}.parquet"


def write_dry(folder: Path, dry: Dry) -> Path:
    """Put ``dry`` on disk under a device's ``folder`` unless it is there; returns its path.

    Raises UserError if what is there is damaged or another dry, or if it cannot be written.
    """
    dry_id = dry.dry_id
    path = dry_path(folder, dry_id)
    if path.exists():
        read_dry(folder, dry_id)
        return path
    make_folder(path.parent)
    row = {
        "dry_id": dry_id,
        "name": dry.name,
        "kind": dry.kind,
        "licence": dry.licence,
        "audio": {"bytes": encode(to_int24(dry.audio)), "path": f"{dry_id[:16]}.flac"},
        "sample_rate": SAMPLE_RATE,
        "frames": dry.frames,
    }
    write_whole(path, to_bytes(pa.Table.from_pylist([row], schema=dry_schema())))
    return path


def read_dry(folder: Path, dry_id: str) -> Dry:
    """The dry of that id; raises UserError if it is missing, damaged or not what it says."""
    path = dry_path(folder, dry_id)
    if not path.exists():
        raise UserError(
            f"The dry {dry_id[:16]} is not in {path.parent}; restore {path.name} from a backup or "
            "with `dvc checkout`."
        )
    file = open_parquet(path)
    check_dry_header(path, file)
    rows = read_table(path, file).to_pylist()
    try:
        if len(rows) != 1 or rows[0]["audio"] is None or rows[0]["audio"]["bytes"] is None:
            raise ValueError("it does not hold one dry")
        row = rows[0]
        if row["sample_rate"] != SAMPLE_RATE:
            raise ValueError(f"its sample rate is {row['sample_rate']} Hz, not {SAMPLE_RATE}")
        steps = decode_steps(row["audio"]["bytes"], row["frames"] or 0, SAMPLE_RATE)
        if hashlib.sha256(steps.astype("<i4").tobytes()).hexdigest() != dry_id:
            raise ValueError("its samples are not those of its dry_id")
    except ValueError as error:
        raise corrupt(path, error) from None
    return Dry(row["name"] or "", row["kind"] or "", row["licence"] or "", from_int24(steps))


def read_dries(folder: Path, dry_ids: Iterable[str]) -> list[Dry]:
    """The dries of those ids, each once; raises UserError as :func:`read_dry` does."""
    return [read_dry(folder, dry_id) for dry_id in dict.fromkeys(dry_ids)]

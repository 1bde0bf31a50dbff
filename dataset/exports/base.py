"""What all exports have in common: a folder that is whole or not there, and a row in words."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.files import make_folder, sync_folder

ABOUT = "ampsweep.json"
"""In every exported folder: the device, its knobs, and which export it is."""


@dataclass(frozen=True)
class Exported:
    """How many captures were written, and how many were not, by the reason."""

    captures: int
    left_out: dict[str, int] = field(default_factory=dict)


Export = Callable[[Dataset, Path, Callable[[int], None]], Exported]
"""Writes all captures of a dataset to a new folder; the function is told after each how many were
done. Raises UserError if the folder is there, or if it cannot be written."""


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to write into, which becomes ``out`` when all went well, and else nothing.

    Raises UserError if there is something at ``out`` already.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} is there already; name a folder that is not, or move it away.")
    parent = make_folder(out.absolute().parent)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".tmp", dir=parent))
    try:
        temporary.chmod(0o755)  # mkdtemp's folders are private
        yield temporary
        if out.exists():
            out.rmdir()
        temporary.replace(out)
        sync_folder(parent)
    except OSError as error:
        raise UserError(
            f"{out} could not be written ({error.strerror or error}); nothing of it was kept: "
            "make room or mend the disk, then run the same command again."
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_about(folder: Path, dataset: Dataset, export: str) -> None:
    about = {
        "export": export,
        "version": 1,
        "device": dataset.device,
        "sample_rate": SAMPLE_RATE,
        "knobs": dataset.knobs.to_json(),
    }
    write_json(folder / ABOUT, about)


def write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def plain_row(row: pd.Series[Any]) -> dict[str, Any]:
    """A capture's small columns as JSON has them: floats as text where JSON has none for them."""
    own = ("part", "part_row", "excluded", "reason")
    return {name: _plain(row[name]) for name in row.index if name not in own}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(inner) for inner in value]
    if value is None or value is pd.NaT:
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (float, np.floating)):
        number = float(value)
        # pandas has NaN where the part has nothing; no column of ours holds a real one.
        return None if math.isnan(number) else number if math.isfinite(number) else str(number)
    if isinstance(value, np.generic):
        return value.item()
    return None if pd.isna(value) else value


def shortest(value: float) -> str:
    """A float32 in the fewest digits that give it again."""
    if not math.isfinite(value):
        return str(value)
    return np.format_float_positional(np.float32(value), trim="-")

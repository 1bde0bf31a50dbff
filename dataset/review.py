"""Later verdicts on captures: review.parquet, which readers apply to parts that never change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from dataset.schema import ROLES, corrupt, open_parquet, read_table, to_bytes
from rigs.errors import UserError
from rigs.files import only_one, write_whole

SCHEMA = pa.schema(
    [
        ("capture_id", pa.string()),
        ("role", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("excluded", pa.bool_()),
        ("reason", pa.string()),
    ]
)
"""A null leaves what the capture itself says."""


def review_path(folder: Path) -> Path:
    """Beside the captures' folder, not in it: there, every reader would take it for a part."""
    return folder / "review.parquet"


def write_review(folder: Path, review: pd.DataFrame) -> None:
    """Write review.parquet, whole or not at all; raises UserError if it does not fit SCHEMA."""
    try:
        table = pa.Table.from_pandas(review, schema=SCHEMA, preserve_index=False)
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise UserError(f"The review for {folder} cannot be stored: {error}.") from None
    write_whole(review_path(folder), to_bytes(table.replace_schema_metadata()))


def read_review(folder: Path) -> pd.DataFrame:
    """The verdicts in review.parquet, none if there is no such file; raises UserError if damaged.

    Its columns are SCHEMA's; what is null leaves what the capture itself says.
    """
    path = review_path(folder)
    if not path.exists():
        return pd.DataFrame([], columns=SCHEMA.names)
    file = open_parquet(path)
    table = read_table(path, file)
    for field in SCHEMA:
        if field.name not in table.column_names:
            raise UserError(f"{path} has no column {field.name!r}; restore it or delete it.")
        if table.schema.field(field.name).type != field.type:
            raise UserError(f"{path} has a column {field.name!r} that is not {field.type}.")
    for role in table.column("role").to_pylist():
        if role is not None and role not in ROLES:
            raise corrupt(path, f"role {role[:40]!r}")
    # By hand, for pandas would turn nulls into NaN.
    rows = table.select(SCHEMA.names).to_pylist()
    return pd.DataFrame(rows, columns=SCHEMA.names, dtype=object)


def apply_review(captures: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """``captures`` with what review.parquet says of them, if there is one.

    Verdicts on captures that are not there are passed over. Raises UserError if it is damaged.
    """
    verdicts = read_review(folder)
    if not len(verdicts):
        return captures
    rows = {capture_id: row for row, capture_id in enumerate(captures["capture_id"])}
    columns = {name: list(captures[name]) for name in ("role", "flags", "excluded", "reason")}
    for verdict in verdicts.to_dict("records"):
        row = rows.get(verdict["capture_id"])
        for name, column in columns.items():
            if row is not None and verdict[name] is not None:
                column[row] = verdict[name]
    return captures.assign(**columns)


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one capture; None leaves what was said before."""

    role: str | None = None
    flags: tuple[str, ...] | None = None
    excluded: bool | None = None
    reason: str | None = None


def revise(folder: Path, verdicts: Mapping[str, Verdict]) -> None:
    """Add ``verdicts``, by capture_id, to review.parquet: whole, or not at all.

    Others who revise the same folder wait. Raises UserError if what is there is damaged, or if it
    cannot be written.
    """
    with only_one(folder, wait=True):
        rows = {row["capture_id"]: row for row in read_review(folder).to_dict("records")}
        for name, verdict in verdicts.items():
            row = rows.setdefault(name, {**dict.fromkeys(SCHEMA.names), "capture_id": name})
            said = {key: value for key, value in vars(verdict).items() if value is not None}
            row.update({k: list(v) if k == "flags" else v for k, v in said.items()})
        frame = pd.DataFrame([rows[name] for name in sorted(rows)], columns=SCHEMA.names)
        write_review(folder, frame.astype(object))

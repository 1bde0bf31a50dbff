"""Later verdicts on captures: review.parquet, which readers apply to parts that never change."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from dataset.schema import ROLES, corrupt, open_parquet, read_table, to_bytes
from rigs.errors import UserError
from rigs.files import write_whole

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


def apply_review(captures: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """``captures`` with what review.parquet says of them, if there is one.

    Verdicts on captures that are not there are passed over. Raises UserError if it is damaged.
    """
    path = review_path(folder)
    if not path.exists():
        return captures
    file = open_parquet(path)
    table = read_table(path, file)
    for field in SCHEMA:
        if field.name not in table.column_names:
            raise UserError(f"{path} has no column {field.name!r}; restore it or delete it.")
        if table.schema.field(field.name).type != field.type:
            raise UserError(f"{path} has a column {field.name!r} that is not {field.type}.")
    rows = {captures["capture_id"].iloc[i]: i for i in range(len(captures))}
    columns = {name: list(captures[name]) for name in ("role", "flags", "excluded", "reason")}
    for verdict in table.to_pylist():
        row = rows.get(verdict["capture_id"])
        if row is None:
            continue
        if verdict["role"] is not None and verdict["role"] not in ROLES:
            raise corrupt(path, f"role {verdict['role'][:40]!r}")
        for name, column in columns.items():
            if verdict[name] is not None:
                column[row] = verdict[name]
    return captures.assign(**columns)

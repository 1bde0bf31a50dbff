"""A dataset folder for the Hugging Face Hub: parquet for each role, the dries, and a card."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from dataset.exports.base import Exported, new_folder, write_about
from dataset.parts import dry_path
from dataset.schema import ROLES, capture_schema
from dataset.store import Dataset
from dataset.store.cells import read_row

SHARD = 256 << 20
"""Bytes of a file, about; the Hub shows and streams smaller files more readily."""


def export_huggingface(dataset: Dataset, out: Path, on_capture: Callable[[int], None]) -> Exported:
    """``data/ROLE-00000-of-00001.parquet`` with the columns of the parts, ``dry/``, README.md.

    Roles and flags are those of the review; a role is a split. The audio is copied, byte for byte.
    """
    done = 0
    with new_folder(out) as folder:
        (folder / "data").mkdir()
        (folder / "dry").mkdir()
        write_about(folder, dataset, "huggingface")
        present = []
        for role in ROLES:
            rows = [row for row in dataset.rows() if row["role"] == role]
            shards = _sharded(rows)
            for number, shard in enumerate(shards):
                name = f"{role}-{number:05d}-of-{len(shards):05d}.parquet"
                for _ in _write(dataset, shard, folder / "data" / name):
                    done += 1
                    on_capture(done)
            present += [role] if rows else []
        licences = set()
        for dry_id in dataset.captures["dry_id"].unique():
            licences.add(dataset.whole_dry(dry_id).licence)  # which is checked by being read
            path = dry_path(dataset.folder, dry_id)
            shutil.copyfile(path, folder / "dry" / path.name)
        card = _card(dataset, present, licences)
        (folder / "README.md").write_text(card, "utf-8")
    return Exported(done)


def _sharded(rows: list[pd.Series[Any]]) -> list[list[pd.Series[Any]]]:
    """``rows`` in lists of about SHARD bytes: FLAC takes no more than 3 bytes a frame."""
    shards: list[list[pd.Series[Any]]] = []
    size = SHARD
    for row in rows:
        own = 3 * int(row["frames"])
        if size + own > SHARD:
            shards.append([])
            size = 0
        shards[-1].append(row)
        size += own
    return shards


def _write(dataset: Dataset, rows: list[pd.Series[Any]], path: Path) -> Iterator[None]:
    schema = capture_schema(dataset.device, dataset.knobs)
    with pq.ParquetWriter(
        path,
        schema,
        compression="none",
        use_dictionary=False,
        write_page_checksum=True,
        store_schema=True,
    ) as writer:
        held: list[pa.Table] = []
        for row in rows:
            held.append(_reviewed(dataset, row, schema))
            if sum(table.nbytes for table in held[-1:]) > SHARD // 256 or len(held) == 100:
                writer.write_table(pa.concat_tables(held))
                held = []
            yield
        if held:
            writer.write_table(pa.concat_tables(held))


def _reviewed(dataset: Dataset, row: pd.Series[Any], schema: pa.Schema) -> pa.Table:
    """A capture's row as its part has it, but for what the review says of role and flags."""
    table = read_row(Path(row["part"]), int(row["part_row"])).select(schema.names)
    for name, value in (("role", row["role"]), ("flags", list(row["flags"]))):
        at = schema.get_field_index(name)
        table = table.set_column(at, schema.field(at), pa.array([value], schema.field(at).type))
    return table.cast(schema)


def _card(dataset: Dataset, roles: list[str], licences: set[str]) -> str:
    minutes = float(dataset.captures["frames"].sum()) / 48_000 / 60
    head: dict[str, Any] = {
        "pretty_name": f"{dataset.device}, captured with its knobs",
        "task_categories": ["audio-to-audio"],
        "tags": ["ampsweep", "guitar", "audio-effects", "neural-amp-modeling"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": role, "path": f"data/{role}-*.parquet"} for role in roles],
            },
            {
                "config_name": "dry",
                "data_files": [{"split": "dry", "path": "dry/*.parquet"}],
            },
        ],
    }
    from dataset.card import LICENCES  # which imports much

    if len(licences) == 1 and (known := LICENCES.get(next(iter(licences)))):
        head["license"] = known
    knobs = "\n".join(
        f"| {k.name} | {', '.join(k.detents) or f'{k.minimum:g} to {k.maximum:g} {k.unit}'.strip()}"
        f" | {k.default:g} |"
        for k in dataset.knobs
    )
    said = ", ".join(sorted(licence or "unknown" for licence in licences))
    return f"""---
{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---
# {dataset.device}

{len(dataset)} captures, {minutes:.1f} minutes: what the device answered (wet) to a known signal
(dry), with its knobs at known positions. The dry signals' licence: {said}.

| knob | range | default |
|---|---|---|
{knobs}

```python
from datasets import load_dataset

captures = load_dataset("path/of/this/folder", split="train")
dries = load_dataset("path/of/this/folder", "dry", split="dry")
```

A capture's `audio`, multiplied by `wet_scale`, is what came back for `frames` samples of the dry
`dry_id` from `dry_offset` on, with the knobs at `setting`, or along `trajectory`.
"""

"""The Parquet schema of captures and dry signals, and reading it back from any file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dataset.bounded import read_bounded
from dataset.layout import read_layout
from dataset.migrations import migrate, reaches
from rigs.errors import UserError
from rigs.knobs import KnobTable

SCHEMA_VERSION = 1
ROLES = ("train", "validation", "test", "sentinel")

MAX_FILE_BYTES = 1 << 30
MAX_METADATA_BYTES = 1 << 20
MAX_ROWS = 1 << 20
MAX_FRAMES = 60 * 60 * 48_000
"""An hour in one piece: what a reader is ready to decode from a stranger's file."""

VERSION_KEY, DEVICE_KEY, KNOBS_KEY = b"ampsweep.version", b"ampsweep.device", b"ampsweep.knobs"

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
UTC = pa.timestamp("us", tz="UTC")


class KnobRow(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    name: str = Field(max_length=200)
    minimum: float
    maximum: float
    default: float
    unit: str = Field(max_length=200)
    taper: str = Field(max_length=200)
    detents: list[str] = Field(max_length=1000)


_KNOB_ROWS = TypeAdapter(list[KnobRow])


@dataclass(frozen=True)
class Header:
    """What a file says of itself, checked."""

    device: str
    knobs: KnobTable
    rows: int
    version: int = SCHEMA_VERSION


def setting_type(knobs: KnobTable) -> pa.DataType:
    """One float32 a knob."""
    return pa.struct([(name, pa.float32()) for name in knobs.names])


def _features(schema: pa.Schema) -> dict[str, Any]:
    """The ``huggingface`` features block: without it audio would load as bytes."""

    def feature(kind: pa.DataType) -> dict[str, Any]:
        if kind == AUDIO:
            return {"_type": "Audio"}
        if pa.types.is_struct(kind):
            return {field.name: feature(field.type) for field in kind}
        if pa.types.is_list(kind):
            return {"feature": feature(kind.value_type), "_type": "List"}
        names = {pa.float32(): "float32", pa.float64(): "float64"}
        return {"dtype": names.get(kind, str(kind)), "_type": "Value"}

    return {"info": {"features": {field.name: feature(field.type) for field in schema}}}


def _with_metadata(schema: pa.Schema, extra: dict[bytes, bytes]) -> pa.Schema:
    hf = json.dumps(_features(schema), ensure_ascii=False).encode()
    return schema.with_metadata(
        {VERSION_KEY: str(SCHEMA_VERSION).encode(), **extra, b"huggingface": hf}
    )


def device_metadata(device: str, knobs: KnobTable) -> dict[bytes, bytes]:
    rows = json.dumps(knobs.to_json(), ensure_ascii=False).encode()
    return {DEVICE_KEY: device.encode(), KNOBS_KEY: rows}


@lru_cache(maxsize=16)
def capture_schema(device: str, knobs: KnobTable) -> pa.Schema:
    """The schema of a part of captures of ``device``."""
    setting = setting_type(knobs)
    schema = pa.schema(
        [
            ("capture_id", pa.string()),
            ("plan_id", pa.string()),
            ("plan_index", pa.int32()),
            ("attempt", pa.int32()),
            ("session_id", pa.string()),
            ("device", pa.string()),
            ("rig", pa.string()),
            ("role", pa.string()),
            ("setting", setting),
            ("reached", setting),
            ("trajectory", pa.list_(pa.float32())),
            ("trajectory_rate", pa.float32()),
            ("dry_id", pa.string()),
            ("dry_offset", pa.int64()),
            ("audio", AUDIO),
            ("wet_scale", pa.float32()),
            ("sample_rate", pa.int32()),
            ("frames", pa.int64()),
            ("latency", pa.float32()),
            ("input_level_dbu", pa.float32()),
            ("output_level_dbu", pa.float32()),
            ("peak_dbfs", pa.float32()),
            ("rms_dbfs", pa.float32()),
            ("noise_floor_dbfs", pa.float32()),
            ("clipped", pa.int32()),
            ("flags", pa.list_(pa.string())),
            ("started_at", UTC),
            ("software", pa.string()),
        ]
    )
    return _with_metadata(schema, device_metadata(device, knobs))


def dry_schema() -> pa.Schema:
    """The schema of a dry signal's file."""
    schema = pa.schema(
        [
            ("dry_id", pa.string()),
            ("name", pa.string()),
            ("kind", pa.string()),
            ("licence", pa.string()),
            ("audio", AUDIO),
            ("sample_rate", pa.int32()),
            ("frames", pa.int64()),
        ]
    )
    return _with_metadata(schema, {})


def plan_schema(device: str, knobs: KnobTable, plan_id: str, seed: int, rig: str = "") -> pa.Schema:
    """The schema of plan.parquet: the columns of a capture that are known beforehand."""
    schema = pa.schema(
        [
            ("plan_index", pa.int32()),
            ("role", pa.string()),
            ("setting", setting_type(knobs)),
            ("trajectory", pa.list_(pa.float32())),
            ("trajectory_rate", pa.float32()),
            ("dry_id", pa.string()),
            ("dry_offset", pa.int64()),
            ("frames", pa.int64()),
        ]
    )
    own = {b"ampsweep.plan_id": plan_id.encode(), b"ampsweep.seed": str(seed).encode()}
    if rig:
        own[b"ampsweep.rig"] = rig.encode()
    return _with_metadata(schema, {**device_metadata(device, knobs), **own})


def to_bytes(table: pa.Table) -> bytes:
    """``table`` as Parquet: the same bytes for the same table.

    Not compressed, because the audio already is and a compressor's bytes change with its version;
    each page has a checksum, so that a flipped bit is found.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        version="2.6",
        data_page_version="1.0",
        compression="none",
        use_dictionary=False,
        write_statistics=False,
        write_page_checksum=True,
        store_schema=True,
        row_group_size=1024,
    )
    return bytes(sink.getvalue())


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a file that anyone may have made; raises UserError if it is not whole Parquet."""
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a Parquet file; move it away.")
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise UserError(f"{path} is larger than 1 GiB; no file of ours is: move it away.")
        layout = read_layout(path)  # before Arrow, which does not survive all that it may say
        file = pq.ParquetFile(
            path,
            page_checksum_verification=True,
            thrift_string_size_limit=16 << 20,
            thrift_container_size_limit=1 << 14,
        )
        if [group.rows for group in layout] != _rows_of(file):
            raise ValueError("its row groups have not the rows that they should have")
    except FileNotFoundError:
        raise UserError(f"There is no file {path}; check its name.") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise corrupt(path, error) from None
    claimed = sum(column.unpacked for group in layout for column in group.columns)
    if claimed > MAX_FILE_BYTES or file.metadata.num_rows > MAX_ROWS:
        raise UserError(f"{path} claims to hold more than a reader can take; move it away.")
    return file


def _rows_of(file: pq.ParquetFile) -> list[int]:
    groups = range(file.metadata.num_row_groups)
    return [file.metadata.row_group(group).num_rows for group in groups]


def corrupt(path: Path, error: object) -> UserError:
    reason = " ".join(str(error).split())[:200].rstrip(".")
    return UserError(
        f"{path} is damaged or not Parquet ({reason}); restore it from a backup or with "
        "`dvc checkout`, or move it away to have it captured again."
    )


def read_table(
    path: Path,
    file: pq.ParquetFile,
    columns: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
) -> pa.Table:
    """``columns`` of an open file (all, if None), of those row ``groups`` (all, if None).

    A file of an older schema version is read as one of this version. Raises UserError if a page
    is damaged, or if the columns unfold to more than a reader can take.
    """
    schema = _schema_of(path, file)
    version = _version(path, schema) if VERSION_KEY in (schema.metadata or {}) else SCHEMA_VERSION
    return validated(path, read_unvalidated(path, file, version, columns, groups))


def read_unvalidated(
    path: Path,
    file: pq.ParquetFile,
    version: int,
    columns: Sequence[str] | None = None,
    groups: Sequence[int] | None = None,
) -> pa.Table:
    """The same of a file of that schema ``version``, for which :func:`validated` is still due."""
    old = version < SCHEMA_VERSION
    chosen = range(file.metadata.num_row_groups) if groups is None else groups
    try:
        table = read_bounded(path, file, None if old else columns, chosen)
        if old:
            table.validate(full=True)
            table = migrate(table, version, SCHEMA_VERSION)
            table = table if columns is None else table.select(list(columns))
    except (OSError, ValueError, KeyError, MemoryError, pa.ArrowException) as error:
        raise corrupt(path, error) from None
    return table


def validated(path: Path, table: pa.Table) -> pa.Table:
    """``table``, if all its values are ones that their types allow; raises UserError."""
    try:
        table.validate(full=True)
    except (ValueError, pa.ArrowException) as error:
        raise corrupt(path, error) from None
    return table


def _version(path: Path, schema: pa.Schema) -> int:
    said = (schema.metadata or {}).get(VERSION_KEY)
    if said is None:
        raise UserError(f"{path} was not written by ampsweep (it names no schema version).")
    version = int(said) if said.isdigit() and len(said) < 6 else -1
    if not 0 <= version <= SCHEMA_VERSION or not reaches(version, SCHEMA_VERSION):
        raise UserError(
            f"{path} has schema version {said[:20].decode('ascii', 'replace')}, but this "
            f"ampsweep reads version {SCHEMA_VERSION}; install the ampsweep that wrote it."
        )
    return version


def _current(path: Path, file: pq.ParquetFile) -> tuple[int, pa.Schema]:
    """The version of an open file, and its schema as this one has it; raises UserError."""
    schema = _schema_of(path, file)
    if sum(map(len, (schema.metadata or {}).values())) > MAX_METADATA_BYTES:
        raise UserError(f"{path} has more than 1 MiB of metadata; it is not a file of ampsweep's.")
    version = _version(path, schema)
    if version == SCHEMA_VERSION:
        return version, schema
    try:
        return version, migrate(schema.empty_table(), version, SCHEMA_VERSION).schema
    except (ValueError, pa.ArrowException) as error:
        raise corrupt(path, error) from None


def _check_columns(path: Path, schema: pa.Schema, expected: pa.Schema) -> None:
    if schema.equals(expected, check_metadata=False):
        return
    for field in expected:
        if field.name not in schema.names:
            raise UserError(f"{path} has no column {field.name!r}; restore or recapture it.")
        kind = schema.field(field.name).type
        if kind != field.type:
            raise UserError(
                f"{path} holds {field.name!r} as {str(kind)[:80]}, not as {str(field.type)[:80]}; "
                "it is not a file of this schema."
            )


def _schema_of(path: Path, file: pq.ParquetFile) -> pa.Schema:
    try:
        return file.schema_arrow
    except (OSError, ValueError, pa.ArrowException) as error:
        raise corrupt(path, error) from None


def _device_and_knobs(path: Path, schema: pa.Schema) -> tuple[str, KnobTable]:
    try:
        return _parsed(schema.metadata[DEVICE_KEY], schema.metadata[KNOBS_KEY])
    except KeyError:
        raise UserError(f"{path} names no device or no knobs; restore or recapture it.") from None
    except (ValidationError, ValueError, UserError) as error:
        reason = str(error).splitlines()[0].rstrip(".:")
        raise UserError(f"{path} holds no valid knob table: {reason}.") from None


@lru_cache(maxsize=16)  # all parts of a dataset say the same
def _parsed(device: bytes, knobs: bytes) -> tuple[str, KnobTable]:
    rows = _KNOB_ROWS.validate_json(knobs)
    return device.decode("utf-8"), KnobTable.from_json([row.model_dump() for row in rows])


def read_header(path: Path, file: pq.ParquetFile) -> Header:
    """Check an open capture part against the schema; raises UserError for anything amiss."""
    version, schema = _current(path, file)
    device, knobs = _device_and_knobs(path, schema)
    _check_columns(path, schema, capture_schema(device, knobs))
    return Header(device, knobs, file.metadata.num_rows, version)


def read_index_header(path: Path, file: pq.ParquetFile, columns: Sequence[str]) -> Header:
    """The same of an index of parts, which has only those ``columns`` of theirs."""
    version, schema = _current(path, file)
    device, knobs = _device_and_knobs(path, schema)
    expected = capture_schema(device, knobs)
    _check_columns(path, schema, pa.schema([expected.field(name) for name in columns]))
    return Header(device, knobs, file.metadata.num_rows, version)


def read_plan_header(path: Path, file: pq.ParquetFile) -> tuple[Header, str, int, str]:
    """Check an open plan; returns its header, plan_id, seed and rig, or raises UserError."""
    _, schema = _current(path, file)
    metadata = schema.metadata
    device, knobs = _device_and_knobs(path, schema)
    _check_columns(path, schema, plan_schema(device, knobs, "", 0))
    try:
        plan_id, seed = metadata[b"ampsweep.plan_id"].decode(), int(metadata[b"ampsweep.seed"])
        rig = metadata.get(b"ampsweep.rig", b"").decode()
    except (KeyError, ValueError):
        raise UserError(f"{path} does not say which plan it is; make the plan again.") from None
    return Header(device, knobs, file.metadata.num_rows), plan_id, seed, rig


def check_dry_header(path: Path, file: pq.ParquetFile) -> None:
    """Check an open dry file against its schema; raises UserError for anything amiss."""
    _check_columns(path, _current(path, file)[1], dry_schema())


def check_same(path: Path, header: Header, device: str, knobs: KnobTable, whose: str) -> None:
    """Raise UserError unless the file at ``path`` is of the device and knobs that ``whose`` is."""
    if header.device != device:
        raise UserError(
            f"{path} is of the device {header.device!r}, but {whose} is of {device!r}; "
            "keep each device in a folder of its own."
        )
    if header.knobs != knobs:
        raise UserError(
            f"{path} was captured with other knobs or ranges ({', '.join(header.knobs.names)}) "
            f"than {whose} has ({', '.join(knobs.names)}); keep each panel in a folder of its own."
        )

"""Captures as a session keeps them, made without one and written straight through the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dataset.flac import pack
from dataset.parts import Capture, captures_folder, write_dry, write_part
from dataset.signals import Dry
from rigs.audio import peak_dbfs, rms_dbfs
from rigs.knobs import KnobTable
from rigs.trajectory import Trajectory

SESSION = "20260102T030405Z-beef"
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def kept(
    number: int,
    device: str,
    role: str,
    knobs: KnobTable,
    way: Trajectory,
    dry: Dry,
    offset: int,
    wet: NDArray[Any],
    **changes: Any,
) -> Capture:
    """What was heard as ``wet`` of ``dry`` from ``offset`` on; ``changes``: any other fields."""
    flac, scale = pack(wet)
    setting = knobs.to_setting(way.positions[0])
    capture = Capture(
        capture_id=f"{changes.get('session_id', SESSION)}-{number:06d}",
        plan_id="ab" * 32,
        plan_index=number,
        attempt=1,
        session_id=SESSION,
        device=device,
        rig="bench",
        role=role,
        setting=setting,
        reached=setting,
        trajectory=way.positions.ravel().tolist() if way.moves else None,
        trajectory_rate=way.rate if way.moves else None,
        dry_id=dry.dry_id,
        dry_offset=offset,
        flac=flac,
        wet_scale=scale,
        frames=len(wet),
        latency=0.0,
        input_level_dbu=None,
        output_level_dbu=None,
        peak_dbfs=peak_dbfs(wet),
        rms_dbfs=rms_dbfs(wet),
        noise_floor_dbfs=-100.0,
        clipped=0,
        flags=(),
        started_at=BEGAN,
        software="ampsweep 0.1.0",
    )
    return replace(capture, **changes)


def put(folder: Path, dries: Iterable[Dry], captures: Iterable[Capture], knobs: KnobTable) -> Path:
    """Put them under a device's ``folder``; returns it."""
    for dry in dries:
        write_dry(folder, dry)
    captures_folder(folder).mkdir(parents=True, exist_ok=True)
    for capture in captures:
        write_part(folder, capture, knobs)
    return folder

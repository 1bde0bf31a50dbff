"""A plan: what to capture, in order. Kept as plan.parquet."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, TypeAdapter, ValidationError

from dataset.schema import (
    MAX_FRAMES,
    ROLES,
    open_parquet,
    plan_schema,
    read_plan_header,
    read_table,
    to_bytes,
)
from rigs.audio import SAMPLE_RATE
from rigs.errors import UserError
from rigs.files import make_folder, write_whole
from rigs.knobs import KnobTable, Setting
from rigs.trajectory import Trajectory

_EXTENDS = b"ampsweep.extends"
_LENGTHS = TypeAdapter(Annotated[list[int], Field(max_length=10_000)])


@dataclass(frozen=True, eq=False)
class PlanEntry:
    """One capture to make: ``frames`` samples of a dry from ``dry_offset``, and its knobs.

    A trajectory of one frame is a static setting. Rates are kept as float32, as they are stored.
    """

    index: int
    role: str
    trajectory: Trajectory
    dry_id: str
    dry_offset: int
    frames: int

    def __post_init__(self) -> None:
        rate = float(np.float32(self.trajectory.rate))
        object.__setattr__(self, "trajectory", replace(self.trajectory, rate=rate))

    def setting(self, knobs: KnobTable) -> Setting:
        """Where the knobs stand at the capture's first sample."""
        return knobs.to_setting(self.trajectory.positions[0])

    def check(self, knobs: KnobTable) -> None:
        """Raise UserError if this cannot be captured from a device with those ``knobs``."""
        where = f"Entry {self.index} of the plan"
        if self.role not in ROLES:
            raise UserError(f"{where} has role {self.role!r}; roles are {', '.join(ROLES)}.")
        if not 0 < self.frames <= MAX_FRAMES or self.dry_offset < 0:
            raise UserError(
                f"{where} plays {self.frames} frames from frame {self.dry_offset} of its dry; "
                "a capture lasts from one frame to an hour and begins at or after frame 0."
            )
        positions = self.trajectory.positions
        if positions.shape[1] != len(knobs):
            raise UserError(f"{where} sets {positions.shape[1]} knobs of {len(knobs)}.")
        if self.trajectory.moves and self.role not in ("train", "test"):
            raise UserError(f"{where} moves knobs, but a {self.role} capture must be static.")
        try:
            self.trajectory.check(knobs)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        for knob, column in zip(knobs, positions.T, strict=True):
            if knob.detents and (column != column[0]).any():
                raise UserError(
                    f"{where} moves the switch {knob.name}; hold switches still in a capture."
                )
            if knob.detents:
                knob.check(float(column[0]))


@dataclass(frozen=True, eq=False)
class Plan:
    """An ordered list of captures. ``seed`` is the recipe's, kept so the plan can be made again.

    ``rig`` is the fingerprint of the simulated rig that it is for, if it has one. ``extends`` says
    how many entries the plans had that it was extended from, the first of them first.
    """

    device: str
    knobs: KnobTable
    entries: tuple[PlanEntry, ...]
    seed: int = 0
    rig: str = ""
    extends: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Raises UserError if the plan is empty, out of order or off the panel."""
        if not self.entries:
            raise UserError(
                f"The plan for {self.device} is empty; ask for at least one train, validation or "
                "test capture."
            )
        for index, entry in enumerate(self.entries):
            if entry.index != index:
                raise UserError(f"Entry {index} of the plan is numbered {entry.index}.")
            entry.check(self.knobs)
        lengths = (0, *self.extends, len(self.entries))
        if any(b <= a for a, b in pairwise(lengths)):
            raise UserError(
                f"The plan for {self.device} does not say rightly which plans it extends; make it "
                "again."
            )

    @property
    def plan_id(self) -> str:
        """sha256, in hex, of everything that is in the plan."""
        return self.generations[-1][1]

    @cached_property
    def generations(self) -> tuple[tuple[int, str], ...]:
        """How many entries, and which plan_id, the plans had that it extends; it is the last."""
        head = [self.device, self.knobs.to_json(), self.seed, *filter(None, [self.rig])]
        digest = hashlib.sha256(json.dumps(head, ensure_ascii=False).encode())
        ids, earlier = [], set(self.extends)
        for e in self.entries:
            if e.index in earlier:
                ids.append((e.index, digest.hexdigest()))
            row = [e.role, e.dry_id, e.dry_offset, e.frames, e.trajectory.rate]
            digest.update(json.dumps([*row, len(e.trajectory.positions)]).encode())
            digest.update(e.trajectory.positions.astype("<f4").tobytes())
        return (*ids, (len(self.entries), digest.hexdigest()))

    def id_of(self, index: int) -> str:
        """The plan_id under which an entry is captured: that of the first plan that had it.

        So what was captured for a plan is captured for every plan that extends it.
        """
        return next(plan_id for length, plan_id in self.generations if index < length)

    def asks_for(self, plan_id: str | None, plan_index: int | None) -> bool:
        """Whether a capture with that plan_id and plan_index is one of this plan's."""
        if plan_index is None or not 0 <= plan_index < len(self.entries):
            return False
        return self.id_of(plan_index) == plan_id

    @property
    def dry_ids(self) -> list[str]:
        """The dries that the plan plays, each once."""
        return list(dict.fromkeys(entry.dry_id for entry in self.entries))

    def cost(self) -> dict[str, tuple[int, float]]:
        """For each role in the plan: how many captures, and minutes of audio."""
        cost = {}
        for role in ROLES:
            frames = [entry.frames for entry in self.entries if entry.role == role]
            if frames:
                cost[role] = len(frames), sum(frames) / SAMPLE_RATE / 60
        return cost

    def describe(self) -> str:
        """The cost in one line."""
        cost = self.cost()
        parts = ", ".join(f"{n} {role} ({m:.1f} min)" for role, (n, m) in cost.items())
        minutes = sum(m for _, m in cost.values())
        return f"{len(self.entries)} captures, {minutes:.1f} min of audio: {parts}"


def write_plan(plan: Plan, path: Path) -> None:
    """Write plan.parquet, whole or not at all: the same bytes for the same plan.

    Raises UserError if it cannot be written.
    """
    rows = []
    for e in plan.entries:
        moves = e.trajectory.moves
        rows.append(
            {
                "plan_index": e.index,
                "role": e.role,
                "setting": e.setting(plan.knobs),
                "trajectory": e.trajectory.positions.ravel() if moves else None,
                "trajectory_rate": e.trajectory.rate if moves else None,
                "dry_id": e.dry_id,
                "dry_offset": e.dry_offset,
                "frames": e.frames,
            }
        )
    schema = plan_schema(plan.device, plan.knobs, plan.plan_id, plan.seed, plan.rig)
    if plan.extends:
        own = {_EXTENDS: json.dumps(plan.extends).encode()}
        schema = schema.with_metadata({**schema.metadata, **own})
    make_folder(path.parent)
    write_whole(path, to_bytes(pa.Table.from_pylist(rows, schema=schema)))


def to_trajectory(row: dict[str, Any], knobs: KnobTable, where: str) -> Trajectory:
    """The trajectory of a plan's or capture's row; raises UserError if the row has no valid one."""
    setting, flat, rate = row["setting"], row["trajectory"], row["trajectory_rate"]
    if flat is None:
        if setting is None or any(setting.get(name) is None for name in knobs.names):
            raise UserError(f"{where} does not set every knob.")
        return Trajectory.still(knobs, setting)
    positions = np.asarray(flat, np.float32)
    if rate is None or not rate > 0 or len(positions) == 0 or len(positions) % len(knobs):
        raise UserError(f"{where} holds a trajectory that does not fit its knobs or has no rate.")
    return Trajectory(positions.reshape(-1, len(knobs)), float(rate))


def _read_extends(path: Path, file: pq.ParquetFile) -> tuple[int, ...]:
    said = (file.schema_arrow.metadata or {}).get(_EXTENDS, b"[]")
    try:
        return tuple(_LENGTHS.validate_json(said))
    except ValidationError:
        raise UserError(f"{path} does not say which plans it extends; make it again.") from None


def read_plan(path: Path) -> Plan:
    """Read plan.parquet; raises UserError if it is damaged, changed, empty or off the panel."""
    file = open_parquet(path)
    header, plan_id, seed, rig = read_plan_header(path, file)
    entries = []
    for row in read_table(path, file).to_pylist():
        index = row["plan_index"]
        where = f"{path}, entry {index}"
        if any(row[name] is None for name in ("plan_index", "role", "dry_id", "frames")):
            raise UserError(f"{where} has an empty field; make the plan again.")
        trajectory = to_trajectory(row, header.knobs, where)
        offset = row["dry_offset"] or 0
        entries.append(
            PlanEntry(index, row["role"], trajectory, row["dry_id"], offset, row["frames"])
        )
    plan = Plan(header.device, header.knobs, tuple(entries), seed, rig, _read_extends(path, file))
    if plan.plan_id != plan_id:
        raise UserError(f"{path} was changed after it was made; make the plan again.")
    return plan

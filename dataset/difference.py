"""Which captures and settings came or went between two versions of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dataset.schema import Header
from dataset.store.identity import digests_in
from dataset.store.rows import part_paths, read_rows, to_frame
from dataset.versions import Project, md5_of
from rigs.errors import UserError
from rigs.knobs import Setting

Key = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Difference:
    """What ``new`` has that ``old`` has not, and the other way round.

    ``came``, ``went`` and ``changed`` hold capture ids: a capture with the same name but another
    row or other audio has changed, which no part ever should. Merging parts changes nothing.
    """

    old: str
    new: str
    came: tuple[str, ...]
    went: tuple[str, ...]
    changed: tuple[str, ...]
    settings_came: tuple[Setting, ...]
    settings_went: tuple[Setting, ...]
    roles_came: dict[str, int]
    roles_went: dict[str, int]
    same: int
    knobs_changed: bool

    @property
    def nothing(self) -> bool:
        return not (self.came or self.went or self.changed or self.knobs_changed)


@dataclass(frozen=True, eq=False)
class _Version:
    """The parts of a version: where each is, by its hash, and what they hold."""

    name: str
    paths: dict[str, Path]
    headers: dict[str, Header]
    rows: pd.DataFrame

    @property
    def settings(self) -> dict[Key, None]:
        return dict.fromkeys(_key(setting) for setting in self.rows["setting"])


def difference(folder: Path, old: str, new: str | None = None) -> Difference:
    """Compare the captures of a device's ``folder`` in two git revisions, without checking out.

    Without ``new``, the files as they are now are the second. What a review says does not count:
    it is a verdict, not a capture. Raises UserError if there is no project or revision, or if a
    part that is to be read is not in DVC's cache.
    """
    project = Project.around(folder)
    before = _recorded(project, old)
    after = _recorded(project, new) if new is not None else _here(folder)
    ids = [dict.fromkeys(v.rows["capture_id"]) for v in (before, after)]
    came = [i for i in ids[1] if i not in ids[0]]
    went = [i for i in ids[0] if i not in ids[1]]
    changed = _changed(before, after)
    heads = [set(_heads(v.headers.values())) for v in (before, after)]
    return Difference(
        old,
        new or "the files here",
        tuple(came),
        tuple(went),
        tuple(changed),
        tuple(dict(k) for k in after.settings if k not in before.settings),
        tuple(dict(k) for k in before.settings if k not in after.settings),
        _roles(after.rows, came),
        _roles(before.rows, went),
        len(ids[0]) - len(went) - len(changed),
        bool(heads[0] and heads[1] and heads[0] != heads[1]),
    )


def _key(setting: Setting) -> Key:
    return tuple((name, round(float(value), 4)) for name, value in setting.items())


def _heads(headers: Iterable[Header]) -> list[tuple[object, ...]]:
    return [(header.device, header.knobs) for header in headers]


def _roles(rows: pd.DataFrame, ids: list[str]) -> dict[str, int]:
    chosen = rows["role"][rows["capture_id"].isin(ids)]
    return dict(Counter(map(str, chosen)).most_common())


def _recorded(project: Project, revision: str) -> _Version:
    records = project.recorded("captures", revision)
    if not records:
        raise UserError(
            f"The version {revision!r} holds no captures of {project.folder}; `git log` lists the "
            "others."
        )
    missing = [record for record in records.values() if not record.path.exists()]
    if missing:
        raise UserError(
            f"{len(missing)} of the {len(records)} parts of {revision!r} are not in DVC's cache; "
            f"run `dvc fetch --all-commits {project.folder}/captures`."
        )
    return _read(revision, {record.md5: record.path for record in records.values()})


def _here(folder: Path) -> _Version:
    return _read("the files here", {md5_of(path): path for path in part_paths(folder)})


def _read(name: str, paths: dict[str, Path]) -> _Version:
    headers, tables = {}, []
    for md5, path in paths.items():
        headers[md5], table = read_rows(path)
        tables.append((Path(md5), table))
    rows = to_frame(tables) if tables else pd.DataFrame(columns=["capture_id", "role", "setting"])
    return _Version(name, paths, headers, rows)


def _changed(before: _Version, after: _Version) -> list[str]:
    """Captures that both have under one name, in parts that differ, and that are not the same."""
    moved: list[dict[str, str]] = []
    for one, other in ((before, after), (after, before)):
        found: dict[str, str] = {}
        known = set(other.rows["capture_id"])
        apart = one.rows[~one.rows["part"].isin(list(other.paths))]
        for md5, rows in apart.groupby("part", sort=False):
            wanted = frozenset(rows["capture_id"]) & known
            if wanted:
                found |= dict(digests_in(one.paths[str(md5)], wanted))
        moved.append(found)
    return [i for i, digest in moved[0].items() if moved[1].get(i, digest) != digest]

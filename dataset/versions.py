"""Versions of a dataset: DVC keeps the files, git keeps which files they were."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigs.errors import UserError
from rigs.files import only_one

DVC = [sys.executable, "-m", "dvc"]

KEPT = ("captures", "dry")
"""What of a device's folder DVC keeps; the rest is small, or made from it."""


def environment() -> dict[str, str]:
    """For git and DVC: this ampsweep first on the PATH, and the project's own repository."""
    # A git hook, for one, names a repository in its environment: the one around, not ours.
    elsewhere = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
    env = {name: value for name, value in os.environ.items() if name not in elsewhere}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    env["DVC_NO_ANALYTICS"] = "1"
    return env


@dataclass(frozen=True)
class Recorded:
    """A file that a version holds: its name in the folder, and where DVC's cache has its bytes."""

    name: str
    md5: str
    path: Path


@dataclass(frozen=True)
class Project:
    """A git repository with DVC in it, and ``folder``, a device's in it, as DVC names it."""

    root: Path
    folder: str

    @classmethod
    def around(cls, folder: Path) -> Project:
        """The project that a device's ``folder`` lies in; raises UserError if there is none."""
        whole = folder.absolute()
        root = next((p for p in whole.parents if (p / ".dvc").is_dir()), None)
        if root is None:
            raise UserError(
                f"{folder} lies in no project that DVC knows, so it has no versions; run "
                "`git init` and `dvc init` in the folder that it belongs to."
            )
        if not any((p / ".git").exists() for p in (root, *root.parents)):
            raise UserError(
                f"{root} has DVC but no git, which remembers versions; run `git init` in it."
            )
        return cls(root, whole.relative_to(root).as_posix())

    @property
    def targets(self) -> list[str]:
        """What of the folder DVC keeps, as it names that."""
        return [f"{self.folder}/{name}" for name in KEPT]

    def recorded(self, kind: str, revision: str | None = None) -> dict[str, Recorded]:
        """The files under ``kind`` ("captures" or "dry") in a git revision, by their names.

        Without ``revision``, what dvc.lock or a .dvc file records now. Empty if nothing of it was
        recorded. Raises UserError if there is no such revision, or if the list of its files is not
        in DVC's cache.
        """
        from dvc.api import DVCFileSystem
        from dvc.exceptions import DvcException
        from dvc.scm import RevError, SCMError
        from dvc_data.index import DataIndexDirError

        where = f"{self.folder}/{kind}"
        try:
            files = DVCFileSystem(str(self.root), rev=revision)
            found: Mapping[str, Any] = files.find(where, detail=True, dvc_only=True)
            cache = files.repo.cache.local
        except RevError:
            raise UserError(
                f"git knows no version {revision!r}; name a commit, a tag or a branch."
            ) from None
        except SCMError as error:
            raise UserError(f"git cannot be read in {self.root}: {_clean(error)}.") from None
        except (DvcException, DataIndexDirError, OSError) as error:
            raise UserError(
                f"What {where} was in {revision or 'dvc.lock'} cannot be read ({_clean(error)}); "
                f"run `dvc fetch --all-commits {where}`."
            ) from None
        records = {}
        for path, info in found.items():
            name = path.removeprefix(where).lstrip("/")
            if name and (md5 := info.get("md5")):
                records[name] = Recorded(name, md5, Path(cache.oid_to_path(md5)))
        return records

    def kept(self, hashes: Iterable[str]) -> set[str]:
        """Those MD5s whose bytes DVC's cache on this machine has."""
        from dvc.repo import Repo

        with Repo(str(self.root)) as repo:
            cache = repo.cache.local
            return {md5 for md5 in hashes if Path(cache.oid_to_path(md5)).exists()}

    def tracked(self) -> dict[str, tuple[str, bool]]:
        """For each target that DVC tracks: the stage or .dvc file, and whether `dvc repro` skips
        that stage."""
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        try:
            with Repo(str(self.root)) as repo:
                outs = {
                    Path(out.fs_path).relative_to(self.root).as_posix(): out.stage
                    for out in repo.index.outs
                    if Path(out.fs_path).is_relative_to(self.root)
                }
        except DvcException as error:
            raise UserError(f"DVC cannot read {self.root}: {_clean(error)}.") from None
        return {
            target: (stage.addressing, bool(stage.frozen or stage.is_data_source))
            for target, stage in outs.items()
            if target in self.targets
        }

    def remote(self) -> str:
        """The remote that is pushed to and pulled from; raises UserError if there is none."""
        from dvc.repo import Repo

        with Repo(str(self.root)) as repo:
            name = repo.config["core"].get("remote")
        if not name:
            raise UserError(
                f"{self.root} has no DVC remote to keep data in; name a folder, a disk or a server "
                "with `dvc remote add -d backup FOLDER`."
            )
        return str(name)

    def dvc(self, *args: str) -> None:
        """Have DVC do something; raises UserError with its reason if it fails."""
        done = subprocess.run(
            [*DVC, *args],
            cwd=self.root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            reason = _reason(done.stderr) or _reason(done.stdout) or "it said nothing"
            raise UserError(f"`dvc {args[0]}` failed in {self.root}: {reason}.")


def unrecorded(folder: Path, project: Project) -> dict[str, str]:
    """Files of captures and dries that are not, byte for byte, what is recorded now: their MD5."""
    wrong = {}
    for kind in KEPT:
        records = project.recorded(kind)
        for path in sorted((folder / kind).glob("*.parquet")):
            record = records.get(path.name)
            if path.name.startswith("."):
                continue
            md5 = md5_of(path)
            if record is None or record.md5 != md5:
                wrong[f"{kind}/{path.name}"] = md5
    return wrong


def removed(folder: Path, project: Project) -> list[str]:
    """Files that DVC recorded and that are not in ``folder`` any more: merged, or moved away."""
    return [
        f"{kind}/{name}"
        for kind in KEPT
        for name in project.recorded(kind)
        if not (folder / kind / name).exists()
    ]


def push(folder: Path) -> str:
    """Record what is in a device's ``folder`` and copy it to the DVC remote; says what was done.

    Captures of a rig that DVC never runs (its stage is frozen, or there is no stage) are recorded
    first. Raises UserError if there is no project, no remote, a session running, something in the
    folder that a pipeline should have made but did not, or if DVC fails.
    """
    project = Project.around(folder)
    if not (folder / KEPT[0]).is_dir():
        raise UserError(f"There are no captures in {folder}; run `ampsweep capture` first.")
    remote = project.remote()
    with only_one(folder / KEPT[0], wait=False):
        said = _record(folder, project)
    project.dvc("push", *project.targets)
    return f"{said} {folder} is in the remote {remote!r}."


def _record(folder: Path, project: Project) -> str:
    tracked = project.tracked()
    new = [t for t in project.targets if t not in tracked and (project.root / t).is_dir()]
    changed = [*unrecorded(folder, project), *removed(folder, project)] or new
    if not changed:
        return "Nothing new was captured."
    made = [stage for stage, by_hand in tracked.values() if not by_hand]
    if made:
        raise UserError(
            f"{folder} holds {changed[0]}, which DVC's stage {made[0].rpartition(':')[2]!r} has "
            "not recorded; run `dvc repro`, or `dvc commit` if it is right as it is."
        )
    if tracked:
        project.dvc("commit", "--force", *tracked)
    if new:
        project.dvc("add", "--quiet", *new)
    return (
        f"{len(changed)} changes are recorded; `git commit` what names them (dvc.lock or *.dvc), "
        "so that they are a version."
    )


def pull(folder: Path) -> str:
    """Bring what is recorded of a device's ``folder`` here; says what was done.

    Raises UserError if there is no project or remote, if DVC has nothing of it, if captures here
    are in no version yet (they would be lost), or if DVC fails.
    """
    project = Project.around(folder)
    tracked = project.tracked()
    if not tracked:
        raise UserError(
            f"DVC has recorded nothing of {folder}; `ampsweep dataset push` records it where it "
            "was captured."
        )
    remote = project.remote()
    if (folder / "captures").is_dir():
        with only_one(folder / KEPT[0], wait=False):
            _refuse_to_lose(folder, project)
            project.dvc("pull", *tracked)
    else:
        project.dvc("pull", *tracked)
    count = len(list((folder / KEPT[0]).glob("*.parquet")))
    return f"{folder} is as recorded, in {count} parts of captures, from the remote {remote!r}."


def _refuse_to_lose(folder: Path, project: Project) -> None:
    # Those of another version are in DVC's cache, and can come back.
    found = unrecorded(folder, project)
    kept = project.kept(found.values()) if found else set()
    wrong = [name for name, md5 in found.items() if md5 not in kept]
    if wrong:
        raise UserError(
            f"{folder} holds {len(wrong)} files that are in no version yet ({wrong[0]}, for one), "
            "and pulling would lose them; run `ampsweep dataset push` first, or move them away."
        )


def md5_of(path: Path) -> str:
    """DVC's own name for the bytes of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return digest.hexdigest()


def _reason(said: str) -> str:
    """The first of DVC's errors, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")] or lines[-1:]
    return _clean(errors[0]) if errors else ""


def _clean(error: object) -> str:
    words = " ".join(str(error).split())
    return words.removeprefix("ERROR: ").partition(" - ")[0][:300].rstrip(".:")

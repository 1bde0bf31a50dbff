"""`ampsweep init`: a project of one's own, with git, DVC, a rig and the pipeline."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from dataset.versions import DVC, environment
from rigs.config import NAME, load_rig
from rigs.errors import UserError
from rigs.rig import ANYWHERE, Reach

_HERE = Path(__file__).parent
_VIRTUAL = _HERE.parent / "rigs" / "virtual.toml"

_FROZEN = """\
    # frozen: `dvc repro` never turns a motor or makes a noise by itself. Capture with
    #   ampsweep capture rigs/${rig}.toml
    # and `dvc repro` goes on from there.
    frozen: true"""

_SWEEP = """\
    - design: sweep      # knobs that move while audio plays: the most to learn a minute
      minutes: 6         # of audio, all in all
      seconds: 20        # a capture
      interval: 1.5      # seconds from one point of a knob's way to the next
"""
_TEST_SWEEPS = """\
    sweeps: 3            # made as the training's are, to judge knobs in motion
"""
_STILL = """\
    - design: sobol      # static settings that cover the knobs evenly: these knobs cannot move
      settings: 48       # while audio plays
      seconds: 8         # a capture
      corners: 0         # how many settings more with every knob at one of its ends
"""
_LISTED = """\
    - design: every      # the settings there are, but for those held out below
      seconds: 20        # a capture
"""

_USE = "    dvc repro                 # does all of it; run again, only what has changed"
_USE_FROZEN = """\
    dvc repro                 # plans, then stops: it never plays or turns anything itself
    ampsweep capture rigs/@rig@.toml
    dvc repro                 # checks, trains, evaluates, exports"""

_DVC_CONFIG = """\
[core]
    analytics = false
    check_update = false
    autostage = true
"""


@dataclass(frozen=True)
class Names:
    """What a project's files are filled in with.

    ``live``: the rig moves or makes a noise. ``reach`` decides what can be planned.
    """

    device: str
    rig: str
    model: str
    live: bool = False
    reach: Reach = ANYWHERE

    @property
    def train(self) -> str:
        """The design of the training captures, as YAML."""
        return _LISTED if self.reach.only else _SWEEP if self.reach.sweeps else _STILL

    @property
    def test_sweeps(self) -> str:
        """How motion is judged, as YAML: a line, if knobs can move."""
        return _TEST_SWEEPS if self.train is _SWEEP else ""

    @property
    def validation(self) -> str:
        """How many settings choose the checkpoint: of a list of settings, a tenth."""
        return str(max(1, len(self.reach.only) // 10)) if self.reach.only else "8"

    @property
    def test(self) -> str:
        """How many settings judge the model: of a list of settings, a sixth."""
        return str(max(1, len(self.reach.only) // 6)) if self.reach.only else "28"


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    rig: Annotated[
        str, typer.Option(help="The built-in rig 'virtual', or a rig's TOML file to copy.")
    ] = "virtual",
    model: Annotated[
        str | None, typer.Option(help="The model's name; the device's if not given.")
    ] = None,
) -> None:
    """Start a project in DIR: git, DVC, the pipeline, its recipe and a rig to edit."""
    names = scaffold(folder, rig, model)
    typer.echo(f"{folder} is ready: a project for {names.device!r}; its README.md tells the rest.")
    if names.live:
        typer.echo("Its rig moves or makes a noise, so `dvc repro` never captures by itself.")
    here = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    typer.echo(f"Next: {here}dvc repro")


def scaffold(folder: Path, rig: str = "virtual", model: str | None = None) -> Names:
    """Make the project, whole or not at all; raises UserError if ``folder`` is not free."""
    check_free(folder)
    if shutil.which("git") is None:
        raise UserError("git is not installed; install it (on Debian: apt install git).")
    toml, names = _read_rig(rig, model)
    made = _make_parents(folder)
    # Made beside, then renamed: whatever interrupts, no half project has the name asked for.
    workshop = Path(tempfile.mkdtemp(prefix=".ampsweep-init-", dir=folder.absolute().parent))
    try:
        project = workshop / "project"
        _write_files(project, toml, names)
        _check_copy(project / "rigs" / f"{names.rig}.toml", rig)
        _start_git(project)
        _put(project, folder)
        made = []
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
        for parent in made:
            parent.rmdir()
    return names


def check_free(folder: Path) -> None:
    """Raise UserError unless ``folder`` does not exist or is an empty folder."""
    for part in [folder, *folder.parents]:
        if part.is_symlink() and not part.exists():
            raise UserError(f"{part} is a link to nothing; remove it or name another folder.")
        if part.exists() and not part.is_dir():
            raise UserError(f"{part} is a file, not a folder; move it away or name another folder.")
    if (folder / "dvc.yaml").exists():
        raise UserError(f"{folder} is a project already; nothing was changed.")
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty; name a new folder, or empty that one first.")


def render(template: str, names: Names) -> str:
    """The text of the file ``template`` of the templates' folder, with ``names`` filled in."""
    # Not under its own name: DVC would take every dvc.yaml below a project for one of its own.
    text = (_HERE / "templates" / f"{template}.in").read_text("utf-8")
    text = text.replace("@frozen@\n", f"{_FROZEN}\n" if names.live else "")
    text = text.replace("@use@", _USE_FROZEN if names.live else _USE)
    text = text.replace("@train@\n", names.train)
    text = text.replace("@test sweeps@\n", names.test_sweeps)
    for name in ("device", "rig", "model", "validation", "test"):
        text = text.replace(f"@{name}@", getattr(names, name))
    return text


def _read_rig(rig: str, model: str | None) -> tuple[str, Names]:
    """The rig's TOML and the names it gives. Loading a rig moves nothing and makes no noise."""
    path = _VIRTUAL if rig == "virtual" else Path(rig)
    if not path.is_file():
        raise UserError(f"There is no rig {rig!r}; give 'virtual' or the name of a TOML file.")
    loaded = load_rig(path)
    names = Names(
        device=loaded.device,
        rig=_checked("The rig's file name", path.stem),
        model=_checked("--model", model or loaded.device),
        live=not loaded.path.simulated,
        reach=loaded.reach,
    )
    loaded.close()
    return path.read_text("utf-8"), names


def _check_copy(toml: Path, rig: str) -> None:
    """Raise UserError if the copy of a rig's TOML does not load where it is now."""
    try:
        load_rig(toml).close()
    except UserError as error:
        what = str(error).replace(str(toml), toml.name)
        raise UserError(
            f"{rig} names a file by its place relative to itself, which a copy of it in the "
            f"project would not find ({what.rstrip('.')}); name it by its full path."
        ) from None


def _checked(what: str, name: object) -> str:
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise UserError(
            f"{what} is {name!r}, but names a file: begin with a letter or digit, then use up to "
            "63 letters, digits, dots, dashes and underscores."
        )
    return name


def _make_parents(folder: Path) -> list[Path]:
    """Make the folders above ``folder``; returns those made, innermost first."""
    missing = [p for p in folder.absolute().parents if not p.exists()]
    for parent in reversed(missing):
        parent.mkdir()
    return missing


def _write_files(project: Path, toml: str, names: Names) -> None:
    (project / "rigs").mkdir(parents=True)
    (project / "rigs" / f"{names.rig}.toml").write_text(toml, "utf-8")
    for template in ("dvc.yaml", "params.yaml", "README.md", "gitignore", "dvcignore"):
        name = f".{template}" if template.endswith("ignore") else template
        (project / name).write_text(render(template, names), "utf-8")


def _start_git(project: Path) -> None:
    _run(["git", "init", "-q"], project)
    _run([*DVC, "init", "-q"], project)
    (project / ".dvc" / "config").write_text(_DVC_CONFIG, "utf-8")
    _run(["git", "add", "-A"], project)
    commit = ["commit", "-q", "-m", "Begin: pipeline, recipe and rig"]
    if _has_identity(project):
        _run(["git", *commit], project)
        return
    identity = ["-c", "user.name=ampsweep", "-c", "user.email=ampsweep@localhost"]
    _run(["git", *identity, *commit], project)
    typer.echo(
        "git does not know your name yet, so the first commit is signed 'ampsweep'; "
        "for your own: git config --global user.name … and user.email …"
    )


def _has_identity(project: Path) -> bool:
    """Whether git would commit: it may know a name from the system even if none is configured."""
    return all(
        subprocess.run(
            ["git", "var", ident],
            cwd=project,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
        ).returncode
        == 0
        for ident in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT")
    )


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        what = " ".join(["dvc" if command[0] == sys.executable else "git", *command[-3:]])
        if "No space left on device" in done.stdout:
            raise UserError("The disk is full; free some space, then run the same command again.")
        reason = " ".join(done.stdout.split())[-300:].rstrip(".")
        raise UserError(f"`{what}` failed: {reason or 'it said nothing'}.")


def _put(project: Path, folder: Path) -> None:
    if folder.exists():  # empty, and perhaps where the user's shell stands: keep the folder itself
        for entry in sorted(project.iterdir(), key=lambda entry: entry.name == "dvc.yaml"):
            entry.rename(folder / entry.name)
    else:
        project.rename(folder)

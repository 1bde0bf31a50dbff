from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ampsweep import init
from ampsweep.app import run
from ampsweep.demo import NAMES
from ampsweep.init import Names, render, scaffold
from dataset.planning import make_plan, read_recipe
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.rig import Options, Reach
from training.options import TrainOptions

ROOT = Path(__file__).parent.parent.parent


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which git has never been told a name, and cannot guess one."""
    for name in list(os.environ):
        if name.startswith("GIT_") or name == "EMAIL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))


@pytest.fixture
def somebody(nobody: None, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Leo\n\temail = leo@example.org\n")


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.usefixtures("somebody")
def test_a_project_is_whole_and_committed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "one" / "two"
    assert run(["init", str(project)]) == 0
    assert f"cd {project} && dvc repro" in capsys.readouterr().out
    assert sorted(path.name for path in project.iterdir()) == [
        ".dvc",
        ".dvcignore",
        ".git",
        ".gitignore",
        "README.md",
        "dvc.yaml",
        "params.yaml",
        "rigs",
    ]
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "--format=%an <%ae>") == "Leo <leo@example.org>"
    assert "analytics = false" in (project / ".dvc" / "config").read_text()
    assert ".*.tmp" in (project / ".dvcignore").read_text()
    assert list((tmp_path / "one").iterdir()) == [project]
    assert "@" not in (project / "README.md").read_text()


@pytest.mark.usefixtures("somebody")
def test_dvc_understands_the_pipeline(tmp_path: Path) -> None:
    scaffold(tmp_path / "p", model="demo")
    done = subprocess.run(
        [*init.DVC, "stage", "list", "--all", "--name-only"],
        cwd=tmp_path / "p",
        env=init.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["plan", "capture", "check", "train", "evaluate", "export"]


@pytest.mark.usefixtures("nobody")
def test_git_without_an_identity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "p"
    assert run(["init", str(project)]) == 0
    assert "git does not know your name yet" in capsys.readouterr().out
    assert git(project, "log", "--format=%an") == "ampsweep"
    assert "name" not in (project / ".git" / "config").read_text()  # for that commit only


@pytest.mark.usefixtures("somebody")
def test_an_empty_folder_is_filled_and_keeps_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    before = folder.stat().st_ino
    monkeypatch.chdir(folder)
    assert run(["init", "."]) == 0
    assert folder.stat().st_ino == before
    assert git(folder, "status", "--porcelain") == ""
    assert "Next: dvc repro" in capsys.readouterr().out


@pytest.mark.usefixtures("somebody")
def test_a_project_inside_another_repository_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    # As in a hook of the repository around.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / ".git" / "index"))
    project = tmp_path / "p"
    scaffold(project)
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert Path(git(project, "rev-parse", "--show-toplevel")) == project.resolve()
    assert git(tmp_path, "ls-files") == ""


@pytest.mark.usefixtures("somebody")
def test_twice_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "p"
    scaffold(project)
    (project / "params.yaml").write_text("mine")
    before = everything_in(tmp_path)
    assert run(["init", str(project)]) == 2
    assert capsys.readouterr().err == f"{project} is a project already; nothing was changed.\n"
    assert (project / "params.yaml").read_text() == "mine"
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("file", "is a file, not a folder"),
        ("file/p", "is a file, not a folder"),
        ("full", "is not empty"),
        ("link", "is a link to nothing"),
    ],
)
def test_a_folder_that_is_not_free(
    where: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "song.wav").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    before = everything_in(tmp_path)
    assert run(["init", str(tmp_path / where)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize(
    ("rig", "says"),
    [
        ("nowhere.toml", "There is no rig"),
        ("broken.toml", "broken.toml, line 1: this cannot be read as TOML"),
        ("escape.toml", "escape.toml, line 2: device"),
        ("unnamed.toml", "the file lacks device"),
        ("kind.toml", "line 6: [path] there is no type 'telepathy'"),
        ("halfless.toml", "the file lacks path; add a section [path]"),
    ],
)
def test_a_rig_that_is_none(
    rig: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    good = (
        'name = "x"\ndevice = "amp"\n[actuator]\ntype = "parameters"\n'
        '[path]\ntype = "virtual-amp"\n'
    )
    Path("broken.toml").write_text("device = ")
    Path("escape.toml").write_text(good.replace('"amp"', '"../up"'))
    Path("unnamed.toml").write_text(good.replace('device = "amp"\n', ""))
    Path("kind.toml").write_text(good.replace('"virtual-amp"', '"telepathy"'))
    halfless = good.replace("[path]\ntype = ", "").replace('"virtual-amp"', "")
    Path("halfless.toml").write_text(halfless + "path = 3")
    assert run(["init", "p", "--rig", rig]) == 2
    assert says in capsys.readouterr().err
    assert not Path("p").exists()


def test_a_model_name_is_no_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "p"), "--model", "../up"]) == 2
    assert "--model is '../up'" in capsys.readouterr().err


def test_without_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["init", str(tmp_path / "p")]) == 2
    assert "git is not installed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_interrupted_it_leaves_nothing(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(project: Path) -> None:
        raise error

    monkeypatch.setattr(init, "_start_git", fail)
    before = everything_in(tmp_path)
    with pytest.raises(type(error)):
        scaffold(tmp_path / "one" / "p")
    assert everything_in(tmp_path) == before


@pytest.mark.usefixtures("somebody")
def test_what_git_says_against_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\necho not on Fridays >&2\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    with (tmp_path / "gitconfig").open("a") as config:
        config.write(f"[core]\n\thooksPath = {hooks}\n")
    assert run(["init", str(tmp_path / "p")]) == 2
    assert "failed: not on Fridays." in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


@pytest.mark.usefixtures("somebody")
def test_a_rig_that_makes_a_noise_is_never_started_by_dvc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rigs.paths.virtual import VirtualAmpPath

    monkeypatch.setattr(VirtualAmpPath, "simulated", False)
    rig = tmp_path / "princess.toml"
    rig.write_text((ROOT / "rigs" / "virtual.toml").read_text().replace("virtual-amp", "x", 1))
    rig.write_text(rig.read_text().replace('device = "x"', 'device = "Princess-6"'))
    project = tmp_path / "p"
    assert run(["init", str(project), "--rig", str(rig)]) == 0
    assert "never captures by itself" in capsys.readouterr().out
    pipeline = yaml.safe_load((project / "dvc.yaml").read_text())
    assert pipeline["vars"] == [{"device": "Princess-6", "rig": "princess", "model": "Princess-6"}]
    assert pipeline["stages"]["capture"]["frozen"] is True
    assert (project / "rigs" / "princess.toml").read_text() == rig.read_text()
    assert "ampsweep capture rigs/princess.toml" in (project / "README.md").read_text()


def test_a_live_rigs_pipeline_differs_by_the_freeze_alone() -> None:
    live = yaml.safe_load(render("dvc.yaml", Names("virtual-amp", "virtual", "demo", live=True)))
    still = yaml.safe_load(render("dvc.yaml", NAMES))
    assert live["stages"]["capture"].pop("frozen") is True
    assert live == still


def test_captures_and_models_outlive_an_interruption() -> None:
    """DVC deletes a stage's outputs before it runs, unless they persist."""
    stages = yaml.safe_load(render("dvc.yaml", NAMES))["stages"]
    for stage in ("capture", "train"):
        for out in stages[stage]["outs"]:
            assert list(out.values()) == [{"persist": True}]


@pytest.mark.parametrize("template", ["params.yaml", "params.full.yaml"])
def test_recipes_are_valid(template: str) -> None:
    recipe = yaml.safe_load(render(template, NAMES))
    assert list(recipe) == ["plan", "train"]
    planned = read_recipe(recipe["plan"], "params.yaml: plan")
    assert planned.test.settings >= 24
    TrainOptions.model_validate(recipe["train"])


def test_the_built_in_rig_is_as_the_pipeline_names_it() -> None:
    rig = load_rig(ROOT / "rigs" / "virtual.toml")
    assert (rig.name, rig.device) == (NAMES.rig, NAMES.device)
    assert rig.path.simulated


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml"])
def test_this_repositorys_pipeline_is_the_demos(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == render(name, NAMES)


def test_stages_find_this_ampsweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    found = shutil.which("ampsweep", path=init.environment()["PATH"])
    assert found is not None
    assert Path(found).parent == Path(sys.executable).parent


@pytest.mark.parametrize(
    ("reach", "design", "held"),
    [
        (Reach(), "sweep", (8, 28)),
        (Reach(sweeps=False), "sobol", (8, 28)),
        (Reach(False, only=tuple({"Gain": float(g)} for g in range(4))), "every", (1, 1)),
        (Reach(False, only=tuple({"Gain": g / 4} for g in range(36))), "every", (3, 6)),
    ],
)
def test_a_recipe_asks_for_what_the_rig_can_do(
    reach: Reach, design: str, held: tuple[int, int]
) -> None:
    text = render("params.yaml", Names("amp", "rig", "amp", reach=reach))
    assert "@" not in text
    recipe = read_recipe(yaml.safe_load(text)["plan"], "params.yaml: plan")
    assert [d.design for d in recipe.train] == [design]
    assert (recipe.validation.settings, recipe.test.settings) == held
    plan, _ = make_plan(KnobTable((Knob("Gain"),)), "amp", recipe, reach)
    assert plan.cost()["train"][0] > 0


@pytest.mark.usefixtures("somebody")
def test_a_rig_that_would_not_load_from_its_new_place_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rigs.paths.virtual import VirtualAmpPath

    class Beside(VirtualAmpPath):
        def __init__(self, options: Options, folder: Path) -> None:
            super().__init__(options, folder)
            if not (folder / "amp.cir").exists():
                raise UserError("There is no file amp.cir; check its name.")

    monkeypatch.setattr("rigs.paths.virtual.VirtualAmpPath", Beside)
    (tmp_path / "amp.cir").write_text("")
    rig = shutil.copy(ROOT / "rigs" / "virtual.toml", tmp_path / "near.toml")
    assert run(["init", str(tmp_path / "p"), "--rig", str(rig)]) == 2
    said = capsys.readouterr().err
    assert "name it by its full path" in said
    assert "amp.cir" in said
    assert not (tmp_path / "p").exists()

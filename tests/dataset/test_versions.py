"""push, pull and diff with real git, real DVC and a folder as the remote."""

import shutil
import subprocess
from dataclasses import replace

import pytest
import shelf
from dvc.repo import Repo
from shelf import capture, captures
from tanh_rig import KNOBS

from dataset import versions
from dataset.compact import compact
from dataset.difference import difference
from dataset.parts import write_part
from dataset.store import Dataset
from dataset.versions import environment
from rigs.errors import UserError


def run(project, *command):
    subprocess.run(command, cwd=project, env=environment(), check=True, capture_output=True)


def commit(project, message):
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    run(project, "git", "add", "-A")
    run(project, "git", *who, "commit", "-qm", message)


def name(number):
    return f"{shelf.SESSION}-{number:06d}"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two versions: five captures, and one more."""
    home = tmp_path_factory.mktemp("project")
    project, folder = home / "work", home / "work/data/tanh-amp"
    shelf.write(folder, captures()[:5])
    run(project, "git", "init", "-q")
    Repo.init(str(project))
    where = (
        f"[core]\nremote = backup\nanalytics = false\n['remote \"backup\"']\nurl = {home}/remote\n"
    )
    (project / ".dvc/config").write_text(where)
    assert "7 changes are recorded" in versions.push(folder)
    commit(project, "five")
    run(project, "git", "tag", "five")
    write_part(folder, captures()[5], KNOBS)
    assert "1 changes are recorded" in versions.push(folder)
    commit(project, "six")
    return home


@pytest.fixture
def project(built, tmp_path):
    return shutil.copytree(built / "work", tmp_path / "work", symlinks=True)


@pytest.fixture
def folder(project):
    return project / "data/tanh-amp"


def test_a_version_comes_back_in_another_clone(built, tmp_path):
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", str(built / "work"), str(clone))
    folder = clone / "data/tanh-amp"
    with pytest.raises(UserError, match="not in DVC's cache"):
        difference(folder, "five", "HEAD")
    assert "in 6 parts" in versions.pull(folder)
    ours = Dataset.open(built / "work/data/tanh-amp")
    theirs = Dataset.open(folder)
    assert [(a == b).all() for a, b in zip(ours.decoded(), theirs.decoded(), strict=True)]
    write_part(folder, captures()[7], KNOBS)
    with pytest.raises(UserError, match=rf"in no version yet \(captures/{name(7)}.parquet"):
        versions.pull(folder)
    assert len(Dataset.open(folder)) == 7


def test_what_came_and_what_went(folder):
    found = difference(folder, "five", "HEAD")
    assert (found.came, found.went, found.changed) == ((name(5),), (), ())
    assert (found.roles_came, found.same) == ({"train": 1}, 5)
    assert found.settings_came == ({"Gain": 2.0, "Tone": 3.0, "Bright": 0.0},)
    back = difference(folder, "HEAD", "five")
    assert (back.came, back.went, back.settings_went) == ((), (name(5),), found.settings_came)
    assert difference(folder, "HEAD").nothing

    (folder / "captures" / f"{name(2)}.parquet").unlink()
    again = captures()[1]
    write_part(folder, replace(again, capture_id=name(30)), KNOBS)
    found = difference(folder, "HEAD")
    assert (found.came, found.went) == ((name(30),), (name(2),))
    # Its setting was there before.
    assert found.settings_came == ()
    assert found.settings_went == ({"Gain": 3.0, "Tone": 2.0, "Bright": 0.0},)


def test_merging_changes_nothing_and_editing_does(folder):
    path = folder / "captures" / f"{name(1)}.parquet"
    path.unlink()
    write_part(folder, capture(1, {"Gain": 1, "Tone": 9}, offset=7), KNOBS)
    compact(folder, everything=True)
    found = difference(folder, "HEAD")
    assert (found.came, found.went, found.changed, found.same) == ((), (), (name(1),), 5)


def test_other_knobs_are_said_to_be_other(folder):
    from rigs.knobs import Knob, KnobTable

    for path in (folder / "captures").iterdir():
        path.unlink()
    wider = KnobTable((Knob("Gain", maximum=12.0), *KNOBS.knobs[1:]))
    write_part(folder, captures()[1], wider)
    assert difference(folder, "HEAD").knobs_changed


def test_what_is_missing_is_said(folder, project, tmp_path):
    with pytest.raises(UserError, match="no version 'nonsense'"):
        difference(folder, "nonsense")
    with pytest.raises(UserError, match="holds no captures of data/other"):
        difference(project / "data/other", "HEAD")
    with pytest.raises(UserError, match="recorded nothing of"):
        versions.pull(project / "data/other")
    with pytest.raises(UserError, match="no captures in"):
        versions.push(project / "data/other")
    shutil.rmtree(project / ".dvc/cache")
    with pytest.raises(UserError, match=r"6 of the 6 parts .* run `dvc fetch --all-commits"):
        difference(folder, "HEAD")
    (project / ".dvc/config").write_text("")
    for act in (versions.push, versions.pull):
        with pytest.raises(UserError, match=r"no DVC remote .*`dvc remote add -d backup FOLDER`"):
            act(folder)
    lone = shutil.copytree(folder, tmp_path / "lone")
    for act in (versions.push, versions.pull, lambda f: difference(f, "HEAD")):
        with pytest.raises(UserError, match="no project that DVC knows"):
            act(lone)
    shutil.rmtree(project / ".git")
    with pytest.raises(UserError, match="no git"):
        versions.push(folder)


def test_what_a_pipeline_makes_is_not_recorded_behind_its_back(folder, project):
    for dvc in folder.glob("*.dvc"):
        dvc.unlink()
    stage = (
        "stages:\n  capture:\n    cmd: 'true'\n    frozen: {}\n    outs:\n"
        "    - data/tanh-amp/captures: {{persist: true}}\n    - data/tanh-amp/dry\n"
    )
    (project / "dvc.yaml").write_text(stage.format("false"))
    with pytest.raises(UserError, match=r"stage 'capture' has\s+not recorded; run `dvc repro`"):
        versions.push(folder)
    (project / "dvc.yaml").write_text(stage.format("true"))
    assert "8 changes are recorded" in versions.push(folder)
    assert "data/tanh-amp/captures" in (project / "dvc.lock").read_text()
    commit(project, "by a stage")
    assert difference(folder, "five", "HEAD").came == (name(5),)

"""`ampsweep plan`: what it says, what it checks, and how a plan is extended."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ampsweep.app import run
from ampsweep.dry import read_dries
from ampsweep.params import add_to_list
from ampsweep.plan import read_more
from dataset import costs
from dataset.plan import read_plan
from rigs.errors import UserError

RECIPE = """\
# What I found out on Tuesday.
plan:
  seed: 3
  train:
    - {design: sobol, settings: 6, seconds: 0.5}   # few
  validation: {settings: 2, seconds: 0.5}
  test:
    settings: 2
    seconds: 0.5          # short
  sentinels: {every: 4, seconds: 0.5}

train:
  kind: wavenet
"""
STEPPERS = """\
name = "bench"
device = "combo"
[actuator]
type = "grbl"
port = "/dev/none"
homing_current = "fixed"
[actuator.knobs.Gain]
axis = "X"
travel = 300
[actuator.knobs.Bright]
axis = "A"
travel = 90
detents = [20, 70]
[knobs.Gain]
[knobs.Bright]
detents = ["off", "on"]
[path]
type = "audio-interface"
"""
VIRTUAL = '[path]\ntype = "virtual-amp"\n[actuator]\ntype = "parameters"\n'

Said = Callable[..., str]


@pytest.fixture
def plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Said:
    """Runs `ampsweep plan` in a project; returns what it said, after the exit code expected."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(RECIPE)
    Path("virtual.toml").write_text(f'name = "v"\ndevice = "amp"\n{VIRTUAL}')
    Path("steppers.toml").write_text(STEPPERS)

    def call(*args: str, code: int = 0) -> str:
        capsys.readouterr()
        assert run(("plan", *args)) == code
        captured = capsys.readouterr()
        return captured.out + captured.err

    return call


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def minutes(said: str, row: str) -> float:
    found = re.search(rf"{row}[^\n]*?([\d.]+) │\n", said)
    assert found is not None, said
    return float(found[1])


def test_it_says_what_it_will_cost(plan: Said) -> None:
    said = plan("virtual.toml")
    assert said.startswith("14 captures, 0.1 min of audio: 6 train")
    assert "how long a simulation takes is up to the machine" in said
    assert "knobs on their way" not in said
    said = plan("steppers.toml")
    assert minutes(said, "knobs on their way") > 0
    assert minutes(said, "clicks around") == pytest.approx(14 * 0.7 / 60, abs=0.05)
    assert re.search(r"begun now, it is done at \d\d:\d\d", said)


def test_what_is_captured_already_is_not_counted(
    plan: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    plan("virtual.toml")
    assert run(["capture", "virtual.toml"]) == 0
    said = plan("virtual.toml", "--extend", "2")
    assert re.search(r"captured already +│ +14 │", said)
    assert re.search(r"all that is left +│ +4 │", said)
    narrow = Path("virtual.toml").read_text() + "[knobs.Gain]\nmaximum = 9.0\n"
    Path("virtual.toml").write_text(narrow)
    assert "captured already" not in plan("virtual.toml")


def test_a_dry_run_writes_nothing(plan: Said) -> None:
    before = files()
    said = plan("steppers.toml", "--dry-run")
    assert "Nothing is beyond the rig's limits, and nothing was written." in said
    assert files() == before


def test_a_dry_run_finds_a_full_disk(plan: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "free_bytes", lambda folder: 1000)
    said = plan("virtual.toml", "--dry-run", code=2)
    assert re.search(r"The plan takes about \d MB, but .* has 0 MB left; make room", said)


def test_a_plan_is_extended_and_the_recipe_says_so(plan: Said) -> None:
    plan("virtual.toml")
    base = read_plan(Path("plan.parquet"))
    before = files()
    plan("virtual.toml", "--extend", "3", "--dry-run")
    assert files() == before
    said = plan("virtual.toml", "--extend", "3")
    once = read_plan(Path("plan.parquet"))
    assert "note:" not in said
    assert once.generations[0] == base.generations[0]
    assert once.cost()["train"][0] == 9
    plan("virtual.toml", "--extend", "0.1min")
    twice = read_plan(Path("plan.parquet"))
    assert [length for length, _ in twice.generations] == [14, 19, len(twice.entries)]
    text = Path("params.yaml").read_text()
    assert yaml.safe_load(text)["plan"]["extend"] == [{"settings": 3}, {"minutes": 0.1}]
    plan("virtual.toml")
    assert read_plan(Path("plan.parquet")).plan_id == twice.plan_id
    assert {dry.dry_id for dry in read_dries(Path("dry"))} == set(twice.dry_ids)


def test_a_plan_that_its_recipe_no_longer_makes_is_extended_as_it_is(plan: Said) -> None:
    plan("virtual.toml")
    base = read_plan(Path("plan.parquet"))
    Path("params.yaml").write_text(RECIPE.replace("settings: 6", "settings: 5"))
    before = Path("params.yaml").read_text()
    said = plan("virtual.toml", "--extend", "3")
    assert "note: params.yaml does not make the plan that was here" in said
    grown = read_plan(Path("plan.parquet"))
    assert grown.generations[0] == base.generations[0]
    assert grown.cost()["train"][0] == 9
    assert Path("params.yaml").read_text() == before


def test_what_cannot_be_extended_is_refused(plan: Said) -> None:
    assert "plan.parquet" in plan("virtual.toml", "--extend", "3", code=2)
    plan("virtual.toml")
    assert "only the plan of one rig can be extended" in plan(
        "steppers.toml", "--extend", "3", code=2
    )
    assert "neither a number of settings" in plan("virtual.toml", "--extend", "more", code=2)


@pytest.mark.parametrize(
    ("text", "settings", "minutes_"),
    [("48", 48, None), (" 48 ", 48, None), ("10min", None, 10.0), ("2.5 min", None, 2.5),
     ("10m", None, 10.0)],
)  # fmt: skip
def test_how_much_more_is_read(text: str, settings: int | None, minutes_: float | None) -> None:
    more = read_more(text)
    assert (more.settings, more.minutes) == (settings, minutes_)


@pytest.mark.parametrize("text", ["", "0", "-3", "2.5", "0min", "1e3", "min", "10 hours", "9" * 30])
def test_how_much_more_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="neither a number of settings"):
        read_more(text)


@pytest.mark.parametrize(
    "extend",
    [
        "",
        "  extend:\n    - {settings: 8}   # for the bright switch\n",
        "  extend:\n  - settings: 8\n    seconds: 2\n",
        "  extend: [{settings: 8}]  # one\n",
        "  extend: []\n",
    ],
)
@pytest.mark.parametrize("end", ["", "\ntrain:\n  kind: wavenet\n", "# the end"])
def test_an_item_goes_into_the_recipe_and_all_else_stays(
    tmp_path: Path, extend: str, end: str
) -> None:
    path = tmp_path / "params.yaml"
    text = f"# mine\nplan:\n  seed: 3  # three\n{extend}{end}"
    path.write_text(text)
    add_to_list(path, ("plan", "extend"), {"settings": 30, "seconds": 2.5})
    expected = yaml.safe_load(text)
    expected["plan"].setdefault("extend", []).append({"settings": 30, "seconds": 2.5})
    edited = path.read_text()
    assert yaml.safe_load(edited) == expected
    for line in text.splitlines():
        assert line in edited or "[" in line
    assert len(edited) - len(text) < 60


@pytest.mark.parametrize("text", ["plan: {seed: 3}\n", "plan:\n  extend: 7\n", "train: 3\n", "["])
def test_a_recipe_that_cannot_be_edited_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match="was left as it was; add to it, under plan, extend"):
        add_to_list(path, ("plan", "extend"), {"settings": 30})
    assert path.read_text() == text

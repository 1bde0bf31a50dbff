"""The house of the design: which folder may import what, and what none of them may do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "rigs": set[str](),
    "hardware": {"rigs"},
    "dataset": {"rigs"},
    "training": {"rigs", "dataset"},
    "ampsweep": {"rigs", "hardware", "dataset", "training"},
}
"""The arrows of the design: they point down only."""

ONLY_IN = {
    "torch": {"training"},
    "safetensors": {"training"},
    "pyarrow": {"dataset"},
    "pandas": {"dataset", "training", "ampsweep"},
    "dvc": {"dataset", "ampsweep"},
    "ray": {"dataset"},
    "sounddevice": {"rigs"},
    "serial": {"rigs"},
    "pedalboard": {"rigs"},
    "mido": {"rigs"},
    "rtmidi": {"rigs"},
    "build123d": {"hardware"},
    "ezdxf": {"hardware"},
    "trimesh": {"hardware"},
    "typer": {"ampsweep"},
    "rich": {"ampsweep"},
    "tests": set[str](),
    "firmware": set[str](),
    # These run what they read.
    "pickle": set[str](),
    "cPickle": set[str](),
    "dill": set[str](),
    "cloudpickle": set[str](),
    "joblib": set[str](),
    "marshal": set[str](),
    "shelve": set[str](),
}

SOURCES = sorted(
    path
    for room in MAY_IMPORT
    for path in (ROOT / room).rglob("*.py")
    if "__pycache__" not in path.parts
)
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCES
]


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """The top-level packages that ``tree`` imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def broken_rules(source: str, room: str) -> list[str]:
    """What in ``source``, a file of ``room``, the design forbids."""
    tree = ast.parse(source)
    broken = []
    for name in imports(tree):
        if name in MAY_IMPORT and name != room and name not in MAY_IMPORT[room]:
            broken.append(f"{room} imports {name}")
        if room not in ONLY_IN.get(name, {room}):
            broken.append(f"{room} imports {name}")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in ("eval", "exec", "compile", "__import__", "torch.load", "yaml.load"):
            broken.append(f"calls {called}")
        if any(keyword.arg == "allow_pickle" for keyword in node.keywords):
            broken.append(f"calls {called} with allow_pickle")
    return broken


def test_there_is_something_to_check() -> None:
    assert {room_of(path) for path in SOURCES} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", SOURCES, ids=MODULES)
def test_file_keeps_to_the_design(path: Path) -> None:
    source = path.read_text("utf-8")
    assert broken_rules(source, room_of(path)) == []
    lines = source.count("\n")
    assert lines <= 400, f"{lines} lines are more than one file should hold: split it"


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("rigs", "import dataset.store"),
        ("dataset", "def f():\n    from training.fit import fit"),
        ("training", "from ampsweep import app"),
        ("dataset", "import torch.nn as nn"),
        ("ampsweep", "import torch"),
        ("rigs", "import pandas"),
        ("training", "import pyarrow.parquet as pq"),
        ("dataset", "import sounddevice"),
        ("rigs", "from pickle import loads"),
        ("training", "torch.load(path, weights_only=True)"),
        ("dataset", "np.load(path, allow_pickle=False)"),
        ("rigs", "eval('1')"),
    ],
)
def test_a_broken_rule_is_seen(room: str, source: str) -> None:
    assert broken_rules(source, room)


@pytest.mark.parametrize(
    "folder", ["ampsweep", "training", "dataset", "rigs", "firmware", "hardware", "tests", "docs"]
)
def test_the_house_has_its_rooms(folder: str) -> None:
    assert (ROOT / folder).is_dir()


ABSENT = """
import importlib, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""


def without_torch(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ABSENT + script]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_a_capture_machine_needs_no_torch() -> None:
    base = {m for m, p in zip(MODULES, SOURCES, strict=True) if room_of(p) in ("rigs", "dataset")}
    base |= {f"ampsweep.{verb}" for verb in ("app", "demo", "init", "plan", "capture")}
    base |= {name for name in MODULES if name.startswith("ampsweep.dataset_verbs")}
    done = without_torch(f"for name in {sorted(base)!r}: importlib.import_module(name)")
    assert done.returncode == 0, done.stderr


def test_verbs_that_need_torch_say_so() -> None:
    verbs = ["train d m", "evaluate m d", "export pedal m --out x", "render m a b"]
    done = without_torch(
        f"from ampsweep.app import run\nfor line in {verbs!r}: assert run(line.split()) == 2, line"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(verbs)
    assert all('pip install "ampsweep[train]"' in line for line in lines)


def test_every_file_beside_the_code_is_installed_with_it() -> None:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = tables["tool"]["setuptools"]["package-data"]
    forgotten = [
        str(path.relative_to(ROOT))
        for room in MAY_IMPORT
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
        if not any(path in (ROOT / room).glob(pattern) for pattern in patterns.get(room, []))
    ]
    assert forgotten == []


def project() -> dict[str, list[str]]:
    """The extras of pyproject.toml, with its plain dependencies as ``""``."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"": table["dependencies"], **table["optional-dependencies"]}


def normal(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    rows = [line.partition("==") for line in lines if line and not line.startswith("#")]
    assert all(separator for _, separator, _ in rows)
    return {normal(name): version for name, _, version in rows}


def test_every_direct_dependency_is_pinned() -> None:
    direct = {normal(r) for rows in project().values() for r in rows} - {"ampsweep"}
    assert direct - set(pins()) == set()


def test_torch_is_the_one_everything_was_measured_with() -> None:
    assert pins()["torch"] == "2.13.0"
    assert "torch==2.13.0" in (ROOT / "Makefile").read_text("utf-8")


def test_the_base_install_has_no_torch() -> None:
    assert not {"torch", "safetensors", "datasets"} & {normal(r) for r in project()[""]}


def test_pinned_is_what_is_installed() -> None:
    from importlib.metadata import version

    direct = {normal(r) for rows in project().values() for r in rows} - {"ampsweep"}
    others = {n: version(n) for n in direct if version(n).split("+")[0] != pins()[n]}
    assert others == {}

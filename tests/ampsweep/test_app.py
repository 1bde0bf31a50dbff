from __future__ import annotations

import errno
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ampsweep import app
from rigs.errors import UserError

PYTHON = [sys.executable, "-c", "from ampsweep.app import main; main()"]


def with_verb(monkeypatch: pytest.MonkeyPatch, verb: Callable[..., Any]) -> None:
    """Put ``verb`` in the place of `ampsweep plan`."""
    module = ModuleType("verb_for_a_test")
    module.plan = verb  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "verb_for_a_test", module)
    monkeypatch.setitem(app.VERBS, "plan", ("verb_for_a_test:plan", "A verb."))


def failing(error: BaseException) -> Callable[[], None]:
    def plan() -> None:
        raise error

    return plan


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(path.split()[0] in shown for path in app.VERBS)
    assert app.run(["export", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "snapshot" in shown
    assert "pedal" in shown


def test_no_arguments_are_a_call_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run([]) == 0
    assert "Usage: ampsweep" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("ampsweep 0.")


@pytest.mark.parametrize("path", app.VERBS)
def test_every_verb_is_there_and_has_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"ampsweep {path}" in shown
    assert len(shown.splitlines()) > 8


def test_help_imports_nothing_heavy() -> None:
    script = """
import sys
from ampsweep.app import run
run(["--help"])
heavy = {"numpy", "scipy", "pandas", "pyarrow", "torch", "dvc", "ampsweep.init"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["frobnicate"], "No such command 'frobnicate'; see `ampsweep --help`."),
        (
            ["exprt"],
            "No such command 'exprt' (did you mean 'export'?); see `ampsweep --help`.",
        ),
        (["--frobnicate"], "No such option: --frobnicate; see `ampsweep --help`."),
        (["export"], "Missing command; see `ampsweep export --help`."),
        (["init"], "Missing argument 'DIR'; see `ampsweep init --help`."),
        (["init", "a", "b"], None),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str], sentence: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert sentence is None or err.strip() == sentence


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UserError("The amp is off; turn it on."), "The amp is off; turn it on."),
        (UserError("Two\nlines [train] \x1b[31m"), "Two lines [train] \ufffd[31m"),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch.nn"),
            "`ampsweep plan` needs torch, which is not installed: "
            'run pip install "ampsweep[train]".',
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "plan.parquet"),
            "The disk is full (plan.parquet); free some space, then run the same command again.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "plan.parquet"),
            "plan.parquet cannot be used: permission denied; check the path.",
        ),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(
    error: Exception,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with_verb(monkeypatch, failing(error))
    assert app.run(["plan"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", sentence + "\n")


def test_a_full_disk_is_known_by_its_words_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def plan() -> None:
        try:
            raise RuntimeError("I/O error: No space left on device (os error 28)")
        except RuntimeError:
            raise ValueError("could not save") from None

    with_verb(monkeypatch, plan)
    assert app.run(["plan"]) == 2
    assert capsys.readouterr().err.startswith("The disk is full;")


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError("ours"), ModuleNotFoundError("ours", name="dataset.nowhere"), OSError("?")],
)
def test_our_own_mistakes_keep_their_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_verb(monkeypatch, failing(error))
    with pytest.raises(type(error)):
        app.run(["plan"])


@pytest.mark.parametrize(
    ("interrupt", "sentence"),
    [
        (KeyboardInterrupt(), app.INTERRUPTED),
        (KeyboardInterrupt("Nothing was kept; begin again."), "Nothing was kept; begin again."),
    ],
)
def test_ctrl_c_is_one_sentence(
    interrupt: KeyboardInterrupt,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with_verb(monkeypatch, failing(interrupt))
    assert app.run(["plan"]) == 130
    assert capsys.readouterr() == ("", sentence + "\n")


def test_a_verb_may_say_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    with_verb(monkeypatch, failing(typer.Exit(3)))
    assert app.run(["plan"]) == 3


def test_a_terminal_gets_the_sentence_wrapped_at_words() -> None:
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": "40", "TERM": "xterm"}
    subprocess.run([*PYTHON, "exprt"], stderr=theirs, stdin=theirs, env=env, check=False)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    words = shown.decode()
    assert len(words.splitlines()) > 1
    assert "command" in words


def test_a_reader_who_has_had_enough_is_no_error() -> None:
    script = (
        "import sys, ampsweep.app as a\n"
        "def plan():\n"
        "    for i in range(100_000): print(i)\n"
        "sys.modules['v'] = type(sys)('v'); sys.modules['v'].plan = plan\n"
        "a.VERBS['plan'] = ('v:plan', '')\n"
        "sys.exit(a.run(['plan']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(20) == 1
    assert said == b""


def test_a_real_interruption(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = (
        "import sys, time, pathlib, ampsweep.app as a\n"
        "def plan():\n"
        f"    pathlib.Path({str(ready)!r}).touch(); time.sleep(60)\n"
        "sys.modules['v'] = type(sys)('v'); sys.modules['v'].plan = plan\n"
        "a.VERBS['plan'] = ('v:plan', '')\n"
        "sys.exit(a.run(['plan']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", app.INTERRUPTED + "\n")


def test_as_a_module() -> None:
    """As torchrun starts it."""
    command = [sys.executable, "-m", "ampsweep", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("ampsweep ")

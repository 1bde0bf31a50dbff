"""What is shown while a verb works."""

from pathlib import Path

import pytest

from ampsweep.app import run


def test_no_bar_where_nobody_looks(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["dataset", "check", str(tmp_path)]) == 2
    said, errors = capfd.readouterr()
    assert said == ""
    assert errors.startswith("There are no captures in ")

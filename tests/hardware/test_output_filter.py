"""The output filter: its corner, its loss, and the same by ngspice."""

import html
import re
import shutil
import subprocess

import numpy as np
import pytest

from hardware.pedal import output_filter, panel


def test_the_corner_and_the_loss_at_ten_kilohertz():
    assert abs(output_filter.CORNER / 21.92e3 - 1) < 1e-3
    at = np.array([100.0, 10e3, output_filter.CORNER])
    low, high, corner = output_filter.response(at, 1e12)
    assert low == pytest.approx(0, abs=1e-3)
    assert high == pytest.approx(-10 * np.log10(1 + (10e3 / 21.922e3) ** 2), abs=1e-3)
    assert corner == pytest.approx(-3.01, abs=0.01)
    low, high, _ = output_filter.response(at, 1e4)
    assert low == pytest.approx(20 * np.log10(10 / 13.3), abs=1e-3)
    assert high < low - 0.4


def test_ngspice_says_the_same(tmp_path):
    if not shutil.which("ngspice"):
        pytest.skip("ngspice not installed")
    path = tmp_path / "filter.cir"
    path.write_text(output_filter.netlist())
    done = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=True)
    number = r"\s+(-?\d\.\d+e[+-]\d+)"
    rows = re.findall(rf"^\d+{number * 3}\s*$", done.stdout, re.MULTILINE)
    hertz, *both = np.array(rows, float).T
    assert hertz[0] == 20
    assert hertz[-1] == pytest.approx(200e3, rel=1e-6)
    for load, decibels in zip(output_filter.LOADS.values(), both, strict=True):
        assert decibels == pytest.approx(output_filter.response(hertz, load), abs=1e-4)


def test_the_guide_and_the_picture_have_what_was_computed():
    folder = panel.FILE.parent
    guide = (folder / "README.md").read_text("utf-8")
    picture = html.unescape((folder / "output-filter.svg").read_text("utf-8"))
    for name, load in output_filter.LOADS.items():
        low, high = output_filter.response(np.array([100.0, 10e3]), load)
        assert f"| {name} | {low:.2f} dB | {high:.2f} dB |".replace("-", "\N{MINUS SIGN}") in guide
        assert f"into {name}: {low:.2f} dB at 100 Hz, {high:.2f} dB at 10 kHz" in picture
    assert f"corner {output_filter.CORNER / 1e3:.1f} kHz" in guide

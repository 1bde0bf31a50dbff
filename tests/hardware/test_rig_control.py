"""The rig's TOML and the controller's settings, made from the same parameters."""

import re
from pathlib import Path

import pytest
from grbl_pty import Bench

from hardware.rig import control, panel, parameters
from rigs.actuators.grbl import Grbl
from rigs.config import load_rig, rig_from
from rigs.errors import UserError
from rigs.rig import nobody
from rigs.trajectory import Trajectory

P = parameters.read()
STATIONS = panel.stations(P, panel.parse('Gain:25mm@0,Bass:25mm@42,"Hi" Cut:D@80'))


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, 50.0, trinamic=True)
    yield made
    made.close()


def loaded():
    return rig_from(control.toml(P, STATIONS, "amp", "my card"), Path("amp.toml"))


def opened(bench):
    rig = loaded()
    options = rig.actuator.options.model_copy(update={"port": str(bench.port), "settle": 0.0})
    made = Grbl(options, Path())
    made.open(rig.knobs, nobody)
    return rig.knobs, made


def test_the_toml_is_a_rig_of_these_knobs():
    rig = loaded()
    assert rig.knobs.names == ("Gain", "Bass", '"Hi" Cut')
    assert rig.actuator.options == control.options(P, STATIONS)
    assert rig.path.options.device == "my card"


def test_the_rig_that_is_kept_here_is_one_of_six_knobs():
    kept = load_rig(parameters.FILE.parent / "rig.toml")
    assert len(kept.knobs) == 6
    assert kept.actuator.options.homing_current == P.drive.homing_current
    lines = (parameters.FILE.parent / "grblhal-settings.txt").read_text("utf-8").splitlines()
    currents = [line for line in lines if re.match(r"\$14[0-5]=", line)]
    assert [line.split()[0] for line in currents] == [
        f"${140 + n}={P.drive.run_current}" for n in range(6)
    ]


def test_a_controller_without_the_settings_is_refused(bench):
    with pytest.raises(UserError, match="but this rig needs"):
        opened(bench)


def test_a_controller_with_the_settings_turns_the_knobs(bench):
    """Sent line by line as a person would, with nothing left for the driver to write."""
    for line in control.settings(P, STATIONS).splitlines():
        if match := re.match(r"\$(\d+)=([\d.]+)", line):
            bench.say(lambda c, m=match: c.write(int(m[1]), m[2]))
    knobs, made = opened(bench)
    made.prepare()
    asked = {"Gain": 3, "Bass": 9, '"Hi" Cut': 0.5}
    reached = made.go(knobs, Trajectory.still(knobs, asked)).end().reached
    assert reached == pytest.approx(asked, abs=0.003)
    made.close()


def test_homing_pushes_with_the_current_that_was_reckoned_with(bench):
    for line in control.settings(P, STATIONS).splitlines():
        if match := re.match(r"\$(\d+)=([\d.]+)", line):
            bench.say(lambda c, m=match: c.write(int(m[1]), m[2]))
    made = opened(bench)[1]
    made.prepare()
    made.close()
    currents = re.findall(rb"M906X(\d+)", bench.heard)
    assert currents == [b"%d" % P.drive.homing_current, b"%d" % P.drive.run_current]

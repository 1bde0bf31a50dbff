"""`ampsweep rigs list|show|new|check|home|jog|find-port`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ampsweep.app import run
from ampsweep.rig_verbs import jog
from ampsweep.rig_verbs.jog import Hand
from rigs import registry
from rigs.config import load_rig
from rigs.errors import DeviceLost, UserError
from rigs.knobs import KnobTable
from rigs.ports import Port
from rigs.rig import Actuator, Motion

VIRTUAL = """\
name = "bench"
device = "amp"
[actuator]
type = "parameters"
[path]
type = "virtual-amp"
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a rig in it, where commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "rigs").mkdir()
    (tmp_path / "rigs" / "bench.toml").write_text(VIRTUAL)
    return tmp_path


class Turner(Actuator):
    """Motors without motors: it writes down what it was told."""

    done: list[str] = []  # noqa: RUF012
    fails: BaseException | None = None
    limit = 100.0

    def open(self, knobs: KnobTable, ask: object) -> None:
        self.done.append("open")
        self.at = dict.fromkeys(knobs.names, 0.0)

    def prepare(self) -> None:
        self.home()

    def home(self) -> None:
        if self.fails is not None:
            raise self.fails
        self.done.append("home")

    def jog(self, name: str, degrees: float) -> None:
        if self.fails is not None:
            raise self.fails
        if abs(self.at[name] + degrees / 30) > self.limit:
            raise UserError(f"{name} is at its end; turn it the other way.")
        self.at[name] += degrees / 30
        self.done.append(f"{name} {degrees:g}")

    def position(self) -> dict[str, float]:
        return self.at

    def go(self, knobs: KnobTable, trajectory: object) -> Motion:
        raise AssertionError("home and jog plan no setting")

    def stop(self) -> None:
        self.done.append("stop")

    def close(self) -> None:
        self.done.append("close")


@pytest.fixture
def turner(monkeypatch: pytest.MonkeyPatch, project: Path) -> type[Turner]:
    module = ModuleType("turner_for_a_test")
    module.Turner = Turner  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "turner_for_a_test", module)
    monkeypatch.setitem(registry.ACTUATORS, "turner", "turner_for_a_test:Turner")
    monkeypatch.setattr(Turner, "done", [])
    Path("rigs/motors.toml").write_text(VIRTUAL.replace("parameters", "turner"))
    return Turner


# --- list, show -----------------------------------------------------------------------------


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rigs/broken.toml").write_text("name = bench\n")
    assert run(["rigs", "list"]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if "bench.toml" in line)
    assert [cell.strip() for cell in row.split("│")[1:7]] == [
        "rigs/bench.toml", "amp", "parameters", "virtual-amp", "6", "ok"
    ]  # fmt: skip
    assert "broken.toml, line 1" in out
    for name in (*registry.ACTUATORS, *registry.PATHS):
        assert name in out
    assert "Leaves the knobs to the path" in out


def test_list_where_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", "list", "nowhere"]) == 0
    assert "There is no rig in nowhere; `ampsweep rigs new` writes one." in capsys.readouterr().out


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    text = VIRTUAL + "[knobs.Gain]\nmaximum = 7\n[levels]\ninput_dbu = 12.5\n"
    Path("rigs/bench.toml").write_text(text)
    assert run(["rigs", "show", "rigs/bench.toml"]) == 0
    out = capsys.readouterr().out
    gain = next(line for line in out.splitlines() if "Gain" in line)
    assert "0 to 7" in gain
    assert "actuator: parameters\npath: virtual-amp\n" in out
    assert "Its knobs can move while audio plays." in out
    assert "0 dBFS is input 12.5 dBu." in out


def test_show_options(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rigs/ts.toml").write_text(
        VIRTUAL.replace('"virtual-amp"', '"circuit"\nnetlist = "builtin:ts808"\njobs = 1')
    )
    assert run(["rigs", "show", "rigs/ts.toml"]) == 0
    assert "path: circuit\n  netlist: builtin:ts808\n" in capsys.readouterr().out


# --- check ----------------------------------------------------------------------------------


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", "check", "rigs/bench.toml"]) == 0
    out = capsys.readouterr().out
    for name in ("as it begins", "Gain at 0", "Presence at 5", "Master at 10"):
        assert name in out
    assert "noise floor: silence" in out
    assert "the same setting again differs by nothing" in out
    assert "Next to nothing is heard with Master at 0:" in out
    assert out.endswith("rigs/bench.toml is ready to capture with.\n")


def test_check_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    text = VIRTUAL + "[knobs.Master]\nmaximum = 1\ndefault = 0\n"
    Path("rigs/bench.toml").write_text(text)
    assert run(["rigs", "check", "rigs/bench.toml"]) == 2
    out, err = capsys.readouterr()
    assert "Master at 1" in out
    assert "rigs/bench.toml is not ready to capture with. With the knobs at their defaults" in err
    assert err.count("\n") == 1


def test_check_knows_the_rigs_own_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    Path("rigs/bench.toml").write_text(VIRTUAL + "[checks]\nclip_runs = 3\n")
    assert run(["rigs", "check", "rigs/bench.toml"]) == 2
    assert "There is no check 'clip_runs'" in capsys.readouterr().err


def test_check_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rigs.paths.virtual import VirtualAmpPath

    closed = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(VirtualAmpPath, "play", interrupt)
    monkeypatch.setattr(VirtualAmpPath, "close", lambda self: closed.append(self))
    assert run(["rigs", "check", "rigs/bench.toml"]) == 130
    assert "the rig is silent" in capsys.readouterr().err
    assert closed


# --- home, jog ------------------------------------------------------------------------------


def test_home(turner: type[Turner], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", "home", "rigs/motors.toml"]) == 0
    assert turner.done == ["open", "home", "close"]
    assert "Homed: Gain at 0, Bass at 0," in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["home", "jog"])
def test_a_rig_without_motors(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", verb, "rigs/bench.toml"]) == 2
    assert "rigs/bench.toml has no motors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "done"),
    [
        (UserError("The stop was not found."), 2, ["open", "close"]),
        (KeyboardInterrupt(), 130, ["open", "stop", "close"]),
    ],
)
@pytest.mark.parametrize("verb", [["home"], ["jog", "--by", "3"]])
def test_motors_are_let_go_whatever_happens(
    error: BaseException,
    code: int,
    done: list[str],
    verb: list[str],
    turner: type[Turner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turner, "fails", error)
    assert run(["rigs", verb[0], "rigs/motors.toml", *verb[1:]]) == code
    assert turner.done == done


def test_jog_by_degrees(turner: type[Turner], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["rigs", "jog", "rigs/motors.toml", "--knob", "bass", "--by", "45"]
    assert run(arguments) == 0
    assert turner.done == ["open", "home", "Bass 45", "close"]
    assert "Bass was turned by 45 degrees: Gain at 0, Bass at 1.5" in capsys.readouterr().out


def test_jog_needs_a_terminal(turner: type[Turner], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rigs", "jog", "rigs/motors.toml"]) == 2
    assert "--by DEGREES" in capsys.readouterr().err
    assert turner.done == []


def test_jog_by_keys(turner: type[Turner], capsys: pytest.CaptureFixture[str]) -> None:
    rig = load_rig(Path("rigs/motors.toml"))
    motors = rig.actuator
    assert isinstance(motors, Turner)
    motors.open(rig.knobs, None)
    right, left, up, down = "\x1b[C", "\x1b[D", "\x1b[A", "\x1b[B"
    pressed = [right, up, right, "\t", down, down, left, "?"]
    jog._by_hand(rig, motors, 0, lambda: iter(pressed))
    assert turner.done[1:] == ["Gain 1", "Gain 5", "Bass -0.5"]
    assert "Bass, 0.5 degrees a key: Gain at 0.2, Bass at -0.02" in capsys.readouterr().out


def test_jog_at_an_end_goes_on_but_not_without_a_cable(
    turner: type[Turner], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = load_rig(Path("rigs/motors.toml"))
    motors = rig.actuator
    assert isinstance(motors, Turner)
    motors.open(rig.knobs, None)
    monkeypatch.setattr(turner, "limit", 0.01)
    jog._by_hand(rig, motors, 0, lambda: iter(["l", "-", "-", "h"]))
    assert "Gain is at its end" in capsys.readouterr().out
    assert turner.done[1:] == ["Gain -0.1"]

    def pulled() -> Iterator[str]:
        motors.fails = DeviceLost("The cable was pulled.")
        yield "l"
        raise AssertionError("it went on")

    with pytest.raises(DeviceLost):
        jog._by_hand(rig, motors, 0, pulled)


def test_steps_have_ends() -> None:
    hand = Hand()
    for _ in range(9):
        hand, _ = hand.press("-", 3)
    assert hand.press("l", 3)[1] == jog.STEPS[0]
    for _ in range(9):
        hand, _ = hand.press("+", 3)
    assert hand.press("h", 3)[1] == -jog.STEPS[-1]
    for _ in range(3):
        hand, _ = hand.press("\t", 3)
    assert hand.knob == 0


# --- find-port ------------------------------------------------------------------------------

PICO = Port("/dev/ttyACM0", "Pico grblHAL", by_id="/dev/serial/by-id/usb-Pico-if00")
OTHER = Port("/dev/ttyS0", "")


@pytest.mark.parametrize(
    ("before", "after", "code", "says"),
    [
        ([PICO, OTHER], [OTHER], 0, '  port = "/dev/serial/by-id/usb-Pico-if00"\n'),
        ([PICO, OTHER], [PICO], 0, '  port = "/dev/ttyS0"\n'),
        ([PICO], [PICO], 2, "No port went away"),
        ([], [], 2, "There is no serial port"),
    ],
)
def test_find_port(
    before: list[Port],
    after: list[Port],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    looks = iter([before, after])
    asked: list[str] = []
    monkeypatch.setattr("ampsweep.rig_verbs.find_port.list_ports", lambda: next(looks))
    monkeypatch.setattr("ampsweep.rig_verbs.find_port.ask", asked.append)
    assert run(["rigs", "find-port"]) == code
    out, err = capsys.readouterr()
    assert says in out + err
    assert asked == (["Unplug the controller's USB cable, then press a key."] if before else [])
    assert all(port.path in out for port in before)

import os
import pty
import select
import subprocess
import sys
import termios
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hand_amp import KNOBS, Hand, HandAmp, amp, asked
from pydantic import ValidationError

from ampsweep.app import INTERRUPTED, run
from dataset.planning import PlanRecipe, make_plan
from dataset.session import capture
from dataset.store import Dataset
from rigs import registry
from rigs.actuators.person import Person, PersonOptions
from rigs.dial import angle, dial, large, number, read, side_by_side, way
from rigs.errors import UserError
from rigs.knobs import Knob
from rigs.rig import Rig
from rigs.trajectory import Trajectory

PATIENCE = 120.0
GAIN = Knob("Gain")
BASS = Knob("Bass", -15.0, 15.0, 0.0, "dB")
MODE = Knob("Mode", 0.0, 2.0, 0.0, detents=("clean", "crunch", "lead"))


def person(knobs=KNOBS, ask=None, **options):
    made = Person(PersonOptions.model_validate(options), Path())
    made.check(knobs)
    if ask is not None:
        made.open(knobs, ask)
    return made


def still(knobs=KNOBS, **setting):
    return Trajectory.still(knobs, {**knobs.default, **setting})


# --- the dial -------------------------------------------------------------------------------

DIAL = """\
          Gain          \n\
                        \n\
       4    ⡀  6        \n\
         ⢣⣠⣤⣧⣄⡎         \n\
       ⠑⠴⡽⠓⠉⣩⣞⢏⠐⠊       \n\
   2  ⠄⠄ ⡇ ⠺⢿⠟⢹ ⠄⠄ 8    \n\
       ⣀⠄⠣⣀  ⣀⠜⠠⣀       \n\
         ⡠ ⠉⠉ ⡄         \n\
         ⠁    ⠈         \n\
       0       10       \n\
       █▀▀   █▀▀        \n\
       █▀█   ▀▀█        \n\
       ▀▀▀ ▀ ▀▀▀        \n\
        from 3 ↻        """


def test_a_dial_looks_like_this():
    assert "\n".join(dial(GAIN, 6.5, 3.0, 24)) == DIAL


@pytest.mark.parametrize("knob", [GAIN, BASS, MODE, Knob("Frequency", 20.0, 20000.0, 440.0, "Hz")])
@pytest.mark.parametrize("width", [24, 36])
def test_dials_keep_to_their_place(knob, width):
    for position in np.linspace(knob.minimum, knob.maximum, 3 if knob.detents else 21):
        lines = dial(knob, float(position), knob.maximum, width)
        assert {len(line) for line in lines} == {width}
        assert len(lines) <= 20
        assert lines[0].strip().startswith(knob.name)


def dots(lines):
    """Where a braille drawing has its dots: x to the right and y down."""
    bits = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
    return np.array(
        [
            (2 * column + x, 4 * row + y)
            for row, line in enumerate(lines)
            for column, character in enumerate(line)
            if 0x2800 <= ord(character) < 0x2900
            for x in range(2)
            for y in range(4)
            if (ord(character) - 0x2800) & bits[x][y]
        ]
    )


@pytest.mark.parametrize(
    ("position", "degrees"), [(0, -150), (2.5, -75), (5, 0), (6.5, 45), (8, 90), (10, 150)]
)
def test_the_pointer_points_there(position, degrees):
    assert angle(GAIN, position) == pytest.approx(degrees)
    drawn = dots(dial(GAIN, float(position), None, 36)[1:-4])
    drawn = drawn - (35.5, 30)
    inside = drawn[np.hypot(*drawn.T) < 16].mean(0)
    assert np.degrees(np.arctan2(inside[0], -inside[1])) == pytest.approx(degrees, abs=4)


def test_digits_are_large():
    assert large("-6.5") == ["    █▀▀   █▀▀", "▀▀▀ █▀█   ▀▀█", "    ▀▀▀ ▀ ▀▀▀"]
    assert len({tuple(large(digit)) for digit in "0123456789"}) == 10


def test_a_switch_shows_its_labels():
    lines = [line.rstrip() for line in dial(MODE, 1.0, 2.0, 24)]
    assert [line.strip() for line in lines[2:5]] == ["○ clean", "● crunch", "○ lead"]
    assert lines[-1].strip() == "from lead"
    assert read(MODE, 1.0) == "crunch"


def test_the_shorter_of_two_is_filled_up():
    assert side_by_side([["ab", "cd"], ["ef"]]) == "abef\ncd"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.5, "6.5"),
        (float(np.float32(0.1)), "0.1"),
        (-0.0, "0"),
        (20000.0, "20000"),
        (1e-5, "0.00001"),
        (-12.5, "-12.5"),
    ],
)
def test_numbers_are_plain(value, text):
    assert number(value) == text


def test_the_way_is_told():
    assert way(GAIN, 6.5, 3.0) == "from 3 ↻"
    assert way(BASS, -3.0, 3.0) == "from 3 dB ↺"
    assert way(GAIN, 6.5, 6.5) == way(GAIN, 6.5, None) == ""


# --- options --------------------------------------------------------------------------------


def test_a_hand_dials_tenths_unless_told():
    reach = person().reach
    assert reach.steps == {"Gain": 1.0, "Bass": 3.0, "Treble": 1.0, "Volume": 1.0}
    assert reach.one_by_one
    assert not reach.sweeps
    finer = person(step=0.5, steps={"treble": 2.5}).reach.steps
    assert finer == {"Gain": 0.5, "Bass": 0.5, "Treble": 2.5, "Volume": 0.5}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"step": 0.3}, "Steps of 0.3 do not lead Gain from 0 to its stop at 10"),
        ({"step": 20}, "Steps of 20 do not lead Gain"),
        ({"step": 1e-300}, "do not lead Gain"),
        ({"steps": {"Trebel": 1}}, "Did you mean Treble"),
        ({"steps": {"Bright": 1}}, "Bright is a switch"),
    ],
)
def test_these_steps_are_refused(options, words):
    with pytest.raises(UserError) as said:
        person(**options)
    assert words in str(said.value)


@pytest.mark.parametrize("step", [0, -1, float("nan"), float("inf"), "fine"])
def test_a_step_is_a_number_above_zero(step):
    with pytest.raises(ValidationError):
        PersonOptions.model_validate({"step": step})


# --- asking ---------------------------------------------------------------------------------


def test_all_knobs_are_asked_for_first_and_then_those_that_change():
    hand = Hand()
    actuator = person(ask=hand)
    motion = actuator.go(KNOBS, still(Gain=6.5))
    assert motion.reached == {**KNOBS.default, "Gain": 6.5}
    assert motion.parameters is None
    assert hand.turns == [
        {"Gain": 6.5, "Bass": 0.0, "Treble": 5.0},
        {"Volume": 5.0, "Bright": 0.0},
    ]
    actuator.go(KNOBS, still(Gain=6.5))
    assert len(hand.turns) == 2
    actuator.go(KNOBS, still(Gain=3.0, Bright=1.0))
    assert hand.turns[2:] == [{"Gain": 3.0, "Bright": 1.0}]
    assert "Turn Gain to 3 (from 6.5 ↺), Bright to on (from off).\n[Enter]" in hand.prompts[2]
    dials = [dial(GAIN, 3.0, 6.5, 36), dial(KNOBS["Bright"], 1.0, 0.0, 36)]
    assert side_by_side(dials) in hand.prompts[2]


def test_prompts_fit_a_terminal():
    hand = Hand()
    person(ask=hand).go(KNOBS, still(Gain=6.5))
    for text in hand.prompts:
        assert max(map(len, text.splitlines())) <= 80
        assert len(text.splitlines()) <= 24
    assert "(1 of 2)" in hand.prompts[0]
    assert "(2 of 2)" in hand.prompts[1]


def test_nobody_knows_where_knobs_stand_after_a_pause():
    hand = Hand()
    actuator = person(ask=hand)
    actuator.go(KNOBS, still())
    actuator.close()
    actuator.open(KNOBS, hand)
    actuator.go(KNOBS, still())
    assert hand.turns[2:] == hand.turns[:2]


def test_keys():
    hand = Hand("x", "\x1b[A", " ", "b", "\n", "\r")
    person(ask=hand).go(KNOBS, still())
    first, second = {"Gain": 5.0, "Bass": 0.0, "Treble": 5.0}, {"Volume": 5.0, "Bright": 0.0}
    assert hand.turns == [first, second, first, second]
    assert [text for text in hand.prompts if text.startswith("No such key")] == [
        "No such key here: [Enter] they stand so   [q] stop"
    ] * 2


def test_there_is_no_way_back_from_the_first():
    hand = Hand("b", "\r", "\r")
    person(ask=hand).go(KNOBS, still())
    assert hand.prompts[1].startswith("No such key")


@pytest.mark.parametrize("key", ["q", "\x03", "\x04"])
def test_a_person_may_stop_and_what_stands_is_remembered(key):
    hand = Hand("\r", key)
    actuator = person(ask=hand)
    with pytest.raises(KeyboardInterrupt):
        actuator.go(KNOBS, still())
    actuator.go(KNOBS, still())
    assert hand.turns[2:] == [{"Volume": 5.0, "Bright": 0.0}]


def test_a_person_does_not_sweep():
    with pytest.raises(UserError, match="cannot turn knobs along"):
        person(ask=Hand()).go(KNOBS, Trajectory(np.zeros((2, 5), np.float32)))


# --- a whole session ------------------------------------------------------------------------


def test_a_scripted_person_captures_a_plan(tmp_path):
    hand = Hand()
    rig = Rig("bench", "hand-amp", KNOBS, person(step=2.5), HandAmp(hand))
    recipe = PlanRecipe.model_validate(
        {
            "train": {"design": "sobol", "settings": 12, "seconds": 0.1},
            "validation": {"settings": 2, "seconds": 0.1},
            "test": {"settings": 3, "seconds": 0.1},
            "sentinels": {"every": 8, "seconds": 0.1},
        }
    )
    plan, dries = make_plan(KNOBS, "hand-amp", recipe, rig.reach)
    assert capture(rig, plan, dries, tmp_path, ask=hand).captured == len(plan.entries)

    settings = [entry.setting(KNOBS) for entry in plan.entries]
    changed = [
        {name: value for name, value in after.items() if before.get(name) != value}
        for before, after in pairwise([{}, *settings])
    ]
    turned = iter(hand.turns)
    for wanted in changed:
        seen: dict[str, float] = {}
        while len(seen) < len(wanted):
            turn = next(turned)
            assert not seen.keys() & turn.keys()
            seen |= turn
        assert seen == wanted
    assert next(turned, None) is None

    data = Dataset.open(tmp_path)
    for entry, row in zip(plan.entries, data.rows(), strict=True):
        assert row["reached"] == row["setting"] == entry.setting(KNOBS)
        wet = amp(data.dry(row), entry.setting(KNOBS))
        assert np.abs(data.audio(row) - wet).max() < 1e-6
    for knob, column in zip(KNOBS, data.settings().T, strict=True):
        assert not knob.detents or set(column) <= {0, 1}
        assert knob.detents or not ((column - knob.minimum) % 2.5).any()


TOML = """
name = "bench"
device = "hand-amp"

[knobs.Gain]
[knobs.Tone]

[actuator]
type = "person"
step = 2.5

[path]
type = "wire"
"""

PARAMS = """
plan:
  train: {design: sobol, settings: 3, seconds: 0.1}
  validation: {settings: 0, seconds: 0.1}
  test: {settings: 0, seconds: 0.1}
"""

DRIVER = """
import sys
from rigs import registry
registry.PATHS["wire"] = "hand_amp:Wire"
from ampsweep.app import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.PATHS, "wire", "hand_amp:Wire")
    (tmp_path / "rig.toml").write_text(TOML)
    (tmp_path / "params.yaml").write_text(PARAMS)
    assert run(["plan", "rig.toml"]) == 0
    return tmp_path


def at_a_terminal(*keys):
    """Run `ampsweep capture` in a terminal of 80 by 24, and press a key at each prompt.

    Returns the exit code, and what the terminal was sent.
    """
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, "capture", "rig.toml"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(slave)
    shown, left, pressed = b"", list(keys), 0
    end = time.monotonic() + PATIENCE
    try:
        while True:
            assert time.monotonic() < end, shown.decode()
            if pressed < shown.count(b"[Enter]") and left and _listens(master):
                os.write(master, left.pop(0).encode())
                pressed += 1
            ready, _, _ = select.select([master], [], [], 0.05)
            if not ready:
                continue
            try:
                shown += os.read(master, 65536)
            except OSError:  # the other end is closed
                break
        return process.wait(PATIENCE), shown.decode().replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _listens(terminal):
    """Whether a program waits for a single key: what was typed before is thrown away."""
    return not termios.tcgetattr(terminal)[3] & termios.ICANON


def test_a_person_at_a_real_terminal(project):
    folder = project / "data" / "hand-amp"
    code, shown = at_a_terminal("\r", "\x03")  # Ctrl-C
    assert code == 130, shown
    assert INTERRUPTED in " ".join(shown.split())
    assert "Traceback" not in shown
    assert len(Dataset.open(folder)) == 1

    code, shown = at_a_terminal("\r", " ")
    assert code == 0, shown
    assert "2 captures written to data/hand-amp" in " ".join(shown.split())
    _, second, third = (row["reached"] for row in Dataset.open(folder).rows())
    prompts = [asked(line) for line in shown.splitlines() if line.startswith("Turn ")]
    changed = {name: position for name, position in third.items() if second[name] != position}
    assert prompts == [second, changed]
    dials = [dial(Knob(name), position, None, 36) for name, position in second.items()]
    assert side_by_side(dials) in "\n".join(line.rstrip() for line in shown.splitlines())


def test_without_a_terminal_there_is_nobody_to_ask(project, capfd):
    assert run(["capture", "rig.toml"]) == 2
    said = capfd.readouterr().err
    assert "needs a person at a terminal" in said

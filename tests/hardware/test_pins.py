"""The pin map: one source for firmware, wiring and board."""

import shutil
import subprocess

import pytest

from hardware.pedal import pins
from rigs.errors import UserError


def test_the_firmware_has_the_pins_of_the_map():
    assert pins.HEADER.read_text("utf-8") == pins.header(pins.read()), "run: ampsweep hardware draw"


def test_the_terrarium_is_wired_as_its_maker_says():
    board = pins.read()["terrarium"]
    assert [board[f"knob{n}"] for n in range(1, 7)] == [16, 17, 18, 19, 20, 21]
    assert [board[f"toggle{n}"] for n in range(1, 5)] == [10, 9, 8, 7]
    assert [board[f"footswitch{n}"] for n in (1, 2)] == [25, 26]
    assert [board[f"led{n}"] for n in (1, 2)] == [22, 23]


def test_the_header_is_clean_cpp(tmp_path):
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ not installed")
    source = tmp_path / "pins.cpp"
    source.write_text(
        f'#include "{pins.HEADER}"\n'
        "static_assert(ampsweep::pins::terrarium::kKnob1 == 16);\n"
        "static_assert(ampsweep::pins::v2::kDisplayScl == 11);\n"
    )
    command = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[b]\nknob = [16, 16]", "knob2 and knob1 are both on D16"),
        ("[b]\nknob = [5]", "knob1 cannot be on D5"),
        ("[b]\nmidi_rx = 13", "midi_rx cannot be on D13"),
        ("[b]\nled = [31]", "led1 is on 31"),
        ("[b]\nled = [true]", "led1 is on True"),
        ('[b]\nled = "D5"', "led is on 'D5'"),
        ("b = 1", "no table of pins"),
        ("b = ", "cannot be read as TOML"),
    ],
)
def test_a_bad_map_is_refused_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "pins.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"pins\.toml") as error:
        pins.read(path)
    assert said in str(error.value)

"""`ampsweep doctor`, and that no driver can take it down."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ampsweep.app import run
from rigs import inventory as rooms
from rigs import ports
from rigs.inventory import PROBES, Section, inventory, probe


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that tests has little time for a doctor."""
    monkeypatch.setattr("ampsweep.doctor.PATIENCE", 60.0)


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules are found before those that are installed."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_every_section_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    for title, _ in PROBES.values():
        assert any(line.partition(" (")[0] == title for line in lines), title
    assert f"  Python  {sys.version.split()[0]}" in lines
    # Where CI is, none of these is missing.
    for name in ("git", "C++ compiler", "ngspice", "DVC", "MIDI"):
        assert any(line.startswith(f"  {name}  ") for line in lines), name
    assert any("plugins/gx_" in line for line in lines)
    assert any("more: --all shows them" in line for line in lines)


def test_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--all"]) == 0
    out = capsys.readouterr().out
    assert "  http://guitarix.sourceforge.net/plugins/gx_studiopre#studiopre  " in out
    assert "ZamTube.vst3" in out
    assert "--all shows them" not in out


def audio(source: str, driver: Path, patience: float = 20.0) -> Section:
    (driver / "sounddevice.py").write_text(source)
    (found,) = inventory(["audio"], patience)
    return found


def test_a_sound_card_is_described(driver: Path) -> None:
    source = """
def query_hostapis(): return [{"name": "ALSA"}]
def query_devices(): return [{"name": "Scarlett", "hostapi": 0, "max_input_channels": 2,
                              "max_output_channels": 4, "default_samplerate": 48000.0}]
"""
    assert audio(source, driver).found == (("Scarlett", "ALSA, 2 in, 4 out, 48000 Hz"),)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import os; os.abort()", "A driver crashed while it was looked at (signal 6)"),
        ("import os; os._exit(3)", "A driver crashed while it was looked at (no answer)"),
        ("raise OSError('PortAudio library not found')", "apt install libportaudio2"),
        ("raise RuntimeError('broken')", "could not be looked at (RuntimeError: broken)"),
        (
            "raise ModuleNotFoundError('No module', name='sounddevice')",
            'sounddevice is not installed: run pip install "ampsweep".',
        ),
        (
            "import os; os.write(1, b'ALSA lib'); os.write(2, b'jack server is not running')\n"
            "def query_hostapis(): return [{'name': 'ALSA'}]\ndef query_devices(): return []",
            "No sound card is seen by ALSA: plug an interface in",
        ),
    ],
)
def test_a_driver_that_fails_is_a_sentence(source: str, sentence: str, driver: Path) -> None:
    found = audio(source, driver)
    assert found.found == ()
    assert sentence in found.missing[0]
    assert found.missing[0].endswith(".")


def test_a_driver_that_hangs_is_given_up(driver: Path) -> None:
    found = audio("import time; time.sleep(600)", driver, 1.0)
    assert "did not answer in time" in found.missing[0]


def test_one_failure_leaves_the_rest(driver: Path) -> None:
    (driver / "sounddevice.py").write_text("import os; os.abort()")
    found = dict(zip(PROBES, inventory(patience=30.0), strict=True))
    assert found["audio"].missing
    assert dict(found["tools"].found)["ngspice"]
    assert len(found["lv2"].found) > 5


@pytest.mark.parametrize("name", ["mido", "rtmidi"])
def test_a_missing_extra_names_its_install(driver: Path, name: str) -> None:
    (driver / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module', name={name!r})")
    (found,) = inventory(["midi"], 20.0)
    assert found.missing == (f'{name} is not installed: run pip install "ampsweep[midi]".',)


def test_no_plugins_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LV2_PATH", str(tmp_path))
    (found,) = inventory(["lv2"], 20.0)
    assert found.found == ()
    assert "apt install guitarix-lv2" in found.missing[0]


def test_a_port_that_is_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    there = ports.Port("/dev/ttyACM0", "Pico", by_id="/dev/serial/by-id/usb-Pico")
    monkeypatch.setattr(ports, "list_ports", lambda: [there])
    monkeypatch.setattr(os, "access", lambda *_: False)
    said = probe("serial")
    assert said.found == [("/dev/serial/by-id/usb-Pico", "Pico")]
    assert "usermod -aG dialout" in said.missing[0]


def test_a_lacking_tool_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(rooms, "_version", lambda package: "")
    said = [*probe("tools").missing, *probe("software").missing]
    assert len(said) == 8
    assert any("apt install ngspice" in sentence for sentence in said)
    assert any('pip install "ampsweep[train]"' in sentence for sentence in said)


def test_names_of_devices_do_not_steer_the_terminal(
    driver: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = (
        "{'name': 'a\\x1b[2Jb', 'hostapi': 0, 'max_input_channels': 2, "
        "'max_output_channels': 4, 'default_samplerate': 48000.0}"
    )
    (driver / "sounddevice.py").write_text(
        f"def query_hostapis(): return [{{'name': 'ALSA'}}]\ndef query_devices(): return [{card}]\n"
    )
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "a\N{REPLACEMENT CHARACTER}[2Jb" in out

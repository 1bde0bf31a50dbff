from __future__ import annotations

import math
import re
import tomllib

import numpy as np
import pytest

from rigs import calibration
from rigs.actuators.parameters import Parameters
from rigs.audio import SAMPLE_RATE, peak_dbfs
from rigs.calibration import dbu_of, parse_volts, volts_of, write_levels
from rigs.errors import UserError
from rigs.rig import Options, Rig
from rigs.takes import unaligned
from tests.rigs.bench_rig import FULL_INPUT, STATE, Bench, BenchOptions, RawBench, meter


def make(folder, kind=Bench, send_db=0.0, **state):
    path = kind(BenchOptions(state="state.json", send_db=send_db), folder)
    path.turn(**state)
    path.opened = 1
    return Rig("bench", "amp", path.knobs, Parameters(Options(), folder), path)


def test_nam_s_own_table_of_volts():
    # 6.40 V is 18.3 dBu, 0.7746 V is none (S. Atkinson, the document named in the module).
    assert dbu_of(6.40) == pytest.approx(18.3, abs=0.05)
    assert dbu_of(0.7746) == pytest.approx(0.0, abs=1e-3)
    assert volts_of(dbu_of(1.23)) == pytest.approx(1.23)


def test_the_sine_peaks_at_its_level_and_is_no_multiple_of_hum():
    x = calibration.sine(5, -6.0)
    assert len(x) == 5 * SAMPLE_RATE
    assert peak_dbfs(x) == pytest.approx(-6.0, abs=1e-3)
    assert peak_dbfs(x[:2400]) < -38  # a rig must not start with a bang
    assert all(calibration.HERTZ % hum for hum in (50, 60))


@pytest.mark.parametrize("latency", [0, 11_000])
def test_a_voltmeter_at_the_send_gives_the_level_of_full_scale(tmp_path, latency):
    rig = unaligned(make(tmp_path, RawBench, plugged="nothing", latency=latency))
    calibration.play(rig, 5, -6.0)
    input_dbu = dbu_of(meter(tmp_path)["send"]) + 6.0
    assert input_dbu == pytest.approx(dbu_of(STATE["full_output"] / math.sqrt(2)), abs=0.01)


@pytest.mark.parametrize("kind", [Bench, RawBench])
def test_full_scale_is_the_dry_s_before_send_db(tmp_path, kind):
    rig = unaligned(make(tmp_path, kind, send_db=-20.0, plugged="nothing"))
    calibration.play(rig, 5, -6.0)
    input_dbu = dbu_of(meter(tmp_path)["send"]) + 6.0
    full_scale = STATE["full_output"] / math.sqrt(2) * 10 ** (-20 / 20)
    assert input_dbu == pytest.approx(dbu_of(full_scale), abs=0.01)


@pytest.mark.parametrize("latency", [0, 11_000])
@pytest.mark.parametrize("gain", [-9.0, -3.0])
def test_the_return_reads_full_scale_at_its_level(tmp_path, gain, latency):
    rig = make(tmp_path, RawBench, plugged="cable", input_gain=gain, latency=latency)
    heard = calibration.play(unaligned(rig), 5, -9.0)
    assert not heard.clipped
    assert heard.impurity < calibration.IMPURE
    output_dbu = dbu_of(meter(tmp_path)["return"]) - heard.level_dbfs
    full_scale = FULL_INPUT * 10 ** (-gain / 20)
    assert output_dbu == pytest.approx(dbu_of(full_scale / math.sqrt(2)), abs=0.01)


def test_a_clipped_and_a_dirty_return_are_told(tmp_path):
    rig = make(tmp_path, plugged="cable", input_gain=0.0)
    assert calibration.play(rig, 3, -3.0).clipped
    rig.path.turn(plugged="device", device_gain=8.0, input_gain=-12.0)
    assert calibration.play(rig, 3, -3.0).impurity > calibration.IMPURE
    rig.path.turn(plugged="nothing")
    assert calibration.play(rig, 3, -3.0).impurity > 1


@pytest.mark.parametrize(
    ("typed", "volts"),
    [("1.23", 1.23), ("1,23 V", 1.23), (" 775mV\n", 0.775), (".5", 0.5), ("12v", 12.0)],
)
def test_volts_as_they_are_typed(typed, volts):
    assert parse_volts(typed) == pytest.approx(volts)


@pytest.mark.parametrize(
    "typed", ["", "V", "nan", "inf", "-1", "1e3", "1.2.3", "0", "0.001", "230", "9" * 50]
)
def test_what_is_no_voltage(typed):
    with pytest.raises(UserError, match=r"voltage|no level"):
        parse_volts(typed)


@pytest.mark.parametrize("dbu", [-41.0, 41.0, math.nan, math.inf])
def test_levels_no_interface_has(dbu):
    with pytest.raises(UserError, match="no interface has"):
        calibration.check_dbu(dbu, "input_dbu")


# --- the rig's file -------------------------------------------------------------------------

PLAIN = '# My rig.\nname = "x"   # its name\n\n[path]\ntype = "bench"\n'
FILES = {
    "no table": PLAIN,
    "no newline at the end": PLAIN.rstrip(),
    "empty": "",
    "both, with remarks": PLAIN + "[levels]\ninput_dbu = 1.5   # then\noutput_dbu=-2 # now\n[a]\n",
    "one": PLAIN + "[levels]  # of mine\noutput_dbu = 3\n\n[knobs.Gain]\n",
    "an empty table": PLAIN + "[ levels ]",
    "in quotes": PLAIN + "[\"levels\"]\n'input_dbu' = 1e1\n",
    "inline": "levels = { input_dbu = 3, output_dbu = 4 } # both\n" + PLAIN,
    "inline, one": "levels = {output_dbu = 4}\n" + PLAIN,
    "inline, none": "levels = {}\n" + PLAIN,
    "dotted": "levels.output_dbu = 4\n" + PLAIN,
    "commented out": PLAIN + "[levels]\n# input_dbu = 1\n# output_dbu = 2\n",
    "in a text": PLAIN + 'note = """\n[levels]\ninput_dbu = 9\n"""\n[levels]\ninput_dbu = 1\n',
    "elsewhere, too": PLAIN + "input_dbu = 9\n[levels]\ninput_dbu = 1\n",
    "Windows": (PLAIN + "[levels]\ninput_dbu = 1\n").replace("\n", "\r\n"),
    "marked": "\ufeff" + PLAIN,
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_levels_are_written_and_nothing_else_changes(tmp_path, text):
    path = tmp_path / "rig.toml"
    path.write_bytes(text.encode())
    write_levels(path, {"input_dbu": 12.34, "output_dbu": -5.6})
    written = path.read_bytes().decode()
    before = tomllib.loads(text.removeprefix("\ufeff"))
    after = tomllib.loads(written.removeprefix("\ufeff"))
    assert after == {**before, "levels": {"input_dbu": 12.34, "output_dbu": -5.6}}
    # Every line that held no level is there as it was, in its place.
    kept = [line for line in text.splitlines() if line and not re.search("_dbu|levels", line)]
    assert [line for line in written.splitlines() if line in kept] == kept
    assert written.count("#") == text.count("#")
    assert ("\r\n" in written) == ("\r\n" in text)
    assert written.count("\n") == written.count("\r\n") or "\r\n" not in written
    assert [p.name for p in tmp_path.iterdir()] == ["rig.toml"]


def test_one_level_leaves_the_other(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_text(FILES["both, with remarks"])
    write_levels(path, {"output_dbu": 7.0})
    assert path.read_text() == FILES["both, with remarks"].replace("=-2", "=7.00")


def test_what_is_written_already_is_left_alone(tmp_path):
    path = tmp_path / "rig.toml"
    text = PLAIN + "[levels]\n# input_dbu = 3\ninput_dbu = 12.340\n"
    path.write_text(text)
    write_levels(path, {"input_dbu": 12.34})
    assert path.read_text() == text


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.toml").write_text(PLAIN)
    link = tmp_path / "link.toml"
    link.symlink_to("real.toml")
    write_levels(link, {"input_dbu": 1.0})
    assert link.is_symlink()
    assert "input_dbu = 1.00" in (tmp_path / "real.toml").read_text()


@pytest.mark.parametrize("text", ["levels = 3\n", "[[levels]]\n", "a = ", "\xff"])
def test_a_file_that_cannot_be_edited_is_left_as_it_was(tmp_path, text):
    path = tmp_path / "rig.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="nothing was changed"):
        write_levels(path, {"input_dbu": 1.0})
    assert path.read_bytes() == text.encode("latin-1")


def test_the_rms_of_a_sine_is_what_a_voltmeter_shows():
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    assert np.sqrt(np.mean(np.sin(2 * np.pi * 220 * t) ** 2)) == pytest.approx(math.sqrt(0.5))

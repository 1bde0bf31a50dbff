import numpy as np
import pytest
import soundfile
from tanh_rig import tanh_amp

from dataset.imports import Options, kind_of
from dataset.imports.align import find_lag, settle
from dataset.imports.named import NamedOptions, import_named, read_options
from dataset.signals import make
from dataset.store import Dataset
from rigs.audio import quantise24, write_wav
from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from rigs.trajectory import Trajectory

PANEL = KnobTable(
    (Knob("Gain"), Knob("Tone"), Knob("Bright", 0.0, 1.0, 0.0, detents=("off", "on")))
)
SETTINGS = [(2.0, 5.0, 0.0), (4.0, 5.0, 1.0), (8.0, 5.0, 0.0)]
NAMES = ["amp G2 T5 off.wav", "amp G4 T5 on.wav", "amp G8 T5 off.wav"]
PATTERN = r"G(?P<Gain>\d+) T(?P<Tone>\d+) (?P<Bright>on|off)"


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch):
    """Nothing here is about power cuts, and flushing hundreds of files takes most of the time."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


def wets(dry):
    return [
        0.5 * tanh_amp(dry, Trajectory.still(PANEL, dict(zip(PANEL.names, at, strict=True))))
        for at in SETTINGS
    ]


def delayed(wet, lag, seed=0):
    """``wet`` as a recorder has it: later, with hiss before, and a little shorter."""
    rng = np.random.default_rng(seed)
    hiss = 1e-5 * rng.standard_normal(len(wet) + 4800 + max(0, lag))
    if lag >= 0:
        hiss[lag : lag + len(wet)] += wet
    else:
        hiss[: len(wet) + lag] += wet[-lag:]
    return hiss[:-4000]


@pytest.fixture(scope="module")
def dry():
    """Without clicks, as anyone's playing."""
    return make("train", 20, 5).audio[12_000 + 48_000 :][: 6 * 48_000]


def folder_of(tmp_path, dry, recordings, names=NAMES):
    source = tmp_path / "wavs"
    source.mkdir()
    write_wav(source / "input.wav", dry)
    for name, wet in zip(names, recordings, strict=True):
        write_wav(source / name, wet)
    return source


def asked(**changes):
    return Options(pack=NamedOptions(dry="input.wav", pattern=PATTERN, **changes))


def test_recordings_join_by_the_settings_in_their_names(tmp_path, dry):
    source = folder_of(tmp_path, dry, [delayed(wet, 123) for wet in wets(dry)])
    assert kind_of(source) == "names"
    done = import_named(tmp_path / "my-amp", source, asked())
    assert (done.added, done.held) == (3, 0)
    assert "In all recordings Tone at 5: no knob for that." in done.notes
    data = Dataset.open(tmp_path / "my-amp")
    assert (data.device, data.knobs.names) == ("my-amp", ("Gain", "Bright"))
    assert data.knobs["Gain"].maximum == 8
    assert data.knobs["Bright"].detents == ("off", "on")
    for row in data.rows():
        at = [row["setting"]["Gain"], 5.0, row["setting"]["Bright"]]
        whole = wets(dry)[SETTINGS.index(tuple(at))]
        wet = data.audio(row)
        assert (data.dry(row) == dry[: len(wet)]).all()
        assert np.abs(wet - whole[: len(wet)]).max() < 1e-4, "or it is not aligned"
        assert (row["role"], row["latency"]) == ("train", 123)
    again = import_named(tmp_path / "my-amp", source, asked())
    assert (again.added, again.held) == (0, 3)


def test_an_existing_panel_says_where_names_stand(tmp_path, dry):
    first = folder_of(tmp_path, dry, wets(dry))
    ranges = {"Gain": (0, 10), "Tone": (0, 10)}
    (first / NAMES[0]).rename(first / "amp G2 T4 off.wav")
    import_named(tmp_path / "my-amp", first, asked(ranges=ranges))
    (tmp_path / "more").mkdir()
    more = folder_of(tmp_path / "more", dry, [wets(dry)[1]], ["amp G10 T5 on.wav"])
    done = import_named(tmp_path / "my-amp", more, asked(align="none"))
    assert done.added == 1
    data = Dataset.open(tmp_path / "my-amp")
    (row,) = [r for r in data.rows() if r["setting"]["Gain"] == 10]
    assert dict(row["setting"]) == {"Gain": 10.0, "Tone": 5.0, "Bright": 1.0}
    (more / "amp G10 T5 on.wav").rename(more / "amp G11 T5 on.wav")
    with pytest.raises(UserError, match="Gain cannot be set to 11"):
        import_named(tmp_path / "my-amp", more, asked(align="none"))


@pytest.mark.parametrize("lag", [0, 1, 777, 20_000, -300])
def test_the_lag_is_found_whatever_the_amp_does(dry, lag):
    from scipy import signal

    for number, wet in enumerate(wets(dry)):
        # A cabinet's resonances, and an inverting stage.
        low = signal.butter(2, [90, 5000], "bandpass", fs=48_000, output="sos")
        heard = delayed(-signal.sosfilt(low, wet) if number == 1 else wet, lag)
        assert abs(find_lag(dry, heard, clicked=False) - lag) <= 3


def test_clicks_are_used_where_the_dry_has_them():
    made = make("train", 3, 1)
    heard = delayed(wets(made.audio)[2], 432)
    assert find_lag(made.audio, heard, clicked=True) == pytest.approx(432, abs=0.5)
    assert settle([432.2, 433.1, 431.8, 432.1, 2000.0]) == [432] * 4 + [2000]


def test_a_recording_of_something_else_is_refused(tmp_path, dry):
    other = 0.1 * np.random.default_rng(1).standard_normal(len(dry))
    source = folder_of(tmp_path, dry, [*wets(dry)[:2], other])
    with pytest.raises(UserError, match=r"amp G8 T5 off\.wav: A recording has nothing of the dry"):
        import_named(tmp_path / "my-amp", source, asked())
    assert not (tmp_path / "my-amp").exists()


def test_normalised_and_clipped_recordings_are_flagged(tmp_path, dry):
    loud = np.clip(3 * wets(dry)[1], -1, 1)
    names = ["amp G2 T5 off.wav", "amp G4 T5 on normalized.wav"]
    source = folder_of(tmp_path, dry, [wets(dry)[0], loud], names)
    done = import_named(tmp_path / "my-amp", source, asked())
    assert "amp G4 T5 on normalized.wav: normalised, clipped" in done.notes
    data = Dataset.open(tmp_path / "my-amp")
    flags = {row["setting"]["Gain"]: list(row["flags"]) for row in data.rows()}
    assert flags[2.0] == []
    assert flags[4.0][:2] == ["normalised", "clipped"]


def test_wets_beyond_full_scale_and_other_rates_come_in(tmp_path, dry):
    source = folder_of(tmp_path, dry, [], [])
    over = 4 * wets(dry)[0]
    soundfile.write(source / NAMES[0], over.astype(np.float32), 48_000, subtype="FLOAT")
    soundfile.write(source / NAMES[1], quantise24(wets(dry)[1])[::2], 24_000, subtype="PCM_16")
    import_named(tmp_path / "my-amp", source, asked(align="none"))
    data = Dataset.open(tmp_path / "my-amp")
    (loud,) = [row for row in data.rows() if row["wet_scale"] != 1]
    assert np.abs(data.audio(loud) - over).max() < 1e-6 * float(loud["wet_scale"]) * 4


def test_recordings_can_be_cut_into_pieces(tmp_path, dry):
    source = folder_of(tmp_path, dry, [delayed(wet, 10) for wet in wets(dry)])
    done = import_named(tmp_path / "my-amp", source, asked(cut=2.0))
    data = Dataset.open(tmp_path / "my-amp")
    assert done.added == len(data) == 9
    for row in data.rows():
        assert len(data.dry(row)) == row["frames"] >= 96_000
    assert sorted(set(data.captures["dry_offset"])) == [0, 96_000, 192_000]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[path]\nfiles = 3", "path.*files|files: input should be a valid string"),
        ("[path]\nspeed = 3", "speed: extra inputs are not permitted"),
        ("[other]\na = 1", "one table"),
        ("path = 3", "one table"),
        ("[path", "cannot be read as TOML"),
        ("[path]\npattern = '(a'", "no regular expression"),
    ],
)
def test_options_that_are_none_are_named(tmp_path, text, message):
    (tmp_path / "names.toml").write_text(text)
    with pytest.raises(UserError, match=message):
        read_options(tmp_path / "names.toml", {})


def test_options_of_the_file_give_way_to_what_is_typed(tmp_path):
    (tmp_path / "names.toml").write_text('[path]\ndry = "a.wav"\nswitches = {Era = ["lo", "hi"]}')
    found = read_options(tmp_path / "names.toml", {"dry": "b.wav"})
    assert (found.dry, found.switches) == ("b.wav", {"Era": ("lo", "hi")})
    with pytest.raises(UserError, match="not what was played"):
        import_named(tmp_path / "amp", tmp_path, Options())

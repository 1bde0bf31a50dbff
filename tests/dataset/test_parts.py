import dataclasses
import io
import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tanh_rig import DEVICE, KNOBS, noise_dry

from dataset.flac import decode, encode, pack, unpack
from dataset.parts import Capture, dry_path, read_dries, read_dry, write_dry, write_part
from dataset.schema import capture_schema, dry_schema
from rigs.audio import from_int24, quantise24, to_int24
from rigs.errors import UserError

CAPTURE = Capture(
    capture_id="s-000000",
    plan_id="p",
    plan_index=0,
    attempt=1,
    session_id="s",
    device=DEVICE,
    rig="bench",
    role="train",
    setting=KNOBS.default,
    reached={"Gain": 5.0},
    trajectory=None,
    trajectory_rate=None,
    dry_id="d" * 64,
    dry_offset=0,
    flac=encode(np.arange(480, dtype=np.int32)),
    wet_scale=1.0,
    frames=480,
    latency=0.5,
    input_level_dbu=None,
    output_level_dbu=12.25,
    peak_dbfs=-1.0,
    rms_dbfs=-float("inf"),
    noise_floor_dbfs=-90.0,
    clipped=0,
    flags=("clipped",),
    started_at=datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    software="ampsweep 0",
)
STEPS = st.integers(-(1 << 23), (1 << 23) - 1)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.int32, st.integers(1, 3000), elements=STEPS))
def test_every_24_bit_step_survives(steps):
    assert (to_int24(decode(encode(steps), len(steps), 48_000)) == steps).all()


def subframe_kinds(flac):
    """The kind byte of the first frame's subframe: 8 to 12 fixed, 32 and more a fitted predictor.

    With blocks of 1152 or 4096 at 48 kHz and less than 128 frames, it is the byte after the CRC-8.
    """
    start = flac.index(b"\xff\xf8", 42)
    block, rate = flac[start + 2] >> 4, flac[start + 2] & 15
    extra = {6: 1, 7: 2}.get(block, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    return flac[start + 4 + 1 + extra + 1] >> 1


def test_only_fixed_predictors_are_used(monkeypatch):
    steps = to_int24(0.5 * np.sin(1.3 * np.arange(4096)))
    assert 8 <= subframe_kinds(encode(steps)) <= 12
    monkeypatch.setattr("dataset.flac.COMPRESSION", 0.375)
    assert subframe_kinds(encode(steps)) >= 32, "the next level is known to fit predictors"


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.float64, 64, elements=st.floats(-1, 1)),
    st.floats(1e-3, 1e4),
)
def test_a_wet_beyond_full_scale_is_scaled_and_comes_back(shape, peak):
    wet = shape * peak
    flac, scale = pack(wet)
    if np.abs(wet).max() <= 1:
        assert scale == 1.0
    else:
        assert scale >= np.abs(wet).max() > float(np.nextafter(np.float32(scale), np.float32(0)))
    # One step at the top, where 24 bits end before 1, and the rounding of a float32.
    assert np.abs(unpack(flac, scale, 64, 48_000) - wet).max() <= 2 * scale * 2.0**-23


def test_a_hostile_length_is_refused_before_decoding():
    flac = encode(np.zeros(480, np.int32))
    for frames, rate in [(481, 48_000), (480, 44_100), (0, 48_000), (1 << 60, 48_000)]:
        with pytest.raises(ValueError, match="frames"):
            decode(flac, frames, rate)
    # A header that claims 2^36 - 1 samples.
    lying = flac[:21] + bytes([flac[21] | 0x0F, 255, 255, 255, 255]) + flac[26:]
    for frames in (480, (1 << 36) - 1):
        with pytest.raises(ValueError, match="frames"):
            decode(lying, frames, 48_000)
    wav = io.BytesIO()
    soundfile.write(wav, np.zeros(480), 48_000, format="WAV")
    for data in (b"", b"fLaC", wav.getvalue(), flac[:-10]):
        with pytest.raises(ValueError, match="audio"):
            decode(data, 480, 48_000)


def test_the_columns_are_the_contract(tmp_path):
    (tmp_path / "captures").mkdir()
    path = write_part(tmp_path, CAPTURE, KNOBS)
    assert path == tmp_path / "captures/s-000000.parquet"
    table = pq.read_table(path)
    assert table.schema.equals(capture_schema(DEVICE, KNOBS), check_metadata=False)
    assert " ".join(table.column_names) == (
        "capture_id plan_id plan_index attempt session_id device rig role setting reached "
        "trajectory trajectory_rate dry_id dry_offset audio wet_scale sample_rate frames "
        "latency input_level_dbu output_level_dbu peak_dbfs rms_dbfs noise_floor_dbfs clipped "
        "flags started_at software"
    )
    row = table.to_pylist()[0]
    assert row["reached"] == {"Gain": 5.0, "Tone": None, "Bright": None}
    assert row["started_at"] == CAPTURE.started_at
    assert row["input_level_dbu"] is None
    assert row["flags"] == ["clipped"]
    metadata = table.schema.metadata
    assert json.loads(metadata[b"ampsweep.knobs"])[2]["detents"] == ["off", "on"]
    features = json.loads(metadata[b"huggingface"])["info"]["features"]
    assert features["audio"] == {"_type": "Audio"}
    assert set(features) == set(table.column_names)


def test_the_same_capture_gives_the_same_bytes_and_is_never_rewritten(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "captures").mkdir(parents=True)
    a, b = (write_part(tmp_path / name, CAPTURE, KNOBS) for name in ("a", "b"))
    assert a.read_bytes() == b.read_bytes()
    with pytest.raises(UserError, match="never rewritten"):
        write_part(tmp_path / "a", dataclasses.replace(CAPTURE, attempt=2), KNOBS)
    assert a.read_bytes() == b.read_bytes()


def test_a_dry_is_kept_once_and_comes_back(tmp_path):
    dry = noise_dry()
    path = write_dry(tmp_path, dry)
    assert path == tmp_path / "dry" / f"{dry.dry_id[:16]}.parquet"
    before = path.stat()
    assert write_dry(tmp_path, dry) == path
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    again = read_dry(tmp_path, dry.dry_id)
    assert (again.audio == dry.audio).all()
    assert [d.dry_id for d in read_dries(tmp_path, [dry.dry_id] * 2)] == [dry.dry_id]
    assert (again.name, again.kind, again.licence) == (dry.name, dry.kind, dry.licence)
    assert pq.read_schema(path).equals(dry_schema(), check_metadata=False)


def test_a_dry_that_is_missing_or_another_is_refused(tmp_path):
    dry, other = noise_dry(seed=1), noise_dry(seed=2)
    with pytest.raises(UserError, match="restore"):
        read_dry(tmp_path, dry.dry_id)
    write_dry(tmp_path, other).rename(dry_path(tmp_path, dry.dry_id))
    with pytest.raises(UserError, match="not those of its dry_id"):
        read_dry(tmp_path, dry.dry_id)
    with pytest.raises(UserError, match="not those of its dry_id"):
        write_dry(tmp_path, dry)
    pq.write_table(pa.table({"a": [1]}), dry_path(tmp_path, dry.dry_id))
    with pytest.raises(UserError, match="not written by ampsweep"):
        read_dry(tmp_path, dry.dry_id)


def test_decoded_audio_is_what_the_converter_gave():
    x = quantise24(np.linspace(-1, 1, 999))
    assert (unpack(*pack(x), 999, 48_000) == x).all()
    assert (from_int24(to_int24(x)) == x).all()

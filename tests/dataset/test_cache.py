import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataset.flac import encode
from dataset.schema import to_bytes
from dataset.store import Dataset
from dataset.store.cache import Cache, WindowSampler, control_frames
from rigs.audio import from_int24
from rigs.errors import UserError
from rigs.files import only_one


def test_windows_hold_what_the_store_reads(captured, planned):
    data = Dataset.open(captured).select(["train", "test"])
    cache = Cache.open(data)
    for i, row in enumerate(data.rows()):
        dry, wet = data.dry(row), data.audio(row)
        whole = cache.window(i, 0, len(wet))
        assert (whole.dry == dry).all()
        assert (whole.wet == wet).all()
        part = cache.window(i, 5000, 1000, lead=300)
        assert (part.dry == dry[4700:6000]).all()
        assert (part.wet == wet[5000:6000]).all()
        assert part.dry.dtype == part.wet.dtype == part.positions.dtype == np.float32
    end = len(data.audio(0))
    assert (cache.window(0, end - 10, 10).wet == data.audio(0)[-10:]).all()


def test_before_the_capture_there_is_silence_and_the_knobs_stand(captured):
    cache = Cache.open(Dataset.open(captured))
    before = cache.spans[2].dry_start
    assert (cache.dry[before - 384 : before] != 0).any(), "or nothing is shown"
    window = cache.window(2, 96, 480, lead=480)
    assert (window.dry[:384] == 0).all()
    assert (window.dry[384:] == cache.window(2, 0, 576).dry).all()
    assert (window.positions[:9] == window.positions[0]).all()
    assert (window.positions[9] != window.positions[0]).any()


def test_positions_stand_every_48_samples_and_cover_the_window(captured):
    data = Dataset.open(captured)
    cache = Cache.open(data)
    for row in (1, 0):  # a sweep, a still
        window = cache.window(row, 960, 4801, lead=48)
        assert window.positions.shape == (control_frames(4849), 3) == (103, 3)
        times = (912 + 48 * np.arange(103)) / 48_000
        assert np.allclose(window.positions, data.trajectory(row).at(times), atol=1e-6)


@pytest.mark.parametrize("window", [(-1, 10, 0), (0, 0, 0), (0, 10, -1), (47_999, 2, 0)])
def test_a_window_outside_its_capture_is_refused(captured, window):
    with pytest.raises(IndexError):
        Cache.open(Dataset.open(captured)).window(1, *window)


def test_batches_depend_on_the_seed_and_their_number_alone(captured):
    cache = Cache.open(Dataset.open(captured))
    settings = {"frames": 4000, "lead": 1000, "batch": 6}
    sampler = WindowSampler(cache, seed=1, **settings)
    dry, wet, positions = sampler.batch(5)
    assert (dry.shape, wet.shape) == ((6, 5000), (6, 4000))
    assert positions.shape == (6, control_frames(5000), 3)
    again = WindowSampler(cache, seed=1, **settings).batch(5)
    assert all((a == b).all() for a, b in zip((dry, wet, positions), again, strict=True))
    assert (sampler.batch(6)[0] != dry).any()
    assert (WindowSampler(cache, seed=2, **settings).batch(5)[0] != dry).any()


def test_every_start_is_drawn_equally_often_and_lies_on_the_control_grid(captured):
    data = Dataset.open(captured).select(["train"])
    cache = Cache.open(data)
    sampler = WindowSampler(cache, frames=20_000, lead=100, batch=20_000, seed=0)
    rows, starts = sampler.picks(0)
    assert ((starts - 100) % 48 == 0).all()
    ends = np.array([span.frames for span in cache.spans])
    assert (starts + 20_000 <= ends[rows]).all()
    room = (ends - 20_000 - 4) // 48 + 1
    expected = 20_000 * room / room.sum()
    assert np.abs(np.bincount(rows) / expected - 1).max() < 0.1
    assert starts.min() == 4
    assert starts.max() > 27_900


def test_captures_shorter_than_a_window_are_left_out(captured):
    cache = Cache.open(Dataset.open(captured))
    sampler = WindowSampler(cache, frames=40_000, lead=0, batch=50, seed=0)
    assert sampler.batch(0)[1].shape == (50, 40_000)
    with pytest.raises(UserError, match="No capture lasts as long"):
        WindowSampler(cache, frames=48_001, lead=0, batch=1, seed=0)
    chosen = WindowSampler(cache, frames=1000, lead=0, batch=4, seed=0, rows=np.array([0]))
    assert (chosen.batch(0)[2] == [5, 5, 0]).all()


def homes(folder):
    return [path for path in (folder / "cache").iterdir() if path.is_dir()]


def test_it_is_built_once_and_again_only_when_parts_change(captured, parts):
    Cache.open(Dataset.open(captured))
    (home,) = homes(captured)
    built = home.stat().st_mtime_ns
    Cache.open(Dataset.open(captured).select(["test"]))
    for part in parts:
        os.utime(part)  # as a fresh checkout does
    Cache.open(Dataset.open(captured))
    assert [h.stat().st_mtime_ns for h in homes(captured)] == [built]
    parts[0].unlink()
    Cache.open(Dataset.open(captured))
    (other,) = homes(captured)
    assert other != home


def test_parts_of_the_same_size_but_other_content_are_noticed(captured, parts):
    table, rng, sizes = pq.read_table(parts[0]), np.random.default_rng(0), set()
    column = table.schema.get_field_index("audio")
    for _ in range(2):
        noise = rng.integers(-(1 << 23), 1 << 23, 24_000).astype(np.int32)
        audio = pa.array(
            [{"bytes": encode(noise), "path": "x.flac"}], table.schema.field(column).type
        )
        parts[0].write_bytes(to_bytes(table.set_column(column, table.schema.field(column), audio)))
        sizes.add(parts[0].stat().st_size)
        wet = Cache.open(Dataset.open(captured)).window(0, 0, 24_000).wet
        assert (wet == from_int24(noise)).all()
    assert len(sizes) == 1, "noise is as large as any other"


def test_a_killed_builders_leftovers_are_removed(captured):
    root = captured / "cache"
    (root / ".half.tmp").mkdir(parents=True)
    (root / ".half.tmp/wet.f32").write_bytes(b"half")
    (root / "files.json").write_text("no json")
    Cache.open(Dataset.open(captured))
    (home,) = homes(captured)
    assert sorted(p.name for p in home.iterdir()) == ["dry.f32", "index.json", "wet.f32"]


def _open_and_sum(folder):
    cache = Cache.open(Dataset.open(folder))
    return float(np.sum(cache.wet, dtype=np.float64)), time.monotonic()


def test_a_second_builder_waits_for_the_first(captured):
    data = Dataset.open(captured)
    (captured / "cache").mkdir()
    with only_one(captured / "cache", wait=True):
        second = threading.Thread(target=Cache.open, args=[data])
        second.start()
        second.join(0.5)
        assert second.is_alive()
        assert list((captured / "cache").iterdir()) == []
    second.join()
    assert len(homes(captured)) == 1


def test_builders_at_once_end_with_one_whole_cache(captured):
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        sums = {total for total, _ in pool.map(_open_and_sum, [captured] * 6)}
    assert len(sums) == 1
    assert len(homes(captured)) == 1
    data = Dataset.open(captured)
    total = sum(np.sum(data.audio(row), dtype=np.float64) for row in data.rows())
    assert sums.pop() == pytest.approx(total)

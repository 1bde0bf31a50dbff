from dataclasses import replace

import numpy as np
import pytest
import shelf

from dataset.stats import Spread, by_role, by_session, repeats
from dataset.store import Dataset


def test_roles_sessions_and_levels(tmp_path):
    later = replace(
        shelf.capture(9, role="sentinel", source=shelf.TEST),
        session_id="20260103T000000Z-cafe",
        capture_id="20260103T000000Z-cafe-000000",
        started_at=shelf.BEGAN.replace(day=3),
        software="ampsweep 9",
    )
    silent = replace(shelf.captures()[7], rms_dbfs=-np.inf, flags=("silent",))
    made = [*shelf.captures()[:7], silent, shelf.captures()[8], later]
    data = Dataset.open(shelf.write(tmp_path / "tanh-amp", made))
    roles = {role.role: role for role in by_role(data)}
    assert list(roles) == ["train", "validation", "test", "sentinel"]
    train, test = roles["train"], roles["test"]
    assert (train.captures, train.moving, train.silent, train.flags) == (5, 1, 0, {})
    assert train.minutes == pytest.approx(5 * shelf.FRAMES / 48_000 / 60)
    assert (test.captures, test.silent, test.flags) == (2, 1, {"silent": 1})
    levels = [made.rms_dbfs for made in shelf.captures()[1:6]]
    assert train.rms == Spread(*map(pytest.approx, (min(levels), np.median(levels), max(levels))))
    assert test.rms.least == test.rms.most == pytest.approx(shelf.captures()[8].rms_dbfs)
    assert train.latency == Spread(100.25, 100.25, 100.25)
    first, second = by_session(data)
    assert (first.captures, second.captures) == (9, 1)
    assert (first.session_id, first.rig, second.software) == (shelf.SESSION, "bench", "ampsweep 9")


def test_the_floor_is_what_a_sentinels_noise_makes_of_it(tmp_path):
    folder = shelf.write(tmp_path / "tanh-amp")
    data = Dataset.open(folder)
    (repeat,) = repeats(data)
    assert (repeat.capture_id[-1], repeat.first[-1]) == ("9", "0")
    energy = float(np.mean(np.square(data.audio(0), dtype=np.float64)))
    assert repeat.esr == pytest.approx(2 * 1e-8 / energy, rel=0.1)


def test_a_sentinel_alone_says_nothing(tmp_path):
    folder = shelf.write(tmp_path / "tanh-amp", shelf.captures()[:4])
    assert repeats(Dataset.open(folder)) == []

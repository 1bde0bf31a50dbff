import numpy as np
import pytest
import shelf

from dataset.audition import at_peak, by_name, heard, nearest
from dataset.store import Dataset
from rigs.audio import peak_dbfs
from rigs.errors import UserError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return Dataset.open(shelf.write(tmp_path_factory.mktemp("shelf") / "tanh-amp"))


def test_by_name(data):
    assert by_name(data, f"{shelf.SESSION}-000003")["plan_index"] == 3
    assert by_name(data, "003")["plan_index"] == 3
    with pytest.raises(UserError, match="no capture ''"):
        by_name(data, "")
    with pytest.raises(UserError, match="no capture '77'"):
        by_name(data, "77")


def test_nearest(data):
    row, away = nearest(data, {"Gain": 8.4, "Tone": 5.0, "Bright": 0.0})
    assert (row["plan_index"], away) == (8, pytest.approx(0.01))
    row, _ = nearest(data, {"Gain": 8.4, "Tone": 5.0, "Bright": 1.0})
    assert row["plan_index"] == 7
    row, away = nearest(data, {"Gain": 2.0, "Tone": 3.0, "Bright": 0.0}, ("train",))
    assert row["plan_index"] == 2  # not 5, which begins there and moves
    with pytest.raises(UserError, match="no captures without faults"):
        nearest(data.select(["validation"]), data.knobs.default, ("train",))


def test_loudness_is_bounded(data):
    row = data.row(7)
    for what in ("wet", "dry", "both"):
        assert peak_dbfs(at_peak(heard(data, row, what))) == pytest.approx(-12, abs=1e-3)
    both = heard(data, row, "both")
    assert len(both) == 2 * shelf.FRAMES + 24_000
    for half in (both[: shelf.FRAMES], both[-shelf.FRAMES :]):
        assert peak_dbfs(half) == pytest.approx(0, abs=1e-4)
    assert not at_peak(np.zeros(4, np.float32)).any()
    assert peak_dbfs(at_peak(np.float32([1e6, -3]))) == pytest.approx(-12, abs=1e-3)

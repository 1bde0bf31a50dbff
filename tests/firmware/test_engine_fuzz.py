"""The reader and the engine under whatever bytes: libFuzzer with ASan and UBSan."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.firmware.emulator import FIRMWARE, made
from tests.firmware.engine_cases import bent, several
from tests.firmware.recurrent_cases import CELLS, random_cell
from tests.training.pedal_image import FACTS, IMAGE, INPUTS, MIXED, SEVERAL
from tests.training.random_nets import SMALL, mixed, random_net
from tests.training.test_pedal_rejects import PLANTED
from training.exports.pedal import to_pedal

SECONDS = 20
CORPUS = sorted((FIRMWARE / "tests" / "engine" / "corpus").iterdir())
"""What a longer run found beyond the seeds, minimised: ``fuzz -merge=1 seeds found``."""


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good images of every kind and every planted fault."""
    folder = tmp_path_factory.mktemp("seeds")
    names = ("GRU-5 of bases", "LSTM-3 of bases", "GRU-1", "LSTM-5")
    tanh = to_pedal(random_net(bent(SMALL), INPUTS), FACTS)
    cells = (to_pedal(random_cell(CELLS[name], INPUTS), FACTS) for name in names)
    three = to_pedal(random_net(mixed(several(2, 5, 3)), INPUTS), FACTS)
    images = [IMAGE, MIXED, SEVERAL, tanh, three, *cells]
    images += [data for data, _ in PLANTED.values() if len(data) < 2 * len(MIXED)]
    for number, data in enumerate(images):
        (folder / f"{number:03}").write_bytes(data)
    return folder


def fuzz(*arguments: object) -> str:
    command = [str(made("fuzz")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stderr


def test_replay(seeds):
    files = [*sorted(seeds.iterdir()), *CORPUS]
    assert len(CORPUS) > 20
    assert fuzz(*files).count("Executed") == len(files)


def test_twenty_seconds(seeds, tmp_path):
    # What AddressSanitizer keeps of freed memory comes to more than libFuzzer's own limit of 2 GB.
    bounds = ("-timeout=20", "-max_len=6000", "-rss_limit_mb=6000", "-malloc_limit_mb=100")
    kept = f"-artifact_prefix={tmp_path}/"
    folders, time = (tmp_path, seeds, CORPUS[0].parent), f"-max_total_time={SECONDS}"
    said = fuzz(*folders, time, "-seed=1", kept, *bounds)
    (runs,) = re.findall(r"Done (\d+) runs", said)
    assert int(runs) >= len(list(seeds.iterdir()))

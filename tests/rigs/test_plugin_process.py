"""A plugin's process: what it is told and tells, and how it computes."""

from __future__ import annotations

import io
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rigs.child.messages import receive, send

ROOT = Path(__file__).parents[2]


def test_a_message_comes_back_as_it_was():
    file = io.BytesIO()
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((1, 0), np.float32)]
    send(file, {"do": "play", "block": 64}, *arrays)
    send(file, {"do": "open"})
    file.seek(0)
    header, came = receive(file)
    assert header == {"do": "play", "block": 64}
    assert [a.tolist() for a in came] == [a.tolist() for a in arrays]
    assert receive(file) == ({"do": "open"}, [])
    with pytest.raises(EOFError):
        receive(file)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a plugin's own words\n",
        b"[]\n",
        b"{}\n",
        b'{"shapes": [[4]]}\n' + bytes(15),
        b'{"shapes": [[-1]]}\n',
        b'{"shapes": [[1000000, 1000000]]}\n',
        b'{"shapes": [["x"]]}\n',
        b'{"shapes": []}',
        b"[" * 100_000 + b"\n",
    ],
)
def test_what_is_no_message_ends_the_talk(data):
    with pytest.raises(EOFError):
        receive(io.BytesIO(data))


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="only there do we know how",
)
def test_denormals_are_zero():
    script = """
import numpy as np
from rigs.plugins.denormals import flush_denormals
tiny = np.full(4, 1e-30, np.float32)
assert (tiny * np.float32(1e-10)).all()
flush_denormals()
assert not (tiny * np.float32(1e-10)).any()
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)

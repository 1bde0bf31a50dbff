"""Hearing through a real audio server, jackd's dummy one, in a process of its own."""

import subprocess
import sys

import pytest
from jack_server import jack_server

from rigs.errors import UserError
from rigs.speakers import sound

pytestmark = pytest.mark.realtime

PLAY = """\
import sys
import numpy as np
from rigs.errors import UserError
from rigs.speakers import sound
try:
    sound(np.full(4800, 0.25, np.float32), *sys.argv[1:])
except UserError as error:
    print(error)
else:
    print("heard")
"""


def play(*device):
    done = subprocess.run(
        [sys.executable, "-c", PLAY, *device], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_it_is_heard_to_its_end_or_says_why_not():
    with jack_server(synchronous=False):
        assert play() == "heard"
        assert play("SYSTEM") == "heard"
        assert "There is no output 'none such'; the outputs are 'system'" in play("none such")
    with jack_server(rate=44100, synchronous=False):
        assert "cannot be played" in play("system")


def test_no_such_output_here():
    with pytest.raises(UserError, match=r"no output 'none such'|no sound output"):
        sound([], "none such")

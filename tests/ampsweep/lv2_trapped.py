"""A program: runs the plugin of a bundle in the trap of firmware/tests/lv2/trap.c.

    LD_PRELOAD=trap.so python lv2_trapped.py BUNDLE KNOBS

prints what run() did that a real-time thread may not do, a line each: nothing, if it is well. Of a
pedal image alone, it is the sound card's callback that runs. With neither, it shows instead that
the trap catches what it is for.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import numpy as np

from tests.ampsweep.lv2_by_hand import HandHost
from training.native.live import LiveEngine

trap = ctypes.CDLL(None)
trap.trap_first.restype = ctypes.c_char_p


def trapped(function: object, handle: object, frames: int) -> None:
    """Prints the first forbidden call, if there was one."""
    if trap.trap_run(function, ctypes.c_void_p(handle), ctypes.c_uint32(frames)):
        print(trap.trap_first().decode())


def show() -> None:
    mutex, name = ctypes.create_string_buffer(64), ctypes.create_string_buffer(b"/dev/null")
    trapped(trap.calloc, 1, 1)
    trapped(trap.pthread_mutex_lock, ctypes.addressof(mutex), 0)
    trapped(trap.open, ctypes.addressof(name), 0)
    trapped(trap.usleep, 1, 0)


def play(bundle: Path, knobs: int) -> None:
    rng = np.random.default_rng(1)
    for rate in (48_000, 44_100, 96_000):
        host = HandHost(bundle, knobs, rate)
        run = host.descriptor.run
        host.run = lambda handle, frames, run=run: trapped(run, handle, frames)
        for block in range(200):
            if block % 3 == 0:
                host.knobs[:] = rng.uniform(-1, 11, knobs)
            if block % 20 == 0:
                host.rest[:3] = rng.uniform(-70, 30), rng.uniform(-70, 30), rng.integers(0, 2)
            host.play(rng.normal(0, 0.2, rng.integers(0, 700)))
        host.close()


def play_live(image: bytes) -> None:
    rng = np.random.default_rng(1)
    for rate in (48_000, 44_100):
        engine = LiveEngine(image, rate, 2, 1, 2)
        for _ in range(200):
            engine.set(0, rng.uniform(-1, 11))
            engine.levels(rng.uniform(-70, 30), rng.uniform(-70, 30))
            engine.bypass(bool(rng.integers(0, 2)))
            frames = int(rng.integers(0, 700))
            buffer = rng.normal(0, 0.2, 2 * frames).astype(np.float32)
            at = ctypes.c_void_p(buffer.ctypes.data)
            callback, state = ctypes.c_void_p(engine.callback), ctypes.c_void_p(engine.state)
            if trap.trap_callback(callback, at, at, ctypes.c_uint32(frames), state):
                print(trap.trap_first().decode())


if len(sys.argv) == 2:
    play_live(Path(sys.argv[1]).read_bytes())
elif len(sys.argv) == 3:
    play(Path(sys.argv[1]), int(sys.argv[2]))
else:
    show()

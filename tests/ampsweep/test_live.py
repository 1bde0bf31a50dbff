"""`ampsweep play --live`: through a real audio server, with keys, MIDI and a page."""

from __future__ import annotations

import ctypes
import json
import os
import pty
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rtmidi
from scipy.signal import fftconvolve

from ampsweep.keys import split
from ampsweep.live_panel import Panel, knob_of
from rigs.interface.stream import Stream
from tests.players import nam_core
from tests.rigs.jack_server import JackServer, jack_server
from tests.training.pedal_image import FACTS, IMAGE, KNOBS, NET
from tests.training.random_nets import noise
from training.exports.pedal import read_pedal, to_pedal
from training.native.engine import NativeEngine
from training.native.live import LiveEngine

pytestmark = pytest.mark.realtime

PATIENCE = 180.0
PLAYERS = Path(nam_core.__file__).parent
UP, DOWN, RIGHT, LEFT = ("\x1b[" + letter for letter in "ABCD")


def by_hand(engine: LiveEngine, heard: np.ndarray, outputs: int, flags: int = 0) -> np.ndarray:
    """What the callback makes of ``heard``, shape (frames, inputs)."""
    out = np.full((len(heard), outputs), np.nan, np.float32)
    signature = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong,
        ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p,
    )  # fmt: skip
    at = heard.ctypes.data, out.ctypes.data, len(heard), None, flags, engine.state
    assert signature(engine.callback)(*at) == 0
    return out


def test_the_callback_plays_what_the_engine_plays() -> None:
    """Its own input of three, on both outputs, in whatever blocks."""
    dry, rng = noise(4_800), np.random.default_rng(1)
    engine = LiveEngine(IMAGE, 48_000, 3, 2, 2)
    heard = rng.normal(0, 1, (len(dry), 3)).astype(np.float32)
    heard[:, 1] = dry
    parts = [by_hand(engine, part.copy(), 2) for part in np.split(heard, [1, 48, 700, 3_000])]
    wet = np.concatenate(parts)
    expected = NativeEngine(IMAGE).process(dry)
    assert np.abs(wet - expected[:, None]).max() < 1e-5
    meters = engine.read()
    assert (meters.callbacks, meters.dropouts, meters.block) == (5, 0, 1_800)
    assert meters.input == np.abs(dry).max()
    assert meters.output == wet.max() or meters.output == -wet.min()
    by_hand(engine, heard[:64].copy(), 2, flags=4)
    assert engine.read().dropouts == 1
    by_hand(engine, heard[:64].copy(), 2, flags=16)  # the first blocks are played before any input
    assert engine.read().dropouts == 0


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_a_cabinet_is_behind_the_model_and_not_behind_bypass(rate: int) -> None:
    dry = noise(9_600)
    taps = np.random.default_rng(2).normal(0, 0.1, 700).astype(np.float32)
    bare, boxed = (LiveEngine(IMAGE, rate, 1, 1, 1) for _ in range(2))
    boxed.cabinet(taps)
    wet, heard = (by_hand(engine, dry[:, None].copy(), 1)[:, 0] for engine in (bare, boxed))
    # Silence has an offset here, which had not been through the cabinet for ever.
    expected = fftconvolve(wet, taps)[: len(wet)]
    assert np.abs(heard - expected)[700:].max() < 1e-5
    boxed.bypass(True)
    again = by_hand(boxed, dry[:, None].copy(), 1)[:, 0]
    late = boxed.delay
    assert np.array_equal(again[2_000:], dry[2_000 - late : len(dry) - late])


def test_what_the_keys_do() -> None:
    assert split("q" + DOWN + "b" + RIGHT) == ["q", DOWN, "b", RIGHT]
    engine = LiveEngine(IMAGE, 48_000, 1, 1, 1)
    panel = Panel(read_pedal(IMAGE).facts, engine, 48_000)
    default = panel.positions[0]
    for _ in range(60):
        panel.press(RIGHT)
    assert panel.positions[0] == KNOBS.knobs[0].maximum
    panel.press(LEFT)
    assert panel.positions[0] == pytest.approx(KNOBS.knobs[0].maximum * 49 / 50)
    panel.press("d")
    assert panel.positions[0] == default
    panel.press(UP)
    panel.press(RIGHT)
    assert panel.positions[-1] == pytest.approx(84 / 50)  # the output level, dB
    panel.press("b")
    assert panel.bypassed
    panel.look(0.005, 0.1)
    picture = panel.picture()
    assert "round trip 5.0 ms" in picture
    assert "bypass" in picture
    assert all(name.replace("[", r"\[") in picture for name in KNOBS.names)
    panel.calibrate(18.25)  # the image says 12.25
    assert panel.positions[-2] == 6.0


def test_midi_numbers_are_the_pedal_s() -> None:
    """Those of `control_of` in firmware/pedal/midi.h."""
    assert [knob_of(number) for number in (20, 31, 102, 119, 14, 15)] == [0, 11, 12, 29, 30, 31]
    assert {knob_of(number) for number in (0, 7, 19, 32, 80, 101, 120, 127)} == {None}


class Terminal:
    """`ampsweep play --live` in a terminal of its own."""

    def __init__(self, *args: str) -> None:
        self._end, inside = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ampsweep", "play", "--live", "--no-browser", *args],
            stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(inside)
        self.said = ""

    def press(self, keys: str) -> None:
        self.said = ""
        os.write(self._end, keys.encode())

    def until(self, pattern: str) -> str:
        """What it said since a key was pressed, once that has ``pattern`` in it."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.said):
            assert time.monotonic() < end, f"no {pattern!r} in:\n{self.said[-3000:]}"
            if select.select([self._end], [], [], 1.0)[0]:
                try:
                    text = os.read(self._end, 65_536).decode(errors="replace")
                except OSError:  # it has ended
                    pytest.fail(f"it ended without {pattern!r}:\n{self.said[-3000:]}")
                self.said += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
        return self.said

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        os.close(self._end)


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with jack_server(period=128) as server:
        yield server


@pytest.fixture
def image(tmp_path: Path) -> str:
    (tmp_path / "x.pedal").write_bytes(IMAGE)
    return str(tmp_path / "x.pedal")


def through(stream: Stream, dry: np.ndarray) -> np.ndarray:
    return stream.exchange(dry[:, None]).heard[:, 0]


def follows(
    heard: np.ndarray, dry: np.ndarray, setting: dict[str, float], level: float = 0.0
) -> bool:
    """Whether ``heard`` is ``dry``, ``level`` dB louder, through the model, however late."""
    engine = NativeEngine(IMAGE)
    for knob, position in enumerate(setting.values()):
        engine.set(knob, position)
    engine.restart()
    gain = np.float32(10 ** (level / 20))
    expected = engine.process(gain * dry)[: len(dry) // 2]
    # A model may have an offset, which says nothing of when.
    spectra = [np.fft.rfft(audio - audio.mean(), 2 * len(dry)) for audio in (heard, expected)]
    late = int(np.argmax(np.fft.irfft(spectra[0] * np.conj(spectra[1]))[: len(dry) // 2]))
    assert np.ptp(expected) > 0.01
    # The model was playing silence before; from where it has forgotten that, all is the same.
    return bool(np.abs(heard[late:][: len(expected)] - expected)[4_800:].max() < 1e-5)


def test_the_page_turns_the_engine_and_shows_what_else_does(
    server: JackServer, image: str, tmp_path: Path
) -> None:
    first, second = KNOBS.knobs[:2]
    terminal = Terminal(image, "--set", f"{second.name}={second.maximum:g}")
    stream, page = Stream(), None

    def told(**news: object) -> dict[str, Any]:
        """What the page shows, once it has been told that."""
        assert page is not None
        if news:
            page.stdin.write(json.dumps(news) + "\n")
            page.stdin.flush()
        return json.loads(page.stdout.readline())

    try:
        address = re.findall(r"http://127\.0\.0\.1:\d+/", terminal.until(r"round trip \d"))[0]
        command = ["node", PLAYERS / "live.mjs", address, tmp_path]
        page = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        at_first = told()
        assert (at_first["live"], at_first["device"]) == ("Live", "virtual-amp")
        assert at_first["between"].startswith("from 'system' (JACK")
        assert re.search(r"round trip 5\.3 ms.*load \d+ %.*audio lost \d+ times", at_first["facts"])
        assert at_first["knobs"][first.name] == first.default
        assert at_first["knobs"][second.name] == second.maximum
        terminal.press("")
        turned = told(go="on")
        assert turned["knobs"][first.name] == first.maximum
        assert (turned["input"], turned["bypassed"]) == ("−24.0 dB", True)
        terminal.until("dBFS +bypass")
        assert re.search(rf"{re.escape(first.name)} +━+ {first.maximum:g}", terminal.said)
        assert re.search(r"Input Level +-24 dB", terminal.said)

        server.until_there("PortAudio:out_0")
        device = stream.devices().choose("input", "PortAudio", 1, "JACK")
        stream.open(device, (1,), device, (1,), 128)
        dry = noise(24_000)
        terminal.press("b" + LEFT)
        terminal.until(f"› {re.escape(first.name)} ")
        step = first.minimum + (first.maximum - first.minimum) * 49 / 50
        at_last = told(knob=first.name, value=step)
        assert not at_last["bypassed"]
        assert at_last["width"] == 360  # on a phone
        setting = {**KNOBS.default, first.name: step, second.name: second.maximum}
        assert follows(through(stream, dry), dry, setting, -24.0)

        terminal.press("q")
        terminal.until(r"at most\.")
        ended = told(and_="now")
        assert ended["wrong"].startswith("It no longer plays: start ampsweep play --live again")
        assert [fault for fault in ended["faults"] if "ERR_" not in fault] == []
        assert all(url.startswith((address, "data:")) for url in ended["asked"])
        assert page.wait(PATIENCE) == 0
    finally:
        stream.close()
        terminal.close()
        if page is not None:
            page.kill()
            page.communicate()


def test_a_guitar_keys_and_midi(server: JackServer, image: str) -> None:
    wire = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "stage")
    wire.open_virtual_port("Foot board")
    first, second = KNOBS.knobs[:2]
    terminal = Terminal(image, "--midi", "Foot board", "--set", f"{first.name}={first.maximum}")
    stream = Stream()
    try:
        terminal.until(r"round trip \d")
        server.until_there("PortAudio:out_0")
        device = stream.devices().choose("input", "PortAudio", 1, "JACK")
        stream.open(device, (1,), device, (1,), 128)
        dry = noise(24_000)
        setting = {**KNOBS.default, first.name: first.maximum}
        assert follows(through(stream, dry), dry, setting)

        terminal.press(DOWN + RIGHT)
        terminal.until(f"› {re.escape(second.name)} ")
        step = (second.maximum - second.minimum) / 50
        setting[second.name] += 1.0 if second.detents else step
        assert follows(through(stream, dry), dry, setting)

        wire.send_message([0xB3, 20, 0])  # the first knob, on any channel
        terminal.press("")
        terminal.until(f"{re.escape(first.name)} +{first.minimum:g}")
        setting[first.name] = first.minimum
        assert follows(through(stream, dry), dry, setting)

        terminal.press("b")
        terminal.until("dBFS +bypass")
        heard = through(stream, dry)
        late = int(np.argmax(np.correlate(heard[:12_000], dry[:6_000], "valid")))
        # The fade may still be going on as the first samples arrive.
        assert np.array_equal(heard[late:][1_000:12_000], dry[1_000:12_000])
        terminal.press("q")
        said = " ".join(terminal.until(r"at most\.").split())
        assert re.search(r"\d+ blocks were played, \d+ times audio was lost; round trip \d", said)
        assert terminal.process.wait(PATIENCE) == 0
    finally:
        stream.close()
        terminal.close()
        wire.close_port()
        wire.delete()


def typed(*commands: list[str]) -> list[tuple[int, str]]:
    """The exit code of each, and what it said; in one process, but not in this one.

    PortAudio stays with the first server that it meets.
    """
    program = (
        "import json, sys; from ampsweep.app import run\n"
        "for args in json.loads(sys.argv[1]):\n"
        "    print('\\0', run(['play', *args]), flush=True)\n"
    )
    command = [sys.executable, "-c", program, json.dumps(commands)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, text=True, timeout=PATIENCE, **pipes)
    words = re.split(r"\0 (\d+)", done.stdout)
    said = [" ".join(text.split()) for text in words[::2]]
    return list(zip(map(int, words[1::2]), said, strict=False))


LIVE = ("--live", "--no-browser", "--seconds", "0.5")


def test_without_a_terminal_and_what_is_not_there(
    server: JackServer, image: str, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.pedal"
    bare.write_bytes(to_pedal(NET, replace(FACTS, input_level_dbu=None)))
    taken = socket.create_server(("127.0.0.1", 0))
    port = str(taken.getsockname()[1])
    wrong = {
        "There is no audio device 'no such thing'": ["--device", "no such thing"],
        "There is no MIDI input with 'no such thing' in": ["--midi", "no such thing"],
        "so there is no input 9": ["--input", "9"],
        "does not know its input level": ["--input-dbu", "12"],
        f"Port {port} is taken": ["--port", port],
        "There is no file no.wav": ["--ir", "no.wav"],
        "leave --data away": ["--data", "data"],
    }
    (code, said), (other, alone), *refused = typed(
        [image, *LIVE],
        [image, "--midi", "Foot board"],
        *([str(bare), *LIVE, *args] for args in wrong.values()),
    )
    taken.close()
    assert (other, "--midi means something with --live alone" in alone) == (2, True)
    assert code == 0
    assert re.search(r"Playing virtual-amp from .*JACK.* blocks were played", said)
    # One block each way, as JACK has them; the dummy driver adds none.
    assert f"round trip {1000 * 2 * 128 / 48_000:.1f} ms at 48000 Hz" in said
    assert [code for code, _ in refused] == [2] * len(wrong)
    for sentence, (_, said) in zip(wrong, refused, strict=True):
        assert sentence in said


def test_a_device_at_another_rate(image: str) -> None:
    """It is asked for the model's rate first, and then played at its own."""
    with jack_server(rate=44_100):
        ((code, said),) = typed([image, *LIVE])
    assert code == 0
    assert "blocks were played" in said
    assert "at 44100 Hz" in said


def test_the_callback_allocates_locks_and_opens_nothing(image: str, tmp_path: Path) -> None:
    LiveEngine(IMAGE, 48_000, 1, 1, 1)  # compiled here, where nothing is trapped
    source = Path(__file__).parents[2] / "firmware/tests/lv2/trap.c"
    trap = tmp_path / "trap.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", source, "-o", trap, "-ldl"], check=True)
    command = [sys.executable, "-m", "tests.ampsweep.lv2_trapped", image]
    environment = {**os.environ, "LD_PRELOAD": str(trap)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""

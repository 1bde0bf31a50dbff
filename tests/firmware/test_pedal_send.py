"""`ampsweep firmware send` and its kin, against the pedal's own program."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import rtmidi
import soundfile
from pedal_simulator import PipeLink

from ampsweep.app import run
from rigs.errors import DeviceLost, UserError
from rigs.pedal import FileKind, Pedal
from rigs.pedal.messages import LONGEST, Request, decode, encode, pack, text, unpack
from tests.firmware.engine_budget import TOO_LARGE, image_of
from tests.rigs.jack_server import jack_server
from tests.training.pedal_image import IMAGE, MIXED, put
from tests.training.pedal_image import MODEL as MODEL_AT

pytestmark = pytest.mark.realtime


@pytest.fixture
def connect(tmp_path):
    links = []

    def connected(script: str = "") -> PipeLink:
        links.append(PipeLink(tmp_path / "pedal", script))
        return links[-1]

    yield connected
    for link in links:
        link.close()


def names(pedal: Pedal, kind: FileKind = FileKind.MODEL) -> list[str]:
    return [file.name for file in pedal.files(kind)]


def test_seven_bits_hold_eight():
    random = np.random.default_rng(1)
    for size in range(100):
        body = random.bytes(size)
        assert unpack(pack(body)) == body
        assert not pack(body) or max(pack(body)) < 0x80
    assert len(encode(Request.BLOCK, bytes(95))) <= LONGEST
    with pytest.raises(ValueError, match="120"):
        encode(Request.BLOCK, bytes(96))


def test_damaged_messages_are_not_read():
    message = encode(Request.HELLO, b"abc")
    assert decode(message) == (Request.HELLO, b"abc")
    for at in range(len(message)):
        for broken in (message[:at], message[:at] + message[at + 1 :]):
            assert decode(broken) is None
        flipped = bytearray(message)
        flipped[at] ^= 1
        assert decode(bytes(flipped)) is None
    assert text("ä" * 20) == bytes([22]) + "ä".encode() * 11


def test_a_model_arrives_and_plays(connect):
    pedal = Pedal(connect())
    assert pedal.about.firmware == "simulator"
    assert pedal.about.playing is None
    shares: list[float] = []
    assert pedal.send(FileKind.MODEL, "Plexi", IMAGE, progress=shares.append) == 0
    assert pedal.send(FileKind.MODEL, "Twin", MIXED) == 1
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    (plexi, twin) = pedal.files(FileKind.MODEL)
    assert (plexi.name, plexi.slot, plexi.size) == ("Plexi", 0, len(IMAGE))
    assert (twin.name, twin.slot, twin.size) == ("Twin", 1, len(MIXED))


def test_files_outlive_the_power_and_can_be_removed(connect):
    first = connect()
    pedal = Pedal(first)
    pedal.send(FileKind.MODEL, "Plexi", IMAGE)
    pedal.send(FileKind.CABINET, "V30", np.ones(600, "<f4").tobytes())
    first.close()
    second = connect()
    pedal = Pedal(second)
    assert names(pedal) == ["Plexi"]
    assert Pedal(second).about.playing == 0  # it begins with what it has
    (cabinet,) = pedal.files(FileKind.CABINET)
    pedal.remove(cabinet)
    assert names(pedal, FileKind.CABINET) == []


def test_lost_messages_are_sent_again(connect, monkeypatch):
    monkeypatch.setattr("rigs.pedal.pedal.WAIT", 0.05)
    link = connect()
    link.lose = {0, 3, 4, 10, 28}
    pedal = Pedal(link)
    pedal.send(FileKind.MODEL, "Plexi", IMAGE)
    assert names(pedal) == ["Plexi"]


def test_a_pulled_cable_changes_nothing_and_the_rest_is_enough(connect):
    link = connect()
    pedal = Pedal(link)
    pedal.send(FileKind.MODEL, "Plexi", MIXED)
    link.left = 15
    with pytest.raises(DeviceLost, match="cable"):
        pedal.send(FileKind.MODEL, "Plexi", IMAGE)
    link.left = None
    again = Pedal(link)
    assert [file.size for file in again.files(FileKind.MODEL)] == [len(MIXED)]
    before = link.sent
    again.send(FileKind.MODEL, "Plexi", IMAGE)
    assert link.sent - before <= -(-len(IMAGE) // 84) + 2 - 13
    assert [file.size for file in again.files(FileKind.MODEL)] == [len(IMAGE)]


@pytest.mark.parametrize("operation", [1, 2, 5, 11, 12])
def test_a_power_cut_while_it_writes_leaves_the_old_one(connect, operation):
    first = connect()
    Pedal(first).send(FileKind.MODEL, "Plexi", MIXED)
    first.close()
    link = connect(f"1 cut {operation}\n")
    pedal = Pedal(link)
    with pytest.raises(UserError, match=r"begun anew|answers as a pedal does"):
        pedal.send(FileKind.MODEL, "Plexi", IMAGE)
    again = Pedal(link)
    assert [file.size for file in again.files(FileKind.MODEL)] == [len(MIXED)]
    again.send(FileKind.MODEL, "Plexi", IMAGE)
    assert [file.size for file in again.files(FileKind.MODEL)] == [len(IMAGE)]


def test_what_the_pedal_refuses_is_said(connect):
    pedal = Pedal(connect())
    with pytest.raises(UserError, match=r"refused the file, which is not one .*error 2"):
        pedal.send(FileKind.MODEL, "Plexi", put(4, 9))
    with pytest.raises(UserError, match="too large for its memory; train a smaller one"):
        pedal.send(FileKind.MODEL, "A1", image_of(TOO_LARGE))
    with pytest.raises(UserError, match="48 kHz"):
        pedal.send(FileKind.MODEL, "Plexi", put(MODEL_AT + 16, 44_100))
    with pytest.raises(UserError, match="2048 samples"):
        pedal.send(FileKind.CABINET, "V30", np.full(10, np.nan, "<f4").tobytes())
    with pytest.raises(UserError, match="no such place"):
        pedal.send(FileKind.MODEL, "Plexi", IMAGE, slot=64)
    with pytest.raises(UserError, match="512 KiB"):
        pedal.send(FileKind.MODEL, "Plexi", bytes(512 * 1024 + 1))
    assert names(pedal) == []


class Board:
    """The simulated pedal as a MIDI device of the system's, under a name."""

    def __init__(self, link: PipeLink, name: str) -> None:
        self._in = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name)
        self._out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, f"{name} answers")
        self._in.ignore_types(sysex=False)
        self._in.set_callback(lambda event, _: link.write(bytes(event[0])))
        self._out.open_virtual_port("out")
        self._in.open_virtual_port("in")
        self._link, self._ends = link, threading.Event()
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        while not self._ends.is_set():
            if message := self._link.receive(0.05):
                self._out.send_message(message)

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        self._in.cancel_callback()
        for port in (self._in, self._out):
            port.close_port()
            port.delete()


def test_the_verbs_through_a_real_midi_system(connect, tmp_path, capsys):
    file = tmp_path / "demo.pedal"
    file.write_bytes(IMAGE)
    taps = np.zeros(3000, np.float32)
    taps[10] = 0.5
    soundfile.write(tmp_path / "V30.wav", taps, 48000, subtype="FLOAT")

    def say(*words: str, code: int = 0) -> str:
        assert run(["firmware", *words, "--api", "jack", "--port", "Seed"]) == code
        heard = capsys.readouterr()
        return heard.err if code else heard.out

    with jack_server():
        assert "no MIDI output 'Seed'" in say("info", code=2)
        board = Board(connect(), "Seed")
        try:
            assert "Démo is model 1 on the pedal." in say("send", str(file))
            assert "Twin is model 4" in say("send", str(file), "--name", "Twin", "--place", "4")
            assert "V30 is cabinet 1" in say("send", str(tmp_path / "V30.wav"))
            told = say("info")
            assert "firmware simulator" in told
            assert "model 4: Twin, 3 KiB, playing" in told
            assert "cabinet 1: V30, 8 KiB" in told
            assert "no longer" in say("remove", "V30")
            assert "has nothing called V30; it has Démo, Twin" in say("remove", "V30", code=2)
            file.write_bytes(IMAGE[:-4])
            assert "error 3" in say("send", str(file), code=2)
            assert "no such place" in say(
                "send", str(tmp_path / "V30.wav"), "--place", "17", code=2
            )
        finally:
            board.close()


def test_build_and_flash_say_what_is_missing(tmp_path, monkeypatch, capsys):
    assert run(["firmware", "build", "--libdaisy", str(tmp_path)]) == 2
    assert "no build/libdaisy.a" in capsys.readouterr().err
    assert run(["firmware", "flash", str(tmp_path / "pedal.bin")]) == 2
    assert "ampsweep firmware build" in capsys.readouterr().err
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "pedal.bin").write_bytes(b"x")
    assert run(["firmware", "flash", str(tmp_path / "pedal.bin")]) == 2
    assert "install it" in capsys.readouterr().err


def test_nobody_there(connect, monkeypatch):
    monkeypatch.setattr("rigs.pedal.pedal.WAIT", 0.01)
    link = connect()
    link.lose = set(range(100))
    with pytest.raises(DeviceLost, match=r"check .*cable"):
        Pedal(link)

"""The audio interface against a real audio server, with a Guitarix preamp as the hardware.

The server has no sound card. Freewheeling, it runs as fast as its clients do.
"""

import time
from pathlib import Path

import numpy as np
import pytest
from interface_rig import DRY, KNOBS, SHORT, Turned, offline, once, play
from jack_server import STUDIO, jack_server
from pydantic import ValidationError

from rigs import levels
from rigs.audio import esr
from rigs.errors import UserError
from rigs.interface.stream import Stream
from rigs.paths.interface import AudioInterface, InterfaceOptions
from rigs.rig import Motion, Options, Rig, nobody
from rigs.takes import hands_off, unaligned

pytestmark = pytest.mark.realtime

CABINET = "http://guitarix.sourceforge.net/plugins/gx_amp#GUITARIX"


@pytest.fixture(scope="module")
def server():
    with jack_server() as server:
        yield server


@pytest.fixture(scope="module")
def amp(server):
    return server.host(STUDIO, "amp", volume=0.5, master=0.1)


@pytest.fixture
def path(amp):
    path = AudioInterface(InterfaceOptions(device="amp", ramp=0.5), Path())
    yield path
    path.close()


@pytest.fixture
def looped(server, amp):
    """The amp on the first channels, a cable on the second ones."""
    options = InterfaceOptions(device="system", ramp=0.5, loopback_output=2, loopback_input=2)
    path = AudioInterface(options, Path())
    path.open(nobody)
    wire(server)
    yield path
    path.close()


def wire(server):
    for channel in (0, 1):
        server.disconnect(f"system:capture_{channel + 1}", f"PortAudio:in_{channel}")
    server.connect("PortAudio:out_0", "amp:in")
    server.connect("amp:out", "PortAudio:in_0")
    server.connect("PortAudio:out_1", "PortAudio:in_1")


@pytest.fixture(scope="module")
def truth():
    return offline(DRY)


class Told(Motion):
    """A motion that remembers when it is to begin."""

    def begin(self, at):
        self.reached["at"] = at
        self.reached["ahead"] = at - time.monotonic()


def test_a_take_is_what_the_plugin_renders_sample_for_sample(server, path, truth):
    path.open(nobody)
    done, motion = [], Told({})
    before = time.monotonic()
    with server.freewheel():
        path.prepare()
        first = play(path, progress=done.append, motion=motion)
        again = play(path)
    assert (first.latency, first.flags) == (256, ())
    assert first.wet.dtype == np.float32
    assert esr(truth, first.wet) <= 1e-6
    assert esr(first.wet, again.wet) <= 1e-9
    assert done[-1] == len(DRY) / 48_000
    assert done == sorted(done)
    assert len(done) > 3
    assert motion.reached["at"] > before
    assert motion.reached["ahead"] > 0.2


class Pulsed(Motion):
    def pulses(self, seconds):
        self.reached["pulses"] = seconds


def test_a_synchronised_output_is_heard_when_it_changed(server, amp):
    """The dry itself stands in for the output: it jumps at known samples."""
    path = AudioInterface(InterfaceOptions(device="system", ramp=0.5, sync_input=2), Path())
    path.open(nobody)
    server.disconnect("system:capture_1", "PortAudio:in_0")
    server.disconnect("system:capture_2", "PortAudio:in_1")
    server.connect("PortAudio:out_0", "amp:in")
    server.connect("amp:out", "PortAudio:in_0")
    server.connect("PortAudio:out_0", "PortAudio:in_1")
    jumps = np.array([9_600, 40_000, 70_001])
    dry = np.zeros(90_000, np.float32)
    for number, at in enumerate(jumps):
        dry[at:] = 0.25 * (1 - number % 2)
    dry[-4_800:] = 0.0
    motion = Pulsed({})
    try:
        with server.freewheel():
            path.prepare()
            play(path, dry, motion=motion)
    finally:
        path.close()
    heard = motion.reached["pulses"] * 48_000
    assert heard[: len(jumps)] == pytest.approx(jumps, abs=1.01)


def test_a_loop_back_gives_the_latency_whatever_the_device_does(server, looped, truth):
    """A cabinet bends the clicks by some samples; the cable does not."""
    cabinet = {"PreGain": -5.0}
    server.host(CABINET, "cabinet", "out", **cabinet)
    with server.freewheel():
        looped.prepare()
        take = play(looped)
        assert take.latency == pytest.approx(256, abs=0.01)
        assert take.flags == ()
        assert esr(truth, take.wet) <= 1e-6
        for source, destination in (("PortAudio:out_0", "in"), ("out", "PortAudio:in_0")):
            pair = [port if ":" in port else f"amp:{port}" for port in (source, destination)]
            server.disconnect(*pair)
            server.connect(*(port.replace("amp", "cabinet") for port in pair))
        take = play(looped)
    assert take.latency == pytest.approx(256, abs=0.01)
    assert esr(offline(DRY, CABINET, cabinet), take.wet) <= 1e-6


def test_a_latency_that_was_measured_with_a_cable_stands_in_for_a_loop_back(server):
    cabinet = {"PreGain": -5.0}
    server.host(CABINET, "boxed", "out", **cabinet)
    path = AudioInterface(InterfaceOptions(device="boxed", ramp=0.5, latency=256.0), Path())
    path.open(nobody)
    with server.freewheel():
        path.prepare()
        take = play(path)
    path.close()
    assert (take.latency, take.flags) == (256.0, ())
    assert esr(offline(DRY, CABINET, cabinet), take.wet) <= 1e-6


def test_silence_is_no_fault(server, amp, path):
    path.open(nobody)
    unheard = AudioInterface(path.options, Path())
    unheard.open(nobody)
    with server.freewheel():
        path.prepare()
        amp.turn("master", 0.0)
        try:
            take = play(path)
            never = play(unheard)
        finally:
            amp.turn("master", 0.1)
    unheard.close()
    assert np.abs(take.wet).max() < 1e-4
    assert (take.latency, take.flags) == (256, ())
    assert never.flags == ("no latency",)


def test_raw_exchange(server, path):
    path.open(nobody)
    assert path.measure_noise(0.1) < -140
    click = np.zeros(4800, np.float32)
    click[1000] = 0.1
    with server.freewheel():
        heard = path.exchange(click)
    assert heard.shape == click.shape
    assert np.flatnonzero(np.abs(heard) > 1e-4)[0] == 1256
    with pytest.raises(UserError, match=r"peak at \+0\.8 dBFS.*clips at 0"):
        path.exchange(1.1 * np.sign(click))
    with pytest.raises(UserError, match="holds NaN"):
        path.exchange(click * np.nan)


def test_a_send_that_would_clip_is_refused(path):
    path = AudioInterface(InterfaceOptions(device="amp", send_db=3.0), Path())
    path.open(nobody)
    with pytest.raises(UserError, match=r"\+2\.0 dBFS, .* lower send_db \(it is 3\)"):
        play(path, 10 ** (-1 / 20) * DRY / np.abs(DRY).max())
    path.close()


def test_a_return_that_clips_mutes_the_first_sound(server, amp, path):
    path.open(nobody)
    amp.turn("master", 1.0)
    try:
        with (
            server.freewheel(),
            pytest.raises(UserError, match=r"clips, \d+ dB below the level that is sent, and was"),
        ):
            path.prepare()
    finally:
        amp.turn("master", 0.1)
    with server.freewheel():
        path.prepare()  # and the stream goes on


def test_level_setting_hears_a_return_that_clips(server, amp):
    """The first sound of a session would refuse it; here it is what is looked for."""
    path = AudioInterface(InterfaceOptions(device="amp", ramp=0.5), Path())
    rig = unaligned(hands_off(Rig("stage", "studio", KNOBS, Turned(Options(), Path()), path)))
    amp.turn("master", 1.0)
    rig.open()
    try:
        with server.freewheel():
            heard = levels.hear(rig, KNOBS.default)
    finally:
        rig.close()
        amp.turn("master", 0.1)
    advice = levels.advise(heard)
    assert advice.turn_db < 0
    assert "is clipped: turn the interface's input gain down by about" in advice.text


# --- damage ----------------------------------------------------------------------------------


def test_a_cable_that_fails_raises_no_flag_but_is_heard(server, looped):
    def pull(source, destination):
        server.disconnect(source, destination)
        server.connect(source, destination)

    with server.freewheel():
        looped.prepare()
        assert play(looped).flags == ()
    for cable in (("amp:out", "PortAudio:in_0"), ("PortAudio:out_1", "PortAudio:in_1")):
        assert play(looped, SHORT, once(lambda c=cable: pull(*c))).flags == ("dropout",)
    with server.freewheel():
        assert play(looped).flags == ()


def test_a_flagged_take_that_is_perfect_passes_at_its_second_time(server, amp, path, truth):
    """A synchronous server waits for a client that hangs: it reports an xrun, and loses nothing."""
    path.open(nobody)
    with server.freewheel():
        path.prepare()
    takes = [play(path, SHORT, once(lambda: amp.hang(0.1))) for _ in range(2)]
    assert [take.flags for take in takes] == [("xrun",), ()]
    assert all(esr(truth[: len(SHORT)], take.wet) <= 1e-6 for take in takes)


def test_no_damaged_take_passes(truth):
    """An asynchronous server goes on without a client that is late: that is damage."""
    flags, damaged = [], []
    with jack_server(period=128, synchronous=False) as server:
        amp = server.host(STUDIO, "amp", volume=0.5, master=0.1)
        path = AudioInterface(
            InterfaceOptions(device="system", ramp=0.5, loopback_output=2, loopback_input=2), Path()
        )
        path.open(nobody)
        wire(server)
        with server.freewheel():
            path.prepare()
        for _ in range(2):
            take = play(path, SHORT, once(lambda: amp.hang(0.05)))
            flags.append(take.flags)
            damaged.append(esr(truth[: len(SHORT)], take.wet) > 1e-6)
        with server.freewheel():
            take = play(path, SHORT)
            flags.append(take.flags)
            damaged.append(esr(truth[: len(SHORT)], take.wet) > 1e-6)
        path.close()
    assert any(damaged[:2])
    assert all(told for told, spoilt in zip(flags, damaged, strict=True) if spoilt)
    assert (damaged[2], flags[2]) == (False, ())
    assert round(take.latency) == 128


def test_devices_are_listed(server, amp):
    stream = Stream()
    try:
        devices = stream.devices()
    finally:
        stream.close()
    found = devices.choose("output", "amp", 1, "jack")
    assert (found.name, found.inputs, found.outputs, found.rate) == ("amp", 1, 1, 48000)
    path = AudioInterface(InterfaceOptions(device="am", output=2), Path())
    with pytest.raises(UserError, match=r"'amp' \(JACK.*\) has 1 output channel"):
        path.open(nobody)
    with pytest.raises(UserError, match="is not open"):
        path.measure_noise()


@pytest.mark.parametrize(
    "options",
    [
        {"loopback_input": 2},
        {"loopback_input": 1, "loopback_output": 2},
        {"output": 2, "loopback_input": 2, "loopback_output": 2},
        {"send_db": 7},
        {"input": 0},
        {"gain": 1},
    ],
)
def test_options_that_make_no_sense(options):
    with pytest.raises(ValidationError):
        InterfaceOptions.model_validate(options)

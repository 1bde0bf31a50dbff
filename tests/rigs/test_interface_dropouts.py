"""Damage drawn into recordings whose every sample is known."""

import numpy as np
import pytest
from scipy import signal

from rigs import clicks
from rigs.interface import dropouts
from rigs.interface.examination import Examination
from rigs.interface.layout import JUMP, Known, Layout, Times, time_take
from rigs.interface.ramp import QUIET, REST, Ramp
from rigs.interface.stream import Exchanged, Mark

BLOCK = 256
LATENCY = 700


def playing(frames, seed=0):
    rng = np.random.default_rng(seed)
    return (0.2 * signal.lfilter([0.1], [1, -0.9], rng.standard_normal(frames))).astype(np.float32)


def recording(noise=1e-5, frames=72_000, wait=2000):
    """A take of something like an amp, at some noise floor: layout, what was sent, and heard."""
    layout = Layout(frames, wait)
    sent = layout.sent(playing(frames), 1.0)
    heard = np.tanh(3 * signal.lfilter([0.5, 0.3], [1, -0.4], sent))
    heard = np.concatenate([np.zeros(LATENCY), heard])[: len(sent)]
    heard += noise * np.random.default_rng(1).standard_normal(len(heard))
    return layout, sent, heard.astype(np.float32)


def starts(heard):
    return np.arange(0, len(heard), BLOCK)


def findings(layout, sent, heard):
    silence = heard[: layout.silent_until(LATENCY)]
    return {
        name
        for name, found in {
            "moved": time_take(heard, layout).moved,
            "still": dropouts.stood_still(heard, starts(heard), silence),
            "repeated": dropouts.repeated(heard, starts(heard), sent, LATENCY),
        }.items()
        if found
    }


AT = 200 * BLOCK


def lose(x, n):
    return np.concatenate([x[:AT], x[AT + n :], x[-n:] * 0.999])


def gain(x, n):
    return np.concatenate([x[:AT], x[AT - n : AT], x[AT:]])[: len(x)]


def replaced(x, n, by):
    y = x.copy()
    y[AT : AT + n] = by
    return y


DAMAGE = {
    "a packet lost": (lambda x: lose(x, 6), {"moved"}),
    "a buffer lost": (lambda x: lose(x, BLOCK), {"moved"}),
    "a buffer too many": (lambda x: gain(x, BLOCK), {"moved", "repeated"}),
    "a silent buffer": (lambda x: replaced(x, BLOCK, 0), {"still"}),
    "a held buffer": (lambda x: replaced(x, BLOCK, x[AT - 1]), {"still"}),
    "a buffer twice": (lambda x: replaced(x, BLOCK, x[AT - BLOCK : AT]), {"repeated"}),
    "the ring once more": (lambda x: replaced(x, BLOCK, x[AT - 3 * BLOCK :][:BLOCK]), {"repeated"}),
}


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-3], ids=["digital", "quiet", "noisy"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found(kind, noise):
    layout, sent, heard = recording(noise)
    spoil, seen = DAMAGE[kind]
    assert findings(layout, sent, heard) == set()
    if kind == "a held buffer" and not noise:
        return  # a digital device's own stillness looks like that
    assert findings(layout, sent, spoil(heard)) >= seen


def test_what_is_lost_between_buffers_is_seen_where_there_is_noise():
    layout, sent, heard = recording(1e-5)
    heard[AT + 100 : AT + 140] = 0
    assert findings(layout, sent, heard) == {"still"}


def test_nature_is_not_damage():
    layout, sent, heard = recording(0.0)
    gated = np.where(np.abs(heard) < 0.02, 0, heard)  # a digital gate: stillness in plenty
    assert findings(layout, sent, gated) == set()
    faint = 1e-9 * recording(1e-3)[2]  # the last of a fade, to a converter silence
    faint[AT:] = 0
    assert findings(layout, sent, faint) == set()
    clipped = np.clip(20 * heard, -1, 1)
    assert findings(layout, sent, clipped) == set()
    # A digital device answers the same with the same, buffer for buffer.
    tone = np.tile(0.5 * np.sin(2 * np.pi * np.arange(64) / 64), 1125).astype(np.float32)
    layout = Layout(72_000, 2000)
    sent = layout.sent(tone, 1.0)
    heard = np.concatenate([np.zeros(LATENCY, np.float32), sent])[: len(sent)]
    assert findings(layout, sent, heard) == set()
    # But what repeats without a cause …
    sent = layout.sent(playing(72_000), 1.0)
    assert "repeated" in findings(layout, sent, heard)


def test_a_knob_that_turns_moves_nothing():
    """The answer's shape at the end is another one, as after a treble knob's whole travel."""
    layout, _, heard = recording()
    dark = signal.lfilter(*signal.butter(2, 900, fs=48_000), heard).astype(np.float32)
    half = layout.end_at - 2000
    both = np.concatenate([heard[:half], dark[half:]])
    assert not time_take(both, layout).moved
    shifted = np.concatenate([both[:half], np.zeros(BLOCK, np.float32), both[half:]])
    assert time_take(shifted[: len(both)], layout).moved


# --- the loop-back ---------------------------------------------------------------------------


def looped(noise=1e-5):
    """A pilot through converters' filters, half a sample late beyond the latency."""
    layout = Layout(72_000, 2000)
    n = np.arange(-40, 41)
    converters = 0.7 * np.sinc(n - 0.5) * signal.windows.kaiser(81, 8)
    heard = np.convolve(layout.pilot(), converters)[40:]
    heard = np.concatenate([np.zeros(LATENCY), heard])[: layout.frames]
    return layout, heard + noise * np.random.default_rng(2).standard_normal(layout.frames)


def loop_differs(layout, heard, latency):
    pilot = layout.pilot()[layout.noise]
    return dropouts.differs(heard[layout.noise.start :], pilot, round(latency))


LOOP_DAMAGE = {
    "16 samples silent": lambda x: replaced(x, 16, 0),
    "a buffer twice": lambda x: replaced(x, 64, x[AT - 64 : AT]),
    "one sample lost": lambda x: lose(x, 1),
    "lost and added": lambda x: gain(np.concatenate([x[:99], x[147:], x[:48]]), 48),
    "the cable pulled": lambda x: replaced(x, len(x), 0),
}


@pytest.mark.parametrize("kind", LOOP_DAMAGE)
def test_a_loop_back_hides_nothing(kind):
    layout, heard = looped()
    times = time_take(heard, layout)
    assert times.first == pytest.approx(LATENCY + 0.5, abs=0.05)
    assert not loop_differs(layout, heard, times.first)
    assert loop_differs(layout, LOOP_DAMAGE[kind](heard), times.first)


def test_a_loop_back_that_says_nothing_is_broken():
    layout, heard = looped()
    heard[layout.noise.start + 800 : layout.end_at] = 0
    assert loop_differs(layout, heard, LATENCY)


def test_a_noisy_loop_back_is_whole():
    layout, heard = looped(noise=1e-3)
    assert not loop_differs(layout, heard, LATENCY)


# --- while it plays --------------------------------------------------------------------------


def examined(layout, sent, heard, known=None, piece=5000):
    """What an examination that is given ``heard``, shape (frames, inputs), bit by bit finds."""
    known = Known() if known is None else known
    pilot = layout.pilot() if heard.shape[1] > 1 else None
    examination = Examination(layout, sent, pilot, known)
    every = [Mark(frame, frame / 48_000, False) for frame in starts(heard).tolist()]
    for until in range(piece, len(heard), piece):
        # The callback that runs has said when it began.
        examination.hear(Exchanged(heard[:until], every[: until // BLOCK + 1]))
    return examination.end(Exchanged(heard, every))


@pytest.mark.parametrize("piece", [1777, 48_000, 10**6])
@pytest.mark.parametrize("kind", [None, *DAMAGE])
def test_a_take_that_is_looked_at_bit_by_bit_hides_nothing(kind, piece):
    layout, sent, heard = recording(1e-6)
    if kind:
        heard = DAMAGE[kind][0](heard)
    latency, flags, damaged, proven = examined(layout, sent, heard[:, None], piece=piece)
    assert latency == pytest.approx(LATENCY, abs=1)
    assert flags == ()
    assert (damaged, proven) == (kind is not None, False)


@pytest.mark.parametrize("buffer", [100, 194, 195, 196, 500, 830])
def test_damage_is_found_wherever_it_is(buffer):
    """The first bit ends within buffer 195, after 50,000 frames."""
    layout, sent, heard = recording(1e-6, frames=200_000)
    now, before = (slice(n * BLOCK, (n + 1) * BLOCK) for n in (buffer, buffer - 1))
    twice, silent = heard[:, None].copy(), heard[:, None].copy()
    twice[now], silent[now] = twice[before], 0
    assert examined(layout, sent, twice)[2]
    assert examined(layout, sent, silent)[2]


@pytest.mark.parametrize("kind", [None, *LOOP_DAMAGE])
def test_so_does_a_loop_back(kind):
    layout, loop = looped()
    _, sent, heard = recording(1e-5)
    if kind:
        loop = LOOP_DAMAGE[kind](loop)
    both = np.stack([heard, loop.astype(np.float32)], axis=1)
    latency, _, damaged, proven = examined(layout, sent, both)
    assert damaged is (kind is not None)
    if kind is None:
        assert latency == pytest.approx(LATENCY + 0.5, abs=0.05)
        assert proven


def test_repeats_are_judged_by_the_latency_that_was_found():
    """The first clicks are not heard, so it is not the one that was known."""
    layout = Layout(72_000, 2000)
    sent = layout.sent(playing(72_000), 1.0)
    sent[AT : AT + BLOCK] = sent[AT - BLOCK : AT]
    heard = np.concatenate([np.zeros(4 * BLOCK, np.float32), sent])[: len(sent), None].copy()
    heard[: layout.dry_at] = 0
    known = Known()
    known.learn(600.0, None)
    latency, _, damaged, _ = examined(layout, sent, heard, known)
    assert latency == pytest.approx(4 * BLOCK, abs=0.1)
    assert not damaged


def test_what_is_no_number_ends_it():
    layout, sent, heard = recording()
    heard[AT] = np.nan
    assert examined(layout, sent, heard[:, None]) == (0.0, (), False, False)


# --- the clock -------------------------------------------------------------------------------


def marks(jitter=0.0, missed=(), faster=1.0, drift=0.0):
    rng = np.random.default_rng(3)
    time, found = 100.0, []
    for k in range(800):
        time += BLOCK / 48_000 * (1 + (k in missed)) * (1 + drift) / faster
        found.append(Mark(k * BLOCK, time + jitter * rng.exponential(), False))
    return found


@pytest.mark.parametrize(
    ("changes", "late"),
    [
        ({}, False),
        ({"jitter": 0.005}, False),
        ({"drift": 2e-4}, False),
        ({"missed": {400}}, True),
        ({"missed": {20}, "jitter": 0.001}, True),
        ({"missed": {100, 101, 500}, "jitter": 0.002}, True),
        ({"faster": 20, "jitter": 0.005}, False),
    ],
)
def test_callbacks_that_were_missed(changes, late):
    assert dropouts.late(marks(**changes)) is late


def test_a_handful_of_callbacks_tells_nothing():
    assert not dropouts.late(marks(missed={2})[:5])


# --- two takes -------------------------------------------------------------------------------


def test_two_takes_agree_or_not():
    x = playing(72_000)
    noise = 1e-3 * np.random.default_rng(4).standard_normal(72_000)
    assert dropouts.agree(x, x + noise)
    assert not dropouts.agree(x, replaced(x, 100, 0))
    assert not dropouts.agree(x[:100], np.concatenate([x[:99], [1]]))
    assert not dropouts.agree(x, x[:-1])
    quiet = 1e-6 * np.random.default_rng(5).standard_normal(48_000)
    assert dropouts.agree(quiet, quiet[::-1])


# --- latencies -------------------------------------------------------------------------------


def times(first, last=None, moved=False):
    return Times(first, last if last is not None else first, moved)


UNHEARD = Times(None, None, False)


def test_the_latency_is_one_for_a_stream():
    known = Known()
    assert known.settle(times(500.25)) == (500.25, ())
    assert known.settle(times(503.0)) == (500.25, ())  # a knob bends the clicks
    assert known.settle(UNHEARD) == (500.25, ())
    assert known.settle(times(628.25)) == (628.25, ())  # heard at both ends: it is so
    assert known.settle(UNHEARD) == (628.25, ())


def test_a_jump_that_is_not_proven_is_flagged_once():
    known = Known()
    known.settle(times(500.0))
    one_end = Times(628.0, None, False)
    assert known.settle(one_end) == (628.0, ("latency jump",))
    assert known.settle(one_end) == (628.0, ())


def test_a_damaged_take_teaches_nothing():
    known = Known()
    known.settle(times(500.0))
    known.settle(Times(628.0, 884.0, True))
    assert known.settle(UNHEARD) == (500.0, ())


def test_silence_from_the_first_has_no_latency():
    assert Known().settle(UNHEARD) == (0.0, ("no latency",))


def test_a_loop_back_tells_what_the_device_does_not():
    known = Known()
    assert known.settle(UNHEARD, times(300.5)) == (300.5, ())
    assert known.settle(times(302.0), times(300.5)) == (300.5, ())  # an analogue device
    assert known.settle(UNHEARD, times(428.5)) == (428.5, ())  # the stream's changed
    assert known.settle(times(492.5), times(428.5)) == (492.5, ())  # a digital one: 64 more
    assert known.settle(UNHEARD, times(300.5)) == (364.5, ())
    assert JUMP < 16, "the smallest buffer"


def test_a_cable_s_latency_holds_while_clicks_come_close():
    known = Known(256.0)
    assert known.settle(UNHEARD) == (0.0, ("no latency",))  # it may have changed
    assert known.settle(times(259.5)) == (256.0, ())
    assert known.settle(times(254.0)) == (256.0, ())
    assert known.settle(times(512.5)) == (512.5, ())  # another buffer
    assert known.settle(times(259.5)) == (256.0, ())


def test_an_answer_that_is_there_is_not_late():
    """A preamp's: not of minimum phase, but loud from its first sample."""
    answer = [0.65, -0.24, 0.80, 0.48, -0.26, -0.40, -0.24, 0.02, 0.22, 0.24, 0.20, 0.15, 0.05]
    heard = np.convolve(np.concatenate([np.zeros(256), clicks.click_train()]), answer)
    assert clicks.find_latency(heard) == 256


# --- the ramp --------------------------------------------------------------------------------


def test_the_ramp_rises_from_quiet():
    ramp = Ramp(1.5, 0.5, 1000)
    noise = ramp.out[QUIET : ramp.rest_at]
    level = 20 * np.log10(np.sqrt(np.mean(np.square(noise).reshape(-1, 2400), axis=1)))
    assert level[0] < -18 - 6 - 38
    assert np.abs(level[-2] - (-18 - 6 - 2)) < 1  # and 2 dB to go
    assert (np.diff(level) < 3).all()
    assert np.abs(noise).max() <= 0.445


def test_what_howls_is_not_what_rings_out():
    ramp = Ramp(0.5, 1.0, 1000)
    ramp.check(ramp.out)
    ramp.check(1e-3 * np.random.default_rng(6).standard_normal(len(ramp.out)))  # hiss all along
    heard = ramp.out.copy()
    rest = slice(ramp.rest_at, ramp.clicks_at)
    t = np.arange(rest.stop - rest.start)
    heard[rest] = 0.3 * np.sin(0.1 * t) * 10 ** (-3 * t / 48_000 / 1.5)  # a hall
    ramp.check(heard)
    heard[rest] = 0.3 * np.sin(0.1 * t)
    with pytest.raises(Exception, match="does not die away"):
        ramp.check(heard)
    assert REST >= 24_000


def test_clipping_ends_the_ramp():
    ramp = Ramp(0.5, 1.0, 1000)
    heard = ramp.out[:9600].copy()
    ramp.watch(heard[:4800])
    ramp.watch(heard)
    heard = ramp.out[:12_000].copy()
    heard[10_128:10_131] = 1.0
    with pytest.raises(Exception, match="clips, 31 dB below the level that is sent, and was muted"):
        ramp.watch(heard)

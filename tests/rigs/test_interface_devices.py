import pytest

from rigs.errors import UserError
from rigs.interface.devices import Device, Devices

THERE = Devices(
    ("ALSA", "JACK Audio Connection Kit"),
    (
        Device(0, "HDA Intel", "ALSA", 2, 2, 44100.0),
        Device(1, "Scarlett 2i2 USB", "ALSA", 2, 2, 48000.0),
        Device(2, "Scarlett 2i2 USB", "JACK Audio Connection Kit", 2, 2, 48000.0),
        Device(3, "HDMI", "ALSA", 0, 8, 48000.0),
        Device(4, "Scarlett", "ALSA", 4, 0, 48000.0),
    ),
    (0, 3),
)


@pytest.mark.parametrize(
    ("way", "name", "channel", "system", "index"),
    [
        ("input", "hda", 1, None, 0),
        ("output", "scarlett 2i2", 2, "jack", 2),
        ("output", "scarlett", 2, "alsa", 1),  # the other one of ALSA has no outputs …
        ("input", "scarlett", 3, "alsa", 4),  # … but bears exactly this name
        ("input", 1, 2, None, 1),
        ("input", None, 1, None, 0),
        ("output", None, 8, None, 3),
        ("output", None, 1, "jack", 2),  # the default is elsewhere
    ],
)
def test_a_device_is_found(way, name, channel, system, index):
    assert THERE.choose(way, name, channel, system).index == index


@pytest.mark.parametrize(
    ("way", "name", "channel", "system", "message"),
    [
        ("input", "scarlet 2i4", 1, None, r"did you mean 'Scarlett 2i2 USB'\?.*'HDA Intel'"),
        ("input", "2i2", 1, None, r"Several .*\(ALSA\), .*\(JACK.*host_api"),
        ("input", "HDMI", 1, None, "has no inputs; name another input_device"),
        ("input", "HDA", 3, None, "has 2 input channel.* no input 3"),
        ("input", 9, 1, None, "no audio device 9 with inputs"),
        ("input", "HDA", 1, "CoreAudio", "sound system 'CoreAudio' .*looked in ALSA, JACK"),
    ],
)
def test_a_device_that_is_not_there_is_told_beside_those_that_are(
    way, name, channel, system, message
):
    with pytest.raises(UserError, match=message):
        THERE.choose(way, name, channel, system)


def test_a_machine_without_sound():
    with pytest.raises(UserError, match=r"no audio device .*looked in none.*; plug"):
        Devices((), (), (-1, -1)).choose("input", "x", 1)

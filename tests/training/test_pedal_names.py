"""Names of knobs and switch positions, short enough for a small display."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.exports.pedal.names import short_names


@pytest.mark.parametrize(
    ("names", "shorts"),
    [
        (["Gain", "GAIN 2"], ("Gain", "GAIN 2")),
        (["Überschwinger"], ("Uberschwngr",)),
        (["Low Frequency Cut"], ("LowFrqncyCt",)),
        (["Gain", "Gaïn", "gain"], ("Gain", "Gain2", "gain3")),
        (["Gain2", "Gain", "Gáin"], ("Gain2", "Gain", "Gain3")),
        (["Volume Left A", "Volume Left B"], ("VolumeLeftA", "VolumeLeftB")),
        (["低音", "😀", "\n"], ("Knob 1", "Knob 2", "Knob 3")),
        (["12345678901X", "12345678901Y"], ("12345678901", "12345678902")),
    ],
)
def test_short_names(names, shorts):
    assert short_names(names, "Knob") == shorts


@given(st.lists(st.text(max_size=20), max_size=32))
def test_short_names_always_fit_and_differ(names):
    shorts = short_names(names, "Knob")
    assert len({short.casefold() for short in shorts}) == len(names)
    for short in shorts:
        assert 1 <= len(short) <= 11
        assert short.isascii()
        assert short.isprintable()
        assert short == short.strip()

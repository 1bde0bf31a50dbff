"""What a new rig's file has to be told, and how a person is asked for it."""

from __future__ import annotations

from collections.abc import Callable

from ampsweep.rig_verbs import questions
from rigs.inventory import inventory


def _found(section: str) -> dict[str, str]:
    """What this machine has of a section: the names a rig's file would use, and what they are."""
    return {name: f"{about}  {name}".strip() for name, about in inventory([section], 20.0)[0].found}


def _one_of(section: str, option: str, question: str, otherwise: str) -> str:
    """One that is there; or, if there is none yet, what a person types."""
    there = _found(section)
    if not there:
        return questions.text(option, otherwise)
    if len(there) > questions.MOST:
        return questions.search(option, question, there)
    return questions.choose(option, question, there)


def _plugin(section: str, option: str) -> str:
    return questions.search(option, "A part of the plugin's name", _found(section))


def _serial() -> str:
    return _one_of("serial", "--port", "The controller's port", "The controller's serial port")


def _midi() -> str:
    return _one_of("midi", "--port", "The device's MIDI", "The MIDI output's name, or a part of it")


def _sound_card() -> str:
    return _one_of("audio", "--interface", "The sound card", "The sound card's name")


def _netlist() -> str:
    return questions.text("--file", "The netlist", "builtin:ts808")


def _folder() -> str:
    return questions.text("--folder", "The folder of .nam files")


def _left_out() -> None:
    """What has to be said only where the usual does not fit."""


BLANKS: dict[str, dict[str, tuple[str, Callable[[], str | None]]]] = {
    "lv2": {"uri": ("uri", lambda: _plugin("lv2", "--uri"))},
    "vst3": {"file": ("file", lambda: _plugin("vst3", "--file"))},
    "circuit": {"netlist": ("file", _netlist)},
    "nam-pack": {"folder": ("folder", _folder), "pattern": ("pattern", _left_out)},
    "audio-interface": {"interface": ("interface", _sound_card)},
    "grbl": {"port": ("port", _serial)},
    "midi": {"port": ("port", _midi)},
}
"""For each type, the blanks of its piece: the option that fills one, and the question."""

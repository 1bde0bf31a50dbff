"""The pedal at the other end of a MIDI cable: what it holds, and sending it models."""

from rigs.pedal.link import Link, MidiLink
from rigs.pedal.messages import LARGEST_FILE, FileKind
from rigs.pedal.pedal import About, Pedal, PedalFile

__all__ = ["LARGEST_FILE", "About", "FileKind", "Link", "MidiLink", "Pedal", "PedalFile"]

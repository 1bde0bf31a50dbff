"""Hearing audio through the computer's own output: loudspeakers or headphones, not a device."""

from __future__ import annotations

from typing import Any

from rigs.audio import SAMPLE_RATE, Audio
from rigs.errors import UserError


def sound(audio: Audio, device: str | None = None) -> None:
    """Play ``audio``, shape (frames,), on the system's default output or on ``device``, until done.

    ``device`` is a name or a part of one. Raises UserError if there is no such output, or if it
    does not play 48 kHz.
    """
    try:
        import sounddevice as sd
    except OSError:
        raise UserError(
            "sounddevice does not find the PortAudio library (on Debian: apt install "
            "libportaudio2); without it, write a file with --out."
        ) from None
    try:
        sd.play(audio, SAMPLE_RATE, device=_output(sd, device))
        sd.wait()
    except (sd.PortAudioError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(
            f"The sound cannot be played ({reason}); name another output with --device, or write "
            "a file with --out."
        ) from None
    finally:
        sd.stop()


def _output(sd: Any, name: str | None) -> int:
    outputs = [d for d in sd.query_devices() if d["max_output_channels"] > 0]
    if not outputs:
        raise UserError("This machine has no sound output; write a file with --out.")
    if name is None:
        usual = sd.default.device[1]
        return int(usual) if usual >= 0 else int(outputs[0]["index"])
    for device in outputs:
        if name.casefold() in device["name"].casefold():
            return int(device["index"])
    names = ", ".join(repr(device["name"]) for device in outputs)
    raise UserError(f"There is no output {name!r}; the outputs are {names}.")

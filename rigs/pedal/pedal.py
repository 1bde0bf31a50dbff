"""Asking a pedal, and sending it files."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rigs.errors import DeviceLost, UserError
from rigs.pedal.link import Link
from rigs.pedal.messages import (
    ANY_SLOT,
    BLOCK,
    LARGEST_FILE,
    PROTOCOL,
    Answer,
    FileKind,
    Refusal,
    Request,
    decode,
    encode,
    text,
)

WAIT = 0.5
"""Seconds until what was not answered is asked again: a flash sector takes up to 0.3."""

TRIES = 10

REASONS = {
    Refusal.UNKNOWN: "does not understand what it was asked; flash its newest firmware",
    Refusal.PLACE: "has no such place, or no free one; remove something from it first",
    Refusal.SIZE: "has no room for a file of that size",
    Refusal.ROOM: "has no room left for it; remove something from it first",
    Refusal.FLASH: "could not write its flash; send it again",
    Refusal.BUSY: "is still writing another file; wait some seconds and send it again",
    Refusal.CRC: "got something else than was sent; send it again",
    Refusal.INCOMPLETE: "missed a part of it; send it again",
    Refusal.NOT_BEGUN: "has begun anew in the meantime; send it again",
}

DETAILS = {
    12: "is too large for its memory; train a smaller one",
    100: "is not one of 48 kHz",
    101: "is not a cabinet of at most 2048 samples",
}
"""Why it cannot be played; the others are the codes of docs/pedal-image.md."""


@dataclass(frozen=True)
class About:
    """What a pedal says of itself."""

    firmware: str
    playing: int | None  # the model's slot
    free: int  # bytes


@dataclass(frozen=True)
class PedalFile:
    """A file that a pedal holds; ``size`` in bytes."""

    kind: FileKind
    slot: int
    name: str
    size: int
    crc: int


class Pedal:
    """The pedal at the end of ``link``."""

    def __init__(self, link: Link) -> None:
        """Raises UserError if nobody answers, or not as a pedal does."""
        self._link = link
        body = self._ask(Request.HELLO, b"", {Answer.ABOUT})[1]
        protocol, playing, free, _ = struct.unpack_from("<BBII", body)
        if protocol != PROTOCOL:
            raise UserError(
                f"The pedal speaks version {protocol} of its protocol and ampsweep version "
                f"{PROTOCOL}; bring both up to date."
            )
        self.about = About(_text(body[10:]), None if playing == ANY_SLOT else playing, free)

    def files(self, kind: FileKind) -> Iterator[PedalFile]:
        """What it holds, slot by slot."""
        slot = 0
        while slot < ANY_SLOT:
            body = self._ask(Request.LIST, bytes([kind, slot]), {Answer.ENTRY})[1]
            _, slot, size, crc = struct.unpack_from("<BBII", body)
            if slot != ANY_SLOT:
                yield PedalFile(kind, slot, _text(body[10:]), size, crc)
                slot += 1

    def send(
        self,
        kind: FileKind,
        name: str,
        data: bytes,
        slot: int | None = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> int:
        """Send a file, and return its slot once the pedal has checked and stored it.

        ``slot``: None for that of the same name, else the first free one. ``progress`` is told the
        share that is done, 0 to 1. Raises UserError if the pedal refuses, DeviceLost if it is gone;
        it then has what it had.
        """
        if len(data) > LARGEST_FILE:
            raise UserError(f"{name} is larger than {LARGEST_FILE // 1024} KiB, the most it takes.")
        crc = zlib.crc32(data)
        place = ANY_SLOT if slot is None else slot
        begin = struct.pack("<BBII", kind, place, len(data), crc) + text(name)
        wanted = {Answer.GO, Answer.DONE}
        answer, body = self._ask(Request.BEGIN, begin, wanted)
        while answer is Answer.GO:
            said, next_byte = struct.unpack_from("<II", body)
            if said != crc or next_byte > len(data):
                raise DeviceLost("Another program sends to the pedal as well; close it.")
            progress(0.9 * next_byte / len(data))
            if next_byte == len(data):
                answer, body = self._ask(
                    Request.END, struct.pack("<I", crc), {Answer.WRITING, Answer.DONE}
                )
                break
            block = struct.pack("<II", crc, next_byte) + data[next_byte : next_byte + BLOCK]
            answer, body = self._ask(Request.BLOCK, block, {Answer.GO}, after=next_byte)
        while answer is Answer.WRITING:
            written, size = struct.unpack_from("<II", body, 4)
            progress(0.9 + 0.1 * written / max(size, 1))
            answer, body = self._hear({Answer.WRITING, Answer.DONE}) or self._ask(
                Request.END, struct.pack("<I", crc), {Answer.WRITING, Answer.DONE}
            )
        progress(1.0)
        return body[5]

    def remove(self, file: PedalFile) -> None:
        """Raises UserError if the pedal refuses."""
        self._ask(Request.REMOVE, bytes([file.kind, file.slot]), {Answer.DONE})

    def start_bootloader(self) -> None:
        """It is then what dfu-util writes to, and this link is gone. Nothing is waited for."""
        self._link.send(encode(Request.BOOTLOADER, b""))

    def _ask(
        self, request: Request, body: bytes, wanted: set[Answer], after: int | None = None
    ) -> tuple[Answer, bytes]:
        """The answer; asked again if there is none.

        ``after``: answers that ask for bytes up to there are to an earlier request.
        """
        message = encode(request, body)
        for _ in range(TRIES):
            self._link.send(message)
            end = time.monotonic() + WAIT
            while (left := end - time.monotonic()) > 0:
                found = self._hear(wanted, left)
                if found is None:
                    break
                if after is None or struct.unpack_from("<I", found[1], 4)[0] > after:
                    return found
        raise DeviceLost(
            f"Nothing at {self._link.name} answers as a pedal does; check that it is the pedal's "
            "port, its cable and its power, then run the same command again: it goes on where it "
            "stopped."
        )

    def _hear(self, wanted: set[Answer], seconds: float = WAIT) -> tuple[Answer, bytes] | None:
        """The next wanted answer; None if there is none for so long. Raises UserError: refused."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            message = self._link.receive(left)
            found = None if message is None else decode(message)
            if found is None:
                continue
            kind, body = found
            if kind == Answer.REFUSED and body[0] != Refusal.DAMAGED:
                raise UserError(f"The pedal {_reason(body[0], body[1])}.")
            if kind in wanted:
                return Answer(kind), body
        return None


def _reason(refusal: int, detail: int) -> str:
    if refusal == Refusal.CONTENTS:
        what = DETAILS.get(detail, f"is not one that it can play (error {detail}); export it again")
        return f"refused the file, which {what}"
    known = refusal in list(Refusal)
    return REASONS.get(Refusal(refusal), "refused") if known else f"refused ({refusal})"


def _text(field: bytes) -> str:
    return field[1 : 1 + field[0]].decode(errors="replace") if field else ""

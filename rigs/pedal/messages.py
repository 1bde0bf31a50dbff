"""The pedal's SysEx messages, as firmware/pedal/sysex.h and transfer.h have them.

F0 7D 'a' 's' kind, a body packed into 7-bit bytes, F7. The body ends with the CRC-32 of the kind
and of what is before it, little-endian; each seven bytes become eight, the first of which has their
highest bits, that of the first byte lowest.
"""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum

HEAD = bytes([0xF0, 0x7D]) + b"as"
END = 0xF7
LONGEST = 120
"""Bytes of the longest message."""

BLOCK = 84
"""Bytes of a file in one message."""

LARGEST_FILE = 512 * 1024
"""Bytes of the largest file that a pedal takes."""

NAME_BYTES = 23
ANY_SLOT = 255
PROTOCOL = 1


class FileKind(IntEnum):
    MODEL = 1
    CABINET = 2


class Request(IntEnum):
    HELLO = 0x01
    LIST = 0x02
    BEGIN = 0x03
    BLOCK = 0x04
    END = 0x05
    REMOVE = 0x06
    BOOTLOADER = 0x07


class Answer(IntEnum):
    ABOUT = 0x41
    ENTRY = 0x42
    GO = 0x43
    WRITING = 0x44
    DONE = 0x45
    REFUSED = 0x46


class Refusal(IntEnum):
    UNKNOWN = 1
    PLACE = 2
    SIZE = 3
    ROOM = 4
    NOT_BEGUN = 5
    INCOMPLETE = 6
    CRC = 7
    CONTENTS = 8
    FLASH = 9
    BUSY = 10
    DAMAGED = 11


def pack(body: bytes) -> bytes:
    packed = bytearray()
    for start in range(0, len(body), 7):
        seven = body[start : start + 7]
        packed.append(sum((byte >> 7) << bit for bit, byte in enumerate(seven)))
        packed += bytes(byte & 0x7F for byte in seven)
    return bytes(packed)


def unpack(packed: bytes) -> bytes:
    body = bytearray()
    for start in range(0, len(packed), 8):
        high = packed[start]
        rest = packed[start + 1 : start + 8]
        body += bytes(byte | (high >> bit & 1) << 7 for bit, byte in enumerate(rest))
    return bytes(body)


def encode(kind: int, body: bytes) -> bytes:
    """The whole message."""
    check = zlib.crc32(bytes([kind]) + body)
    message = HEAD + bytes([kind]) + pack(body + struct.pack("<I", check)) + bytes([END])
    if len(message) > LONGEST:
        raise ValueError(f"a message of {len(message)} bytes; {LONGEST} is the most")
    return message


def decode(message: bytes) -> tuple[int, bytes] | None:
    """Kind and body; None if it is not one of the pedal's, or did not arrive whole."""
    shortest = len(HEAD) + 2
    if not shortest < len(message) <= LONGEST or message[: len(HEAD)] != HEAD:
        return None
    if message[-1] != END or max(message[1:-1]) > 0x7F:
        return None
    kind, body = message[len(HEAD)], unpack(message[len(HEAD) + 1 : -1])
    if len(body) < 4:
        return None
    body, check = body[:-4], struct.unpack("<I", body[-4:])[0]
    return (kind, body) if zlib.crc32(bytes([kind]) + body) == check else None


def text(words: str) -> bytes:
    """At most NAME_BYTES of UTF-8, no character cut in two, after a byte that says how many."""
    cut = words.encode()[:NAME_BYTES].decode(errors="ignore").encode()
    return bytes([len(cut)]) + cut

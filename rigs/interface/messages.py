"""What the stream's process and ours tell each other: a line of JSON, then raw samples."""

from __future__ import annotations

import json
from typing import IO, Any

Head = dict[str, Any]


def write(file: IO[bytes], head: Head, payload: bytes | memoryview = b"") -> None:
    """Write one message, whole; raises OSError or ValueError if nobody reads any more."""
    line = json.dumps({**head, "bytes": len(payload)})
    file.write(line.encode() + b"\n")
    file.write(payload)
    file.flush()


def read(file: IO[bytes]) -> tuple[Head, bytes] | None:
    """The next message, or None where there is no other."""
    line = file.readline()
    if not line.endswith(b"\n"):
        return None
    head: Head = json.loads(line)
    payload = file.read(head["bytes"])
    return (head, payload) if len(payload) == head["bytes"] else None

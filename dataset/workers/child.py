"""A worker on this machine: `python -m dataset.workers.child`.

Told which rig to open, it plays one job after another until nobody tells it any more.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from dataset.workers.jobs import WorkerRig
from rigs.child.messages import Header, Samples, receive, send
from rigs.errors import UserError
from rigs.rig import Rig
from rigs.trajectory import Trajectory


class _Worker:
    rig: Rig

    def open(self, header: Header) -> tuple[Header, list[Samples]]:
        self.rig = WorkerRig(Path(header["path"]), header["fingerprint"]).check()
        self.rig.open()
        return {}, []

    def play(
        self, header: Header, positions: Samples, dry: Samples
    ) -> tuple[Header, list[Samples]]:
        recording, moved = self.rig.take(dry, Trajectory(positions, header["rate"]))
        told = {
            "latency": recording.latency,
            "flags": recording.flags,
            "input_level_dbu": recording.input_level_dbu,
            "output_level_dbu": recording.output_level_dbu,
            "reached": moved.reached,
        }
        return told, [recording.wet]


def main() -> None:
    worker = _Worker()
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no message
    while True:
        try:
            header, arrays = receive(requests)
        except EOFError:
            return
        try:
            told, audio = getattr(worker, header.pop("do"))(header, *arrays)
        except UserError as error:
            told, audio = {"error": str(error)}, []
        except Exception:
            told, audio = {"bug": traceback.format_exc()}, []
        send(replies, told, *audio)


if __name__ == "__main__":
    main()

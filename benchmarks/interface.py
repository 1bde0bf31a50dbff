"""What a capture through an audio interface costs beside its audio.

    python benchmarks/interface.py [SECONDS ...]

For each length of dry (3, 10 and 60 s unless said) a session captures four settings in real time
on a JACK server without a sound card, with a Guitarix preamp under jalv as the device: once as it
is, once with a loop-back. Its knobs turn in no time, so that no motion hides the writing of the
capture before. Overhead is the time in which neither the dry nor the alignment clicks around it
sound: of the interface's own part of a take, and of all from one take's beginning to the next
one's, checks and writing included. How long the audio took is read off its callbacks, for where the
processor is busy this server does not keep the time of a sound card. In brackets, the processor's
time in this process of the first.
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "rigs"))

from jack_server import STUDIO, JackServer, jack_server

from dataset.planning import PlanRecipe, make_plan
from dataset.session import Event, Kept, Started, capture
from rigs.audio import SAMPLE_RATE
from rigs.interface.stream import Exchanged
from rigs.knobs import Knob, KnobTable
from rigs.paths.interface import AudioInterface, InterfaceOptions
from rigs.rig import Actuator, Ask, Audio, Motion, Options, Progress, Recording, Rig
from rigs.trajectory import Trajectory

KNOBS = KnobTable((Knob("Volume"),))
TAKES = 4


class Instant(Actuator):
    """Knobs that are where they should be before they are asked."""

    def go(self, knobs: KnobTable, trajectory: Trajectory) -> Motion:
        return Motion(knobs.to_setting(trajectory.positions[0]))


class Wired(AudioInterface):
    """An interface whose cables are plugged in when it is opened, and whose takes are timed."""

    server: JackServer

    def __init__(self, options: InterfaceOptions, folder: Path) -> None:
        super().__init__(options, folder)
        self.spent: list[float] = []
        self.processor: list[float] = []
        self.audio: list[float] = []

    def play(self, dry: Audio, motion: Motion, progress: Progress) -> Recording:
        begun, worked = time.perf_counter(), time.process_time()
        try:
            return super().play(dry, motion, progress)
        finally:
            self.spent.append(time.perf_counter() - begun)
            self.processor.append(time.process_time() - worked)

    def open(self, ask: Ask) -> None:
        super().open(ask)
        for channel in range(2 if self.options.loopback_input else 1):
            self.server.disconnect(f"system:capture_{channel + 1}", f"PortAudio:in_{channel}")
        self.server.connect("PortAudio:out_0", "amp:in")
        self.server.connect("amp:out", "PortAudio:in_0")
        if self.options.loopback_input:
            self.server.connect("PortAudio:out_1", "PortAudio:in_1")
        exchange = self._running.exchange

        def timed(*args: Any, **options: Any) -> Exchanged:
            taken = exchange(*args, **options)
            first, last = taken.marks[0], taken.marks[-1]
            rest = (len(taken.heard) - last.frame) / SAMPLE_RATE
            self.audio.append(last.time - first.time + rest)
            return taken

        self._running.exchange = timed  # type: ignore[method-assign]

    def prepare(self) -> None:
        super().prepare()
        self.audio.clear()


def overheads(server: JackServer, seconds: float, looped: bool) -> list[list[float]]:
    """Seconds of each take without its audio, the processor's of it, and from take to take."""
    loop = {"loopback_output": 2, "loopback_input": 2} if looped else {}
    path = Wired(InterfaceOptions.model_validate({"device": "system", "ramp": 0.5} | loop), Path())
    path.server = server
    rig = Rig("bench", "studio", KNOBS, Instant(Options(), Path()), path)
    none = {"settings": 0, "seconds": 1}
    train = [{"design": "sobol", "settings": TAKES, "seconds": seconds, "corners": 0}]
    recipe = PlanRecipe.model_validate({"train": train, "validation": none, "test": none})
    plan, dries = make_plan(KNOBS, rig.device, recipe, rig.reach)
    begun: list[tuple[float, int]] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Started):
            begun.append((time.perf_counter(), len(path.audio)))
        elif isinstance(event, Kept) and event.flags:
            print(f"flagged: {', '.join(event.flags)}", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        capture(rig, plan, dries, Path(folder), on_event)
    # The first take loads what is loaded once.
    own = [spent - audio for spent, audio in zip(path.spent, path.audio, strict=True)]
    between = [b - a - sum(path.audio[i:j]) for (a, i), (b, j) in pairwise(begun)]
    return [own[1:], path.processor[1:], between]


def main() -> None:
    lengths = [float(word) for word in sys.argv[1:]] or [3.0, 10.0, 60.0]
    print("dry      loop-back   in the take   (processor)   take to take     worst   of the audio")
    with jack_server() as server:
        server.host(STUDIO, "amp", volume=0.5, master=0.1)
        for seconds in lengths:
            for looped in (False, True):
                own, processor, spent = overheads(server, seconds, looped)
                print(
                    f"{seconds:4g} s   {'yes' if looped else 'no':<10}{median(own):11.3f} s"
                    f"{median(processor):12.3f} s{median(spent):13.3f} s{max(spent):8.3f} s"
                    f"{100 * median(spent) / seconds:13.1f} %",
                    flush=True,
                )


if __name__ == "__main__":
    main()

"""What the tests of the audio interface play, and how."""

from pathlib import Path

from jack_server import STUDIO

from dataset.signals import make
from rigs.knobs import Knob, KnobTable
from rigs.paths.lv2 import Lv2Options, Lv2Path
from rigs.rig import Actuator, Motion, Reach, nobody
from rigs.trajectory import Trajectory

KNOBS = KnobTable((Knob("Volume", 0.2, 1.0, 0.5), Knob("Master", 0.05, 0.2, 0.1)))
SETTING = {"Volume": 0.5, "Master": 0.1}
DRY = make("test", 3.0, 7).audio[24_000:]
"""Without the clicks that it begins with: a take brings its own."""
SHORT = DRY[:48_000]
"""For takes in real time."""


def play(path, dry=DRY, progress=lambda _: None, motion=None):
    return path.play(dry, motion or Motion({}), progress)


def once(action, at=0.2):
    """A progress that does something once, so many seconds into the dry."""
    left = [action]

    def progress(seconds):
        if seconds > at and left:
            left.pop()()

    return progress


def offline(dry, uri=STUDIO, setting=SETTING):
    path = Lv2Path(Lv2Options(uri=uri), Path())
    path.open(nobody)
    try:
        full = path.knobs.check(setting)
        motion = Motion(full, Trajectory.still(path.knobs, full))
        return path.play(dry, motion, lambda _: None).wet
    finally:
        path.close()


class Turned(Actuator):
    """Turns the amp's own knobs, as a hand would."""

    amp = None

    @property
    def reach(self):
        return Reach(sweeps=False)

    def go(self, knobs, trajectory):
        setting = knobs.to_setting(trajectory.positions[0])
        for name, value in setting.items():
            self.amp.turn(name.lower(), value)
        return Motion(setting)

"""The actuator: one to six knobs turned by stepper motors on a grbl controller."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path as FilePath

import numpy as np

from rigs.actuators.grbl import homing, paths, settings
from rigs.actuators.grbl.clock import Clock
from rigs.actuators.grbl.connect import connect
from rigs.actuators.grbl.connection import JOG_CANCEL, Fault, Link
from rigs.actuators.grbl.options import GrblOptions
from rigs.actuators.grbl.protocol import Identity, Texts
from rigs.actuators.grbl.shafts import Angles, Shafts
from rigs.actuators.grbl.stream import Stream, hold, pieces_to
from rigs.actuators.grbl.sweep import Sweep, SweepMotion
from rigs.actuators.grbl.travel import ShaftTravel
from rigs.errors import DeviceLost, UserError
from rigs.knobs import KnobTable, Setting
from rigs.rig import Actuator, Ask, Motion, Reach
from rigs.trajectory import Trajectory

_FAULTS = 3
"""So many faults in a row, with no take in between, are no accident."""
_RELEASED = 25
"""Milliseconds after which a controller at rest lets its motors go."""
_HELD = 255
"""The value of `$1` that never lets go: each release would lose microsteps."""


@dataclass(frozen=True)
class AxisReport:
    """What is known of one axis. Angles are in degrees of the shaft; None: not homed."""

    knob: str
    axis: str
    degrees: float | None
    travel: float
    steps_per_degree: float
    homed: bool


class Grbl(Actuator):
    """Turns one to six knobs by stepper motors on a grbl controller.

    Nothing moves before :meth:`prepare`, and nothing but homing moves before an axis is homed.
    """

    options_type = GrblOptions
    options: GrblOptions

    def __init__(self, options: GrblOptions, folder: FilePath) -> None:
        super().__init__(options, folder)
        self._link: Link | None = None
        self._knobs: KnobTable | None = None
        self._shafts = Shafts(())
        self._identity = Identity()
        self._texts: Texts | None = None
        self._settings: dict[int, float] = {}
        self._base: Angles = np.zeros(0)
        self._homed = False
        self._raised = False  # every shaft was driven upwards last
        self._held = False
        self._sweep: Sweep | None = None
        self._early = 0.01
        self._faults = 0
        self.clock: Clock | None = None
        """How well the last sweep's clock was found."""

    @property
    def reach(self) -> Reach:
        fastest = paths.fastest(self.options.speed, self.options.acceleration)
        shafts = [shaft for shaft in self._shafts.all if not shaft.knob.detents]
        o = self.options
        return Reach(
            speeds={s.knob.name: fastest / s.degrees_per_unit for s in shafts},
            travel=ShaftTravel(self._shafts, o.speed, o.acceleration, o.settle),
        )

    def check(self, knobs: KnobTable) -> None:
        self._shafts = Shafts.of(knobs, self.options)

    def open(self, knobs: KnobTable, ask: Ask) -> None:
        """Connect, make a clean start and check the controller's settings; nothing moves.

        Raises UserError if there is no controller, or it is set up for something else.
        """
        self.close()
        self._shafts, self._knobs = Shafts.of(knobs, self.options), knobs
        found = connect(self.options, self._shafts, self._texts)
        self._link, self._identity = found.link, found.identity
        self._settings, self._texts = found.settings, found.link.texts
        self._held = False

    def prepare(self) -> None:
        """Energise the motors and home what is not homed."""
        if not self._homed:
            self.home()

    def home(self) -> None:
        """Find every shaft's end stop or switch again; the motors hold from here on.

        Raises DeviceLost if the connection breaks or the controller does not go along.
        """
        link = self._need()
        self._homed = self._raised = False
        with self._counting_faults():
            self._idle_delay(link, _HELD)
            self._base = homing.home(
                link, self._shafts, self.options, self._identity, self._settings
            )
        self._homed, self._held = True, False

    def go(self, knobs: KnobTable, trajectory: Trajectory) -> Motion:
        """Raises UserError for a sweep faster than the motors may turn, and for un-homed axes."""
        link = self._need_homed()
        rows = trajectory.positions[:1].astype(np.float64)
        target = paths.on_steps(self._shafts.to_motor(rows)[0], self._shafts)
        plan = []
        if trajectory.moves:
            o = self.options
            plan = paths.sweep(trajectory, self._shafts, o.speed, o.acceleration, o.segment)
        with self._counting_faults():
            at = self._approach(target)
        time.sleep(self.options.settle)
        reached = knobs.to_setting(self._shafts.to_panel(at - self._shafts.backlash))
        if not plan:
            self._faults = 0
            return Motion(reached)
        self._raised = False
        self._sweep = Sweep(
            link, self._shafts, plan, self._base, self._early, self.options.sync_output
        )
        start = target - self._shafts.backlash
        return SweepMotion(
            reached,
            sweep=self._sweep,
            trajectory=trajectory,
            start=start,
            knobs=knobs,
            done=self._learn,
            counting=self._counting_faults,
        )

    def stop(self) -> None:
        """Hold, then forget what is queued; the axes have to be homed again."""
        link, self._homed, self._held = self._link, False, True
        if link is None:
            return
        hold(link)
        if self._sweep is not None:
            self._sweep.stop()
        with suppress(UserError):
            self._halt(link)

    def close(self) -> None:
        """Park, let the motors go and disconnect. What was stopped is not moved again."""
        link = self._link
        if link is None:
            return
        if self._sweep is not None:
            self._sweep.stop()
        parked = False
        try:
            try:
                if self._homed and not self._held and link.query().status.idle:
                    self._park()
                    parked = True
            finally:
                self._release(link, parked)
        except (UserError, OSError):
            pass
        finally:
            self._homed, self._link = False, None
            link.close()

    def jog(self, name: str, degrees: float) -> None:
        """Turn one knob by so many degrees of its shaft, within its travel.

        Raises UserError if that leads beyond an end stop or the axes are not homed.
        """
        self._need_homed()
        index = self._index(name)
        target = self._angles()
        if not self._raised:
            target = np.minimum(target, self._shafts.highest - self._shafts.backlash)
            target = target + self._shafts.backlash
        target[index] += degrees
        low = self._shafts.backlash[index]
        if not low - 1e-6 <= target[index] <= self._shafts.highest[index] + 1e-6:
            raise UserError(
                f"{name} would turn to {target[index] - low:.1f} degrees, but its travel is 0 to "
                f"{self._shafts.all[index].options.travel:g}; turn it by less."
            )
        with self._counting_faults():
            self._approach(paths.on_steps(target, self._shafts))

    def travel(self, name: str) -> float:
        """Degrees of the knob ``name`` from end stop to end stop."""
        return self._shafts.all[self._index(name)].options.travel

    def turn_motor(self, name: str, degrees: float) -> float:
        """Turn the motor of one knob straight to so many degrees from home; where it stands then.

        Raises UserError if that leads beyond an end stop or the axes are not homed.
        """
        self._need_homed()
        # The travel without the play: whatever that is, no stop comes before its end.
        if not 0 <= degrees <= self.travel(name):
            raise UserError(
                f"The motor of {name} would turn to {degrees:.1f} degrees, but its travel is 0 to "
                f"{self.travel(name):g}; turn it less far."
            )
        start = paths.on_steps(self._angles(), self._shafts)
        target = start.copy()
        target[self._index(name)] = degrees
        with self._counting_faults():
            at = self._along(start, paths.on_steps(target, self._shafts))
        self._raised = False
        return float(at[self._index(name)])

    def position(self) -> Setting:
        """Where the knobs stand, in panel positions; raises UserError if they are not homed."""
        self._need_homed()
        assert self._knobs is not None
        return self._knobs.to_setting(self._shafts.to_panel(self._degrees()))

    def axes_report(self) -> list[AxisReport]:
        """What is known of every axis; raises DeviceLost if the connection broke."""
        self._need()
        degrees = self._degrees() if self._homed else [None] * len(self._shafts.all)
        return [
            AxisReport(
                shaft.knob.name,
                shaft.axis,
                None if at is None else round(float(at), 3),
                shaft.options.travel,
                1 / shaft.step,
                self._homed,
            )
            for shaft, at in zip(self._shafts.all, degrees, strict=True)
        ]

    def de_energise(self) -> None:
        """Take the current off the motors; the knobs stay where friction keeps them."""
        link = self._need_homed()
        self._idle_delay(link, _RELEASED)
        self._nudge(link)
        if self._identity.is_fluidnc:
            link.command("$MD")

    def energise(self) -> None:
        """Hold the knobs again, where they stand: nobody may have turned them meanwhile."""
        link = self._need_homed()
        self._idle_delay(link, _HELD)
        self._nudge(link)

    # What the above are made of.

    def _need(self) -> Link:
        if self._link is None:
            raise UserError("The steppers are not connected; open the rig first.")
        self._link.check()
        return self._link

    def _need_homed(self) -> Link:
        link = self._need()
        if not self._homed:
            raise UserError(
                f"The motors on {link.name} are not homed, so where the knobs stand is not known; "
                "open the rig anew, which homes them; `ampsweep rigs home` shows whether it can."
            )
        return link

    def _index(self, name: str) -> int:
        assert self._knobs is not None
        knob = self._knobs[name]
        return [shaft.knob for shaft in self._shafts.all].index(knob)

    def _angles(self) -> Angles:
        """The motors' angles by the controller's word."""
        position = self._need().query().status.position
        if len(position) <= max(shaft.index for shaft in self._shafts.all):
            raise Fault("A status report lacks axes; check the cable.")
        return np.array([position[s.index] for s in self._shafts.all]) - self._base

    def _degrees(self) -> Angles:
        angles = self._angles()
        return np.maximum(angles - self._shafts.backlash, 0.0) if self._raised else angles

    def _approach(self, target: Angles) -> Angles:
        """Turn to ``target``, from below by the backlash; where the motors stand then."""
        shafts = self._shafts
        shafts.check_motor(target)
        at = paths.on_steps(self._angles(), shafts)
        below = np.maximum(target - shafts.backlash, 0.0)
        direct = (target >= at - shafts.step / 2) & self._raised
        via = paths.on_steps(np.where(direct, target, np.minimum(at, below)), shafts)
        at = self._along(at, via, target)
        self._raised = True
        return at

    def _along(self, *ways: Angles) -> Angles:
        """Turn straight to one of ``ways`` after another, the first being where the motors stand;
        where they stand then."""
        shafts, speed = self._shafts, self.options.speed
        stops = [stop for a, b in pairwise(ways) for stop in paths.straight(a, b, shafts, speed)]
        at = ways[0]
        if stops:
            self._raised = False
            Stream(self._need(), pieces_to(at, stops, shafts, speed, self._base)).run()
            at = self._angles()
        if np.abs(at - ways[-1]).max() > 2 * shafts.step.max():
            worst = shafts.all[int(np.abs(at - ways[-1]).argmax())].knob.name
            raise Fault(
                f"{worst} did not arrive where it was sent: the controller on "
                f"{self.options.port} took another number; check the cable."
            )
        return at

    def _learn(self, clock: Clock) -> None:
        """Start the next sweep earlier by as much as this one started late."""
        self.clock = clock
        self._faults = 0
        self._early = float(np.clip(self._early + 0.5 * clock.lag[0], 0.0, 0.15))

    def _halt(self, link: Link) -> None:
        """After a hold: wait for rest, then drop what is queued. The position may be lost."""
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            status = link.query(0.5).status
            if status.state == "Jog":
                link.byte(JOG_CANCEL)
            elif status.state != "Run" and not (status.state == "Hold" and status.substate):
                break
        link.reset()

    def _nudge(self, link: Link) -> None:
        """A step down and up again, within the play: the idle delay counts from a motion's end."""
        at = paths.on_steps(self._angles(), self._shafts)
        below = np.maximum(at - self._shafts.step, 0.0)
        stops = [below, at] if np.any(below < at) else [at + self._shafts.step, at]
        Stream(link, pieces_to(at, stops, self._shafts, self.options.speed, self._base)).run()

    def _park(self) -> None:
        assert self._knobs is not None
        setting = {
            s.knob.name: s.knob.minimum if s.options.park is None else s.options.park
            for s in self._shafts.all
        }
        rows = self._knobs.to_array(setting)[None]
        self._approach(paths.on_steps(self._shafts.to_motor(rows)[0], self._shafts))

    def _release(self, link: Link, parked: bool) -> None:
        """De-energise. A reset lets the motors go, too, if nothing may move any more."""
        if not link.query().status.idle:
            hold(link)
            self._halt(link)
        self._idle_delay(link, _RELEASED)
        if parked:
            self._nudge(link)
        link.reset()
        if self._identity.is_fluidnc:
            link.command("$MD")

    def _idle_delay(self, link: Link, milliseconds: int) -> None:
        if not self._identity.is_fluidnc:  # which has it in its own file
            link.command(f"${settings.IDLE_DELAY}={milliseconds}")

    @contextmanager
    def _counting_faults(self) -> Iterator[None]:
        """A fault that comes back whenever the rig is opened anew is the user's to mend."""
        try:
            yield
        except Fault as fault:
            self._homed = False
            self._faults += 1
            if self._faults >= _FAULTS:
                self._faults = 0
                raise UserError(
                    f"{str(fault).rstrip('.')}; that happened {_FAULTS} times in a row."
                ) from None
            raise
        except DeviceLost:
            self._homed = False
            raise

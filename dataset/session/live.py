"""Takes of a live rig: in real time, on hardware that drifts, fails and is unplugged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from dataset.checks import faults, judge
from dataset.checks.company import Company, at_ends, off_course
from dataset.plan import PlanEntry
from dataset.session.clock import Clock
from dataset.session.events import Decided, Heard, Progressed, Retrying, Started, Waiting
from dataset.session.player import Player, Stopped
from dataset.session.sentinels import Find, Sentinels
from dataset.session.take import Take, Work, unusable
from rigs.opened import Opened
from rigs.rig import Ask

SAME_LEVEL = 1.0
"""dB by which two takes may differ of which the second confirms the first."""


class Live:
    """The :class:`~dataset.session.take.Source` of rigs that are not simulated.

    ``company`` has the captures that were made before; ``find`` knows the first sentinel.
    """

    def __init__(
        self,
        clock: Clock,
        company: Company,
        find: Find,
        ask: Ask,
        patience: float,
        attempts: int,
        accept_drift: bool,
    ) -> None:
        self._clock = clock
        self._company = company
        self._find = find
        self._ask = ask
        self._patience = patience
        self._attempts = max(1, attempts)
        self._accept = accept_drift
        self._sounding: PlanEntry | None = None
        """What last gave a sound."""
        self._dead = -1
        """The entry over which even that was silent."""

    def __call__(self, work: Work) -> Iterator[tuple[PlanEntry, Take]]:
        """Raises UserError if the rig cannot be opened, stays away, returns nothing that can be
        stored, or has drifted.
        """
        self._work = work
        work.on_event(Waiting("the rig to open"))
        opened = Opened(work.rig, self._ask, self._patience)
        with opened:
            self._player = Player(work, opened)
            self._player.on_reopened.append(self._company.reopened)
            sentinels = Sentinels(work, self._unstored, self._find, self._accept)
            try:
                for entry in work.to_do:
                    if self._player.cold and not work.stop():
                        self._player.cold = False
                        sentinels.warm_up()
                    if work.stop():
                        return
                    take = self._capture(entry)
                    if entry.role == "sentinel":
                        take = sentinels.watch(entry, take)
                        if "drift accepted" in take.flags:
                            self._company.changed()
                    self._remember(entry, take)
                    yield entry, take
                    if sentinels.ended is not None:
                        raise sentinels.ended
            except Stopped:
                return

    def _capture(self, entry: PlanEntry) -> Take:
        """A good take, or the last one; raises :class:`Stopped` rather than try again."""
        work, before = self._work, None
        attempt = 1
        while True:
            take = self._take(entry, attempt, partial(self._started, entry, attempt))
            take = self._reconsidered(entry, take, before)
            if not take.wrong or (attempt == self._attempts and not take.verdict.fatal):
                return take
            if attempt == self._attempts:
                raise unusable(work.rig, entry, attempt, take.wrong)
            work.on_event(Retrying(entry, attempt, take.wrong))
            if work.stop():
                raise Stopped
            before = take
            attempt += 1

    def _take(self, entry: PlanEntry, attempt: int, starting: partial[None]) -> Take:
        work = self._work
        began, started_at = time.monotonic(), self._clock.now()
        recording, moved = self._player.play(
            entry, starting, partial(self._progressed, entry), work.ready
        )
        dry, knobs = work.dry(entry), work.rig.knobs
        verdict = judge(dry, recording.wet, False, work.limits)
        flags = [*recording.flags, *verdict.flags]
        setting = entry.setting(knobs)
        if not verdict.fatal:
            company = self._company.judge(setting, dry, recording.wet, recording.latency)
            # Sentinels are held against the first one, and end the session.
            own = entry.role == "sentinel"
            flags += [flag for flag in company if not (own and flag == "polarity")]
        if off_course(knobs, setting, moved.reached, work.limits["knob_off"]):
            flags.append("knob off")
        return Take(
            recording,
            moved,
            verdict,
            tuple(dict.fromkeys(flags)),
            attempt,
            started_at,
            time.monotonic() - began,
        )

    def _unstored(self, entry: PlanEntry) -> Take:
        """A take that is listened to, and that is all; raises UserError if it cannot be."""
        attempt = 1
        while True:
            take = self._take(entry, attempt, partial(_nothing))
            if not take.verdict.fatal:
                return take
            if attempt == self._attempts:
                raise unusable(self._work.rig, entry, attempt, take.verdict.fatal)
            attempt += 1

    def _reconsidered(self, entry: PlanEntry, take: Take, before: Take | None) -> Take:
        """The take without those faults that turn out to be the device's own doing."""
        if faults(take.flags) == ("level jump",) and before is not None:
            other = before.verdict.rms_dbfs
            if "level jump" in before.flags and abs(take.verdict.rms_dbfs - other) < SAME_LEVEL:
                self._work.on_event(
                    Decided(
                        f"Capture {entry.index} is louder or fainter than other settings lead to "
                        "expect, but twice the same: it is kept."
                    )
                )
                return _renamed(take, "level jump")
        if faults(take.flags) == ("silent",):
            again = before is not None and "silent" in before.flags
            if self._is_silenced(entry, again):
                return _renamed(take, "silent", "silent as set")
        return take

    def _is_silenced(self, entry: PlanEntry, again: bool) -> bool:
        """Whether it is the knobs that silence ``entry``: what sounded before still sounds.

        A volume at 0 is no unplugged cable, and three takes of it are no better than one. So where
        a knob stands at its end, or the take is silent ``again``, a setting that sounded is played.
        A person, who would have to dial it, hears whether the amp is dead.
        """
        rig = self._work.rig
        at_an_end = bool(at_ends(rig.knobs, entry.setting(rig.knobs)))
        if rig.reach.one_by_one:
            return at_an_end
        # An amp that was dead a moment ago, and is not now, has a loose contact.
        if self._sounding is None or self._dead == entry.index or not (at_an_end or again):
            return False
        self._work.on_event(Waiting("a setting that sounded, to hear that it still does"))
        take = self._unstored(self._sounding)
        self._work.on_event(Heard("probe", 1, take.facts))
        if "silent" in take.flags:
            self._dead = entry.index
            return False
        self._work.on_event(
            Decided(
                f"Capture {entry.index} is silent by its knobs: {self._sounding.index}, played "
                "again, still sounds."
            )
        )
        return True

    def _remember(self, entry: PlanEntry, take: Take) -> None:
        if take.wrong:
            return
        setting = entry.setting(self._work.rig.knobs)
        dry, recording = self._work.dry(entry), take.recording
        self._company.add(setting, dry, recording.wet, recording.latency)
        sounds = take.verdict.rms_dbfs >= self._work.limits["silence_dbfs"]
        if sounds and not entry.trajectory.moves:
            self._sounding = entry

    def _started(self, entry: PlanEntry, attempt: int) -> None:
        self._work.on_event(Started(entry, attempt))

    def _progressed(self, entry: PlanEntry, seconds: float) -> None:
        self._work.on_event(Progressed(entry, seconds))


def _nothing() -> None:
    pass


def _renamed(take: Take, fault: str, *remarks: str) -> Take:
    def renamed(flags: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for flag in flags for name in (remarks if flag == fault else (flag,)))

    verdict = replace(take.verdict, flags=renamed(take.verdict.flags))
    return replace(take, flags=renamed(take.flags), verdict=verdict)

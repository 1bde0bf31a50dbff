"""Warming up, and watching for drift: one setting played again and again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from dataset.checks.sameness import Sameness, compare, differs
from dataset.plan import PlanEntry
from dataset.session.events import Decided, Heard, Waiting
from dataset.session.player import Stopped
from dataset.session.take import Take, Work
from rigs.errors import UserError

Play = Callable[[PlanEntry], Take]
Find = Callable[[PlanEntry], NDArray[Any] | None]
"""The wet of the first sentinel that was captured from the same dry; None if there is none."""


class Sentinels:
    """Holds sentinels against the first one of the dataset.

    ``ended`` is why the session has to end, once a drift has come to stay and was not accepted.
    """

    def __init__(self, work: Work, play: Play, find: Find, accept_drift: bool) -> None:
        self._work = work
        self._play = play
        self._find = find
        self._accept = accept_drift
        self._first: dict[tuple[object, ...], NDArray[Any]] = {}
        self._good: int | None = None
        """The last sentinel that sounded as it should."""
        self.ended: UserError | None = None

    @property
    def entry(self) -> PlanEntry | None:
        """The plan's first sentinel."""
        return next((e for e in self._work.plan.entries if e.role == "sentinel"), None)

    def warm_up(self) -> None:
        """Play the sentinel until two takes in a row agree, and they with the first of old.

        Raises UserError if it is silent, or if it is not what it was and that is not accepted.
        """
        minutes, entry = self._work.limits["warm_up_minutes"], self.entry
        if minutes <= 0:
            return
        if entry is None:
            self._say(
                "The plan has no sentinels, so that nothing can tell whether the amp has warmed "
                "up, or whether it drifts."
            )
            return
        self._work.on_event(Waiting("two takes that agree (warm-up)"))
        began = time.monotonic()
        take, number = self._heard("warm-up", 1, entry, None), 1
        while True:
            before = take
            number += 1
            take, esr = self._again("warm-up", number, entry, before)
            if "silent" in take.flags:
                raise UserError(
                    "Nothing comes back from the rig at the sentinel's setting "
                    f"({take.verdict.rms_dbfs:.0f} dBFS); switch the amp on (is it in standby?), "
                    "check the cables and the channels, and run the same command again."
                )
            seconds = time.monotonic() - began
            if self._within("settled_esr", esr, entry, take):
                self._say(
                    f"Warmed up: takes {number - 1} and {number} of the sentinel differ by "
                    f"{decibels(esr)} ({seconds:.0f} s)."
                )
                break
            if seconds >= 60 * minutes:
                self._say(
                    f"The rig did not come to rest in {minutes:g} minutes (takes in a row still "
                    f"differ by {decibels(esr)}); going on."
                )
                break
        self._hold_against_old(entry, take)

    def watch(self, entry: PlanEntry, take: Take) -> Take:
        """The sentinel's ``take`` with its drift; if it has drifted, what came of waiting.

        The session has to end after a take for which :attr:`ended` is set.
        """
        first = self._reference(entry)
        if first is None:
            if not take.wrong:
                self._first[_key(entry)] = take.recording.wet
                self._good = entry.index
            return take
        found = compare(first, take.recording.wet)
        take = replace(take, drift=found.esr)
        if take.wrong or self._agrees(entry, take, found):
            self._good = self._good if take.wrong else entry.index
            return take
        return self._drifted(entry, take, first)

    def _drifted(self, entry: PlanEntry, take: Take, first: NDArray[Any]) -> Take:
        """Repeat until it agrees with the first again, or with the take before.

        Raises :class:`Stopped` if that is not to be waited for: it is for the next session to find.
        """
        self._work.on_event(Waiting("the sentinel to sound as it did (drift)"))
        self._say(f"Sentinel {entry.index} differs from the first by {decibels(take.drift)}.")
        began, number = time.monotonic(), 0
        while time.monotonic() - began < 60 * self._work.limits["drift_minutes"]:
            number += 1
            before = take
            take, esr = self._again("drift", number, entry, before)
            found = compare(first, take.recording.wet)
            if not take.wrong and self._agrees(entry, take, found):
                self._good = entry.index
                self._say(f"The sentinel sounds as it did again after {number} takes.")
                return take
            if self._within("settled_esr", esr, entry, take):
                break
        flag = "polarity" if self._is_upside_down(compare(first, take.recording.wet)) else "drift"
        if self._accept:
            self._first[_key(entry)] = take.recording.wet
            self._say(
                f"Sentinel {entry.index} has changed ({decibels(take.drift)}), which was accepted; "
                "from here on it is the measure."
            )
            return replace(take, flags=(*take.flags, "drift accepted"))
        self.ended = self._end(f"Sentinel {entry.index}", flag, take.drift, entry.index)
        return replace(take, flags=(*take.flags, flag))

    def _hold_against_old(self, entry: PlanEntry, take: Take) -> None:
        first = self._reference(entry)
        if first is None:
            return
        found = compare(first, take.recording.wet)
        if self._agrees(entry, take, found):
            return
        if self._accept:
            self._first[_key(entry)] = take.recording.wet
            self._say(
                f"The sentinel differs from that of the captures made before by "
                f"{decibels(found.esr)}, which was accepted."
            )
            return
        flag = "polarity" if self._is_upside_down(found) else "drift"
        raise self._end("The sentinel, played before anything else,", flag, found.esr, None)

    def _end(self, who: str, flag: str, esr: float | None, index: int | None) -> UserError:
        how = (
            "is upside down against the first one"
            if flag == "polarity"
            else f"differs from the first one by {decibels(esr)}, and stays so"
        )
        doubt = ""
        if index is not None and self._good is not None and index - self._good > 1:
            doubt = f" (doubt captures {self._good + 1} to {index - 1}, made since it last agreed)"
        return UserError(
            f"{who} {how}{doubt}: see what has changed - a knob, a cable, a tube, the interface's "
            "gain - and run the same command again, or with --accept-drift to go on as it is."
        )

    def _reference(self, entry: PlanEntry) -> NDArray[Any] | None:
        key = _key(entry)
        if key not in self._first:
            found = self._find(entry)
            if found is not None and len(found) == entry.frames:
                self._first[key] = found
        return self._first.get(key)

    def _again(self, why: str, number: int, entry: PlanEntry, before: Take) -> tuple[Take, float]:
        """Another take, and its ESR against the one ``before``."""
        if self._work.stop():
            raise Stopped
        take = self._heard(why, number, entry, before)
        return take, compare(before.recording.wet, take.recording.wet).esr

    def _heard(self, why: str, number: int, entry: PlanEntry, before: Take | None) -> Take:
        take = self._play(entry)
        first = self._reference(entry)
        drift = None if first is None else compare(first, take.recording.wet).esr
        esr = None if before is None else compare(before.recording.wet, take.recording.wet).esr
        take = replace(take, drift=drift, attempt=1 if before is None else before.attempt + 1)
        self._work.on_event(Heard(why, number, take.facts, esr, drift))
        return take

    def _agrees(self, entry: PlanEntry, take: Take, found: Sameness) -> bool:
        return self._within("drift_esr", found.esr, entry, take)

    def _is_upside_down(self, found: Sameness) -> bool:
        return found.correlation < -self._work.limits["polarity"]

    def _within(self, name: str, esr: float, entry: PlanEntry, take: Take) -> bool:
        limit = self._work.limits[name]
        return not differs(esr, limit, self._work.dry(entry), take.recording.wet)

    def _say(self, what: str) -> None:
        self._work.on_event(Decided(what))


def decibels(esr: float | None) -> str:
    """An ESR in words."""
    if esr is None or math.isinf(esr):
        return "all there is"
    return "nothing" if esr == 0 else f"{10 * math.log10(esr):.1f} dB"


def _key(entry: PlanEntry) -> tuple[object, ...]:
    """Sentinels of one dry and one setting can be compared."""
    return entry.dry_id, entry.dry_offset, entry.frames, entry.trajectory.positions[0].tobytes()

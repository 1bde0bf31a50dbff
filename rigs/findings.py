"""What a rehearsal's figures mean: what must be mended first, and what is good to know."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rigs.rehearsal import Rehearsal

SILENCE = -200.0
"""dBFS: below the last bit of 32, and of a float's sums."""
INAUDIBLE = -60.0
"""dBFS RMS: below this an ESR means nothing."""
UNREPEATABLE = -20.0
"""dB: a model trained on takes that differ by this much learns little else."""
NOTHING = -80.0
"""dB: turning a knob changes nothing if it changes less …"""
ABOVE_FLOOR = 3.0
"""… or less than this much more than doing nothing does."""
ASTRAY = 0.02
"""Of its range: farther from where it was sent, a knob is in the wrong place."""
FAINT = -30.0
"""dBFS, of the loudest peak: below this a converter's own noise counts."""
DELAY = 8.0
"""Samples: more than filters take, and less than the smallest buffer of a sound card."""
LOUDER = 3.0
"""dB by which motors may raise the noise before it is worth a word."""
_REMEDIES = {
    "hum": "look for a ground loop: another socket, a balanced cable, a transformer",
    "noise": "look for a loose shield, a gain that is too low before one that is too high",
}
"""What a judge finds where nothing is played, and what helps."""


def faults(found: Rehearsal) -> list[str]:
    """What a capture should not begin with, one sentence each; none: the rig is good."""
    return list(_faults(found))


def remarks(found: Rehearsal) -> list[str]:
    """What may be as it should, but a person should know, one sentence each."""
    return list(_remarks(found))


def ratio(decibels: float) -> str:
    """A difference in words; none at all is called so."""
    return "nothing" if decibels == -math.inf else f"{round(decibels, 1) + 0.0:.1f} dB"


def level(dbfs: float) -> str:
    """A level in words; what no converter could hold is called silence."""
    return f"{dbfs:.1f} dBFS" if dbfs > SILENCE else "silence"


def _faults(found: Rehearsal) -> Iterator[str]:
    first = found.heard[0]
    if first.verdict.rms_dbfs < INAUDIBLE:
        yield (
            "With the knobs at their defaults nothing comes back that can be heard "
            f"({level(first.verdict.rms_dbfs)} RMS); check that the device is on, the cables, "
            "the channels in the rig's file, and that no volume knob has its default at 0."
        )
        return
    if clipped := _with(found, "clipped"):
        yield (
            f"The recording is clipped ({clipped}); turn the interface's input down, or let "
            "`ampsweep rigs level` say by how much."
        )
    for flag, remedy in _REMEDIES.items():
        if takes := _with(found, flag):
            yield f"There is {flag} in the pauses ({takes}); {remedy}."
    for flag in _other_flags(found):
        yield f"The audio is damaged by {flag} ({_with(found, flag)}); check the audio driver."
    if found.simulated:
        if max(found.at_once, found.after_all) > -math.inf:
            yield (
                "The same setting did not sound the same twice "
                f"({ratio(max(found.at_once, found.after_all))}), which a simulation must; "
                "its plugin or its netlist draws on chance or the clock."
            )
    elif found.at_once > UNREPEATABLE:
        yield (
            f"The same setting played twice differs by {ratio(found.at_once)}; look for noise, "
            "dropouts, a loose cable, or an effect that moves by itself (reverb, tremolo)."
        )
    elif found.after_all > UNREPEATABLE:
        yield (
            f"After every knob has been round, the first setting differs by "
            f"{ratio(found.after_all)}, though twice in a row only by "
            f"{ratio(found.at_once)}; look for a slipping coupling, or a device that is still "
            "warming up."
        )
    if astray := ", ".join(t.name for t in found.heard if t.away > ASTRAY):
        yield f"Knobs did not arrive ({astray}); check their couplings and measured end stops."


def _remarks(found: Rehearsal) -> Iterator[str]:
    floor = max(found.at_once, found.after_all)
    unknown = [effect.knob for effect in found.effects if effect.change is None]
    if unknown:
        yield (
            f"What turning {', '.join(unknown)} does was not measured: no two settings differ in "
            "one of them alone."
        )
    for effect in found.effects:
        if effect.change is None:
            continue
        if effect.change < max(NOTHING, floor + ABOVE_FLOOR):
            yield (
                f"Turning {effect.knob} from end to end changes nothing that can be told from "
                f"chance ({ratio(effect.change)}); check that it is the right knob, and that no "
                "other setting switches it off."
            )
    quiet = [t.name for t in found.heard[1:] if t.verdict.rms_dbfs < INAUDIBLE]
    if quiet and found.heard[0].verdict.rms_dbfs >= INAUDIBLE:
        yield (
            f"Next to nothing is heard with {', '.join(quiet)}: captures there teach little, so "
            "narrow what is turned down so far."
        )
    if offset := _with(found, "dc offset"):
        yield f"There is a DC offset ({offset}); captures with one are flagged, and not trained on."
    if _with(found, "normalised"):
        yield "The captures' level was evened out, so what a knob does to the level is not known."
    if not found.simulated:
        loudest = max(take.verdict.peak_dbfs for take in found.heard)
        if INAUDIBLE < loudest < FAINT:
            yield (
                f"The loudest peak is only {level(loudest)}; `ampsweep rigs level` finds a "
                "better gain."
            )
        latencies = [take.latency for take in found.heard]
        if max(latencies) - min(latencies) > 1:
            yield (
                f"The latency varies from {min(latencies):.1f} to {max(latencies):.1f} samples; "
                "each take is aligned by its own."
            )
    if found.late is not None and found.late > DELAY:
        yield (
            f"The wet comes {found.late:.1f} samples after the dry: a delay in the device itself, "
            "or a latency that was not removed."
        )
    levels = {noise.motors: noise.dbfs for noise in found.noises}
    for motors in ("held", "moving"):
        if "off" in levels and levels.get(motors, -math.inf) > levels["off"] + LOUDER:
            what = "captures" if motors == "held" else "sweeps"
            yield (
                f"Motors {motors} raise the noise from {level(levels['off'])} to "
                f"{level(levels[motors])}, which is in all {what}: keep their cables and "
                "supply away from the audio's, and their frame off its ground."
            )


def _with(found: Rehearsal, flag: str) -> str:
    """The takes with ``flag``, at most three by name."""
    names = [take.name for take in found.heard if flag in take.flags]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _other_flags(found: Rehearsal) -> list[str]:
    """Flags of the path's own: what it noticed while it played."""
    known = {"clipped", "silent", "dc offset", "normalised", *_REMEDIES}
    return sorted({flag for take in found.heard for flag in take.flags} - known)

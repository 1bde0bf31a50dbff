"""What a person reads of a session: made of its log alone, by people and machines not needed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from dataset.checks import faults

Row = Mapping[str, Any]
_SHOWN = 40
"""Flagged captures that are listed one by one."""


def describe(rows: Iterable[Row]) -> str:
    """A session's log, as Markdown; of a simulation's, which goes on, the last session in it.

    Rows may lack anything: what a log does not say is not said.
    """
    last: list[Row] = []
    for row in rows:
        last = [row] if row.get("event") == "begin" else [*last, row] if last else [row]
    return "\n".join(_lines(last)) + "\n" if last else "Nothing was logged.\n"


def _lines(rows: list[Row]) -> Iterator[str]:
    first, kept = rows[0], [row for row in rows if row.get("event") == "kept"]
    yield f"# Capture session of {_word(first.get('device'))} on {_word(first.get('rig'))}"
    yield ""
    yield from _what(rows, kept)
    yield from _times(rows, kept)
    yield from _faults(kept)
    yield from _drift(kept)
    decisions = [_word(row.get("what")) for row in rows if row.get("event") == "decision"]
    if decisions:
        yield from ("", "## Decisions", "", *(f"- {what}" for what in decisions))
    aside = [row for row in rows if row.get("event") == "set aside"]
    if aside:
        yield from ("", "## Parts that were cut short", "")
        yield from (f"- {_word(r.get('part'))}, now {_word(r.get('to'))}" for r in aside)
    yield from ("", "## Next", "", *(f"- {step}" for step in _next(rows, kept)))


def _what(rows: list[Row], kept: list[Row]) -> Iterator[str]:
    planned: Row = next((row for row in rows if row.get("event") == "planned"), {})
    total, held = _count(planned.get("total")), _count(planned.get("held"))
    roles = Counter(_word(row.get("role")) for row in kept)
    each = ", ".join(f"{number} {role}" for role, number in roles.items())
    yield f"- {_many(len(kept), 'capture')} made" + (f": {each}" if each else "") + "."
    if total:
        yield f"- {held + len(kept)} of the plan's {total} are there now ({held} were before)."
    yield f"- It ended because {_ending(rows)}."


def _ending(rows: list[Row]) -> str:
    end: Row = rows[-1] if rows[-1].get("event") == "end" else {}
    match end.get("why"):
        case "done":
            return "the plan was done"
        case "stopped":
            return "it was asked to stop; the capture in hand was finished"
        case "interrupted":
            return "it was interrupted; the capture in hand was given up"
        case "error":
            return f"something was wrong: {_word(end.get('error')).rstrip('.')}"
    return "it was killed, or the power failed"


def _times(rows: list[Row], kept: list[Row]) -> Iterator[str]:
    times = [at for row in rows if (at := _time(row)) is not None]
    if len(times) > 1:
        began, ended = times[0], times[-1]
        yield f"- From {began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M} UTC: {_span(times)}."
    seconds = sorted(_float(row.get("seconds")) for row in kept)
    if seconds:
        yield f"- A capture took {seconds[len(seconds) // 2]:.1f} s, the longest {seconds[-1]:.1f}."
    retries = [row for row in rows if row.get("event") == "retry"]
    pauses = [row for row in rows if row.get("event") == "pause"]
    away = sum(_float(row.get("seconds")) for row in rows if row.get("event") == "resumed")
    yield f"- {_many(len(retries), 'take')} repeated{_by_flag(retries)}."
    if pauses:
        yield f"- Connections lost: {len(pauses)}, for {away:.0f} s in all."
    for why, what in (("warm-up", "to warm up"), ("drift", "for a drifting sentinel")):
        takes = [row for row in rows if row.get("event") == why]
        if takes:
            yield f"- {_many(len(takes), 'take')} played {what}, and not stored."


def _by_flag(rows: list[Row]) -> str:
    flags = Counter(_word(flag) for row in rows for flag in _list(row.get("flags")))
    return f" ({', '.join(f'{n} {flag}' for flag, n in flags.most_common())})" if flags else ""


def _faults(kept: list[Row]) -> Iterator[str]:
    flagged = [row for row in kept if _list(row.get("flags"))]
    if not flagged:
        return
    yield from ("", "## Captures with flags", "", "| capture | role | flags |", "|---|---|---|")
    for row in flagged[:_SHOWN]:
        flags = ", ".join(_word(flag) for flag in _list(row.get("flags")))
        yield f"| {_word(row.get('capture'))} | {_word(row.get('role'))} | {flags} |"
    if len(flagged) > _SHOWN:
        yield f"| … and {len(flagged) - _SHOWN} more{_by_flag(flagged[_SHOWN:])} | | |"


def _drift(kept: list[Row]) -> Iterator[str]:
    found = [r for r in kept if r.get("role") == "sentinel" and r.get("drift") is not None]
    if not found:
        return
    yield from ("", "## Drift", "", "Each sentinel against the first one.", "")
    yield from ("| capture | ESR | dB |", "|---|---|---|")
    shown = found if len(found) <= _SHOWN else found[:: -(-len(found) // _SHOWN)]
    for row in shown:
        esr = _float(row.get("drift"))
        level = f"{10 * math.log10(esr):.1f}" if esr > 0 else "none"
        yield f"| {_word(row.get('index'))} | {esr:.2g} | {level} |"
    worst = max(_float(row.get("drift")) for row in found)
    yield from ("", f"The worst is {worst:.2g}.")


def _next(rows: list[Row], kept: list[Row]) -> Iterator[str]:
    planned: Row = next((row for row in rows if row.get("event") == "planned"), {})
    left = _count(planned.get("total")) - _count(planned.get("held")) - len(kept)
    if left > 0:
        yield f"Run the same command again: {left} of the plan's captures left."
    bad = [row for row in kept if faults(map(_word, _list(row.get("flags"))))]
    if bad:
        yield (
            f"{len(bad)} with faults: they are not trained on. Listen to them, mend what caused "
            "it, then move their parts out of captures/ and run the same command again."
        )
    if left <= 0 and not bad:
        yield "Train on it."


def _many(number: int, what: str) -> str:
    return f"{number} {what} was" if number == 1 else f"{number} {what}s were"


def _time(row: Row) -> datetime | None:
    try:
        return datetime.fromisoformat(str(row.get("time")))
    except ValueError:
        return None


def _span(times: list[datetime]) -> str:
    try:
        minutes = (times[-1] - times[0]).total_seconds() / 60
    except TypeError:  # one with a time zone, one without: not ours
        return "nobody knows how long"
    if minutes < 0:
        return "the clock was put back meanwhile"
    return (
        f"{int(minutes // 60)} h {minutes % 60:.0f} min" if minutes >= 60 else f"{minutes:.1f} min"
    )


def _word(value: object) -> str:
    """What a log says, as text that cannot break a line or a table."""
    return " ".join(str(value if value is not None else "?").replace("|", "/").split())[:500]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _float(value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) else 0.0  # type: ignore[arg-type]

"""What was measured of a pedal, judged: one page of pass and fail."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hardware.pedal.verify import Found

SNR = 50.0
"""dB of playing over noise, with the pots at their defaults."""
LEVEL = 1.5
"""dB between pedal and model, both calibrated."""
POT = 0.03
"""Of its range: how far a pot may stand from where it was sent."""
ESR = 0.01
"""The worst, with the pots where they were found to stand."""
FLOOR = 1e-3
"""ESR of the same setting played twice."""
LATENCY = 0.5
"""Samples that the latency may vary by."""
LOSS = 1.5
"""dB at 10 kHz against 1 kHz: the Rev7 filter alone takes 0.8."""


@dataclass(frozen=True)
class Check:
    """One line of the page; ``passed`` is None where there is nothing to judge."""

    what: str
    value: str
    limit: str
    passed: bool | None

    @property
    def word(self) -> str:
        return {True: "pass", False: "FAIL", None: "—"}[self.passed]


def judge(found: Found) -> list[Check]:
    return list(_checks(found))


def _checks(found: Found) -> Iterator[Check]:
    yield Check("clipped takes", str(found.clipped), "0", found.clipped == 0)
    spread = max(found.latencies) - min(found.latencies)
    yield Check(
        "latency varies by",
        f"{spread:.2f} samples, about {found.latencies[0]:.1f}",
        f"{LATENCY:g}",
        spread <= LATENCY,
    )
    snr = found.playing_dbfs - found.noise_dbfs
    yield Check(
        "noise",
        f"{max(found.noise_dbfs, -200):.1f} dBFS, {min(snr, 200):.1f} dB under the playing",
        f"{SNR:g} dB under it",
        snr >= SNR,
    )
    yield Check("repeats, ESR", f"{found.floor:.1e}", f"{FLOOR:g}", found.floor <= FLOOR)
    yield Check(
        "level against the model",
        f"{found.path.level_db:+.2f} dB" + ("" if found.calibrated else ", not calibrated"),
        f"±{LEVEL:g} dB",
        abs(found.path.level_db) <= LEVEL if found.calibrated else None,
    )
    loss = found.path.loss_db(10e3) - found.path.loss_db(1e3)
    yield Check(
        "audio path's loss at 10 kHz",
        f"{loss:.2f} dB"
        + (f", corner {found.path.corner / 1e3:.1f} kHz" if found.path.corner < 1e5 else ""),
        f"{LOSS:g} dB",
        loss <= LOSS,
    )
    for pot in found.pots:
        error = pot.error
        yield Check(
            f"pot {pot.knob.name}",
            "its turning is not heard" if error is None else f"off by {100 * error:.1f} % at worst",
            f"{100 * POT:g} %",
            None if error is None else error <= POT,
        )
    heard = [take.corrected for take in found.settings if math.isfinite(take.corrected)]
    worst = max(heard, default=math.nan)
    yield Check(
        "worst ESR, pots where they are",
        _ratio(worst),
        f"{ESR:g}",
        math.isfinite(worst) and worst <= ESR,
    )


def page(title: str, found: Found, checks: Sequence[Check]) -> str:
    """The page, as Markdown."""
    failed = [check.what for check in checks if check.passed is False]
    verdict = f"**FAIL**: {', '.join(failed)}." if failed else "**PASS**"
    lines = [
        f"# {title}",
        "",
        verdict,
        "",
        "| what | measured | limit | |",
        "|---|---|---|---|",
        *(f"| {_cell(c.what)} | {_cell(c.value)} | {c.limit} | {c.word} |" for c in checks),
        "",
        "| pot | sent to | stands at, by the sound |",
        "|---|---|---|",
    ]
    for pot in found.pots:
        asked = ", ".join(f"{x:g}" for x in pot.asked)
        at = ", ".join(f"{x:.2f}" for x in pot.found) or "cannot be told"
        lines.append(f"| {_cell(pot.knob.name)} | {asked} | {at} |")
    lines += ["", "| setting | ESR as played | ESR, pots where they are |", "|---|---|---|"]
    for take in found.settings:
        said = ", ".join(f"{name} {value:.2f}" for name, value in take.setting.items())
        lines.append(f"| {_cell(said)} | {_ratio(take.as_played)} | {_ratio(take.corrected)} |")
    lines += [
        "",
        f"Floor (the same setting twice): ESR {found.floor:.1e}. The model is compared through the "
        "audio path that all takes share (a level, a delay and a corner), from 10 Hz to 18 kHz. "
        "A pot that sets nothing but a level, off by as much everywhere, cannot be told from it.",
    ]
    return "\n".join(lines) + "\n"


def _ratio(value: float) -> str:
    return f"{value:.2e}" if math.isfinite(value) else "none: silent"


def _cell(text: str) -> str:
    """Names come from outside: nothing in them may end a cell."""
    return text.replace("|", "¦").replace("\n", " ")

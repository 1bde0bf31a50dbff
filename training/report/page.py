"""The page: everything about a model, put into its template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rigs.errors import UserError
from rigs.files import write_whole
from training.evaluate.captures import esr_of
from training.evaluate.drive import drive_knob
from training.evaluate.whole import Evaluation
from training.report import transfer
from training.report.aliasing import aliasing_plots, sines
from training.report.choose import by_esr, examples, worst
from training.report.comparison import spectrum_plot, waveform_plot
from training.report.coverage import PAIRS_SHOWN, CoverageItem, coverage_maps, kinds
from training.report.errors import history_plot, knob_plots
from training.report.format import describe, pages
from training.report.motion import by_error, motion_plot, sweep_plot
from training.report.pairs import pair_maps
from training.report.sound import listening
from training.report.svg import drawing

WORST_SHOWN = 5
"""At most, and no more than a third of all."""
WORST_SECONDS = 6
"""What is heard of each of the worst, at most: a page that a browser opens at once."""


def write_report(
    path: Path, found: Evaluation, numbers: dict[str, Any], coverage: Sequence[CoverageItem]
) -> None:
    """Write report.html, one file that needs no other, whole or not at all.

    ``numbers``: what :func:`training.evaluate.metrics.metrics` made of what was ``found``. Raises
    UserError if there are no results, or the file cannot be written.
    """
    if not found.results:
        raise UserError(
            f"There is nothing to report on {found.model.name}: no test capture was judged; "
            "capture the plan's test settings first."
        )
    with drawing():
        shown = {
            "model": found.model,
            "metrics": numbers,
            "floor": esr_of(found.floor),
            "met": met(found),
            **_heard(found),
            **_errors(found),
            **_motion(found),
            **_responses(found),
            **_captured(found, coverage),
        }
    text = pages().get_template("report.html").render(shown)
    # A lone surrogate in a name has no UTF-8.
    write_whole(path, text.encode("utf-8", "replace"))


def met(found: Evaluation) -> str:
    """What training has met of the test captures, in a sentence; empty if it is nothing."""
    of = found.unseen.of
    settings, playing = of - found.unseen.settings, of - found.unseen.playing
    parts = [
        f"the {what} of {count}" if count < of else f"the {what}"
        for what, count in (("setting", settings), ("playing", playing))
        if count
    ]
    if not parts:
        return ""
    return f"Training has met {' and '.join(parts)}, so these figures flatter the model."


def _heard(found: Evaluation) -> dict[str, Any]:
    """Settings to listen to and to look at: a few of all, and the worst."""
    model, chosen = found.model, examples(found.results)
    compared = [name for name in chosen if len(chosen) < 3 or name in ("Median", "Worst")]
    return {
        "players": [
            {
                "name": name,
                **describe(model.knobs, result),
                "sound": listening(result, model.sample_rate),
            }
            for name, result in chosen.items()
        ],
        "comparisons": [
            {
                "name": name,
                **describe(model.knobs, chosen[name]),
                "waveform": waveform_plot(chosen[name], model.sample_rate, str(index)),
                "spectrum": spectrum_plot(chosen[name], model.sample_rate, str(index)),
            }
            for index, name in enumerate(compared)
        ],
        "worst": [
            {
                **describe(model.knobs, result),
                "sound": None
                if any(result is other for other in chosen.values())
                else listening(result, model.sample_rate, WORST_SECONDS),
            }
            for result in worst(found.results, min(WORST_SHOWN, len(found.results) // 3))
        ],
    }


def _errors(found: Evaluation) -> dict[str, Any]:
    """ESR against one knob, against two, during training, and setting by setting."""
    knobs, floor = found.model.knobs, esr_of(found.floor)
    return {
        "knob_plots": knob_plots(found.results, knobs, floor),
        "pairs": pair_maps(found.results, knobs),
        "history_plot": history_plot(found.model.training.get("history"), floor),
        "rows": [describe(knobs, result) for result in by_esr(found.results)],
    }


def _motion(found: Evaluation) -> dict[str, Any]:
    drawn = found.worst_sweep
    return {
        "motion": by_error(found.motion),
        "motion_seen": all(one.seen for one in found.motion),
        "motion_plot": motion_plot(found),
        "sweep_plot": None if drawn is None else sweep_plot(drawn, found.model.knobs),
        "moved": 0 if drawn is None else len(drawn.moved),
        "zipper": found.zipper,
    }


def _responses(found: Evaluation) -> dict[str, Any]:
    """What a sine brings out of the model."""
    drive, answers = drive_knob(found.model), transfer.responses(found.model)
    return {
        "drive": drive,
        "positions": [answer.position for answer in answers],
        "level_plot": transfer.level_plot(answers, drive),
        "transfer_plot": transfer.transfer_plot(answers, drive),
        "sines": sines(found.aliasing),
        "aliasing_plots": aliasing_plots(found.aliasing),
    }


def _captured(found: Evaluation, coverage: Sequence[CoverageItem]) -> dict[str, Any]:
    seconds = {
        role: sum(item.seconds for item in coverage if item.role == role)
        for role in ("train", "validation", "test")
    }
    return {
        "minutes": {role: value / 60 for role, value in seconds.items() if value},
        "maps": coverage_maps(coverage, found.model.knobs),
        "maps_shown": PAIRS_SHOWN,
        "kinds": kinds(coverage),
    }

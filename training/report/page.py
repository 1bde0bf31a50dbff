"""The page: everything about a model, put into the template."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rigs.audio import rms_dbfs
from rigs.errors import UserError
from rigs.files import write_whole
from rigs.knobs import Knob, Setting
from training.checkpoint import Model
from training.evaluate import Result
from training.report import transfer
from training.report.choose import by_esr, examples
from training.report.comparison import spectrum_plot, waveform_plot
from training.report.coverage import PAIRS_SHOWN, CoverageItem, coverage_maps, kinds
from training.report.errors import history_plot, knob_plots
from training.report.sound import listening
from training.report.svg import drawing

TURN = 270.0
"""Degrees from a knob's lowest position to its highest."""


def write_report(
    path: Path,
    model: Model,
    results: Sequence[Result],
    coverage: Sequence[CoverageItem],
    found_metrics: dict[str, Any],
    floor: float | None,
) -> None:
    """Write report.html, one file that needs no other, whole or not at all.

    ``found_metrics``: what :func:`training.evaluate.metrics` found. ``floor``: the ESR between
    repeated sentinels, None if there were none. Raises UserError if there are no results, or the
    file cannot be written.
    """
    if not results:
        raise UserError(
            f"There is nothing to report on {model.name}: no test capture was judged; "
            "capture the plan's test settings first."
        )
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"esr": _esr, "share": _share, "db": _db, "whole": _whole}
    with drawing():
        shown = _view(model, results, coverage, found_metrics, floor)
    text = environment.get_template("template.html").render(shown)
    # A lone surrogate in a name has no UTF-8.
    write_whole(path, text.encode("utf-8", "replace"))


def _view(
    model: Model,
    results: Sequence[Result],
    coverage: Sequence[CoverageItem],
    found_metrics: dict[str, Any],
    floor: float | None,
) -> dict[str, Any]:
    chosen = examples(results)
    drive = transfer.drive_knob(model)
    answers = transfer.responses(model)
    compared = [name for name in chosen if len(chosen) < 3 or name in ("Median", "Worst")]
    seconds = {
        role: sum(item.seconds for item in coverage if item.role == role)
        for role in ("train", "validation", "test")
    }
    return {
        "model": model,
        "metrics": found_metrics,
        "floor": floor,
        "minutes": {role: value / 60 for role, value in seconds.items() if value},
        "maps": coverage_maps(coverage, model.knobs),
        "maps_shown": PAIRS_SHOWN,
        "kinds": kinds(coverage),
        "knob_plots": knob_plots(results, model.knobs, floor),
        "comparisons": [
            {
                "name": name,
                **_describe(model, chosen[name]),
                "waveform": waveform_plot(chosen[name], model.sample_rate, str(index)),
                "spectrum": spectrum_plot(chosen[name], model.sample_rate, str(index)),
            }
            for index, name in enumerate(compared)
        ],
        "drive": drive,
        "positions": [answer.position for answer in answers],
        "level_plot": transfer.level_plot(answers, drive),
        "transfer_plot": transfer.transfer_plot(answers, drive),
        "players": [
            {
                "name": name,
                **_describe(model, result),
                "sound": listening(result, model.sample_rate),
            }
            for name, result in chosen.items()
        ],
        "history_plot": history_plot(model.training.get("history"), floor),
        "rows": [
            {**_describe(model, result), "wet_dbfs": rms_dbfs(result.capture.wet)}
            for result in by_esr(results)
        ],
    }


def _describe(model: Model, result: Result) -> dict[str, Any]:
    return {
        "capture_id": result.capture.capture_id,
        "dials": _dials(model, result.capture.setting),
        "esr": None if math.isnan(result.esr) else result.esr,
        "level_error_db": result.level_error_db,
    }


def _dials(model: Model, setting: Setting) -> list[dict[str, Any]]:
    return [
        {
            "name": knob.name,
            "text": _position(knob, setting[knob.name]),
            "turn": TURN
            * ((setting[knob.name] - knob.minimum) / (knob.maximum - knob.minimum) - 0.5),
        }
        for knob in model.knobs
    ]


def _position(knob: Knob, value: float) -> str:
    if knob.detents:
        return knob.detents[int(value)]
    digits = max(0, 1 - math.floor(math.log10((knob.maximum - knob.minimum) / 10)))
    return f"{value:.{min(digits, 6)}f}" + (f" {knob.unit}" if knob.unit else "")


def _esr(value: float) -> str:
    """Three digits that mean something."""
    if value >= 1000:
        return f"{value:.1e}"
    return f"{value:.2e}" if 0 < value < 1e-5 else f"{value:#.3g}".rstrip(".")


def _share(value: float) -> str:
    if value >= 10:
        return "over 1000 %"
    return f"{100 * value:.2g} %" if value < 0.1 else f"{100 * value:.0f} %"


def _db(value: float) -> str:
    """One decimal and a true minus."""
    return f"{value:.1f}".replace("-", "−").replace("−0.0", "0.0").replace("inf", "∞")


def _whole(value: float) -> str:
    """A whole number in groups of three digits, which narrow spaces part."""
    return f"{round(value):,}".replace(",", "\u202f")

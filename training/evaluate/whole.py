"""A whole judgement: everything that a report says about a model on a dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dataset.store import Dataset
from rigs.audio import SAMPLE_RATE
from training.checkpoint import Model
from training.evaluate.aliasing import Aliasing, answer, cases
from training.evaluate.captures import (
    Floor,
    Unseen,
    check_same,
    floor,
    settings_to_judge,
    still,
    unseen,
)
from training.evaluate.drive import drive_knob
from training.evaluate.judge import Result, judge
from training.evaluate.motion import (
    Followed,
    MotionResult,
    judge_motion,
    read,
    second_by_second,
    sweeps,
)
from training.evaluate.zipper import Zipper, turn

Tell = Callable[[str, float], None]
"""Called with what is being judged, and the share of all the work that is done, 0…1."""

SINE_SECONDS, TURN_SECONDS = 0.5, 2.5
"""What a sine and a turn of a knob cost, as seconds of audio: for the share of the work."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was found out about ``model``.

    ``results``: the still test captures. ``floor``: None if no sentinel was captured again.
    ``motion``: nothing if the dataset has no sweeps.
    """

    model: Model
    results: tuple[Result, ...]
    floor: Floor | None
    unseen: Unseen
    motion: tuple[MotionResult, ...] = ()
    worst_sweep: Followed | None = None
    zipper: tuple[Zipper, ...] = ()
    aliasing: tuple[Aliasing, ...] = ()


def evaluate(
    model: Model, dataset: Dataset, where: str, tell: Tell = lambda *_: None
) -> Evaluation:
    """Judge ``model``, which the user calls ``where``.

    Raises UserError if it is of another device or panel, there are no test captures, or one of
    what is read is damaged.
    """
    check_same(model, dataset, where)
    tests = settings_to_judge(dataset)
    moving, seen = sweeps(dataset)
    sines = cases(model, drive_knob(model))
    total = (
        float(tests.captures["frames"].sum() + moving.captures["frames"].sum()) / SAMPLE_RATE
        + TURN_SECONDS * len(model.knobs)
        + SINE_SECONDS * len(sines)
    )
    done = 0.0

    def finished(what: str, seconds: float) -> None:
        nonlocal done
        done += seconds
        tell(what, done / total)

    tell("settings", 0.0)
    results = []
    for capture in still(tests):
        results.append(judge(model, capture))
        finished("settings", len(capture.dry) / SAMPLE_RATE)
    motion = []
    for place in range(len(moving)):
        sweep = read(moving, place, seen)
        motion.append(judge_motion(model, sweep))
        finished("sweeps", len(sweep.dry) / SAMPLE_RATE)
    loud = [place for place, one in enumerate(motion) if one.measured.esr == one.measured.esr]
    worst = max(loud, key=lambda place: motion[place].measured.esr, default=None)
    zipper = []
    for knob in model.knobs:
        zipper.append(turn(model, knob))
        finished("turning knobs", TURN_SECONDS)
    aliasing = []
    for case in sines:
        aliasing.append(answer(model, *case))
        finished("sines", SINE_SECONDS)
    return Evaluation(
        model=model,
        results=tuple(results),
        floor=floor(dataset),
        unseen=unseen(dataset, tests),
        motion=tuple(motion),
        worst_sweep=None if worst is None else second_by_second(model, read(moving, worst, seen)),
        zipper=tuple(zipper),
        aliasing=tuple(aliasing),
    )

"""`ampsweep dataset split`: give captures roles, or take them out."""

from __future__ import annotations

import difflib
from typing import Annotated

import typer

from ampsweep.dataset_verbs.argument import Data
from dataset.review import Verdict, revise
from dataset.split import split as divide
from dataset.store import Dataset
from rigs.errors import UserError


def split(
    data: Data,
    validation: Annotated[float, typer.Option(help="This share of the audio validates.")] = 0.0,
    test: Annotated[float, typer.Option(help="This share of the audio tests.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another split.")] = 0,
    cross: Annotated[
        bool,
        typer.Option(
            "--cross",
            help="Hold out settings and passages of the dry at once; leave out what mixes them.",
        ),
    ] = False,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="CAPTURE", help="Take a capture out; may be given several times."),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="CAPTURE", help="Take a capture in again.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it is taken out.")] = "",
) -> None:
    """Give roles by settings and by what was played, so that no material is in two roles.

    Nothing is rewritten: verdicts go to DATA/review.parquet.
    """
    found = Dataset.open(data)
    names = set(found.captures["capture_id"])
    for name in (*(exclude or ()), *(include or ())):
        if name not in names:
            close = difflib.get_close_matches(name, sorted(names), n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UserError(f"There is no capture {name!r} in {data}.{hint}")
    if exclude and not reason.strip():
        raise UserError('Say why with --reason, as in --reason "a phone rang".')
    if not (exclude or include or validation or test):
        raise UserError("Say what to do: --validation 0.1 --test 0.1, or --exclude CAPTURE.")
    verdicts = {name: Verdict(excluded=True, reason=reason) for name in exclude or ()}
    verdicts |= {name: Verdict(excluded=False, reason="") for name in include or ()}
    if verdicts:
        revise(data, verdicts)
        typer.echo(f"{len(exclude or ())} captures taken out, {len(include or ())} taken in.")
    if validation or test:
        made = divide(Dataset.open(data), validation=validation, test=test, seed=seed, cross=cross)
        revise(data, made.verdicts())
        _tell(Dataset.open(data), len(made.excluded))


def _tell(data: Dataset, left_out: int) -> None:
    kept = data.select(flagged=True)
    seconds = kept.captures.groupby("role")["frames"].agg(["count", "sum"])
    parts = [
        f"{role} {int(row['count'])} ({row['sum'] / 48_000 / 60:.1f} min)"
        for role, row in seconds.iterrows()
    ]
    typer.echo(f"Captures: {', '.join(parts)}.")
    if left_out:
        typer.echo(f"{left_out} captures are left out: they would mix the roles' material.")

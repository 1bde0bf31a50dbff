"""`ampsweep plan`: what to capture, and the dry signal to play."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ampsweep.dry import read_dries, write_dries
from ampsweep.params import add_to_list
from ampsweep.projects import DATA, DRY, PLAN, read_section
from dataset.costs import Cost, check_disk, check_limits, cost, free_bytes, megabytes
from dataset.plan import Plan, read_plan, write_plan
from dataset.planning import More, PlanRecipe, extend_plan, make_plan, read_recipe
from dataset.session import held_indices
from dataset.signals import Dry
from rigs.config import load_rig
from rigs.errors import UserError
from rigs.rig import Rig


def plan(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig to plan for.")],
    params: Annotated[Path, typer.Option(help="The recipe; its section `plan`.")] = Path(
        "params.yaml"
    ),
    extend: Annotated[
        str | None,
        typer.Option(
            metavar="48|10min",
            help="Add so many settings, or so many minutes of sweeps, to the plan that is here: "
            "what is captured stays captured. Noted in the recipe, too.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check every limit and say what it would cost; write nothing."
        ),
    ] = False,
) -> None:
    """Write plan.parquet and dry/*.wav in this folder, and say what they will cost."""
    loaded = load_rig(rig)
    try:
        recipe = read_recipe(read_section(params, "plan"), f"{params}, plan")
        more = None if extend is None else read_more(extend)
        made, dries, note = _make(loaded, recipe, more, params)
        check_limits(made, loaded.reach)
        folder = DATA / loaded.device
        held = _held(folder, made)
        expected = cost(made, dries, loaded.reach, held)
        if dry_run:
            check_disk(expected, folder)
    finally:
        loaded.close()
    if not dry_run:
        # First, for it can be refused; and from here on `ampsweep plan` alone makes the rest.
        if note and more is not None:
            add_to_list(params, ("plan", "extend"), more.model_dump(exclude_none=True))
        write_dries(DRY, dries)
        write_plan(made, PLAN)
    typer.echo(f"{made.describe()}.")
    _show(loaded, made, expected, folder, len(held))
    if more is not None and not note:
        typer.echo(
            f"note: {params} does not make the plan that was here, so that it was extended as it "
            "is; `ampsweep plan` alone would make another one."
        )
    if dry_run:
        typer.echo("Nothing is beyond the rig's limits, and nothing was written.")


def _held(folder: Path, made: Plan) -> set[int]:
    try:
        return held_indices(folder, made)
    except UserError:  # captures of another panel, or damaged: the session will say what to do
        return set()


def read_more(text: str) -> More:
    """ "48" settings or "10min" of sweeps; raises UserError for anything else."""
    found = re.fullmatch(r"\s*(\d{1,6}|\d{1,4}(?:\.\d{1,3})?(?=\s*m))\s*(min|m)?\s*", text)
    try:
        if found is not None:
            number, minutes = found.groups()
            return More(minutes=float(number)) if minutes else More(settings=int(number))
    except ValueError:
        pass
    raise UserError(
        f"--extend {text!r} is neither a number of settings, such as 48, nor minutes of sweeps, "
        "such as 10min."
    )


def _make(
    rig: Rig, recipe: PlanRecipe, more: More | None, params: Path
) -> tuple[Plan, list[Dry], bool]:
    """The plan, its dries, and whether the recipe, with ``more``, makes just that plan."""
    knobs, device, reach, fingerprint = rig.knobs, rig.device, rig.reach, rig.fingerprint()
    if more is None:
        return *make_plan(knobs, device, recipe, reach, fingerprint), True
    here = read_plan(PLAN)
    if here.device != device or here.knobs != knobs or here.rig != fingerprint:
        raise UserError(
            f"The plan in {PLAN} is for another device, other knobs or another rig than "
            f"{rig.name!r}; only the plan of one rig can be extended."
        )
    longer = recipe.model_copy(update={"extend": [*recipe.extend, more]})
    made, dries = make_plan(knobs, device, longer, reach, fingerprint)
    if made.generations[:-1] == here.generations:
        return made, dries, True
    return *extend_plan(here, read_dries(DRY), recipe, more, reach), False


def _show(rig: Rig, made: Plan, expected: Cost, folder: Path, held: int) -> None:
    table = Table("", "captures", "minutes")
    for column in table.columns[1:]:
        column.justify = "right"
    for role, (count, minutes) in made.cost().items():
        table.add_row(role, str(count), f"{minutes:.1f}")
    if held:
        table.add_row("captured already", str(held), "")
        table.add_row("left: audio", str(expected.captures), f"{expected.audio / 60:.1f}")
    for name, seconds in (
        ("knobs on their way", expected.travel),
        ("settling", expected.settle),
        ("clicks around", expected.around),
    ):
        if seconds:
            table.add_row(name, "", f"{seconds / 60:.1f}")
    table.add_section()
    table.add_row("all that is left", str(expected.captures), f"{expected.seconds / 60:.1f}")
    Console().print(table)
    room = f"About {megabytes(expected.disk)} on disk, of {megabytes(free_bytes(folder))} free"
    if rig.path.simulated:
        typer.echo(f"{room}; how long a simulation takes is up to the machine.")
    else:
        typer.echo(f"{room}; begun now, it is done at {_clock(expected.seconds)}, or later.")


def _clock(seconds: float) -> str:
    now = datetime.now()
    done = now + timedelta(seconds=seconds)
    days = (done.date() - now.date()).days
    return f"{done:%H:%M}" if days == 0 else f"{done:%H:%M on %A, %d %B}"

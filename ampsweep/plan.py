"""`ampsweep plan`: what to capture, and the dry signal to play."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ampsweep.dry import write_dries
from ampsweep.projects import DRY, PLAN, read_section
from dataset.plan import write_plan
from dataset.planning import make_plan, read_recipe
from rigs.config import load_rig


def plan(
    rig: Annotated[Path, typer.Argument(metavar="RIG.toml", help="The rig to plan for.")],
    params: Annotated[Path, typer.Option(help="The recipe; its section `plan`.")] = Path(
        "params.yaml"
    ),
) -> None:
    """Write plan.parquet and dry/*.wav in this folder, and say what they will cost."""
    loaded = load_rig(rig)
    try:
        recipe = read_recipe(read_section(params, "plan"), f"{params}, plan")
        made, dries = make_plan(
            loaded.knobs, loaded.device, recipe, loaded.reach, loaded.fingerprint()
        )
    finally:
        loaded.close()
    write_dries(DRY, dries)
    write_plan(made, PLAN)
    typer.echo(f"{made.describe()}.")

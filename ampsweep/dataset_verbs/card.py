"""`ampsweep dataset card`: what a dataset is, for whoever finds it."""

from __future__ import annotations

from typing import Annotated

import typer

from ampsweep.dataset_verbs.argument import Data
from dataset.card import write_card


def card(
    data: Data,
    licence: Annotated[
        str | None, typer.Option(help="The captures' licence, as in CC-BY-4.0; kept once stated.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a README.md not ours.")] = False,
) -> None:
    """Write DATA/README.md: the device, its knobs, counts, levels, coverage, sources, licence.

    It says how to load the captures with pandas, torch and Hugging Face datasets, whose front
    matter it has: the folder can be uploaded as it is.
    """
    path = write_card(data, licence, force=force)
    typer.echo(f"{path} is written.")

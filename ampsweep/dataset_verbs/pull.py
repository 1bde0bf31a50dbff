"""`ampsweep dataset pull`: bring a dataset here."""

from __future__ import annotations

import typer

from ampsweep.dataset_verbs.argument import Data
from dataset import versions


def pull(data: Data) -> None:
    """Bring the captures and dries that this commit's DATA is made of from the DVC remote.

    Captures that are in no version yet are never overwritten: it stops and says so.
    """
    typer.echo(versions.pull(data))

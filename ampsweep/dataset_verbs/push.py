"""`ampsweep dataset push`: record what was captured, and keep a copy elsewhere."""

from __future__ import annotations

import typer

from ampsweep.dataset_verbs.argument import Data
from dataset import versions


def push(data: Data) -> None:
    """Record the captures and dries of DATA with DVC, and copy them to its default remote."""
    typer.echo(versions.push(data))

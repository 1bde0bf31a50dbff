"""The bar that shows how far a verb is."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress, ProgressColumn


def progress(*columns: str | ProgressColumn) -> Progress:
    """A bar on stderr that is gone when its work is done; none where stderr is no terminal."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

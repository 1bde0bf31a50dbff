"""Ctrl-C while parts and drawings are made, of which none is on disk yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_written() -> Iterator[None]:
    """Says so, if Ctrl-C comes while this lasts."""
    try:
        yield
    except (KeyboardInterrupt, ImportError) as error:
        # A library in C that is just being loaded makes an ImportError of it.
        if isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt("Stopped; nothing was written.") from None
        raise

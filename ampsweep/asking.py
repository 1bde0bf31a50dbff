"""Asking a person who sits at the terminal, for rigs that need one."""

from __future__ import annotations

import sys

import click
from rich.progress import Progress

from rigs.rig import Ask, nobody


def ask(text: str) -> str:
    """Show ``text``, wait for a key and return it; raises UserError where there is no terminal.

    Ctrl-C raises KeyboardInterrupt, as everywhere.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return nobody(text)
    click.echo(text)
    return click.getchar()


def ask_beside(bar: Progress) -> Ask:
    """:func:`ask` with ``bar`` out of the way: both want the last line of the terminal."""

    def asked(text: str) -> str:
        bar.stop()
        try:
            return ask(text)
        finally:
            bar.start()

    return asked

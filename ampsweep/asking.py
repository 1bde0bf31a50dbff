"""Asking a person who sits at the terminal, for rigs that need one."""

from __future__ import annotations

import sys
from typing import Protocol

import click

from rigs.rig import Ask, nobody


def ask(text: str) -> str:
    """Show ``text``, wait for a key and return it; raises UserError where there is no terminal.

    Ctrl-C raises KeyboardInterrupt, as everywhere.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return nobody(text)
    click.echo(text)
    return click.getchar()


class Display(Protocol):
    """What is drawn again and again in one place: a progress bar, or more."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


def ask_beside(bar: Display) -> Ask:
    """:func:`ask` with ``bar`` out of the way: both want the last line of the terminal."""

    def asked(text: str) -> str:
        bar.stop()
        try:
            return ask(text)
        finally:
            bar.start()

    return asked

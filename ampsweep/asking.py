"""Asking a person who sits at the terminal, for rigs that need one."""

from __future__ import annotations

import sys

import click

from rigs.rig import nobody


def ask(text: str) -> str:
    """Show ``text``, wait for a key and return it; raises UserError where there is no terminal.

    Ctrl-C raises KeyboardInterrupt, as everywhere.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return nobody(text)
    click.echo(text)
    return click.getchar()

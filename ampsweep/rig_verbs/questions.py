"""Asking a few things at a terminal, each of which an option could have said."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import typer

from rigs.errors import UserError

MOST = 20
"""Choices that are shown at once."""


def text(option: str, question: str, default: str = "") -> str:
    """What a person types; raises UserError, naming the option, where nobody sits."""
    _somebody(option)
    while True:
        said = str(typer.prompt(question, default=default or None)).strip()
        if said:
            return said


def choose(option: str, question: str, choices: Mapping[str, str]) -> str:
    """One of ``choices``, by its number: what it is called in the file, and what it is."""
    _somebody(option)
    names = list(choices)
    for number, name in enumerate(names, start=1):
        typer.echo(f"  {number}  {choices[name]}")
    while True:
        said = str(typer.prompt(question, default="1")).strip()
        if said in choices:
            return said
        if said.isdecimal() and 1 <= int(said) <= len(names):
            return names[int(said) - 1]
        typer.echo(f"Type a number from 1 to {len(names)}.")


def search(option: str, question: str, choices: Mapping[str, str]) -> str:
    """One of many ``choices``, by a part of what it is: all that fit are shown."""
    _somebody(option)
    while True:
        said = str(typer.prompt(question)).strip().casefold()
        fit = {
            name: what
            for name, what in choices.items()
            if said in what.casefold() or said in name.casefold()
        }
        if len(fit) == 1:
            typer.echo(f"  {next(iter(fit.values()))}")
            return next(iter(fit))
        if 0 < len(fit) <= MOST:
            return choose(option, "Which", fit)
        typer.echo(
            f"{len(fit)} fit; type more of the name." if fit else "None fits; type another part."
        )


def words(option: str, question: str) -> Sequence[str]:
    """Names, with commas between them."""
    return [word.strip() for word in text(option, question).split(",") if word.strip()]


def _somebody(option: str) -> None:
    if not sys.stdin.isatty():
        raise UserError(f"There is nobody at a terminal to be asked; say it with {option}.")

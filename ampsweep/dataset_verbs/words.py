"""Words from files that anyone may have made, as they are safe to print."""

from __future__ import annotations

from rich.text import Text


def plain(value: object) -> str:
    """``value`` in words, without characters that could steer the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def cell(value: object) -> Text:
    """The same as it is put into a table: brackets in it are no markup."""
    return Text(plain(value))

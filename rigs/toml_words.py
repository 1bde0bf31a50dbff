"""What is wrong in a TOML file, in words that say what to write instead."""

from __future__ import annotations

import difflib
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

_MENDED: tuple[tuple[str, str], ...] = (
    (
        r"Invalid value \(at end",
        "the file ends in the middle of a value; end a list with ] and a table with }",
    ),
    (
        r"Invalid value",
        'this is no value; text goes in quotes, as in type = "grbl", and numbers are written 0.5',
    ),
    (r"Expected '=' after a key", "a key has no value; write key = value"),
    (r"Expected newline or end of document", "something follows where the line should end; "
     "write one key = value a line, text in quotes, and # before a remark"),
    (r"Cannot overwrite a value", "this key is in the file already; remove one of the two"),
    (r"Cannot declare .* twice", "this section is in the file already; make one of the two"),
    (r"Cannot mutate immutable|Cannot redefine namespace", "this section was closed before; "
     "put all its keys in one place"),
    (r"Expected '\]", "a section's name is not closed; write it in [brackets], alone on its line"),
    (r"Unterminated string|Illegal character '\\n'|Expected \"['\"]\"|Expected '[\"']'",
     "a quote is not closed; put the same quote at the end of the text"),
    (r"Unclosed array", "a list is not closed; end it with ]"),
    (r"Unclosed inline table|Invalid initial character for a key part",
     "this is no key; keys have letters, digits, - and _, others go in quotes, and nothing "
     "stands between the last value and }"),
    (r"Unescaped '\\'|Invalid hex value",
     "a backslash begins a special character; write the text in 'single quotes'"),
    (r"Invalid statement", "this is no line of TOML; write key = value or [section]"),
)  # fmt: skip
"""How tomllib begins to say it, and what that means for the line at hand."""


def explain_syntax(text: str, error: ValueError) -> tuple[str, int]:
    """What tomllib's ``error`` means, with the line, from 1, that it is on."""
    said = str(error)
    found = re.search(r"at line (\d+)", said)
    # At the end of the document: the last line on which anything stands.
    line = int(found[1]) if found else len(text.rstrip().splitlines()) or 1
    if isinstance(error, tomllib.TOMLDecodeError):
        for beginning, meaning in _MENDED:
            if re.match(beginning, said):
                return meaning, line
    return f"{said.split(' (at ')[0]}; mend or remove it", line


def explain_value(
    error: ValidationError, model: type[BaseModel], given: Any, within: Sequence[str] = ()
) -> tuple[str, tuple[str | int, ...]]:
    """The first thing that pydantic found wrong in ``given``, and the keys that lead to it.

    ``model`` is what ``given`` was held against; ``within`` is where in the file that stands.
    """
    first = error.errors()[0]
    loc = _in_file(given, first["loc"])
    path = (*within, *loc)
    section = f"[{'.'.join(map(str, path[:-1]))}]" if path[:-1] else "the file"
    name = str(path[-1]) if path else "the file"
    kind, context = first["type"], first.get("ctx", {})
    if kind == "missing":
        wanted = _inside(model, name) if len(loc) == 1 else []
        what = f"section [{name}]" if any(map(_is_table, wanted)) else f"line {name} = …"
        return f"{section} lacks {name}; add a {what}", path
    if kind == "extra_forbidden":
        known = _fields_at(model, loc[:-1])
        return f"{section} has no {name!r}; {_choices(name, known)}", path
    if kind == "value_error":
        what = first["msg"].removeprefix("Value error, ").rstrip(".")
        return (f"{'.'.join(map(str, path))}: {what}" if path else what), path
    return f"{name} {_must(kind, context, first['msg'])}, not {_shown(first['input'])}", path


def _must(kind: str, context: dict[str, Any], message: str) -> str:
    """What a value must be, by pydantic's name for what is wrong with it."""
    bounds = {
        "greater_than": "more than {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "less than {lt}",
        "less_than_equal": "at most {le}",
        "literal_error": "{expected}",
        "enum": "{expected}",
        "too_short": "a list of at least {min_length}",
        "too_long": "a list of at most {max_length}",
        "string_too_short": "text of at least {min_length} characters",
        "string_too_long": "text of at most {max_length} characters",
        "finite_number": "a number that is not infinite",
        "string_pattern_mismatch": "a name of up to 64 letters, digits, dots, dashes and "
        "underscores that begins with a letter or digit",
    }
    if kind in bounds:
        return "must be " + bounds[kind].format(**context)
    for beginning, what in (
        ("string", 'text, in quotes, as in "this"'),
        ("path", "the name of a file, in quotes"),
        ("float", "a number, as in 0.5"),
        ("int", "a whole number, as in 3"),
        ("bool", "true or false"),
        ("list", "a list, in [brackets]"),
        ("tuple", "a list, in [brackets]"),
        ("set", "a list, in [brackets]"),
        ("dict", "a section or {a table}"),
        ("model", "a section or {a table}"),
    ):
        if kind.startswith(beginning):
            return f"must be {what}"
    return f"is wrong ({message[:1].lower()}{message[1:].rstrip('.')}): it cannot be"


def suggest(name: str, known: Iterable[str]) -> str:
    """ " (did you mean 'x'?)", or nothing if nothing known is like ``name``."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _choices(name: str, known: Sequence[str]) -> str:
    if not known:
        return "remove it: nothing can be set here"
    return f"what can be set here is {', '.join(known)}{suggest(name, known)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _in_file(given: Any, loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """``loc`` without what pydantic adds of its own: the names of unions' members and the like."""
    path: list[str | int] = []
    for number, key in enumerate(loc):
        inside = key in given if isinstance(given, dict) else (
            isinstance(given, list | tuple) and isinstance(key, int) and key < len(given)
        )  # fmt: skip
        if inside:
            path.append(key)
            given = given[key]
        elif isinstance(given, dict) and number == len(loc) - 1:  # it is missing
            path.append(key)
    return tuple(path)


def _fields_at(model: Any, loc: Sequence[str | int]) -> list[str]:
    """The names that the model at ``loc`` inside ``model`` takes."""
    found: list[Any] = [model]
    for key in loc:
        found = [inner for outer in found for inner in _inside(outer, key)]
    names: list[str] = []
    for each in found:
        if isinstance(each, type) and issubclass(each, BaseModel):
            names += [field.alias or name for name, field in each.model_fields.items()]
    return names


def _is_table(annotation: Any) -> bool:
    kind = typing.get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, BaseModel | dict)


def _inside(annotation: Any, key: str | int) -> list[Any]:
    """What may stand at ``key`` of a value of type ``annotation``, unions taken apart."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if key in (name, field.alias):
                return _parts(field.annotation)
        return []
    arguments = [a for a in typing.get_args(annotation) if a is not Ellipsis]
    return _parts(arguments[-1]) if arguments else []  # a dict's values, a list's items


def _parts(annotation: Any) -> list[Any]:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _parts(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [part for each in typing.get_args(annotation) for part in _parts(each)]
    return [annotation]

"""Putting an item into a list of params.yaml, with everything else left as somebody wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rigs.errors import UserError
from rigs.files import write_whole


def add_to_list(path: Path, keys: tuple[str, str], item: Mapping[str, float]) -> None:
    """Add ``item`` to the end of the list at ``keys``, a section and a name in it.

    Raises UserError, with the file as it was, if there is no way to.
    """
    section, name = keys
    try:
        text = path.read_bytes().decode("utf-8")
        edited = _with_item(text, section, name, json.dumps(dict(item)).replace('"', ""))
        before, after = yaml.safe_load(text), yaml.safe_load(edited)
        before[section].setdefault(name, []).append(dict(item))
        if before != after:
            raise ValueError("its layout is unusual")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path} cannot be edited ({reason}), and was left as it was; add to it, under "
            f"{section}, {name}: [{json.dumps(dict(item))}]."
        ) from None
    write_whole(path, edited.encode("utf-8"))


def _with_item(text: str, section: str, name: str, item: str) -> str:
    root = yaml.compose(text, yaml.SafeLoader)
    within = _value(root, section)
    if not isinstance(within, yaml.MappingNode) or within.flow_style or not within.value:
        raise ValueError(f"{section} is not written one line for each of its parts")
    key, last = within.value[-1]
    pad = " " * key.start_mark.column
    found = _value(within, name)
    if found is None:
        return _after(text, last, f"{pad}{name}:\n{pad}  - {item}\n")
    if not isinstance(found, yaml.SequenceNode):
        raise ValueError(f"{name} is not a list")
    if not found.flow_style:
        dash = " " * found.start_mark.column
        return _after(text, found, f"{dash}- {item}\n")
    inside = text[: found.end_mark.index - 1].rstrip()
    comma = ", " if found.value else ""
    return f"{inside}{comma}{item}{text[found.end_mark.index - 1 :]}"


def _value(node: Any, name: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _after(text: str, node: yaml.Node, lines: str) -> str:
    """``text`` with ``lines`` on the line after the last one of ``node``."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = text.find("\n", node.end_mark.index)
    if end < 0:
        return f"{text}\n{lines}"
    return text[: end + 1] + lines + text[end + 1 :]

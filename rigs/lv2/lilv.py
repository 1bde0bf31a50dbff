"""What we call of liblilv, the library that finds and loads LV2 plugins, and of LV2 itself.

The structures are those of the LV2 specification (lv2plug.in/ns, David Robillard and others);
the functions are documented in lilv's own header, lilv/lilv.h.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from collections.abc import Iterator
from ctypes import POINTER, c_bool, c_char_p, c_double, c_float, c_uint32, c_void_p
from functools import lru_cache
from typing import Any

from rigs.errors import UserError

LV2 = "http://lv2plug.in/ns/lv2core#"
EXT = "http://lv2plug.in/ns/ext/"
UNITS = "http://lv2plug.in/ns/extensions/units#"

_NAMES = ("liblilv-0.so.0", "liblilv-0.0.dylib", "liblilv-0.dylib", "lilv-0.dll")

_Function = ctypes.CFUNCTYPE
InstantiateFunction = _Function(c_void_p, c_void_p, c_double, c_char_p, c_void_p)
ConnectFunction = _Function(None, c_void_p, c_uint32, c_void_p)
HandleFunction = _Function(None, c_void_p)
RunFunction = _Function(None, c_void_p, c_uint32)
ExtensionFunction = _Function(c_void_p, c_char_p)


class Descriptor(ctypes.Structure):
    """LV2_Descriptor: a plugin's functions."""

    _fields_ = (
        ("uri", c_char_p),
        ("instantiate", InstantiateFunction),
        ("connect_port", ConnectFunction),
        ("activate", HandleFunction),
        ("run", RunFunction),
        ("deactivate", HandleFunction),
        ("cleanup", HandleFunction),
        ("extension_data", ExtensionFunction),
    )


class LilvInstance(ctypes.Structure):
    """LilvInstance: a plugin's functions and its handle."""

    _fields_ = (
        ("descriptor", POINTER(Descriptor)),
        ("handle", c_void_p),
        ("private", c_void_p),
    )


class Feature(ctypes.Structure):
    """LV2_Feature: something that the host can do."""

    _fields_ = (("uri", c_char_p), ("data", c_void_p))


_PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "world_new": (c_void_p, ()),
    "world_load_all": (None, (c_void_p,)),
    "world_get_all_plugins": (c_void_p, (c_void_p,)),
    "world_get": (c_void_p, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "new_uri": (c_void_p, (c_void_p, c_char_p)),
    "node_free": (None, (c_void_p,)),
    "node_as_string": (c_char_p, (c_void_p,)),
    "node_as_float": (c_float, (c_void_p,)),
    "node_is_float": (c_bool, (c_void_p,)),
    "node_is_int": (c_bool, (c_void_p,)),
    "nodes_begin": (c_void_p, (c_void_p,)),
    "nodes_is_end": (c_bool, (c_void_p, c_void_p)),
    "nodes_next": (c_void_p, (c_void_p, c_void_p)),
    "nodes_get": (c_void_p, (c_void_p, c_void_p)),
    "nodes_free": (None, (c_void_p,)),
    "plugins_begin": (c_void_p, (c_void_p,)),
    "plugins_is_end": (c_bool, (c_void_p, c_void_p)),
    "plugins_next": (c_void_p, (c_void_p, c_void_p)),
    "plugins_get": (c_void_p, (c_void_p, c_void_p)),
    "plugins_get_by_uri": (c_void_p, (c_void_p, c_void_p)),
    "plugin_get_uri": (c_void_p, (c_void_p,)),
    "plugin_get_name": (c_void_p, (c_void_p,)),
    "plugin_get_library_uri": (c_void_p, (c_void_p,)),
    "plugin_get_value": (c_void_p, (c_void_p, c_void_p)),
    "plugin_get_required_features": (c_void_p, (c_void_p,)),
    "plugin_get_num_ports": (c_uint32, (c_void_p,)),
    "plugin_get_port_by_index": (c_void_p, (c_void_p, c_uint32)),
    "plugin_instantiate": (POINTER(LilvInstance), (c_void_p, c_double, c_void_p)),
    "instance_free": (None, (POINTER(LilvInstance),)),
    "port_get_symbol": (c_void_p, (c_void_p, c_void_p)),
    "port_get_name": (c_void_p, (c_void_p, c_void_p)),
    "port_get_classes": (c_void_p, (c_void_p, c_void_p)),
    "port_get_properties": (c_void_p, (c_void_p, c_void_p)),
    "port_get_value": (c_void_p, (c_void_p, c_void_p, c_void_p)),
    "port_get_scale_points": (c_void_p, (c_void_p, c_void_p)),
    "scale_points_begin": (c_void_p, (c_void_p,)),
    "scale_points_is_end": (c_bool, (c_void_p, c_void_p)),
    "scale_points_next": (c_void_p, (c_void_p, c_void_p)),
    "scale_points_get": (c_void_p, (c_void_p, c_void_p)),
    "scale_points_free": (None, (c_void_p,)),
    "scale_point_get_label": (c_void_p, (c_void_p,)),
    "scale_point_get_value": (c_void_p, (c_void_p,)),
}


@lru_cache(maxsize=1)
def lilv() -> ctypes.CDLL:
    """The library, with its functions' types set; raises UserError if it is not installed."""
    found = ctypes.util.find_library("lilv-0")
    for name in (*_NAMES, *([found] if found else ())):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        for function, (result, arguments) in _PROTOTYPES.items():
            bound = getattr(library, f"lilv_{function}")
            bound.restype, bound.argtypes = result, arguments
        return library
    raise UserError(
        "LV2 plugins need the library liblilv, which is not installed: on Debian and Ubuntu, "
        "run apt install liblilv-0-0."
    )


def text_of(node: int | None) -> str:
    """A node's text, or ""; a file may hold bytes that are not UTF-8."""
    raw = lilv().lilv_node_as_string(node) if node else None
    return (raw or b"").decode("utf-8", "replace")


def number_of(node: int | None) -> float | None:
    """A node's number, or None if it is not one."""
    library = lilv()
    if not node or not (library.lilv_node_is_float(node) or library.lilv_node_is_int(node)):
        return None
    return float(library.lilv_node_as_float(node))


def taken(node: int | None) -> str:
    """The text of a node that is ours to free, which is done."""
    text = text_of(node)
    if node:
        lilv().lilv_node_free(node)
    return text


def each(kind: str, collection: int | None) -> Iterator[int]:
    """The members of a collection: of "nodes", "plugins" or "scale_points"."""
    library = lilv()
    if not collection:
        return
    at = getattr(library, f"lilv_{kind}_begin")(collection)
    while not getattr(library, f"lilv_{kind}_is_end")(collection, at):
        yield getattr(library, f"lilv_{kind}_get")(collection, at)
        at = getattr(library, f"lilv_{kind}_next")(collection, at)


def texts(nodes: int | None) -> tuple[str, ...]:
    """The texts of a collection of nodes that is ours to free, which is done."""
    found = tuple(text_of(node) for node in each("nodes", nodes))
    if nodes:
        lilv().lilv_nodes_free(nodes)
    return found


def first_number(nodes: int | None) -> float:
    """The first number of a collection that is ours to free, which is done; nan without one."""
    found = [number for node in each("nodes", nodes) if (number := number_of(node)) is not None]
    if nodes:
        lilv().lilv_nodes_free(nodes)
    return found[0] if found else math.nan


class World:
    """All plugins in LV2_PATH. It is never freed: what it finds points into it."""

    def __init__(self) -> None:
        self._lilv = lilv()
        self.pointer = self._lilv.lilv_world_new()
        self._lilv.lilv_world_load_all(self.pointer)
        self._uris: dict[str, int] = {}

    def uri(self, uri: str) -> int:
        """The node of ``uri``, made once."""
        if uri not in self._uris:
            self._uris[uri] = self._lilv.lilv_new_uri(self.pointer, uri.encode())
        return self._uris[uri]

    def plugins(self) -> Iterator[int]:
        yield from each("plugins", self._lilv.lilv_world_get_all_plugins(self.pointer))

    def plugin(self, uri: str) -> int | None:
        """The plugin of that URI; None if it is not there, or ``uri`` is none at all."""
        if ":" not in uri or any(c.isspace() or not c.isprintable() for c in uri):
            return None
        every = self._lilv.lilv_world_get_all_plugins(self.pointer)
        found: int | None = self._lilv.lilv_plugins_get_by_uri(every, self.uri(uri))
        return found

    def one(self, subject: int, predicate: str) -> str:
        """The text of what ``subject`` is said to have; "" if nothing is said."""
        return taken(self._lilv.lilv_world_get(self.pointer, subject, self.uri(predicate), None))

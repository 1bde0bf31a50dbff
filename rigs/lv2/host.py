"""An LV2 plugin, ready to be made anew for each take."""

from __future__ import annotations

from typing import Any

from rigs.lv2.catalogue import find
from rigs.lv2.instance import Lv2Instance


class Lv2Host:
    """Makes instances of the plugin ``uri``; the rest are those of :class:`Lv2Instance`."""

    def __init__(self, uri: str, inputs: list[int], output: int, keys: list[int]) -> None:
        self._plugin = find(uri)
        self._inputs, self._output, self._keys = inputs, output, keys

    def facts(self) -> dict[str, Any]:
        return {}

    def make(self, block: int) -> Lv2Instance:
        return Lv2Instance(self._plugin, block, self._inputs, self._output, self._keys)

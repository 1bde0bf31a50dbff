"""A VST3 plugin, ready to be loaded anew for each take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rigs.errors import UserError
from rigs.vst3.instance import Vst3Instance, Vst3Plugin
from rigs.vst3.parameters import controls_of


class Vst3Host:
    """Loads ``plugin`` of ``file``, or the only one in it if that is empty.

    ``keys`` and ``channel`` are those of :class:`Vst3Plugin`. Raises UserError if it cannot be
    loaded or is an instrument.
    """

    def __init__(self, file: str, plugin: str, keys: list[int], channel: int) -> None:
        self._file, self._name = file, _choose(file, plugin)
        self._keys, self._channel = keys, channel
        self._loaded: Any = self._load()
        self._plugins: dict[int, Vst3Plugin] = {}
        if self._loaded.is_instrument:
            name = self._loaded.name
            raise UserError(f"{name} is an instrument, without audio input: it cannot be captured.")

    def _load(self) -> Any:
        import pedalboard

        with _explained(self._file):
            return pedalboard.VST3Plugin(self._file, plugin_name=self._name)

    def facts(self) -> dict[str, Any]:
        return {
            "name": self._loaded.name,
            "controls": [asdict(c) for c in controls_of(self._loaded._parameters)],
        }

    def make(self, block: int) -> Vst3Instance:
        # One for each size, so that none remembers having been made ready for another.
        if block not in self._plugins:
            self._plugins[block] = Vst3Plugin(self._load(), block, self._channel, self._keys)
        return Vst3Instance(self._plugins[block], block)


def _choose(file: str, plugin: str) -> str:
    """The name of the plugin of ``file`` that ``plugin`` means."""
    import pedalboard

    with _explained(file):
        names = pedalboard.VST3Plugin.get_plugin_names_for_file(file)
    for name in names:
        if plugin.casefold() == name.casefold() or (not plugin and len(names) == 1):
            return str(name)
    wanted = f"no plugin {plugin!r}" if plugin else "several plugins"
    raise UserError(f"{file} holds {wanted}; say in `plugin` one of {', '.join(names)}.")


@contextmanager
def _explained(file: str) -> Iterator[None]:
    try:
        yield
    except (ImportError, ValueError, RuntimeError, OSError) as error:
        why = " ".join(str(error).split())[:300].rstrip(".")
        raise UserError(
            f"{file} cannot be loaded as a VST3 plugin ({why}); check the file."
        ) from None

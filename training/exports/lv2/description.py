"""What a bundle tells hosts, in Turtle: the plugin, its ports in their order, and its presets.

The vocabulary is that of the LV2 specification (lv2plug.in/ns, David Robillard and others). The
order of the ports is that of `firmware/lv2/plugin.cpp`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rigs.knobs import Knob, KnobTable, Setting
from rigs.plugins.panel import shortest
from training.exports.pedal import ModelFacts
from training.exports.snapshot import position_of

BINARY, MODEL, PLUGIN, PRESETS = "ampsweep.so", "model.pedal", "plugin.ttl", "presets.ttl"
OURS = "urn:ampsweep:"
PREFIXES = """\
@prefix doap: <http://usefulinc.com/ns/doap#> .
@prefix lv2: <http://lv2plug.in/ns/lv2core#> .
@prefix pprops: <http://lv2plug.in/ns/ext/port-props#> .
@prefix pset: <http://lv2plug.in/ns/ext/presets#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix units: <http://lv2plug.in/ns/extensions/units#> .
"""
UNITS = {
    "db": "db", "hz": "hz", "khz": "khz", "mhz": "mhz", "s": "s", "ms": "ms", "min": "min",
    "%": "pc", "ct": "cent", "semi": "semitone12TET", "oct": "oct", "°": "degree", "bpm": "bpm",
}  # fmt: skip
LEVEL = Knob("Level", -60.0, 24.0, 0.0, unit="dB")
"""Of the plugin's own input and output level; at -60 dB and a little more, hardly anything."""


@dataclass(frozen=True)
class Description:
    """The plugin's ``uri``, the ``symbols`` of its knobs' ports, and the bundle's Turtle files."""

    uri: str
    symbols: tuple[str, ...]
    files: Mapping[str, str]


def describe(
    facts: ModelFacts, presets: Sequence[Setting] = (), licence: str | None = None
) -> Description:
    """What a bundle says of a model; the same for the same facts, presets and ``licence`` (SPDX).

    The URI tells panels apart, not weights: a model that was trained again takes the place of the
    one before in whatever project uses it, unless its knobs are others.
    """
    symbols = symbols_of(facts.knobs)
    panel = str([*symbols, *map(_control, facts.knobs)])
    digest = hashlib.sha256(panel.encode()).hexdigest()[:8]
    uri = f"{OURS}{slug(facts.device)}:{slug(facts.name)}:{digest}"
    settings = {"Default": facts.knobs.default}
    settings |= {_label(facts.knobs, setting): setting for setting in presets}
    names = [f"{uri}#preset{number:03d}" for number in range(len(settings))]
    files = {
        PLUGIN: _plugin(uri, facts, symbols, licence),
        PRESETS: PREFIXES
        + "".join(
            _preset(name, uri, label, dict(zip(symbols, setting.values(), strict=True)))
            for name, (label, setting) in zip(names, settings.items(), strict=True)
        ),
        "manifest.ttl": _manifest(uri, names),  # the last: without it there is no bundle
    }
    return Description(uri, symbols, files)


def slug(text: str) -> str:
    """``text`` as a part of a URI or a file's name: letters, digits and single hyphens."""
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_.casefold()).strip("-")[:40].strip("-") or "model"


def symbols_of(knobs: KnobTable) -> tuple[str, ...]:
    """A port's symbol for each knob: a C identifier, and none twice."""
    taken = {"in", "out", "input_level", "output_level", "enabled", "latency"}
    found = []
    for knob in knobs:
        base = slug(knob.name).replace("-", "_")
        base = base if base[0].isalpha() else f"_{base}"
        symbol, number = base, 2
        while symbol in taken:
            symbol, number = f"{base}_{number}", number + 1
        taken.add(symbol)
        found.append(symbol)
    return tuple(found)


def _plugin(uri: str, facts: ModelFacts, symbols: tuple[str, ...], licence: str | None) -> str:
    names = {knob.name.casefold() for knob in facts.knobs}

    def free(name: str) -> str:
        return f"Plugin {name}" if name.casefold() in names else name

    same = facts.device.casefold() == facts.name.casefold()
    title = facts.device if same else f"{facts.device} ({facts.name})"
    ports = [
        ("lv2:InputPort , lv2:AudioPort", "in", free("In"), []),
        ("lv2:OutputPort , lv2:AudioPort", "out", free("Out"), []),
        *(
            ("lv2:InputPort , lv2:ControlPort", symbol, knob.name, _control(knob))
            for symbol, knob in zip(symbols, facts.knobs, strict=True)
        ),
        *(
            ("lv2:InputPort , lv2:ControlPort", f"{side.casefold()}_level", free(name), of_level)
            for side in ("Input", "Output")
            for name, of_level in [(f"{side} Level", _control(LEVEL))]
        ),
        (
            "lv2:InputPort , lv2:ControlPort",
            "enabled",
            free("Enabled"),
            [
                "lv2:designation lv2:enabled",
                "lv2:portProperty lv2:toggled , lv2:integer",
                *_range(0, 1, 1),
            ],
        ),
        (
            "lv2:OutputPort , lv2:ControlPort",
            "latency",
            free("Latency"),
            [
                "lv2:designation lv2:latency",
                "lv2:portProperty lv2:reportsLatency , lv2:integer , pprops:notOnGUI",
                "units:unit units:frame",
                *_range(0, 1_000_000, 0),
            ],
        ),
    ]
    lines = [
        f"<{uri}>",
        "    a lv2:Plugin , lv2:SimulatorPlugin ;",
        f"    doap:name {_text(title)} ;",
        *([f"    doap:license <https://spdx.org/licenses/{licence}> ;"] if licence else []),
        f"    rdfs:comment {_text(_comment(facts))} ;",
        "    lv2:minorVersion 2 ;",
        "    lv2:microVersion 0 ;",
        "    lv2:optionalFeature lv2:hardRTCapable ;",
        "    lv2:port",
        " ,\n".join(_port(index, *port) for index, port in enumerate(ports)) + " .",
    ]
    return PREFIXES + "\n" + "\n".join(lines) + "\n"


def _comment(facts: ModelFacts) -> str:
    levels = [
        f"0 dBFS at its {side} is {dbu:.4g} dBu"
        for side, dbu in (("input", facts.input_level_dbu), ("output", facts.output_level_dbu))
        if dbu is not None
    ]
    said = f"The model {facts.name} of {facts.device}, at {facts.sample_rate} Hz"
    return "; ".join([said, *levels]) + "."


def _port(index: int, kinds: str, symbol: str, name: str, more: list[str]) -> str:
    said = [
        f"a {kinds}",
        f"lv2:index {index}",
        f"lv2:symbol {_text(symbol)}",
        f"lv2:name {_text(name)}",
        *more,
    ]
    return "    [\n" + " ;\n".join(f"        {line}" for line in said) + "\n    ]"


def _control(knob: Knob) -> list[str]:
    said = _range(knob.minimum, knob.maximum, knob.default)
    if knob.detents:
        points = (
            f"[ rdfs:label {_text(label)} ; rdf:value {number} ]"
            for number, label in enumerate(knob.detents)
        )
        said.append("lv2:portProperty lv2:integer , lv2:enumeration")
        said.append("lv2:scalePoint " + " , ".join(points))
    if knob.unit:
        said.append(f"units:unit {_unit(knob.unit)}")
    return said


def _unit(unit: str) -> str:
    known = UNITS.get(unit.casefold())
    if known:
        return f"units:{known}"
    render = _text("%f " + unit.replace("%", "%%"))  # a format for printf
    return (
        f"[ a units:Unit ; rdfs:label {_text(unit)} ; units:symbol {_text(unit)} ; "
        f"units:render {render} ]"
    )


def _range(minimum: float, maximum: float, default: float) -> list[str]:
    bounds = {"default": default, "minimum": minimum, "maximum": maximum}
    return [f"lv2:{name} {_number(value)}" for name, value in bounds.items()]


def _manifest(uri: str, presets: Iterable[str]) -> str:
    lines = [f"<{uri}> a lv2:Plugin ; lv2:binary <{BINARY}> ; rdfs:seeAlso <{PLUGIN}> ."]
    lines += [
        f"<{name}> a pset:Preset ; lv2:appliesTo <{uri}> ; rdfs:seeAlso <{PRESETS}> ."
        for name in presets
    ]
    return PREFIXES + "\n" + "\n".join(lines) + "\n"


def _preset(name: str, uri: str, label: str, values: Mapping[str, float]) -> str:
    ports = " ,\n".join(
        f"        [ lv2:symbol {_text(symbol)} ; pset:value {_number(value)} ]"
        for symbol, value in values.items()
    )
    return (
        f"\n<{name}>\n    a pset:Preset ;\n    lv2:appliesTo <{uri}> ;\n"
        f"    rdfs:label {_text(label)} ;\n    lv2:port\n{ports} .\n"
    )


def _label(knobs: KnobTable, setting: Setting) -> str:
    return ", ".join(f"{knob.name} {position_of(knob, setting[knob.name])}" for knob in knobs)


def _number(value: float) -> str:
    """A float32 with a decimal point, so that every reader takes it for a number of that kind."""
    return repr(shortest(value))


def _text(text: str) -> str:
    """A Turtle string: its escapes are those of JSON, where every control character has one."""
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)

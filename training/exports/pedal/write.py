"""Writing the pedal image: the net itself, before any setting is folded into it."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rigs.errors import UserError
from rigs.knobs import KnobTable
from training.exports.files import write_export
from training.exports.pedal import layout
from training.exports.pedal.image import ModelFacts
from training.exports.pedal.layout import Activation, Conditioning, Format, Kind, Section
from training.exports.pedal.names import short_names
from training.models import ConditionedWaveNet, Net
from training.models.control import CONTROL_INTERVAL
from training.models.recurrent import ConditionedRecurrent, LstmConfig
from training.models.static import Array

CONDITIONINGS = {"film": Conditioning.FILM, "basis": Conditioning.BASIS}


Playable = ConditionedWaveNet | ConditionedRecurrent


def write_pedal(path: Path, net: Net, facts: ModelFacts) -> None:
    """Write an image; raises UserError if it does not fit or cannot be written."""
    write_export(path, to_pedal(net, facts))


def to_pedal(net: Net, facts: ModelFacts) -> bytes:
    """The image of a net; the same for the same net and facts.

    Raises UserError if the pedal cannot play such a net, or if it does not fit: above 512 KiB, too
    many knobs, a weight not finite.
    """
    net = _playable(net)
    if net.inputs != facts.knobs.inputs:
        raise ValueError(f"the net has {net.inputs} inputs, its knobs {facts.knobs.inputs}")
    weights = {
        name: tensor.detach().cpu().double().numpy().astype(np.float32)
        for name, tensor in net.state_dict().items()
    }
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise UserError("The model holds a weight that is not a number; train it again.")

    start = layout.HEADER.size + layout.COUNT.size + len(Section) * layout.ENTRY.size
    text = _Text(start)
    model = _model_section(facts, text)
    knobs = _knobs_section(facts.knobs, text)
    table, body = layout.COUNT.pack(len(Section)), b""

    def place(section: Section, data: bytes) -> int:
        """Append a section; returns where the next one goes."""
        nonlocal table, body
        table += layout.ENTRY.pack(section, start + len(body), len(data))
        body += data
        return start + len(body)

    place(Section.TEXT, text.section())
    place(Section.MODEL, model)
    end = place(Section.KNOBS, knobs)
    end = place(Section.CONTROL, _control_section(net, weights, end))
    if isinstance(net, ConditionedWaveNet):
        end = place(Section.AUDIO, _wavenet_section(net, weights, end))
    else:
        end = place(Section.AUDIO, _recurrent_section(net, weights, end))
    if end > layout.LARGEST_IMAGE:
        raise UserError(
            f"The pedal image would be {-(-end // 1024)} KiB, but a pedal loads at most "
            f"{layout.LARGEST_IMAGE // 1024}; train a model with fewer channels or layers."
        )
    rest = table + body
    return layout.HEADER.pack(layout.MAGIC, layout.VERSION, end, zlib.crc32(rest)) + rest


def _playable(net: Net) -> Playable:
    """The net, if it is one that the image describes."""
    why = None
    if not isinstance(net, Playable):
        why = "is neither a WaveNet nor a GRU nor an LSTM"
    elif net.config.conditioning not in CONDITIONINGS:
        why = f"is conditioned by {net.config.conditioning}"
    if why is not None:
        raise UserError(
            f"The pedal cannot play this model: it {why}; train one with the preset pedal (a "
            f"WaveNet conditioned by {' or '.join(CONDITIONINGS)})."
        )
    assert isinstance(net, Playable)
    return net


def _model_section(facts: ModelFacts, text: _Text) -> bytes:
    name, device = text.add("The model's name", facts.name), text.add("The device", facts.device)
    dry, wet = facts.input_level_dbu, facts.output_level_dbu
    flags = 0 if dry is None else layout.HAS_INPUT_LEVEL
    flags |= 0 if wet is None else layout.HAS_OUTPUT_LEVEL
    return layout.MODEL.pack(
        *name,
        *device,
        _checked("sample rate", facts.sample_rate),
        CONTROL_INTERVAL,
        flags,
        _single("The input level", dry or 0.0),
        _single("The output level", wet or 0.0),
    )


def _knobs_section(table: KnobTable, text: _Text) -> bytes:
    table.check(table.default)
    _checked("knobs", len(table))
    _checked("detents", sum(len(knob.detents) for knob in table))
    knobs, detents, first = b"", b"", 0
    for number, (knob, short) in enumerate(
        zip(table, short_names(table.names, "Knob"), strict=True), 1
    ):
        values = [_single(knob.name, v) for v in (knob.minimum, knob.maximum, knob.default)]
        if values[0] == values[1]:
            raise UserError(
                f"{knob.name} goes from {knob.minimum!r} to {knob.maximum!r}, "
                "which is too narrow for the pedal image; widen its range."
            )
        knobs += layout.KNOB.pack(
            *text.add("Knob", knob.name),
            *text.add("The unit", knob.unit),
            short.encode("ascii"),
            *values,
            number if number <= layout.POTS else 0,
            first,
            len(knob.detents),
        )
        labels = short_names(knob.detents, "Pos")
        for detent, label in zip(knob.detents, labels, strict=True):
            detents += layout.DETENT.pack(*text.add("Detent", detent), label.encode("ascii"))
        first += len(knob.detents)
    return layout.KNOB_COUNTS.pack(len(table), first) + knobs + detents


def _control_section(net: Playable, weights: dict[str, Array], offset: int) -> bytes:
    count = _checked("control layers", len(net.control.layers))
    arrays = _Arrays(offset + layout.CONTROL.size + count * layout.DENSE.size)
    records = b""
    for i in range(count):
        weight, bias = (weights[f"control.layers.{i}.{part}"] for part in ("weight", "bias"))
        records += layout.DENSE.pack(
            _checked("control layer inputs", weight.shape[1]),
            _checked("control layer outputs", weight.shape[0]),
            Activation.SOFTSIGN if i < count - 1 else Activation.IDENTITY,
            *arrays.add(weight, bias),
        )
    head = layout.CONTROL.pack(Kind.DENSE, Format.FLOAT32, net.inputs, len(bias), count)
    return head + records + bytes(arrays)


def _wavenet_section(net: ConditionedWaveNet, weights: dict[str, Array], offset: int) -> bytes:
    """One layer array; or, after a record of their own, several, one after another."""
    arrays, head_kernel = net.config.arrays, _checked("head kernel", net.config.head_kernel)
    head_kernels = [1] * (len(arrays) - 1) + [head_kernel]
    history = sum(
        layout.history(array.channels, array.kernel_sizes, array.dilations, taps)
        for array, taps in zip(arrays, head_kernels, strict=True)
    )
    if history > layout.LARGEST_HISTORY:
        raise UserError(
            f"The model must remember {history} values of the past, more than the "
            f"{layout.LARGEST_HISTORY} a pedal can; train one with smaller dilations or kernels."
        )
    section = b""
    if len(arrays) > 1:
        count = _checked("layer arrays", len(arrays))
        section = layout.ARRAYS.pack(Kind.ARRAYS, Format.FLOAT32, count)
    records = layout.WAVENET.size * len(arrays) + layout.LAYER.size * len(net.config.layers)
    values = _Arrays(offset + len(section) + records)
    before = 0
    for number, taps in enumerate(head_kernels):
        section += _array_records(net, weights, number, before, taps, values)
        before += len(arrays[number].dilations)
    return section + bytes(values)


def _array_records(
    net: ConditionedWaveNet,
    weights: dict[str, Array],
    number: int,
    before: int,
    head_kernel: int,
    values: _Arrays,
) -> bytes:
    """Of a layer array and its layers, of which there are ``before`` in the arrays before it."""
    config, array = net.config, net.config.arrays[number]
    entry = "rechannel.weight" if number == 0 else f"joins.{number - 1}.rechannel.weight"
    last = number + 1 == len(config.arrays)
    head = ("head.weight", "head.bias") if last else (f"joins.{number}.head.weight",)
    rechannel = values.add(weights[entry])
    bases = _checked("bases", config.bases) if config.conditioning == "basis" else 0
    records = b""
    for i, (kernel, dilation) in enumerate(array.layers, before):
        names = ("conv.weight", "conv.bias", "mixin.weight", "residual.weight", "residual.bias")
        parts = [weights[f"layers.{i}.{name}"] for name in names]
        if bases:
            parts += _bases(weights[f"conditioning.bases.{i}"])
        records += layout.LAYER.pack(
            _checked("kernel", kernel),
            _checked("dilation", dilation),
            *values.add(*parts),
        )
    record = layout.WAVENET.pack(
        Kind.WAVENET,
        Format.FLOAT32,
        CONDITIONINGS[config.conditioning],
        _checked("channels", array.channels),
        _checked("layers", len(array.dilations)),
        Activation[array.activation.upper()],
        array.negative_slope,
        head_kernel,
        *rechannel,
        *values.add(*(weights[name] for name in head)),
        bases,
    )
    return record + records


def _recurrent_section(net: ConditionedRecurrent, weights: dict[str, Array], offset: int) -> bytes:
    config = net.config
    kind = Kind.LSTM if isinstance(config, LstmConfig) else Kind.GRU
    units = _checked("units", config.units)
    bases = _checked("bases", config.bases) if config.conditioning == "basis" else 0
    parts: list[Array] = []
    for i in range(len(layout.cell_maps(kind, units))):
        parts += [weights[f"weights.{i}"], weights[f"biases.{i}"]]
        if bases:
            parts.append(weights[f"conditioning.bases.{i}"])
    skip = weights["skip"] if config.skip else np.zeros(1, np.float32)
    arrays = _Arrays(offset + layout.RECURRENT.size)
    head = layout.RECURRENT.pack(
        kind,
        Format.FLOAT32,
        CONDITIONINGS[config.conditioning],
        units,
        bases,
        *arrays.add(*parts, weights["head.weight"], weights["head.bias"], skip),
    )
    return head + bytes(arrays)


def _bases(array: Array) -> list[Array]:
    """(R, C, C K + 1), mix-in last, as the image has them: each a convolution, then a mix-in."""
    return [part for base in array for part in (base[:, :-1], base[:, -1])]


class _Text:
    """The texts of an image, each once, in the section that comes first."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._bytes = bytearray()
        self._known: dict[bytes, int] = {}

    def add(self, what: str, text: str) -> tuple[int, int]:
        """Offset in the image and length in bytes of ``text``."""
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            raise UserError(f"{what} {text!r} is not valid Unicode; rename it.") from None
        if len(raw) > layout.LARGEST_TEXT or b"\0" in raw:
            raise UserError(
                f"{what} {text[:20]!r}… does not fit the pedal image; "
                f"give it at most {layout.LARGEST_TEXT} bytes of UTF-8, none of them zero."
            )
        if raw not in self._known:
            self._known[raw] = self._start + len(self._bytes)
            self._bytes += raw + b"\0"
        return self._known[raw], len(raw)

    def section(self) -> bytes:
        return _padded(bytes(self._bytes))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _single(what: str, value: float) -> float:
    """``value`` as the nearest float32."""
    with np.errstate(over="ignore"):
        single = float(np.float32(value))
    if not np.isfinite(single):
        raise UserError(f"{what} is {value:g}, which the pedal image cannot hold; correct it.")
    return single


def _checked(what: str, value: int) -> int:
    low, high = layout.LIMITS[what]
    if not low <= value <= high:
        raise UserError(
            f"The pedal image cannot hold {what} {value}: it takes {low} to {high}; "
            "train a model within that."
        )
    return value


class _Arrays:
    """Weights that follow the records of a section."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._bytes = bytearray()

    def add(self, *arrays: NDArray[Any]) -> tuple[int, int]:
        """Offset in the image and count of the arrays, one after another."""
        data = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays)
        offset = self._start + len(self._bytes)
        self._bytes += data
        return offset, len(data) // 4

    def __bytes__(self) -> bytes:
        return bytes(self._bytes)

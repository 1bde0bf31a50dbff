"""Reading the pedal image, section by section."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from rigs.errors import UserError
from rigs.knobs import Knob, KnobTable
from training.exports.pedal import layout
from training.exports.pedal.cell import CellMapWeights, PedalCell
from training.exports.pedal.image import (
    DenseLayer,
    ModelFacts,
    PedalError,
    PedalImage,
    PedalKnob,
)
from training.exports.pedal.layout import Activation, Conditioning, Format, Kind, Section
from training.exports.pedal.parts import Parts
from training.models.static import Array, StaticArray, StaticLayer, StaticWaveNet


def load_pedal(path: Path) -> PedalImage:
    """Read an image file; raises UserError if there is none and PedalImageError if it is bad."""
    try:
        with path.open("rb") as file:
            data = file.read(layout.LARGEST_IMAGE + 1)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}; name a .pedal file."
        ) from None
    return read_pedal(data, str(path))


def read_pedal(data: bytes, where: str = "The pedal image") -> PedalImage:
    """Read an image; raises PedalImageError, and nothing else, if any of it is wrong."""
    return _Reader(data, where).image()


class _Reader(Parts):
    def image(self) -> PedalImage:
        self._header()
        name, device, rate, interval, levels = self._model()
        knobs = self._knobs()
        try:
            table = KnobTable(tuple(k.knob for k in knobs))
            table.check(table.default)
        except UserError as error:
            self._fail(PedalError.KNOB, f"has a knob table that is not one: {error}".rstrip("."))
        control = self._control(table.inputs)
        base, bases = self._audio(len(control[-1].bias), rate)
        facts = ModelFacts(name, device, table, rate, *levels)
        return PedalImage(facts, knobs, interval, control, base, bases)

    def _model(self) -> tuple[str, str, int, int, tuple[float | None, float | None]]:
        *texts, rate, interval, flags, dry, wet = self._record(layout.MODEL, Section.MODEL)
        self._count("sample rate", rate)
        self._count("control interval", interval)
        dry, wet = self._number(dry), self._number(wet)
        levels = (
            dry if flags & layout.HAS_INPUT_LEVEL else None,
            wet if flags & layout.HAS_OUTPUT_LEVEL else None,
        )
        return self._text(*texts[:2]), self._text(*texts[2:]), rate, interval, levels

    def _knobs(self) -> tuple[PedalKnob, ...]:
        count, total = self._record(layout.KNOB_COUNTS, Section.KNOBS)
        self._count("knobs", count)
        self._count("detents", total)
        start = layout.KNOB_COUNTS.size
        rows = self._records(layout.KNOB, Section.KNOBS, start, count)
        start += count * layout.KNOB.size
        labels = [
            (self._text(offset, length), self._short(short))
            for offset, length, short in self._records(layout.DETENT, Section.KNOBS, start, total)
        ]
        knobs: list[PedalKnob] = []
        for *texts, short, minimum, maximum, default, pot, first, detents in rows:
            if first > total or detents > total - first:
                self._fail(PedalError.DIMENSION, "has a switch with detents that are not there")
            if pot > layout.POTS or (pot and pot in [k.pot for k in knobs]):
                self._fail(PedalError.KNOB, f"has a knob on pot {pot}, which is taken or not there")
            names = labels[first : first + detents]
            name, unit = self._text(*texts[:2]), self._text(*texts[2:])
            for value in (minimum, maximum, default):
                self._number(value)
            try:
                knob = Knob(
                    name,
                    minimum=minimum,
                    maximum=maximum,
                    default=default,
                    unit=unit,
                    detents=tuple(label for label, _ in names),
                )
            except UserError as error:
                self._fail(PedalError.KNOB, f"has a knob that is not one: {error}".rstrip("."))
            knobs.append(
                PedalKnob(knob, self._short(short), tuple(s for _, s in names), pot or None)
            )
        return tuple(knobs)

    def _control(self, knob_inputs: int) -> tuple[DenseLayer, ...]:
        kind, number_format, inputs, outputs, count = self._record(layout.CONTROL, Section.CONTROL)
        self._kind("a control network of kind", kind, Kind.DENSE)
        self._kind("a control network in number format", number_format, Format.FLOAT32)
        self._count("control layers", count)
        width, layers = knob_inputs, []
        rows = self._records(layout.DENSE, Section.CONTROL, layout.CONTROL.size, count)
        for n_in, n_out, activation, offset, size in rows:
            self._count("control layer inputs", n_in)
            self._count("control layer outputs", n_out)
            if n_in != width:
                self._fail(PedalError.DIMENSION, "has control layers that do not fit together")
            self._kind(
                "a control layer of activation",
                activation,
                Activation.IDENTITY,
                Activation.SOFTSIGN,
            )
            values = self._array(Section.CONTROL, offset, size, n_out * n_in + n_out)
            weight, bias = values[: n_out * n_in].reshape(n_out, n_in), values[n_out * n_in :]
            layers.append(DenseLayer(weight, bias, Activation(activation)))
            width = n_out
        if (inputs, outputs) != (knob_inputs, width):
            self._fail(PedalError.DIMENSION, "has a control network that does not fit its knobs")
        return tuple(layers)

    def _audio(
        self, outputs: int, rate: int
    ) -> tuple[StaticWaveNet | PedalCell, tuple[tuple[Array, Array], ...]]:
        (kind,) = self._record(layout.COUNT, Section.AUDIO)
        if kind in (Kind.GRU, Kind.LSTM):
            return self._recurrent(Kind(kind), outputs), ()
        self._kind("an audio network of kind", kind, Kind.WAVENET, Kind.ARRAYS)
        if kind == Kind.WAVENET:
            return self._wavenet(0, 1, outputs, rate)
        _, number_format, count = self._record(layout.ARRAYS, Section.AUDIO)
        self._kind("an audio network in number format", number_format, Format.FLOAT32)
        self._count("layer arrays", count)
        return self._wavenet(layout.ARRAYS.size, count, outputs, rate)

    def _conditioning(self, conditioning: int, bases: int) -> None:
        if conditioning == Conditioning.BASIS:
            self._count("bases", bases)
        elif bases:
            self._fail(PedalError.DIMENSION, f"has bases {bases}, but conditioning that mixes none")

    def _recurrent(self, kind: Kind, outputs: int) -> PedalCell:
        record = self._record(layout.RECURRENT, Section.AUDIO)
        _, number_format, conditioning, n, bases, offset, size = record
        self._kind("an audio network in number format", number_format, Format.FLOAT32)
        self._kind("conditioning", conditioning, Conditioning.FILM, Conditioning.BASIS)
        self._count("units", n)
        self._conditioning(conditioning, bases)
        shapes = layout.cell_maps(kind, n)
        rows, fed = sum(s.rows for s in shapes), sum(s.rows for s in shapes if s.input)
        if outputs != bases * len(shapes) + 2 * rows + fed + 1:
            self._fail(PedalError.DIMENSION, "has a control network that does not fit the audio's")
        counts = [s.rows * s.columns(n) for s in shapes]
        expected = (1 + bases) * sum(counts) + rows + n + 2
        rest, maps = self._array(Section.AUDIO, offset, size, expected), []
        for shape, count in zip(shapes, counts, strict=True):
            ends = np.cumsum([count, shape.rows, bases * count]).tolist()
            weight, bias, more, rest = np.split(rest, ends)
            columns = shape.columns(n)
            maps.append(
                CellMapWeights(
                    weight=weight.reshape(shape.rows, columns),
                    bias=bias,
                    bases=more.reshape(bases, shape.rows, columns),
                )
            )
        return PedalCell(kind, tuple(maps), rest[:n], float(rest[n]), float(rest[n + 1]))

    def _wavenet(
        self, offset: int, count: int, outputs: int, rate: int
    ) -> tuple[StaticWaveNet, tuple[tuple[Array, Array], ...]]:
        """``count`` layer arrays, whose records are ``offset`` into the section."""
        records: list[_LayerArray] = []
        history = 0
        for number in range(count):
            own = self._layer_array(offset, last=number + 1 == count)
            kernels, dilations = [r[0] for r in own.layers], [r[1] for r in own.layers]
            history += layout.history(own.channels, kernels, dilations, own.head_kernel)
            if history > layout.LARGEST_HISTORY:
                self._fail(PedalError.DIMENSION, f"needs {history} values of the past")
            records.append(own)
            offset += layout.WAVENET.size + len(own.layers) * layout.LAYER.size
        if outputs != sum(own.outputs for own in records) + 1:
            self._fail(PedalError.DIMENSION, "has a control network that does not fit the audio's")
        arrays, bases, before = [], [], 1
        for own, after in zip(records, [*records[1:], None], strict=True):
            layers, mixed_in = self._layers(own)
            arrays.append(self._weights(own, layers, before, after.channels if after else None))
            bases += mixed_in
            before = own.channels
        return StaticWaveNet(tuple(arrays), rate), tuple(bases)

    def _layer_array(self, offset: int, *, last: bool) -> _LayerArray:
        """The sizes of the one whose record is there, and of its layers."""
        record = self._records(layout.WAVENET, Section.AUDIO, offset, 1)[0]
        kind, number_format, conditioning, c, count, activation, slope, head_kernel = record[:8]
        self._kind("a layer array of kind", kind, Kind.WAVENET)
        self._kind("an audio network in number format", number_format, Format.FLOAT32)
        self._kind("conditioning", conditioning, Conditioning.FILM, Conditioning.BASIS)
        self._kind(
            "an audio network of activation", activation, Activation.LEAKY_RELU, Activation.TANH
        )
        self._count("channels", c)
        self._count("layers", count)
        self._count("head kernel", head_kernel)
        if head_kernel != 1 and not last:
            self._fail(PedalError.DIMENSION, f"has a head of {head_kernel} taps in its middle")
        bases = record[-1]
        self._conditioning(conditioning, bases)
        if not 0 <= self._number(slope) <= 1:
            self._fail(PedalError.DIMENSION, f"has a negative slope of {slope:g}, not 0 to 1")
        layers = self._records(layout.LAYER, Section.AUDIO, offset + layout.WAVENET.size, count)
        for kernel, dilation, *_ in layers:
            self._count("kernel", kernel)
            self._count("dilation", dilation)
        name = Activation(activation).name.lower()
        return _LayerArray(c, name, slope, head_kernel, record[8:10], record[10:12], bases, layers)

    def _layers(
        self, own: _LayerArray
    ) -> tuple[tuple[StaticLayer, ...], list[tuple[Array, Array]]]:
        """The weights of an array's layers, and their bases."""
        c, layers, mixed_in = own.channels, [], []
        for kernel, dilation, offset, size in own.layers:
            sizes = [c * c * kernel, c, c, c * c, c]
            each = c * c * kernel + c
            values = self._array(Section.AUDIO, offset, size, sum(sizes) + own.bases * each)
            conv, bias, mixin, residual, residual_bias, more = np.split(values, np.cumsum(sizes))
            more = more.reshape(own.bases, each)
            mixed_in.append((more[:, :-c].reshape(own.bases, c, c, kernel), more[:, -c:]))
            layers.append(
                StaticLayer(
                    dilation=dilation,
                    conv_weight=conv.reshape(c, c, kernel),
                    conv_bias=bias,
                    mixin_weight=mixin,
                    residual_weight=residual.reshape(c, c),
                    residual_bias=residual_bias,
                )
            )
        return tuple(layers), mixed_in

    def _weights(
        self, own: _LayerArray, layers: tuple[StaticLayer, ...], before: int, after: int | None
    ) -> StaticArray:
        """An array with its entry, of ``before`` inputs, and its head, of ``after`` outputs.

        ``after``: none if it is the last, whose head has one output, and a bias.
        """
        c, outputs = own.channels, after or 1
        count = outputs * c * own.head_kernel
        head = self._array(Section.AUDIO, *own.head, count + (after is None))
        entry = self._array(Section.AUDIO, *own.entry, c * before)
        return StaticArray(
            rechannel_weight=entry.reshape(c, before),
            layers=layers,
            activation=own.activation,
            negative_slope=own.slope,
            head_weight=head[:count].reshape(outputs, c, own.head_kernel),
            head_bias=head[count:] if after is None else None,
        )


class _LayerArray(NamedTuple):
    """What the records say of a layer array and its layers."""

    channels: int
    activation: str
    slope: float
    head_kernel: int
    entry: tuple[int, int]
    head: tuple[int, int]
    bases: int
    layers: list[tuple[int, ...]]

    @property
    def outputs(self) -> int:
        """Of the control network, but for the level."""
        return self.channels + (self.bases + 2 * self.channels) * len(self.layers)

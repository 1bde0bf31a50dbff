"""Reading the pedal image: nothing in it is trusted before it is checked."""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn

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
    PedalImageError,
    PedalKnob,
)
from training.exports.pedal.layout import Activation, Conditioning, Format, Kind, Section
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


class _Reader:
    def __init__(self, data: bytes, where: str) -> None:
        self._data = data
        self._where = where
        self._sections: dict[int, tuple[int, int]] = {}

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

    def _fail(self, code: PedalError, what: str) -> NoReturn:
        raise PedalImageError(code, self._where, what)

    # Whether these are the bytes that were written.

    def _header(self) -> None:
        data = self._data
        if data[: len(layout.MAGIC)] != layout.MAGIC:
            self._fail(PedalError.MAGIC, "is not a pedal image")
        if len(data) < layout.HEADER.size:
            self._fail(PedalError.SIZE, f"ends after {len(data)} bytes")
        _, version, size, crc = layout.HEADER.unpack_from(data)
        if version != layout.VERSION:
            self._fail(
                PedalError.VERSION, f"has version {version}, but this reads {layout.VERSION}"
            )
        if len(data) > layout.LARGEST_IMAGE:
            self._fail(PedalError.SIZE, f"is larger than {layout.LARGEST_IMAGE // 1024} KiB")
        if size != len(data) or size < layout.HEADER.size + layout.COUNT.size:
            self._fail(PedalError.SIZE, f"should have {size} bytes, but has {len(data)}")
        if zlib.crc32(memoryview(data)[layout.HEADER.size :]) != crc:
            self._fail(PedalError.CRC, "is damaged")
        self._table()

    def _table(self) -> None:
        data, start = self._data, layout.HEADER.size + layout.COUNT.size
        count = self._count("sections", *layout.COUNT.unpack_from(data, layout.HEADER.size))
        end = start + count * layout.ENTRY.size
        if end > len(data):
            self._fail(PedalError.SECTION, "ends within its table of sections")
        for i in range(count):
            section, offset, length = layout.ENTRY.unpack_from(data, start + i * layout.ENTRY.size)
            if offset % 4 or length % 4 or offset < end or length > len(data) - offset:
                self._fail(PedalError.SECTION, f"has its section {section} out of place")
            end = offset + length
            if section in self._sections:
                self._fail(PedalError.SECTION, f"has two sections {section}")
            if section not in list(Section) and not section & layout.OPTIONAL:
                self._fail(PedalError.SECTION, f"needs a section {section} that this cannot read")
            self._sections[section] = offset, end
        for section in Section:
            if section not in self._sections:
                self._fail(PedalError.SECTION, f"has no section {section.name}")

    # The parts that sections are made of: each is checked before it is trusted.

    def _count(self, what: str, value: int) -> int:
        low, high = layout.LIMITS[what]
        if not low <= value <= high:
            self._fail(PedalError.DIMENSION, f"has {what} {value}, not {low} to {high}")
        return value

    def _record(self, record: struct.Struct, section: Section) -> tuple[Any, ...]:
        return self._records(record, section, 0, 1)[0]

    def _records(
        self, record: struct.Struct, section: Section, offset: int, count: int
    ) -> list[tuple[Any, ...]]:
        """``count`` records from ``offset`` in the section."""
        start, end = self._sections[section]
        start += offset
        stop = start + count * record.size
        if stop > end:
            self._fail(PedalError.DIMENSION, f"has a section {section.name} that is too short")
        return list(record.iter_unpack(self._data[start:stop]))

    def _kind(self, what: str, value: int, *known: IntEnum) -> None:
        if value not in known:
            self._fail(PedalError.KIND, f"has {what} {value}, which this cannot play")

    def _number(self, value: float) -> float:
        if not np.isfinite(value):
            self._fail(PedalError.NUMBER, "holds a value that is not a number")
        return value

    def _array(self, section: Section, offset: int, count: int, expected: int) -> Array:
        start, end = self._sections[section]
        if count != expected:
            self._fail(PedalError.DIMENSION, f"has an array of {count} values, not {expected}")
        if offset % 4 or offset < start or offset > end or 4 * count > end - offset:
            self._fail(PedalError.DIMENSION, f"has an array outside section {section.name}")
        array = np.frombuffer(self._data, "<f4", count, offset).astype(np.float32)
        if not np.isfinite(array).all():
            self._fail(PedalError.NUMBER, "holds a weight that is not a number")
        array.setflags(write=False)
        return array

    def _text(self, offset: int, length: int) -> str:
        start, end = self._sections[Section.TEXT]
        if (
            length > layout.LARGEST_TEXT
            or offset < start
            or offset >= end
            or length >= end - offset
        ):
            self._fail(PedalError.TEXT, "has a text out of place")
        raw = self._data[offset : offset + length]
        if b"\0" in raw or self._data[offset + length] != 0:
            self._fail(PedalError.TEXT, "has a text that does not end where it says")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._fail(PedalError.TEXT, "has a text that is not UTF-8")

    def _short(self, raw: bytes) -> str:
        text = raw.rstrip(b"\0")
        if not 1 <= len(text) <= layout.SHORT_NAME or not all(32 <= byte < 127 for byte in text):
            self._fail(PedalError.TEXT, "has a short name that is not 1 to 11 ASCII characters")
        return text.decode("ascii")

    # The sections.

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
        self._kind("an audio network of kind", kind, Kind.WAVENET)
        return self._wavenet(outputs, rate)

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
        self, outputs: int, rate: int
    ) -> tuple[StaticWaveNet, tuple[tuple[Array, Array], ...]]:
        head = self._record(layout.WAVENET, Section.AUDIO)
        _, number_format, conditioning, c, count, activation, slope, head_kernel = head[:8]
        self._kind("an audio network in number format", number_format, Format.FLOAT32)
        self._kind("conditioning", conditioning, Conditioning.FILM, Conditioning.BASIS)
        self._kind(
            "an audio network of activation", activation, Activation.LEAKY_RELU, Activation.TANH
        )
        self._count("channels", c)
        self._count("layers", count)
        self._count("head kernel", head_kernel)
        bases = head[-1]
        self._conditioning(conditioning, bases)
        if not 0 <= self._number(slope) <= 1:
            self._fail(PedalError.DIMENSION, f"has a negative slope of {slope:g}, not 0 to 1")
        if outputs != c + (bases + 2 * c) * count + 1:
            self._fail(PedalError.DIMENSION, "has a control network that does not fit the audio's")
        records = self._records(layout.LAYER, Section.AUDIO, layout.WAVENET.size, count)
        for kernel, dilation, *_ in records:
            self._count("kernel", kernel)
            self._count("dilation", dilation)
        history = layout.history(c, [r[0] for r in records], [r[1] for r in records], head_kernel)
        if history > layout.LARGEST_HISTORY:
            self._fail(PedalError.DIMENSION, f"needs {history} values of the past")
        layers, mixed_in = [], []
        for kernel, dilation, offset, size in records:
            sizes = [c * c * kernel, c, c, c * c, c]
            each = c * c * kernel + c
            values = self._array(Section.AUDIO, offset, size, sum(sizes) + bases * each)
            conv, bias, mixin, residual, residual_bias, more = np.split(values, np.cumsum(sizes))
            more = more.reshape(bases, each)
            mixed_in.append((more[:, :-c].reshape(bases, c, c, kernel), more[:, -c:]))
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
        first, first_size, last, last_size = head[8:12]
        mixed = self._array(Section.AUDIO, last, last_size, c * head_kernel + 1)
        array = StaticArray(
            rechannel_weight=self._array(Section.AUDIO, first, first_size, c).reshape(c, 1),
            layers=tuple(layers),
            activation=Activation(activation).name.lower(),
            negative_slope=slope,
            head_weight=mixed[:-1].reshape(1, c, head_kernel),
            head_bias=mixed[-1:],
        )
        return StaticWaveNet((array,), rate), tuple(mixed_in)

"""WaveNets as `.nam` files write them down, in the old layout and the new one.

Versions 0.5 have `head_size` and `head_bias`, one `kernel_size` and one `activation` for an array,
and `gated`. Since 0.6 an array may have `bottleneck`, `layer1x1`, `head1x1`, groups, and
`gating_mode` with `secondary_activation`; 0.7 adds `kernel_sizes`, an activation for each layer,
and the object `head`, a convolution of its own length. The old names go on being read by NAM, and
so one reader does for all.

Weights stand in the order in which the net uses them: for each array the entry, for each of its
layers convolution (out, in, taps), its bias, the mix-in, the 1x1 to the residual and the one to
the skip sum with their biases; then the array's head; at last the convolutions of the further head
and the scale of the output, which the file's `head_scale` only repeats.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rigs.nam.activations import Activation, read_activation, sigmoid
from rigs.nam.fields import Fields
from rigs.nam.wavenet import Conv, Gate, Layer, LayerArray, WaveNet
from rigs.nam.weights import Floats, Weights

MOST_ARRAYS = 8
MOST_LAYERS = 64
MOST_CHANNELS = 256
LONGEST_KERNEL = 128
WIDEST_DILATION = 1 << 16
LONGEST_FIELD = 96_000
"""Frames; NAM's own nets look back 0.13 s at most."""
LARGEST_STATE = 1 << 24
"""Numbers, of eight bytes; the largest capture seen keeps a twenty-fourth of this."""

FILMS = (
    "conv_pre_film",
    "conv_post_film",
    "input_mixin_pre_film",
    "input_mixin_post_film",
    "activation_pre_film",
    "activation_post_film",
    "layer1x1_post_film",
    "head1x1_post_film",
)


def read_wavenet(config: Fields, weights: Weights) -> WaveNet:
    """Raises UserError for what is damaged, does not fit together or cannot be played."""
    described = config.each("layers", MOST_ARRAYS)
    _refuse_unplayable(config, described)
    arrays: list[LayerArray] = []
    width, skips = 1, None
    for fields in described:
        arrays.append(_read_array(fields, weights, width, skips))
        width, skips = len(arrays[-1].entry), len(arrays[-1].head.weight)
    assert skips is not None  # `each` gives at least one
    tail = _read_tail(config.within("head"), weights, skips) if config.has("head") else ()
    net = WaveNet(tuple(arrays), weights.take(1)[0], tail)
    outputs = len(tail[-1][1].weight) if tail else skips
    if outputs != 1:
        raise config.unplayable(f"a WaveNet with {outputs} outputs")
    if net.receptive_field > LONGEST_FIELD:
        raise config.unplayable(f"a WaveNet that looks back {net.receptive_field} samples")
    if net.state_size > LARGEST_STATE:
        raise config.unplayable(f"a WaveNet that keeps {net.state_size} numbers while it plays")
    return net


def _read_array(fields: Fields, weights: Weights, width: int, skips: int | None) -> LayerArray:
    """``width`` is that of the array before, ``skips`` that of its head; None: there is none."""
    if fields.integer("input_size", 1, MOST_CHANNELS) != width:
        raise fields.wrong(f"input_size has to be {width}, the channels before; get the file again")
    channels = fields.integer("channels", 1, MOST_CHANNELS)
    bottleneck = fields.integer("bottleneck", 1, MOST_CHANNELS, channels)
    dilations = fields.integers("dilations", 1, WIDEST_DILATION, MOST_LAYERS)
    kernels = _kernel_sizes(fields, len(dilations))
    groups = fields.integer("groups_input", 1, MOST_CHANNELS, 1)
    has_residual, residual_groups = _pointwise(fields, "layer1x1", True)
    has_skip, skip_groups = _pointwise(fields, "head1x1", False)
    skip_width = bottleneck
    if has_skip:
        skip_width = fields.within("head1x1").integer("out_channels", 1, MOST_CHANNELS)
    if not has_residual and bottleneck != channels:
        raise fields.wrong("without layer1x1 bottleneck has to equal channels; get the file again")
    if skips is not None and not skips == channels == skip_width:
        raise fields.wrong(
            f"the head before gives {skips} channels, which do not fit the {channels} here; get "
            "the file again"
        )
    entry = weights.convolution(channels, width, 1)[:, :, 0]
    layers = []
    for index, (kernel, dilation) in enumerate(zip(kernels, dilations, strict=True)):
        gate = _read_gate(fields, index, len(dilations), bottleneck)
        rows = bottleneck if gate.second is None else 2 * bottleneck
        weight = weights.convolution(rows, channels, kernel, groups)
        bias, mixin = weights.take(rows), _mixin(fields, weights, rows)
        residual = _one_by_one(weights, channels, bottleneck, residual_groups, has_residual)
        skip = _one_by_one(weights, skip_width, bottleneck, skip_groups, has_skip)
        layers.append(Layer(Conv(weight, bias, dilation, mixin), gate, residual, skip))
    return LayerArray(entry, tuple(layers), _read_head(fields, weights, skip_width))


def _refuse_unplayable(config: Fields, described: list[Fields]) -> None:
    """Raise UserError for what makes a net depend on more than its input and its weights."""
    for fields in described:
        for name in FILMS:
            film = fields.values.get(name)
            active = film.get("active", True) if isinstance(film, dict) else film
            if active not in (None, False):
                raise fields.unplayable(f"a WaveNet with FiLM ({name})")
        if fields.has("slimmable"):
            raise fields.unplayable("a slimmable WaveNet")
    if config.has("condition_dsp"):
        raise config.unplayable("a WaveNet with a condition_dsp")
    if config.integer("in_channels", 1, MOST_CHANNELS, 1) != 1:
        raise config.unplayable("a WaveNet with several inputs")
    for fields in described:
        if fields.integer("condition_size", 1, MOST_CHANNELS) != 1:
            raise fields.unplayable("a WaveNet with more than one condition")


def _kernel_sizes(fields: Fields, count: int) -> tuple[int, ...]:
    if not fields.has("kernel_sizes"):
        return (fields.integer("kernel_size", 1, LONGEST_KERNEL),) * count
    sizes = fields.integers("kernel_sizes", 1, LONGEST_KERNEL, MOST_LAYERS)
    if len(sizes) != count:
        raise fields.wrong(
            f"there are {len(sizes)} kernel_sizes for {count} dilations; get the file again"
        )
    return sizes


def _pointwise(fields: Fields, name: str, default: bool) -> tuple[bool, int]:
    """Whether the 1x1 convolution ``name`` is there, and its groups."""
    if not fields.has(name):
        return default, 1
    given = fields.within(name)
    return given.truth("active"), given.integer("groups", 1, MOST_CHANNELS, 1)


def _one_by_one(weights: Weights, out: int, into: int, groups: int, there: bool) -> Floats | None:
    if not there:
        return None
    weight = weights.convolution(out, into, 1, groups)[:, :, 0]
    return np.ascontiguousarray(np.column_stack([weight, weights.take(out)]))


def _mixin(fields: Fields, weights: Weights, rows: int) -> Floats:
    groups = fields.integer("groups_input_mixin", 1, MOST_CHANNELS, 1)
    return weights.convolution(rows, 1, 1, groups)[:, 0, 0]


def _of_layer(fields: Fields, name: str, index: int, count: int) -> Any:
    """The value of ``name`` for one layer, which may be written once for all."""
    value = fields.values.get(name)
    if not isinstance(value, list):
        return value
    if len(value) != count:
        raise fields.wrong(f"{name} has to be a list of {count}; get the file again")
    return value[index]


def _read_gate(fields: Fields, index: int, count: int, channels: int) -> Gate:
    value = _of_layer(fields, "activation", index, count)
    main = read_activation(fields, "activation", value, channels)
    if fields.has("gating_mode"):
        mode = _of_layer(fields, "gating_mode", index, count)
    else:
        mode = "gated" if fields.truth("gated", False) else "none"
    if mode == "none":
        return Gate(main)
    if mode not in ("gated", "blended"):
        raise fields.unplayable(f"a net with the gating_mode {str(mode)[:40]!r}")
    second: Activation = sigmoid
    if fields.has("gating_mode") and fields.has("secondary_activation"):
        value = _of_layer(fields, "secondary_activation", index, count)
        second = read_activation(fields, "secondary_activation", value, channels)
    return Gate(main, mode, second)


def _read_head(fields: Fields, weights: Weights, width: int) -> Conv:
    if fields.has("head"):
        head = fields.within("head")
        out = head.integer("out_channels", 1, MOST_CHANNELS)
        kernel = head.integer("kernel_size", 1, LONGEST_KERNEL)
        if head.integer("head_dilation", 1, WIDEST_DILATION, 1) != 1:
            raise head.unplayable("a WaveNet with a head_dilation")
        has_bias = head.truth("bias")
    else:
        out, kernel = fields.integer("head_size", 1, MOST_CHANNELS), 1
        has_bias = fields.truth("head_bias")
    weight = weights.convolution(out, width, kernel)
    return Conv(weight, weights.take(out) if has_bias else np.zeros(out))


def _read_tail(head: Fields, weights: Weights, width: int) -> tuple[tuple[Activation, Conv], ...]:
    if head.has("in_channels") and head.integer("in_channels", 1, MOST_CHANNELS) != width:
        raise head.wrong(f"in_channels has to be {width}; get the file again")
    kernels = head.integers("kernel_sizes", 1, LONGEST_KERNEL, MOST_LAYERS)
    channels = head.integer("channels", 1, MOST_CHANNELS)
    widths = [channels] * (len(kernels) - 1) + [head.integer("out_channels", 1, MOST_CHANNELS)]
    tail = []
    for kernel, out in zip(kernels, widths, strict=True):
        activation = read_activation(head, "activation", head.values.get("activation"), width)
        weight = weights.convolution(out, width, kernel)
        tail.append((activation, Conv(weight, weights.take(out))))
        width = out
    return tuple(tail)

"""What training minimises: terms by name and weight, fair to quiet settings.

Each window is judged against its own energy, so a clean, quiet setting counts as much as a loud
one. A floor keeps near-silence from dominating: a window never counts as quieter than
``FLOOR_DBFS``, the level under which ESR is not defined. Of an energy ratio the root is averaged:
early on, some windows are off a hundredfold, and would otherwise be all that is learnt from. So
every term is an amplitude relative to the window's, and their weights compare: 10 % off counts 0.1.

A root is not enough at the very start of a device whose level spans 50 dB. With e = ESR, r the
ratio of the output's level to the target's and c their correlation, e = (1 - r)² + 2 r (1 - c):
an output that is not yet alike (c = 0) does best to be silent, and a few windows that are 30 dB too
loud see to it that it becomes so. Silence is hard to leave: training stood there for up to two
thirds of its time. :func:`approach` is for that time. It puts (ln r)² for the first term and leaves
r out of the second: the same near the target, but an error of level counts in decibels, too quiet
as much as too loud, and likeness is sought whatever the level. The other terms have a form for
that time, too, which does not reward silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv1d

from rigs.audio import SAMPLE_RATE

FLOOR_DBFS = -60.0
PRE_EMPHASIS = 0.95
"""First-order coefficient; Wright and Välimäki, Perceptual Loss Function for Neural Modeling of
Audio Systems, 2020."""
_TINY = 1e-6
"""Added under a root: its slope at 0 is infinite."""
RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""Samples of mrstft's spectra, from one to the next, and of what each hears: auraloss's. Spectra
longer than a window are left out."""

Term = Callable[[Tensor, Tensor, bool], Tensor]
"""Output and target, (batch, samples), and whether in the first part of a training; to (batch,)."""


def pre_emphasise(audio: Tensor) -> Tensor:
    """y[n] - 0.95 y[n-1], shape (..., samples - 1)."""
    return audio[..., 1:] - PRE_EMPHASIS * audio[..., :-1]


def a_weight(audio: Tensor) -> Tensor:
    """A-weighted as the ear hears quiet sounds (IEC 61672), shape (batch, samples - 100).

    By the 101 taps that auraloss fits to the curve (Steinmetz and Reiss, 2020), without the
    window's ends, where the taps would hear silence that is not there.
    """
    taps = _a_weighting().to(audio)
    return conv1d(audio[:, None], taps[None, None])[:, 0]


@lru_cache(maxsize=1)
def _a_weighting() -> Tensor:
    from auraloss.perceptual import FIRFilter

    fir = FIRFilter(filter_type="aw", fs=SAMPLE_RATE).fir
    taps: Tensor = fir.weight.detach().flatten()
    return taps


def _floor(target: Tensor) -> float:
    """The energy of a window at the floor."""
    return float(target.shape[-1] * 10 ** (FLOOR_DBFS / 10))


def windowed_esr(output: Tensor, target: Tensor) -> Tensor:
    """Error energy of each window over the target's, floored; (batch, samples) to (batch,)."""
    return (output - target).square().sum(-1) / (target.square().sum(-1) + _floor(target))


def windowed_distance(output: Tensor, target: Tensor) -> Tensor:
    """(ln r)² + 2 (1 - c) of each window; (batch, samples) to (batch,).

    Both signals get the floor as one more, common, sample: what is under it is alike.
    """
    floor = _floor(target)
    ours, theirs = output.square().sum(-1) + floor, target.square().sum(-1) + floor
    alike = ((output * target).sum(-1) + floor) * torch.rsqrt(ours * theirs)
    return (0.5 * torch.log(ours / theirs)).square() + 2 * (1 - alike).clamp_min(0)


def _of(heard: Callable[[Tensor], Tensor]) -> Term:
    """√ESR of two signals as ``heard``, or at first the root of their distance."""

    def term(output: Tensor, target: Tensor, early: bool) -> Tensor:
        measure = windowed_distance if early else windowed_esr
        return torch.sqrt(measure(heard(output), heard(target)) + _TINY)

    return term


def _dc(output: Tensor, target: Tensor, early: bool) -> Tensor:
    """The error's constant part over the target's RMS, at first over that of the louder one."""
    power = target.square().mean(-1)
    if early:
        power = torch.maximum(power, output.square().mean(-1))
    offset = (output - target).mean(-1).square()
    return torch.sqrt(offset / (power + 10 ** (FLOOR_DBFS / 10)) + _TINY)


def _level(output: Tensor, target: Tensor, early: bool) -> Tensor:
    """|ln r|: 0.115 a decibel, early and late."""
    floor = _floor(target)
    ours, theirs = output.square().sum(-1) + floor, target.square().sum(-1) + floor
    return torch.sqrt((0.5 * torch.log(ours / theirs)).square() + _TINY)


def _mrstft(output: Tensor, target: Tensor, early: bool) -> Tensor:
    """Spectral convergence and log magnitudes at several resolutions, by auraloss.

    Windows are first brought to one level, the target's, so that each counts alike: auraloss puts
    them into one sum. At first each of both signals is brought there by its own level.
    """

    def to_one_level(audio: Tensor, by: Tensor) -> Tensor:
        return audio * torch.rsqrt(by.square().mean(-1, keepdim=True) + 10 ** (FLOOR_DBFS / 10))

    ours = to_one_level(output, output if early else target)
    fitting = tuple(sizes for sizes in RESOLUTIONS if sizes[0] <= target.shape[-1])
    distance: Tensor = _spectral(fitting)(ours[:, None], to_one_level(target, target)[:, None])
    return distance.expand(len(target))


@lru_cache(maxsize=4)
def _spectral(resolutions: tuple[tuple[int, int, int], ...]) -> Any:
    from auraloss.freq import MultiResolutionSTFTLoss

    # Magnitudes under 10^-2, 60 dB below those of the window's level, are alike.
    return MultiResolutionSTFTLoss(*zip(*resolutions, strict=True), eps=1e-4)


TERMS: dict[str, Term] = {
    "esr": _of(lambda audio: audio),
    "pre_emphasis": _of(pre_emphasise),
    "a_weighting": _of(a_weight),
    "dc": _dc,
    "mrstft": _mrstft,
    "level": _level,
}
"""Every term there is. A new one is a function and a line here."""

SHORTEST = {"a_weighting": 256, "mrstft": min(sizes[0] for sizes in RESOLUTIONS)}
"""Samples without which a window says nothing in these terms."""

DEFAULT = {"esr": 1.0, "pre_emphasis": 1.0}


def _weighted(output: Tensor, target: Tensor, weights: Mapping[str, float], early: bool) -> Tensor:
    parts = [weight * TERMS[name](output, target, early) for name, weight in weights.items()]
    return torch.mean(sum(parts[1:], parts[0]))


def loss(output: Tensor, target: Tensor, weights: Mapping[str, float]) -> Tensor:
    """Mean over windows of the weighted sum of terms; (batch, samples) to ().

    √ESR + √(pre-emphasised ESR) by default.
    """
    return _weighted(output, target, weights, early=False)


def approach(output: Tensor, target: Tensor, weights: Mapping[str, float]) -> Tensor:
    """The same with :func:`windowed_distance` in ESR's place: for the first part of a training."""
    return _weighted(output, target, weights, early=True)

"""The networks that knobs move: gain control, bass-middle-treble stack, presence.

Each function takes wiper fractions at control frames and returns the trapezoidal-rule network
(bilinear transform) at those frames.
"""

from __future__ import annotations

import numpy as np

from rigs.virtual.components import InputStage, Presence, ToneStack
from rigs.virtual.filters import Array, Network


def tone_stack_polynomials(
    parts: ToneStack, bass: float, middle: float, treble: float
) -> tuple[Array, Array]:
    """The analog transfer function, from Yeh & Smith, DAFx 2006, equation 1.

    ``bass``, ``middle``, ``treble`` are wiper fractions (l, m, t in the paper). Returns numerator
    and denominator, coefficients of s³ … s⁰. The amp does not use it; the test does.
    """
    low, m, t = bass, middle, treble
    c1, c2, c3 = parts.c1, parts.c2, parts.c3
    r1, r2, r3 = parts.treble.resistance, parts.bass.resistance, parts.middle.resistance
    r4 = parts.slope
    b1 = t * c1 * r1 + m * c3 * r3 + low * (c1 * r2 + c2 * r2) + (c1 * r3 + c2 * r3)
    b2 = (
        t * (c1 * c2 * r1 * r4 + c1 * c3 * r1 * r4)
        - m**2 * (c1 * c3 * r3**2 + c2 * c3 * r3**2)
        + m * (c1 * c3 * r1 * r3 + c1 * c3 * r3**2 + c2 * c3 * r3**2)
        + low * (c1 * c2 * r1 * r2 + c1 * c2 * r2 * r4 + c1 * c3 * r2 * r4)
        + low * m * (c1 * c3 * r2 * r3 + c2 * c3 * r2 * r3)
        + (c1 * c2 * r1 * r3 + c1 * c2 * r3 * r4 + c1 * c3 * r3 * r4)
    )
    ccc = c1 * c2 * c3
    b3 = ccc * (
        low * m * (r1 * r2 * r3 + r2 * r3 * r4)
        - m**2 * (r1 * r3**2 + r3**2 * r4)
        + m * (r1 * r3**2 + r3**2 * r4)
        + t * r1 * r3 * r4
        - t * m * r1 * r3 * r4
        + t * low * r1 * r2 * r4
    )
    a1 = (c1 * r1 + c1 * r3 + c2 * r3 + c2 * r4 + c3 * r4) + m * c3 * r3 + low * (c1 * r2 + c2 * r2)
    a2 = (
        m * (c1 * c3 * r1 * r3 - c2 * c3 * r3 * r4 + c1 * c3 * r3**2 + c2 * c3 * r3**2)
        + low * m * (c1 * c3 * r2 * r3 + c2 * c3 * r2 * r3)
        - m**2 * (c1 * c3 * r3**2 + c2 * c3 * r3**2)
        + low * (c1 * c2 * r2 * r4 + c1 * c2 * r1 * r2 + c1 * c3 * r2 * r4 + c2 * c3 * r2 * r4)
        + (c1 * c2 * r1 * r4 + c1 * c3 * r1 * r4 + c1 * c2 * r3 * r4)
        + (c1 * c2 * r1 * r3 + c1 * c3 * r3 * r4 + c2 * c3 * r3 * r4)
    )
    a3 = ccc * (
        low * m * (r1 * r2 * r3 + r2 * r3 * r4)
        - m**2 * (r1 * r3**2 + r3**2 * r4)
        + m * (r3**2 * r4 + r1 * r3**2 - r1 * r3 * r4)
        + low * r1 * r2 * r4
        + r1 * r3 * r4
    )
    return np.array([b3, b2, b1, 0.0]), np.array([a3, a2, a1, 1.0])


def tone_stack(parts: ToneStack, bass: Array, middle: Array, treble: Array, rate: float) -> Network:
    """The stack at control frames; wiper fractions of shape (f,), ``rate`` in Hz.

    States are the voltages across C1, C2, C3; the loops through them give R i = u - v with the
    currents i through the capacitors and R symmetric. The trapezoidal rule then reads
    v[n] = v[n-1] + (R/h + 1/2C)⁻¹ ((u[n] + u[n-1])/2 - v[n-1]) / C: no pot position makes it
    singular.
    """
    r1 = parts.treble.resistance
    below = middle * parts.middle.resistance
    between = bass * parts.bass.resistance + (1 - middle) * parts.middle.resistance
    r4 = parts.slope
    loop = np.empty((len(bass), 3, 3))
    loop[:] = below[:, None, None]
    loop[:, 1:, 1:] += r4
    loop[:, :2, :2] += between[:, None, None]
    loop[:, 0, 0] += r1
    capacitors = np.array([parts.c1, parts.c2, parts.c3])
    charge = np.linalg.inv(loop * rate + np.diag(0.5 / capacitors)) / capacitors[:, None]
    # The output is the treble wiper: u - v1 - (1 - t) R1 i1, with i1 from the loops of C1 and C3
    # once (bass resistance)·(i1 + i2) = v3 - v2 has removed i2.
    determinant = r1 * r4 + below * (r1 + r4)
    share = (1 - treble) * r1 / determinant
    output = np.stack([share * (r4 + below) - 1, -share * (r4 + below), share * r4], axis=1)
    return Network(
        transition=np.eye(3) - charge,
        feed=charge.sum(axis=2) / 2,
        output=output,
        direct=1 - share * r4,
    )


def gain_control(parts: InputStage, fraction: Array, rate: float) -> Network:
    """The gain pot at control frames; ``fraction`` (f,), ``rate`` in Hz. Volts in, volts out.

    One node: (source + upper track) in parallel with the bright capacitor from the buffer; lower
    track, foot and Miller capacitance to ground. The state is the node's voltage less what the
    capacitors divide directly.
    """
    upper = 1 / (parts.source + (1 - fraction) * parts.gain.resistance)
    lower = 1 / (parts.foot + fraction * parts.gain.resistance)
    total = parts.bright + parts.miller
    direct = np.full_like(fraction, parts.bright / total)
    pole = (upper + lower) / total
    settled = upper / (upper + lower)
    return _one_state(pole, (settled - direct), direct, rate)


def presence(parts: Presence, fraction: Array, rate: float) -> Network:
    """The shelf that less treble in the feedback makes; ``fraction`` (f,), ``rate`` in Hz.

    The tail resistance is Z(s) = a + b/(1 + s b C), the pot's track above and below its wiper.
    With open-loop gain G and feedback Z/(Z + Rf) the stage passes (Z + Rf)/(Z (1 + G) + Rf), here
    scaled to 1 at zero frequency.
    """
    above = (1 - fraction) * parts.pot.resistance
    below = fraction * parts.pot.resistance
    loop = 1 + parts.open_loop
    unshaped = (above + below + parts.feedback) / ((above + below) * loop + parts.feedback)
    high = (above + parts.feedback) / (above * loop + parts.feedback) / unshaped
    stiff = above * loop + parts.feedback
    pole = (stiff + below * loop) / (stiff * below * parts.capacitor)
    return _one_state(pole, 1 - high, high, rate)


def _one_state(pole: Array, low: Array, direct: Array, rate: float) -> Network:
    """y = direct·u + low·(u through a lag of ``pole`` rad/s); all of shape (f,)."""
    half = pole / (2 * rate)
    return Network(
        transition=((1 - half) / (1 + half))[:, None, None],
        feed=(half / (1 + half))[:, None],
        output=low[:, None],
        direct=direct,
    )

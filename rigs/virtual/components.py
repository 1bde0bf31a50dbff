"""The parts of the virtual amp: every value, its unit and where it comes from.

Nothing elsewhere in :mod:`rigs.virtual` holds a number of the circuit. The values are those of
the Fender Bassman 5F6-A / Marshall family unless a comment says otherwise. "Chosen" marks a value
that no schematic gives: it was set by ear and by the figures in ``docs/virtual-amp.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Pot:
    """A potentiometer: panel position 0…10 -> wiper fraction (see :mod:`rigs.virtual.pots`)."""

    resistance: float
    """Ω, end to end."""
    midpoint: float = 0.5
    """Fraction reached at half rotation: 0.5 linear, 0.1–0.3 the audio tapers of the catalogues."""
    residual: float = 0.0
    """Fraction left at the bottom of the track (hop-off); real tracks keep about 1 %."""


@dataclass(frozen=True)
class InputStage:
    """Buffer, gain pot with bright capacitor, and the first grid's Miller capacitance."""

    volts_full_scale: float = 4.36
    """V peak of a 0 dBFS sine: +12 dBu, the usual calibration of a guitar interface."""
    source: float = 10e3
    """Ω, output of the buffer and grid stopper of the pot."""
    gain: Pot = Pot(1e6, midpoint=0.12)
    """Marshall 1 MΩ audio volume pot; between the A10 and A15 tapers of the catalogues."""
    foot: float = 3.3e3
    """Ω from the pot to ground (chosen): Gain at 0 is clean, not mute."""
    bright: float = 47e-12
    """F across the pot (Fender Princeton and others: 47 pF; Marshall up to 1 nF)."""
    miller: float = 115e-12
    """F: Cgk + (gain + 1)·Cgp = 1.6 pF + 61·1.7 pF plus strays, 12AX7 data sheet."""


@dataclass(frozen=True)
class Koren:
    """12AX7 parameters of Koren's model, Glass Audio 8(5), 1996 (table of the article)."""

    mu: float = 100.0
    exponent: float = 1.4
    kg1: float = 1060.0
    kp: float = 600.0
    kvb: float = 300.0
    """V²."""
    grid_resistance: float = 2000.0
    """Ω, RGI: the grid conducts through it once positive."""
    grid_softness: float = 0.1
    """V over which conduction sets in (chosen; the article has an ideal diode)."""


@dataclass(frozen=True)
class TriodeStage:
    """A common-cathode 12AX7 stage with a bypassed cathode.

    ``sigmoids`` holds rows (amplitude V, centre V, width V) of the fit to the stage's Koren load
    line by sums of ``a·(x-c)/sqrt(w² + (x-c)²)``; a test fits them again.
    """

    supply: float
    """V."""
    plate: float
    """Ω."""
    cathode: float
    """Ω."""
    grid_source: float
    """Ω that the grid sees: with grid current it limits the positive swing."""
    fit_range: float
    """V, the drive over which the fit holds, ±."""
    sigmoids: tuple[tuple[float, float, float], ...]
    tube: Koren = Koren()


@dataclass(frozen=True)
class Coupling:
    """Between the triodes: capacitor, series resistor, grid leak, Miller capacitance."""

    capacitor: float = 22e-9
    """F, Marshall."""
    source: float = 38e3
    """Ω, plate: 100 kΩ load in parallel with the tube's 62 kΩ."""
    series: float = 390e3
    """Ω (chosen: Marshall has 470 kΩ; sets how hard the second stage is driven)."""
    leak: float = 270e3
    """Ω (chosen, between Marshall's 220 kΩ and 470 kΩ)."""
    miller: float = 100e-12
    """F: 1.6 pF + 56·1.7 pF, 12AX7 data sheet."""
    conduction: float = 1.91
    """V above which the second grid conducts: its cathode's idle voltage, from the load line."""


@dataclass(frozen=True)
class ToneStack:
    """'59 Bassman 5F6-A: Yeh & Smith, DAFx 2006, figure 1."""

    treble: Pot = Pot(250e3)
    bass: Pot = Pot(1e6, midpoint=0.1, residual=0.01)
    middle: Pot = Pot(25e3)
    slope: float = 56e3
    """Ω, R4."""
    c1: float = 250e-12
    c2: float = 20e-9
    c3: float = 20e-9
    """F."""


@dataclass(frozen=True)
class Presence:
    """Marshall 5 kΩ presence pot with 0.1 µF from its wiper, in the feedback path."""

    pot: Pot = Pot(5e3, residual=0.01)
    capacitor: float = 0.1e-6
    """F."""
    feedback: float = 100e3
    """Ω from the speaker tap to the phase inverter's tail."""
    open_loop: float = 60.0
    """Gain from the tail to the speaker tap without feedback (chosen, 12 dB of feedback)."""


@dataclass(frozen=True)
class PowerStage:
    """Master volume, phase inverter, push-pull output tubes, supply, transformer."""

    master: Pot = Pot(1e6, midpoint=0.2)
    """Marshall 2203: 1 MΩ audio; 20 % at noon, the A20 taper of the catalogues."""
    inverter_headroom: float = 8.0
    """V at the phase inverter's grid at which its output bends (chosen)."""
    inverter_source: float = 47e3
    """Ω, plate of the phase inverter: load, tube and the next grids' leak in parallel."""
    inverter_capacitor: float = 180e-12
    """F: Marshall's 47 pF across the plates counts twice, the rest is the output tubes' grids."""
    tube_headroom: float = 4.0
    """V at the phase inverter's grid that drive the output tubes to their grid current (chosen)."""
    mismatch: float = 0.1
    """Offset of the output pair, as a fraction of its headroom (chosen): even harmonics."""
    supply: float = 450.0
    """V, B+ at idle."""
    supply_resistance: float = 400.0
    """Ω: rectifier (GZ34), transformer winding and choke together (chosen)."""
    current_swing: float = 0.2
    """A, full output less idle, two EL34."""
    supply_capacitor: float = 100e-6
    """F, reservoir and smoothing together."""
    transformer_low: float = 25.0
    """Hz, -3 dB: primary inductance (chosen)."""
    transformer_high: float = 14e3
    """Hz, -3 dB: leakage inductance (chosen)."""
    full_output: float = 0.6
    """Output (1.0 = 0 dBFS) of tubes driven to their end with an unsagged supply (chosen)."""


@dataclass(frozen=True)
class Components:
    """The whole amp."""

    input: InputStage = InputStage()
    first: TriodeStage = TriodeStage(
        supply=300.0,
        plate=100e3,
        cathode=1.5e3,
        grid_source=68e3,
        fit_range=6.0,
        sigmoids=(
            (-49.4877, 0.5749, 0.8538),
            (-50.5628, -0.7666, 1.1226),
            (-4.1876, 4.3406, 1.2564),
        ),
    )
    coupling: Coupling = Coupling()
    second: TriodeStage = TriodeStage(
        supply=300.0,
        plate=100e3,
        cathode=2.7e3,
        grid_source=166e3,
        fit_range=40.0,
        sigmoids=(
            (-71.3766, 0.7751, 1.0368),
            (-18.4375, 16.0247, 11.5881),
            (-23.5832, -0.6748, 0.6196),
        ),
    )
    tone_stack: ToneStack = field(default_factory=ToneStack)
    presence: Presence = field(default_factory=Presence)
    power: PowerStage = field(default_factory=PowerStage)


COMPONENTS = Components()

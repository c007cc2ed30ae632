"""Parametrised electron showers in the sampling calorimeter of `contracts.showers`: milliseconds instead of seconds.

GFlash: Grindhammer & Peters, hep-ex/0001020. The profile in depth is a Gamma distribution whose two parameters
fluctuate from shower to shower. In every step of depth the energy comes in spots, in Poisson-distributed numbers, at
random distances from the axis, which grow with depth.

The formulas use radiation lengths for depths, Moliere radii for radii and GeV for energies; the grid uses cm.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.showers import CELL, CELLS, SILICON, TUNGSTEN

# The calorimeter as a mixture of tungsten and silicon, by mass
LAYER = TUNGSTEN + SILICON  # cm
ATOMIC_NUMBER = 72.5
RADIATION_LENGTH = 0.420  # cm
MOLIERE_RADIUS = 1.083  # cm
CRITICAL_ENERGY = 8.23e-3  # GeV
INVERSE_FREQUENCY = LAYER / RADIATION_LENGTH  # 1 / F_S
LACK = 1 - 1 / (1 + 0.007 * (74 - 14))  # 1 - e/mip, as the radial formulas use it

VISIBLE = 0.0294
"""Share of a shower's energy that is deposited in silicon: that of a minimum ionising particle, 0.0352 (1.66 MeV cm^2/g
in 0.5 mm of silicon, 1.15 in 2.4 mm of tungsten), times e/mip = 0.83. With that showers of 10 to 50 GeV deposit 2.8 %
of their energy, like those of Geant4 in this calorimeter; the paper's formula of e/mip would give 0.70."""
RESOLUTION = 0.177
"""c of the sampling fluctuations c / sqrt(E): 5.6 % at 10 GeV."""

Values = NDArray[np.floating[Any]]
STEPS = 64  # of half a layer; where the axis is tilted, spots from behind the calorimeter can lie in it


class Profile(NamedTuple):
    """Of ln T, T the depth of the maximum, and of ln alpha: means, standard deviations, and their correlation."""

    depth: float
    shape: float
    depth_spread: float
    shape_spread: float
    correlation: float


class Radial(NamedTuple):
    """Radii (n,) of core and tail, and the share (n,) of the core: r is below R with share R^2 / (R^2 + radius^2)."""

    core: Values
    tail: Values
    share: Values


def profile(energy: float) -> Profile:
    """Return how the profiles in depth of electrons of an energy (GeV) are distributed."""
    y = math.log(energy / CRITICAL_ENERGY)
    depth = y - 0.812 - 0.55 * INVERSE_FREQUENCY - 0.69 * LACK
    shape = 0.81 + (0.458 + 2.26 / ATOMIC_NUMBER) * y - 0.476 * INVERSE_FREQUENCY
    spreads = 1 / (-2.5 + 1.25 * y), 1 / (-0.82 + 0.79 * y)
    return Profile(math.log(depth), math.log(shape), *spreads, 0.784 - 0.023 * y)


def draw_profile(energy: float, rng: np.random.Generator) -> tuple[float, float]:
    """Draw T and alpha of one shower: its energy in depth t is Gamma distributed, of shape alpha and rate (alpha-1)/T.

    T is at least 1 and alpha at least 1.1, as in Geant4's GFlash.
    """
    mean = profile(energy)
    u, v = rng.standard_normal(2)
    along, across = math.sqrt((1 + mean.correlation) / 2) * u, math.sqrt((1 - mean.correlation) / 2) * v
    depth = math.exp(mean.depth + mean.depth_spread * (along + across))
    return max(1.0, depth), max(1.1, math.exp(mean.shape + mean.shape_spread * (along - across)))


def radial(energy: float, tau: Values) -> Radial:
    """Return the radial profile at depths tau (n,), which are in units of the depth of the maximum."""
    e, z = math.log(energy), ATOMIC_NUMBER
    core = 0.0251 + 0.00319 * e + (0.1162 - 0.000381 * z) * tau
    tail = (0.659 - 0.00309 * z) * (np.exp(-2.59 * (tau - 0.645)) + np.exp((0.3585 + 0.0412 * e) * (tau - 0.645)))
    x = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * e)
    share = (2.632 - 0.00094 * z) * np.exp(x - np.exp(x))
    early = np.exp(-tau) * INVERSE_FREQUENCY
    around_maximum = np.exp(-((tau - 1) ** 2)) * INVERSE_FREQUENCY
    return Radial(
        core - 0.0203 * LACK + 0.0397 * early,
        tail - 0.14 * LACK - 0.495 * early,
        share + LACK * (0.348 - 0.642 * around_maximum),
    )


def simulate(energy: float, angle: float, rng: np.random.Generator, out: NDArray[np.float64]) -> None:
    """Write the energies (GeV) that one shower deposits in silicon into the cells out (51, 51, 25).

    energy: of the primary electron, GeV. angle: rad, between the axis and the face; below pi/2, y grows with z. The
    axis enters such that the mean maximum of the energy lies in the middle of x and y. What falls outside is lost.
    """
    maximum, alpha = draw_profile(energy, rng)
    sine, cosine = math.sin(angle), math.cos(angle)
    step = LAYER / 2 / sine
    edges = np.arange(STEPS + 1) * (step / RADIATION_LENGTH)
    counts, energies = _spots(energy, maximum, alpha, edges, rng)
    mean = profile(energy)
    # t/T of the mean profile; the centre of gravity of a fluctuated one is at the same tau (Geant4: ComputeTau)
    centre, shape = maximum * alpha / (alpha - 1), math.exp(mean.shape)
    tau = (edges[1:] + edges[:-1]) / 2 / centre * shape / (shape - 1)
    at = radial(energy, tau)
    # results of exp and log are rounded, so that their last bits, which differ between CPUs, have no effect
    steps = np.stack([energies, at.core * MOLIERE_RADIUS, at.tail * MOLIERE_RADIUS, at.share], axis=1)
    uniforms = rng.random((counts.sum(), 3), dtype=np.float32)
    entry = CELLS[1] * CELL / 2 - math.exp(mean.depth) * RADIATION_LENGTH * cosine
    out.fill(0.0)
    _deposit(out, counts, steps.astype(np.float32), uniforms, step, entry, sine, cosine)


def _spots(
    energy: float, maximum: float, alpha: float, edges: Values, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Values]:
    """Draw the number of spots between the edges (n + 1,) and the energy of one of them (GeV), each (n,).

    The spots have their own Gamma profile. Their Poisson numbers N give relative fluctuations of 1 / sqrt(N), which is
    less than c / sqrt(E) if c is as large as here; the energy deposited in silicon in a step, Gamma-distributed as in
    the paper, gives the rest.
    """
    from scipy.special import gammainc

    spots = 10.3 / RESOLUTION * energy**0.959
    spot_maximum, spot_alpha = (0.813 + 0.0019 * ATOMIC_NUMBER) * maximum, (0.844 + 0.0026 * ATOMIC_NUMBER) * alpha
    visible = VISIBLE * energy * np.diff(gammainc(alpha, (alpha - 1) / maximum * edges))
    expected = spots * np.diff(gammainc(spot_alpha, (spot_alpha - 1) / spot_maximum * edges))
    counts = rng.poisson(expected)
    rest = spots * RESOLUTION**2 / energy - 1
    sums = rest * rng.standard_gamma(counts / rest)  # of the counts: the variance is rest times the mean
    hit = np.maximum(counts, 1) * np.where(counts > 0, expected, 1.0)
    return counts, visible * sums / hit


@numba.njit(cache=True, nogil=True)
def _deposit(
    cells: NDArray[np.float64],
    counts: NDArray[np.int64],
    steps: NDArray[np.float32],
    uniforms: NDArray[np.float32],
    length: float,
    entry: float,
    sine: float,
    cosine: float,
) -> None:
    """Add spots to the cells; steps: energy, radii of core and tail (cm), share of the core; uniforms: three a spot."""
    nx, ny, nz = cells.shape
    spot = 0
    for k in range(len(counts)):
        energy, core, tail, share = steps[k]
        for _ in range(counts[k]):
            u, turn, along = np.float64(uniforms[spot, 0]), np.float64(uniforms[spot, 1]), np.float64(uniforms[spot, 2])
            spot += 1
            if u < share:
                radius, u = core, u / share
            else:
                radius, u = tail, (u - share) / (1 - share)
            radius *= math.sqrt(u / (1 - u))
            # cos and sin of 2 pi (turn - 1/2): to 1e-8 by series, then the angle is doubled twice; same bits everywhere
            a = (turn - 0.5) * 1.5707963267948966
            a2 = a * a
            s = a * (1 - a2 / 6 * (1 - a2 / 20 * (1 - a2 / 42 * (1 - a2 / 72))))
            c = 1 - a2 / 2 * (1 - a2 / 12 * (1 - a2 / 30 * (1 - a2 / 56 * (1 - a2 / 90))))
            s, c = 2 * s * c, 1 - 2 * s * s
            s, c = radius * (2 * s * c), radius * (1 - 2 * s * s)
            depth = (k + along) * length
            x = math.floor(nx / 2 + c / CELL)
            y = math.floor((entry + depth * cosine + s * sine) / CELL)
            z = math.floor((depth * sine - s * cosine) / LAYER)
            if 0 <= x < nx and 0 <= y < ny and 0 <= z < nz:
                cells[x, y, z] += energy

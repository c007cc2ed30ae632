"""What is measured of jets: momentum, mass, multiplicity and N-subjettiness, from their constituents.

Constituents are (n, particles, 3) float64: pt (GeV), eta, phi; massless, and those of pt 0 are padding. Sums run over
the particles one after the other, so that padding changes no bit.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UNITS = {"pt": "GeV", "mass": "GeV", "tau21": "1", "tau32": "1", "multiplicity": "1"}
"""What a jet's conditions are, and their units."""
AXES = 3  # N-subjettiness is known for 1 ... AXES
TWO_PI = 2 * math.pi
NOTHING = 1e-12  # of N-subjettiness: less is rounding, and no denominator


def observables(constituents: Floats) -> dict[str, Floats]:
    """Return pt, mass (GeV), multiplicity, tau1, tau2, tau3, tau21 and tau32 of jets: (n,) float64 each.

    pt and mass are those of the sum of the four-momenta. tau_N is N-subjettiness with beta = 1 and R = 1 (Thaler & Van
    Tilburg, 1011.2268, equation 2.1): the sum of pt times the distance to the nearest of N axes over the sum of pt. The
    axes are those of the N exclusive kt jets (E-scheme), distances are in rapidity and phi. tau21 and tau32 are
    tau2 / tau1 and tau3 / tau2; 0 where the denominator is.
    """
    found = _observables(np.ascontiguousarray(constituents, dtype=np.float64))
    pt, mass, multiplicity, *tau = found.T.copy()
    tau21, tau32 = (np.divide(b, a, out=np.zeros(len(a)), where=a > 0) for a, b in pairwise(tau))
    return {
        "pt": pt,
        "mass": mass,
        "multiplicity": multiplicity,
        "tau1": tau[0],
        "tau2": tau[1],
        "tau3": tau[2],
        "tau21": tau21,
        "tau32": tau32,
    }


def kt_axes(constituents: Floats, n: int) -> Floats:
    """Return rapidity and phi of the axes of the n exclusive kt jets, 1 ... 3: (jets, n, 2); NaN where there are fewer.

    Recombination adds four-momenta, and no particle is left to the beam. The order of a jet's axes has no meaning.
    """
    clouds = np.ascontiguousarray(constituents, dtype=np.float64)
    return np.stack([_axes(cloud)[n - 1, :n] for cloud in clouds]) if len(clouds) else np.empty((0, n, 2))


def constituents_of_images(x: NDArray[np.floating[Any]], width: float) -> Floats:
    """Return the pixels of images (n, H, W) as particles (n, particles, 3): pt, eta, phi.

    Pixels are square, and the W columns together as wide as `width` in eta.

    A pixel above 0 is a massless particle at its centre, and its value the pt. phi rises from the last row to the
    first, eta from the first column to the last. Hardest first, zero-padded to the largest number of an image.
    """
    n, rows, columns = x.shape
    phi = ((rows - 1) / 2 - np.arange(rows)) * (width / columns)
    eta = (np.arange(columns) - (columns - 1) / 2) * (width / columns)
    pt = np.maximum(x.reshape(n, rows * columns), 0).astype(np.float64)
    order = np.argsort(-pt, axis=1, kind="stable")[:, : max(1, int((pt > 0).sum(axis=1).max(initial=0)))]
    pt = np.take_along_axis(pt, order, axis=1)
    there = pt > 0
    return np.stack([pt, np.where(there, eta[order % columns], 0), np.where(there, phi[order // columns], 0)], axis=-1)


@numba.njit(cache=True, nogil=True)
def _apart(a: float, b: float) -> float:
    """Return the angle between two directions phi, 0 ... pi."""
    d = math.fabs(a - b) % TWO_PI
    return TWO_PI - d if d > math.pi else d


@numba.njit(cache=True, nogil=True)
def _mass(cloud: Floats) -> float:
    """Return the mass of the sum of massless particles, as a sum over pairs: no difference of large numbers."""
    square = 0.0
    for i in range(len(cloud)):
        for j in range(i):
            if cloud[i, 0] > 0 and cloud[j, 0] > 0:
                deta, dphi = cloud[i, 1] - cloud[j, 1], cloud[i, 2] - cloud[j, 2]
                a, b = math.sinh(deta / 2), math.sin(dphi / 2)
                square += 4 * cloud[i, 0] * cloud[j, 0] * (a * a + b * b)
    return math.sqrt(square)


@numba.njit(cache=True, nogil=True)
def rapidity(p: Floats) -> float:
    """Return the rapidity of a four-momentum (4,) float64: E, px, py, pz in one unit."""
    light = p[0] + math.fabs(p[3])
    transverse = max(p[0] * p[0] - p[3] * p[3], p[1] * p[1] + p[2] * p[2])  # m^2 + pt^2, with m^2 at least 0
    return math.copysign(0.5 * math.log(light * light / transverse), p[3])


@numba.njit(cache=True, nogil=True)
def momenta_of(cloud: Floats, origin: float) -> Floats:
    """Return the four-momenta (k, 4) float64, E, px, py, pz in the unit of pt, of the massless particles of a jet.

    cloud: (particles, 3) float64: pt, eta, phi; those of pt 0 are left out. eta is counted from an origin.
    """
    found = np.empty((len(cloud), 4))
    count = 0
    for pt, eta, phi in cloud:
        if pt > 0:
            found[count, 0], found[count, 3] = pt * math.cosh(eta - origin), pt * math.sinh(eta - origin)
            found[count, 1], found[count, 2] = pt * math.cos(phi), pt * math.sin(phi)
            count += 1
    return found[:count]


@numba.njit(cache=True, nogil=True)
def _nearest(i: int, places: Floats, count: int) -> tuple[int, float]:
    """Return the nearest of the others to place i, and the square of its distance."""
    best, least = -1, math.inf
    for j in range(count):
        if j != i:
            dy, dphi = places[i, 0] - places[j, 0], _apart(places[i, 1], places[j, 1])
            if dy * dy + dphi * dphi < least:
                best, least = j, dy * dy + dphi * dphi
    return best, least


@numba.njit(cache=True, nogil=True)
def _place(p: Floats, places: Floats, i: int) -> None:
    """Write rapidity, phi and the square of pt of a four-momentum."""
    places[i, 0], places[i, 1], places[i, 2] = rapidity(p), math.atan2(p[2], p[1]), p[1] * p[1] + p[2] * p[2]


@numba.njit(cache=True, nogil=True)
def _axes(cloud: Floats) -> Floats:
    """Return the axes (N, axis, 2) of the exclusive kt jets for N = 1 ... AXES; NaN where a jet has fewer particles.

    The least min(pt_i, pt_j)^2 R_ij^2 is that of some particle and its nearest neighbour, of which a list is kept
    (Cacciari & Salam, hep-ph/0512210).
    """
    axes = np.full((AXES, AXES, 2), np.nan)
    origin = cloud[np.argmax(cloud[:, 0]), 1]  # rapidities are differences from here: less rounding
    momenta = momenta_of(cloud, origin)
    count = len(momenta)
    places, near, least = np.empty((count, 3)), np.empty(count, np.int64), np.empty(count)
    for i in range(count):
        _place(momenta[i], places, i)
    for i in range(count):
        near[i], least[i] = _nearest(i, places, count)
    while count > 0:
        if count <= AXES:
            for i in range(count):
                axes[count - 1, i, 0], axes[count - 1, i, 1] = places[i, 0] + origin, places[i, 1]
        if count == 1:
            break
        i = int(np.argmin(places[:count, 2] * least[:count]))
        a, b = min(i, int(near[i])), max(i, int(near[i]))
        momenta[a] += momenta[b]
        _place(momenta[a], places, a)
        count -= 1
        momenta[b], places[b], near[b], least[b] = momenta[count], places[count], near[count], least[count]
        for k in range(count):
            if near[k] in (a, b) or k == a:
                near[k], least[k] = _nearest(k, places, count)
            else:
                if near[k] == count:
                    near[k] = b
                dy, dphi = places[k, 0] - places[a, 0], _apart(places[k, 1], places[a, 1])
                if dy * dy + dphi * dphi < least[k]:
                    near[k], least[k] = a, dy * dy + dphi * dphi
    return axes


@numba.njit(cache=True, nogil=True)
def _subjettiness(cloud: Floats, axes: Floats) -> float:
    """Return the mean distance of the particles to their nearest axis, weighted with pt; NaN axes do not count."""
    moment = total = 0.0
    for pt, eta, phi in cloud:
        if pt > 0:
            least = math.inf
            for y, axis_phi in axes:
                if not math.isnan(y):
                    least = min(least, math.hypot(eta - y, _apart(phi, axis_phi)))
            moment, total = moment + pt * least, total + pt
    return moment / total if moment > NOTHING * total else 0.0


@numba.njit(cache=True, nogil=True)
def _observables(clouds: Floats) -> Floats:
    """Return pt, mass, multiplicity, tau1 ... of jets; zeros where there is no particle."""
    found = np.zeros((len(clouds), 3 + AXES))
    for k in range(len(clouds)):
        cloud = clouds[k]
        px = py = 0.0
        for pt, _, phi in cloud:
            if pt > 0:
                px, py, found[k, 2] = px + pt * math.cos(phi), py + pt * math.sin(phi), found[k, 2] + 1
        found[k, 0], found[k, 1] = math.hypot(px, py), _mass(cloud)
        axes = _axes(cloud)
        for n in range(min(AXES, int(found[k, 2]))):
            found[k, 3 + n] = _subjettiness(cloud, axes[n])
    return found

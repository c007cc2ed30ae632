"""Jets brought into a common frame, and as images: pure functions of their constituents.

Constituents are (n, particles, 3) float64: pt, eta, phi; those of pt 0 are padding. All that is computed is linear in
pt, in sums that run over the particles one after the other: a particle of no momentum, or one that is split into two
in the same direction, changes nothing but rounding.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.domains.jets.observables import TWO_PI, momenta_of, rapidity

Floats = NDArray[np.float64]

GRID = 2.0**-30  # to which coordinates are rounded: what lies on the edge of a pixel must not be decided by rounding
ALIKE = 1e-9  # relative difference below which two sums of pt, or two moments, count as equal


def preprocessed(constituents: Floats, centre: bool = True, rotate: bool = True, flip: bool = True) -> Floats:
    """Return the constituents in the frame of their jet: eta and phi from the jet's axis, multiples of 2^-30.

    The axis is rapidity and phi of the sum of the four-momenta. centre: the origin is the centroid of eta and phi,
    weighted with pt, instead. rotate: the principal axis of the second moments about the origin, weighted with pt,
    becomes the direction of phi, where there is one. flip: the halves of more pt become those of positive eta and of
    positive phi; halves that are equal are left. Padding is (0, 0, 0).
    """
    found = np.ascontiguousarray(constituents, dtype=np.float64).copy()
    _preprocess(found, centre, rotate, flip)
    return found


def pixelated(constituents: Floats, pixels: int, width: float) -> Floats:
    """Return images (n, pixels, pixels) of the pt of constituents within half a width of the origin in eta and phi.

    phi rises from the last row to the first, eta from the first column to the last. What lies outside is left out.
    """
    images = np.zeros((len(constituents), pixels, pixels))
    _pixelate(np.ascontiguousarray(constituents, dtype=np.float64), width, images)
    return images


def normalised(images: Floats) -> Floats:
    """Return images (n, H, W) that sum to 1 each; an empty one stays empty."""
    total = images.sum(axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(images, total, out=np.zeros_like(images), where=total > 0))


@numba.njit(cache=True, nogil=True)
def _preprocess(clouds: Floats, centre: bool, rotate: bool, flip: bool) -> None:
    """Do the steps in place."""
    for k in range(len(clouds)):
        cloud = clouds[k]
        if cloud[:, 0].max() > 0:
            _move(cloud, centre)
            if rotate:
                _rotate(cloud)
            for i in range(len(cloud)):
                cloud[i, 1], cloud[i, 2] = np.rint(cloud[i, 1] / GRID) * GRID, np.rint(cloud[i, 2] / GRID) * GRID
            for axis in range(1, 3 if flip else 1):
                _flip(cloud, axis)
        for i in range(len(cloud)):
            if cloud[i, 0] <= 0:
                cloud[i] = 0.0


@numba.njit(cache=True, nogil=True)
def _move(cloud: Floats, centre: bool) -> None:
    """Count eta and phi from the centroid, or else from the jet's axis."""
    hardest = np.argmax(cloud[:, 0])  # from which phi is less than half a turn, so that means can be taken
    eta, phi = cloud[hardest, 1], cloud[hardest, 2]
    total = deta = dphi = 0.0
    for i in range(len(cloud)):
        cloud[i, 1], cloud[i, 2] = cloud[i, 1] - eta, (cloud[i, 2] - phi + math.pi) % TWO_PI - math.pi
        if cloud[i, 0] > 0:
            total += cloud[i, 0]
            deta, dphi = deta + cloud[i, 0] * cloud[i, 1], dphi + cloud[i, 0] * cloud[i, 2]
    if centre:
        deta, dphi = deta / total, dphi / total
    else:
        momenta, whole = momenta_of(cloud, 0.0), np.zeros(4)
        for p in momenta:
            whole += p
        deta, dphi = rapidity(whole), math.atan2(whole[2], whole[1])
    for i in range(len(cloud)):
        cloud[i, 1], cloud[i, 2] = cloud[i, 1] - deta, cloud[i, 2] - dphi


@numba.njit(cache=True, nogil=True)
def _rotate(cloud: Floats) -> None:
    """Turn the principal axis into the direction of phi; leave a jet that has none."""
    etas = phis = mixed = 0.0
    for pt, eta, phi in cloud:
        if pt > 0:
            etas, phis, mixed = etas + pt * eta * eta, phis + pt * phi * phi, mixed + pt * eta * phi
    if math.hypot(2 * mixed, etas - phis) <= ALIKE * (etas + phis):
        return
    angle = 0.5 * math.atan2(2 * mixed, etas - phis)
    across, along = math.sin(angle), math.cos(angle)
    for i in range(len(cloud)):
        eta, phi = cloud[i, 1], cloud[i, 2]
        cloud[i, 1], cloud[i, 2] = across * eta - along * phi, along * eta + across * phi


@numba.njit(cache=True, nogil=True)
def _flip(cloud: Floats, axis: int) -> None:
    """Mirror a coordinate where its negative half has more pt."""
    below = above = 0.0
    for i in range(len(cloud)):
        if cloud[i, axis] < 0:
            below += cloud[i, 0]
        elif cloud[i, axis] > 0:
            above += cloud[i, 0]
    if below - above > ALIKE * (below + above):
        for i in range(len(cloud)):
            cloud[i, axis] = -cloud[i, axis]


@numba.njit(cache=True, nogil=True)
def _pixelate(clouds: Floats, width: float, images: Floats) -> None:
    """Add the pt of every particle to its pixel."""
    pixels = images.shape[1]
    for k in range(len(clouds)):
        for pt, eta, phi in clouds[k]:
            column, row = math.floor((eta / width + 0.5) * pixels), math.floor((phi / width + 0.5) * pixels)
            if pt > 0 and 0 <= column < pixels and 0 <= row < pixels:
                images[k, pixels - 1 - row, column] += pt

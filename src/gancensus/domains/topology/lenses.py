"""Lenses: functions of a sample, known from `train`, by whose values a Mapper graph is cut into cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numba
import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.search.neighbours import Nearest, nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LANDMARKS = 2000  # samples of train to which a mean distance is taken, or as many as have
VALUES = 2**21  # values: 170 images of 64 x 64 x 3
ROWS = 1024  # rows, or columns, that are centred at once
EQUAL = 1e-9  # relative to the largest: eigenvalues this near have one eigenspace
TIED = 1e-6  # relative: loadings this near are equally large
GRID = 2.0**-32  # to which loadings are rounded, which takes away what the order of sums in BLAS does to them
BEYOND = 8  # eigenvalues after those that are asked for, to see which are equal


class Lens(Protocol):
    """A function of samples."""

    def of(self, z: Floats) -> Floats:
        """Return its values (n,) for samples (n, d); a value depends on no other sample of z."""
        ...


@dataclass(frozen=True)
class Coordinate:
    """One of the values of a vector."""

    column: int

    def of(self, z: Floats) -> Floats:
        """Return them."""
        return z[:, self.column].copy()


@dataclass(frozen=True)
class Component:
    """A principal component: v . (z - mean)."""

    mean: Floats
    direction: Floats

    def of(self, z: Floats) -> Floats:
        """Return it."""
        return _project(z, self.mean, self.direction)


@dataclass(frozen=True)
class Eccentricity:
    """The mean Euclidean distance to landmarks: E_1 of Singh, Memoli & Carlsson, PBG 2007, section 4.2."""

    landmarks: Floats
    """Samples of train, transposed (d, m)."""

    def of(self, z: Floats) -> Floats:
        """Return it."""
        return _mean_distance(z, self.landmarks)


@dataclass(frozen=True)
class Density:
    """Minus the logarithm of the Euclidean distance to the k-th nearest sample of train, at least `least`."""

    train: Floats
    neighbours: int
    least: float

    def of(self, z: Floats) -> Floats:
        """Return it."""
        return self.at(nearest(z, self.train, self.neighbours).distance[:, -1])

    def at(self, distance: Floats) -> Floats:
        """Return it where the distance is known."""
        return -np.log(np.maximum(distance, self.least))


def check(names: Sequence[str], dimension: int) -> None:
    """Raise UserError for a lens that is not known, twice there, or not in vectors of that dimension."""
    for name in names:
        known = re.fullmatch(r"eccentricity|density|pca([1-9][0-9]*)|x(0|[1-9][0-9]*)", name)
        if not known:
            raise UserError(
                f"lens {name}: it is not known; use `eccentricity`, `density`, `pca1`, `x0` or a higher number"
            )
        if int(known[1] or 0) > dimension or int(known[2] or -1) >= dimension:
            raise UserError(f"lens {name}: there are {dimension} values only; lower its number")
        if list(names).count(name) > 1:
            raise UserError(f"lens {name}: it is given twice; use two different lenses")


def fit(names: Sequence[str], z: Floats, others: Nearest, rng: np.random.Generator) -> tuple[tuple[Lens, ...], Floats]:
    """Fit lenses on train, and return them and their values there (n, lenses).

    Args:
        names: `pcaN`, the N-th principal component, N from 1; `xN`, a value of the vector, N from 0; `eccentricity`,
            the mean distance to at most 2,000 of the samples, or as many as have 2^21 values; `density`, minus the
            logarithm of the distance to the k-th nearest other sample, at least the smallest above 0.
        z: (n, d), finite.
        others: the k nearest other samples of each.
        rng: chooses the samples of `eccentricity`.

    Raises:
        UserError: as `check`; the samples vary in fewer directions than N.
    """
    check(names, z.shape[1])
    components = max((int(name[3:]) for name in names if name.startswith("pca")), default=0)
    mean, directions = principal_directions(z, components) if components else (np.empty(0), np.empty((0, 0)))
    lenses: list[Lens] = []
    values = []
    for name in names:
        lens: Lens
        if name.startswith("pca"):
            lens = Component(mean, directions[int(name[3:]) - 1])
        elif name == "eccentricity":
            lens = Eccentricity(_landmarks(z, rng))
        elif name == "density":
            lens = _density(z, others)
        else:
            lens = Coordinate(int(name[1:]))
        lenses.append(lens)
        # A sample of train is not its own neighbour, or it would seem to lie more densely than a new one at its place.
        values.append(lens.at(others.distance[:, -1]) if isinstance(lens, Density) else lens.of(z))
    return tuple(lenses), np.stack(values, axis=1)


def principal_directions(z: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the mean (d,) of samples (n, d), and the leading eigenvectors of their covariance (count, d).

    They are exact eigenvectors of the covariance, or of the samples' Gram matrix where that is smaller. Each one's
    largest loading is positive, the first of equally large ones; of equal eigenvalues, the first vector is the
    projection of the axis that is nearest to their space, the next that of the nearest one to the rest, and so on.
    Loadings are rounded to 2^-32.

    Raises:
        UserError: the samples vary in fewer than `count` directions.
    """
    mean = z.mean(axis=0)
    wide = z.shape[0] < z.shape[1]
    product = np.zeros((min(z.shape), min(z.shape)))
    for start in range(0, max(z.shape), ROWS):
        part = slice(start, start + ROWS)
        some = z[:, part] - mean[part] if wide else (z[part] - mean).T
        product += some @ some.T
    kept = min(len(product), count + BEYOND)
    eigenvalues, vectors = scipy.linalg.eigh(product, subset_by_index=(len(product) - kept, len(product) - 1))
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    rank = int(np.count_nonzero(eigenvalues > eigenvalues[0] * max(z.shape) * np.finfo(float).eps))
    if rank < count or eigenvalues[0] <= 0:
        rank = rank if eigenvalues[0] > 0 else 0
        raise UserError(f"lens pca{count}: the samples of `train` vary in {rank} directions only; use another lens")
    if wide:
        vectors = np.concatenate(
            [(z[:, a : a + ROWS] - mean[a : a + ROWS]).T @ vectors[:, :rank] for a in range(0, z.shape[1], ROWS)]
        )
        vectors /= np.linalg.norm(vectors, axis=0)
    return mean, _canonical(eigenvalues[:rank], vectors[:, :rank])[:count]


def _canonical(eigenvalues: Floats, vectors: Floats) -> Floats:
    """Return a basis (m, d) of the eigenspaces that does not depend on the one that was found (d, m)."""
    found: list[Floats] = []
    space = np.cumsum(np.append(0, -np.diff(eigenvalues) > EQUAL * eigenvalues[0]))
    for one in np.unique(space):
        rest = vectors[:, space == one]
        while rest.shape[1]:
            length = np.linalg.norm(rest, axis=1)
            axis = int(np.argmax(length >= length.max() * (1 - TIED)))
            inside = rest[axis] / length[axis]
            found.append(np.round(rest @ inside / GRID) * GRID)
            rest = rest @ scipy.linalg.null_space(inside[None])
    return np.array(found)


def _landmarks(z: Floats, rng: np.random.Generator) -> Floats:
    count = min(LANDMARKS, len(z), max(1, VALUES // z.shape[1]))
    return np.ascontiguousarray(z[np.sort(rng.choice(len(z), count, replace=False))].T)


def _density(z: Floats, others: Nearest) -> Density:
    distance = others.distance[:, -1]
    least = float(distance[distance > 0].min(initial=np.inf))
    return Density(z, others.distance.shape[1], least if np.isfinite(least) else 1.0)


@numba.njit(cache=True, nogil=True)
def _project(z: Floats, mean: Floats, direction: Floats) -> Floats:
    """Return the scalar product of each row, less the mean, with a direction: summed in one order."""
    found = np.empty(len(z))
    for i in range(len(z)):
        total = 0.0
        for j in range(len(mean)):
            total += (z[i, j] - mean[j]) * direction[j]
        found[i] = total
    return found


@numba.njit(cache=True, nogil=True)
def _mean_distance(z: Floats, landmarks: Floats) -> Floats:
    """Return the mean distance of each row to landmarks (d, m): each summed in one order, side by side."""
    found, squares = np.empty(len(z)), np.empty(landmarks.shape[1])
    for i in range(len(z)):
        squares[:] = 0.0
        for j in range(len(landmarks)):
            for k in range(len(squares)):
                difference = z[i, j] - landmarks[j, k]
                squares[k] += difference * difference
        total = 0.0
        for k in range(len(squares)):
            total += np.sqrt(squares[k])
        found[i] = total / len(squares)
    return found

"""Correlations over the pairs of a sample. Pairs that share a member are not independent: members are what is drawn.

What is measured of members themselves, (n,), goes through the same functions as what is measured of pairs, (n, n).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.statistics.ranks import mean_ranks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Weighted(NamedTuple):
    """Values with mean 0 and variance 1, and their mean and standard deviation in every resample."""

    values: Floats
    """(n, n), symmetric, 0 on the diagonal; or (n,)."""
    mean: Floats
    """(resamples,)."""
    deviation: Floats
    """(resamples,)."""


def resamples(n: int, count: int, rng: np.random.Generator) -> Floats:
    """Return how often each of n members is in each resample, float64 (count, n): bootstrap of the members.

    A pair counts as often as the product of its two members says; a member is never paired with itself (Snijders &
    Borgatti, Connections 22 (1999) 161, on networks).
    """
    return rng.multinomial(n, np.full(n, 1 / n), size=count).astype(np.float64)


def orders(n: int, count: int, rng: np.random.Generator) -> Integers:
    """Return random orders of n members, int64 (count, n)."""
    return rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)


def ranks(values: Floats) -> Floats:
    """Return the ranks of values (n,), or of the pairs of (n, n) among all pairs; equal values share their mean rank.

    A resample does not rank anew: its Spearman correlation is the weighted Pearson correlation of these ranks.
    """
    if values.ndim == 1:
        return mean_ranks(values)
    return _square(mean_ranks(values[np.triu_indices(len(values), 1)]), len(values))


def weighted(values: Floats, counts: Floats) -> Weighted:
    """Return values (n, n) or (n,) as `pearson` needs them; counts (resamples, n) are those of `resamples`."""
    known = values if values.ndim == 1 else values[np.triu_indices(len(values), 1)]
    deviation = known.std() if np.ptp(known) > 0 else 0.0  # of equal values it is not always 0, by rounding
    scaled = (known - known.mean()) / deviation if deviation > 0 else np.zeros_like(known)
    scaled = scaled if values.ndim == 1 else _square(scaled, len(values))
    weight = _total(np.ones_like(scaled) if values.ndim == 1 else 1.0 - np.eye(len(values)), counts)
    mean = _total(scaled, counts) / weight
    variance = _total(np.square(scaled), counts) / weight - np.square(mean)
    return Weighted(scaled, mean, np.sqrt(np.maximum(variance, 0.0)))


def pearson(x: Weighted, y: Weighted, counts: Floats) -> Floats:
    """Return the correlation in every resample, float64 (resamples,); NaN where either has one value only.

    counts (resamples, n) are those that x and y were weighted with. With counts of 1 it is the correlation of the
    values as they are.
    """
    ones = np.ones(x.values.shape) if x.values.ndim == 1 else 1.0 - np.eye(len(x.values))
    mean = _total(x.values * y.values, counts) / _total(ones, counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip((mean - x.mean * y.mean) / (x.deviation * y.deviation), -1.0, 1.0)


def plain_pearson(x: Weighted, y: Weighted) -> float:
    """Return the correlation of the values as they are; NaN where either has one value only."""
    norm = np.sqrt(np.square(x.values).sum() * np.square(y.values).sum())
    return float(np.clip((x.values * y.values).sum() / norm, -1.0, 1.0)) if norm > 0 else float("nan")


def permuted_pearson(x: Weighted, y: Weighted, order: Integers) -> Floats:
    """Return the correlations when the members of x are permuted, float64 (orders,).

    Mantel, Cancer Research 27 (1967) 209: rows and columns of a matrix of distances together, which keeps all that is
    within it. order (orders, n) are those of `orders`.
    """
    n = len(x.values)
    if x.values.ndim == 1:
        return np.asarray([np.mean(x.values[one] * y.values) for one in order])
    return _permuted_products(x.values, y.values, order) / (n * (n - 1) / 2)


def _square(pairs: NDArray[np.float64], n: int) -> Floats:
    """Return the symmetric matrix (n, n) of the values of its pairs i < j, 0 on the diagonal."""
    found = np.zeros((n, n))
    found[np.triu_indices(n, 1)] = pairs
    return found + found.T


def _total(values: Floats, counts: Floats) -> Floats:
    """Return the sums of values over members, or over pairs i < j, as often as they count: (resamples,)."""
    product = counts @ values
    return product if values.ndim == 1 else np.asarray((product * counts).sum(axis=1) / 2)


@numba.njit(cache=True, nogil=True)
def _permuted_products(x: Floats, y: Floats, order: Integers) -> Floats:
    """Return the sum over i < j of x[order[i], order[j]] y[i, j] for every order."""
    found = np.zeros(len(order))
    for k in range(len(order)):
        for i in range(x.shape[0]):
            row = x[order[k, i]]
            for j in range(i + 1, x.shape[0]):
                found[k] += row[order[k, j]] * y[i, j]
    return found

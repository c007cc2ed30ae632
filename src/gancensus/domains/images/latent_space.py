"""Classes in a latent space: how pure the neighbourhoods of their samples are, and into how many clumps they fall."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.search.neighbours import nearest_others
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import SPLITS, half_sample_variance, halves
from gancensus.statistics.intervals import symmetric
from gancensus.statistics.spread import Chance, total

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LINKS = 10  # nearest neighbours, of which mutual ones are linked
LEAST = 0.05  # share of a class in a clump
ENOUGH = 50  # samples of a class that is judged


class Measured(NamedTuple):
    """Purity and clumps in one latent space, of all classes and then of each; NaN of those with too few samples.

    Of all classes they are the mean over the samples, and that over the classes with enough samples.
    """

    values: Floats
    """(2, 1 + classes)."""
    differences: Floats
    """Their values in one half of the samples less those in the other (splits, 2, 1 + classes)."""


def purities(z: Floats, label: Integers, neighbours: int) -> Floats:
    """Return the share of the k nearest other samples of each of z (n, d) that are of its class label (n,): (n,).

    Of those that are equally far as the k-th, it is the share that is expected where chance decides which are taken.
    """
    k = min(neighbours, len(z) - 1)
    rows, distance = nearest_others(z, min(k + 1, len(z) - 1))
    pure = np.asarray((label[rows[:, :k]] == label[:, None]).mean(axis=1))
    for row in np.flatnonzero(distance[:, -1] == distance[:, k - 1]).tolist() if distance.shape[1] > k else ():
        pure[row] = _tied(z, label, row, k)
    return pure


def _tied(z: Floats, label: Integers, row: int, k: int) -> float:
    """Return the purity of a sample's k nearest others, of whom several are as far as the k-th."""
    square = np.square(z - z[row]).sum(axis=1)
    square[row] = np.inf
    last, same = np.partition(square, k - 1)[k - 1], label == label[row]
    nearer, level = square < last, square == last
    return float((same[nearer].sum() + (k - nearer.sum()) * same[level].mean()) / k)


def plane(z: Floats) -> tuple[Floats, Floats]:
    """Return vectors z (n, d) in the plane (n, 2), and the share of the variance along each of its axes (2,).

    They are as they are in two dimensions, else along their first two principal components; 0 where there is but one.
    """
    from sklearn.decomposition import PCA

    if z.shape[1] == 2:
        variance = z.var(axis=0)
        return z, variance / (variance.sum() or 1.0)
    model = PCA(min(2, *z.shape), svd_solver="full").fit(z)
    at, shares = model.transform(z), np.nan_to_num(model.explained_variance_ratio_)
    missing = 2 - at.shape[1]
    return np.pad(at, ((0, 0), (0, missing))), np.pad(shares, (0, missing))


def chance(label: Integers) -> Floats:
    """Return the mean purity of each class (classes,) where labels 0, 1... (n,) are permuted: (n_c - 1) / (n - 1)."""
    return np.asarray((np.bincount(label) - 1) / (len(label) - 1))


def count_clumps(z: Floats) -> int:
    """Return the number of clumps of z (n, d), the samples of a class.

    A clump is a connected component, with 5 % of the samples or more, of the graph in which two are linked that are
    among the 10 nearest neighbours of each other (mutual k-nearest neighbours: Brito et al., Stat. Probab. Lett. 35
    (1997) 33). A Gaussian of 70 to 1,000 samples in 2 or 16 dimensions has one clump in 99 % of all cases; m of them
    that are 10 standard deviations apart have m in 98 %, ones that are 6 apart are often counted as one. Equal vectors
    are linked.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n, k = len(z), min(LINKS, len(z) - 1)
    if n < 2:
        return n
    rows = nearest_others(z, k).rows
    near = coo_array((np.ones(n * k), (np.repeat(np.arange(n), k), rows.ravel())), (n, n)).tocsr()
    _, first, equal = np.unique(z, axis=0, return_index=True, return_inverse=True)
    joined = coo_array((np.ones(n), (np.arange(n), first[equal.ravel()])), (n, n)).tocsr()
    _, component = connected_components(near * near.T + joined, directed=False)
    return int((np.bincount(component) >= LEAST * n).sum())


def stratified_halves(label: Integers, rng: np.random.Generator, splits: int = SPLITS) -> list[tuple[Integers, ...]]:
    """Split the samples of each class label (n,) into two halves at random, so many times: the rows of both."""
    classes = [np.flatnonzero(label == c) for c in np.unique(label)]
    found = []
    for _ in range(splits):
        sides = [[rows[part] for part in halves(len(rows), rng)] for rows in classes]
        found.append(tuple(np.sort(np.concatenate(side)) for side in zip(*sides, strict=True)))
    return found


def measure(z: Floats, label: Integers, neighbours: int, splits: Sequence[tuple[Integers, ...]]) -> Measured:
    """Return purity and clumps of the vectors z (n, d) of samples with labels 0, 1... (n,), and in halves of them.

    A bootstrap would not do: samples that are drawn twice are nearest neighbours at no distance.
    """
    judged = np.bincount(label) >= ENOUGH
    found = [[_both(z[side], label[side], neighbours, judged) for side in split] for split in splits]
    return Measured(_both(z, label, neighbours, judged), np.array([a - b for a, b in found]))


def estimates(one: Measured) -> tuple[list[Estimate], list[Estimate]]:
    """Return purity and clumps, of all classes and of each, with intervals for the sampling of the samples.

    That of the clumps of one class, a small whole number, ends at whole numbers; where all halves agree, at itself.
    """
    variance = half_sample_variance(one.differences)
    pure, clumps = (list(zip(*both, strict=True)) for both in zip(one.values, variance, strict=True))
    of_all, *of_classes = [_estimate(v, s, SPLITS, (min(1, v), math.inf)) for v, s in clumps]
    return [_estimate(v, s, SPLITS, (0, 1)) for v, s in pure], [of_all, *map(_whole, of_classes)]


def compare(first: Sequence[Measured], second: Sequence[Measured]) -> tuple[Estimate, Estimate]:
    """Return purity and clumps of all classes, one encoder's trainings less another's, with intervals.

    Both are of the same samples and the same halves. To the variance by sampling comes that of the mean over the
    trainings, s^2 / r, of each encoder that is trained more than once (`spread.total`).
    """
    sides = [
        (_of_all(one.values for one in side), _of_all(one.differences for one in side)) for side in (first, second)
    ]
    (a, a_halves), (b, b_halves) = ((values.mean(axis=0), halves.mean(axis=0)) for values, halves in sides)
    parts = [(half_sample_variance(a_halves - b_halves), SPLITS)]
    parts += [(values.var(axis=0, ddof=1) / len(values), len(values) - 1) for values, _ in sides if len(values) > 1]
    of_each = [total(0.0, [Chance(float(part[k]), freedom) for part, freedom in parts]) for k in range(2)]
    ends = ((-1, 1), (-math.inf, math.inf))
    pure, clumps = (_estimate(d, *chance, ends=e) for d, chance, e in zip(a - b, of_each, ends, strict=True))
    return pure, clumps


def _of_all(values: Iterable[Floats]) -> Floats:
    """Return the values (n, ..., 2) of all classes, of n values (..., 2, 1 + classes)."""
    return np.stack([one[..., 0] for one in values])


def _both(z: Floats, label: Integers, neighbours: int, judged: NDArray[np.bool_]) -> Floats:
    """Return purity and clumps (2, 1 + classes); judged (classes,): which have enough samples."""
    pure, classes = purities(z, label, neighbours), range(len(judged))
    by_class = [pure[label == c].mean() if judged[c] else np.nan for c in classes]
    clumps = [count_clumps(z[label == c]) if judged[c] else np.nan for c in classes]
    mean = np.mean(np.array(clumps)[judged]) if judged.any() else np.nan
    return np.array([[pure.mean(), *by_class], [mean, *clumps]])


def _estimate(value: float, variance: float, freedom: float | None, ends: tuple[float, float]) -> Estimate:
    """Return a value with Student's interval, cut at the ends; None of NaN."""
    if math.isnan(value):
        return Estimate(None, None, None)
    return symmetric(float(value), float(variance), freedom, ends=ends)


def _whole(one: Estimate) -> Estimate:
    """Return a number with its interval widened to whole numbers."""
    if one.low is None or one.high is None:
        return one
    return Estimate(one.value, float(math.floor(one.low)), float(math.ceil(one.high)))

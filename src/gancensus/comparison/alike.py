"""How the values of two populations differ, column by column and two by two: for observed labels and permuted ones.

Values are pooled, and a labelling says which of the samples are generated (`census.relabelling.relabelled`). Each
statistic is the largest difference over all columns, or pairs of them, so that its place in the permutations accounts
for their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.search.neighbours import nearest
from gancensus.statistics.hypergeometric import more_than
from gancensus.statistics.ranks import mean_ranks

IntArray = NDArray[np.int64]
Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]


COLUMNS = 24  # that are compared one by one; of more values, as many principal components
PILOT = 1000  # samples that these are found from
ROWS = 512  # that are read and projected at once
WIDE = 8192  # values of a sample, beyond which components come from products of samples
FAINT = 1e-3  # of the first component: where the last is smaller, such products would lose it
TAILS = ("distance to the nearest real sample", "distance to the tenth nearest", "distance to the mean")


Blocks = Callable[[], Iterator[NDArray[Any]]]
"""Yields flattened samples, ROWS at a time, each time it is called."""


class Largest(NamedTuple):
    """The largest difference of each labelling, float64 (labellings,), and its column in the observed one."""

    difference: Floats
    column: tuple[int, ...]


class Values(NamedTuple):
    """Values of samples, column by column, (n, columns) each, and the columns' names."""

    calibrate: Floats
    holdout: Floats
    generated: Floats
    names: Sequence[str]


def differences(values: Values, labels: Labels) -> dict[str, Largest]:
    """Return how the values of generated and held-out samples differ, by statistic.

    `tails` is of distances to `calibrate`: to the nearest sample of it, to the tenth, and to its mean.
    """
    pool = np.concatenate([values.generated, values.holdout])
    nearby = nearest(pool, values.calibrate, min(10, len(values.calibrate))).distance
    middle = ((pool - values.calibrate.mean(axis=0)) ** 2).sum(axis=1)
    found = {
        "columns": columns(pool, labels),
        "distinct": distinct(pool, labels),
        "tails": columns(np.column_stack([nearby[:, 0], nearby[:, -1], middle]), labels),
    }
    if pool.shape[1] > 1:
        found["associations"] = associations(pool, labels)
    return found


def blocks_of(x: NDArray[Any]) -> Blocks:
    """Return flattened samples in memory (n, d) as `reduced` takes them."""
    return lambda: (x[k : k + ROWS] for k in range(0, len(x), ROWS))


def reduced(calibrate: Blocks, others: Sequence[Blocks], names: Sequence[str] | None) -> Values:
    """Return values as columns that can be compared one by one: their own, or principal components of `calibrate`.

    Args:
        calibrate: flattened samples (n, d).
        others: of `holdout` and of the generated population, (m, d) each; each is read once.
        names: of the d values; None: they have none.
    """
    width = next(calibrate()).shape[1]
    if width <= COLUMNS:
        x, *rest = (np.concatenate(list(blocks())) for blocks in (calibrate, *others))
        mean, deviation = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
        scale = np.where(deviation > 0, deviation, 1.0)
        a, b, c = ((one - mean) / scale for one in (x, *rest))
        return Values(a, b, c, names or [f"value {k + 1}" for k in range(width)])
    mean, axes = _principal(calibrate)
    a, b, c = (_projected(blocks, mean, axes) for blocks in (calibrate, *others))
    return Values(a, b, c, [f"principal component {k + 1}" for k in range(axes.shape[1])])


def _principal(calibrate: Blocks) -> tuple[Floats, Floats]:
    """Return the mean of samples (d,), and the axes of COLUMNS components (d, k), the first of deviation 1."""
    total, count, first, known = np.zeros(next(calibrate()).shape[1]), 0, list[NDArray[Any]](), 0
    for block in calibrate():
        for row in block:
            total += row
        count += len(block)
        if known < PILOT:
            first.append(block[: PILOT - known])
            known += len(first[-1])
    mean, x = total / count, np.empty((known, len(total)))
    while first:  # blocks that are copied are dropped, to save memory
        block = first.pop()
        np.subtract(block, mean, out=x[known - len(block) : known])
        known -= len(block)
    sizes, axes = _singular(x)
    return mean, axes.T * (np.sqrt(len(x)) / sizes[0] if sizes[0] > 0 else 1.0)


def _singular(x: Floats) -> tuple[Floats, Floats]:
    """Return the largest singular values of x (n, d), and their vectors (k, d), at most COLUMNS.

    Of many more values than samples, from the eigenvectors of x x', in an eighth of the time: a vector is then off by
    about 1e-16 (first / k-th)^2 of the singular values over their gap, which is why they must not be far apart.
    """
    if x.shape[1] > WIDE:
        square, vectors = np.linalg.eigh(x @ x.T)
        sizes = np.sqrt(np.maximum(square[::-1][:COLUMNS], 0.0))
        if sizes[-1] > FAINT * sizes[0]:
            return sizes, (vectors[:, ::-1][:, :COLUMNS] / sizes).T @ x
    _, sizes, axes = np.linalg.svd(x, full_matrices=False)
    return sizes, axes[:COLUMNS]


def _projected(blocks: Blocks, mean: Floats, axes: Floats) -> Floats:
    """Return the coordinates of samples on axes, rounded to what the order of a sum does not change."""
    return np.round(np.concatenate([(block - mean) @ axes for block in blocks()]), 6)


def columns(x: Floats, labels: Labels) -> Largest:
    """Return the largest Kolmogorov-Smirnov distance over columns, sup |F_generated - F_real|.

    Args:
        x: (samples, columns), finite values.
        labels: (samples, labellings), 1 where a sample is generated.
    """
    found = np.stack([_ks(*_sorted(column), labels) for column in x.T])
    return Largest(found.max(axis=0), (int(found[:, 0].argmax()),))


def associations(x: Floats, labels: Labels) -> Largest:
    """Return the largest |rho_generated - rho_real| over pairs of columns, Spearman's rank correlation (pooled ranks).

    Args:
        x: (samples, columns), at least two columns.
        labels: (samples, labellings).
    """
    ranks = np.stack([mean_ranks(column) for column in x.T]).T
    ranks = (ranks - ranks.mean(axis=0)) / np.maximum(ranks.std(axis=0), 1e-300)
    one, other = np.triu_indices(x.shape[1], 1)
    moments = np.hstack([np.ones((len(x), 1)), ranks, ranks**2, ranks[:, one] * ranks[:, other]])
    generated = labels.T.astype(np.float64) @ moments
    of = [_correlations(sums, one, other) for sums in (generated, moments.sum(axis=0) - generated)]
    found = np.round(np.abs(of[0] - of[1]), 10)  # a product of matrices is rounded as the machine does it
    pair = int(found[0].argmax())
    return Largest(found.max(axis=1), (int(one[pair]), int(other[pair])))


def _correlations(sums: Floats, one: IntArray, other: IntArray) -> Floats:
    """Return correlations from sums of 1, x, x^2 and x y, float64 (labellings, pairs); 0 for a constant column."""
    columns = (sums.shape[1] - 1 - len(one)) // 2
    size, x, square, product = np.split(sums, [1, 1 + columns, 1 + 2 * columns], axis=1)
    deviation = np.sqrt(np.maximum(square / size - (x / size) ** 2, 0))
    below = deviation[:, one] * deviation[:, other]
    covariance = product / size - x[:, one] * x[:, other] / size**2
    return np.asarray(np.where(below > 1e-12, covariance / np.maximum(below, 1e-12), 0.0))


def distinct(x: Floats, labels: Labels) -> Largest:
    """Return the largest |ln of the ratio| of the numbers of distinct values over columns: rounding, lost categories.

    Each number is that expected among as many samples as the smaller population has (rarefaction; Hurlbert 1971,
    Ecology 52, 577).

    Args:
        x: (samples, columns).
        labels: (samples, labellings), each with as many generated samples.
    """
    generated = int(labels[:, 0].sum())
    sizes = (generated, len(x) - generated)
    tables = [more_than(0, size, np.arange(max(sizes) + 1).clip(max=size), min(sizes)) for size in sizes]
    found = np.stack([np.abs(_distinct(*_sorted(column), labels, *tables)) for column in x.T])
    return Largest(found.max(axis=0), (int(found[:, 0].argmax()),))


def _sorted(column: Floats) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return the order of values, and after which of them a larger one comes."""
    order = np.argsort(column, kind="stable")
    value = column[order]
    return order, np.append(value[1:] > value[:-1], True)


@numba.njit(cache=True, nogil=True)
def _ks(order: IntArray, ends: NDArray[np.bool_], labels: Labels) -> Floats:
    """Kolmogorov-Smirnov distance of every labelling, float64 (labellings,)."""
    count = labels.shape[1]
    generated = np.zeros(count, np.int32)
    for k in range(labels.shape[0]):
        for lane in range(count):
            generated[lane] += labels[k, lane]
    first = 1 / generated
    both = first + 1 / (labels.shape[0] - generated)
    below = np.zeros(count, np.int32)
    largest = np.zeros(count)
    for k in range(order.size):
        row = labels[order[k]]
        for lane in range(count):
            below[lane] += row[lane]
        if ends[k]:
            for lane in range(count):
                real = (both[lane] - first[lane]) * (k + 1)
                largest[lane] = max(largest[lane], abs(below[lane] * both[lane] - real))
    return largest


@numba.njit(cache=True, nogil=True)
def _distinct(order: IntArray, ends: NDArray[np.bool_], labels: Labels, generated: Floats, real: Floats) -> Floats:
    """Difference of the logarithms of the numbers of distinct values, float64 (labellings,).

    generated, real: by how often a value occurs in a population, the probability that as many samples have it.
    """
    count = labels.shape[1]
    times = np.zeros(count, np.int32)
    number = np.zeros((2, count))
    first = 0
    for k in range(order.size):
        row = labels[order[k]]
        for lane in range(count):
            times[lane] += row[lane]
        if ends[k]:
            for lane in range(count):
                number[0, lane] += generated[times[lane]]
                number[1, lane] += real[k + 1 - first - times[lane]]
                times[lane] = 0
            first = k + 1
    found: Floats = np.log(number[0]) - np.log(number[1])
    return found

"""Whether the diagrams of two populations differ, by permuting which diagram is of which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.domains.topology.diagram_distances import born_together, bottleneck, wasserstein
from gancensus.domains.topology.diagrams import Diagram, Floats
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import jackknife_variance, symmetric
from gancensus.statistics.multiplicity import max_t

Labels = NDArray[np.bool_]

LEVEL = 0.95  # of null ranges
LABELLINGS = 999  # at most, beside the observed one
DISTANCES = (("H0", "wasserstein"), ("H0", "bottleneck"), ("H1", "wasserstein"), ("H1", "bottleneck"))


class Excess(NamedTuple):
    """How far the diagrams of two populations are from each other, beyond those of one from each other."""

    cross: float
    """Mean distance of two diagrams, one of each population."""
    within: float
    """Mean distance of two diagrams of the first population."""
    within_other: float
    """Of the second one."""
    estimate: Estimate
    """cross - (within + within_other) / 2, half the energy distance, with its interval."""
    null: float
    """95 % quantile of it when diagrams are permuted."""


class Compared(NamedTuple):
    """Two populations compared: an `Excess` for each of DISTANCES; p-values of these, then of differences of means."""

    excesses: tuple[Excess, ...]
    p: Floats
    adjusted: Floats
    """For all statistics together (max-T)."""
    least: float
    """The smallest p-value that the number of labellings allows."""


def compare(distances: Floats, signatures: Floats, a: int, rng: np.random.Generator) -> Compared:
    """Compare two populations whose diagrams are independent and of one law each: the first `a`, and all others.

    Where both laws are one, diagrams are exchangeable: all labellings are equally likely, and the p-values exact. The
    statistics are the `Excess` of each distance (Robinson & Turner, J. Appl. Comput. Topol. 1 (2017) 241, with the
    energy distance of Szekely & Rizzo (2013) in the place of their loss: with unequal numbers of diagrams it finds
    more), of which large ones are suspect, and the differences of the mean signatures, of which both signs are. An
    excess is far from normal when diagrams are permuted, so that its logarithm, above the least that it can be, is
    tested with the others.

    Args:
        distances: (distances, diagrams, diagrams), as of `all_distances`.
        signatures: (diagrams, entries).
        a: the number of diagrams of the first, at least 2; at least 2 are left.
        rng: draws labellings where there are more than LABELLINGS.
    """
    b = len(signatures) - a
    labels = labellings(a, b, rng)
    excess = _excess(distances, labels)
    shift = distances.mean(axis=(1, 2)) * (1 / a + 1 / b) / 2  # about as far below 0 as an excess can be
    tested = np.log(np.maximum(excess + shift, 1e-6 * shift + np.finfo(np.float64).tiny))
    apart = _means(labels, signatures) - _means(~labels, signatures)
    sides = np.repeat([1, 0], [len(distances), apart.shape[1]])
    family = max_t(np.column_stack([tested, apart]), sides)
    nulls = np.quantile(excess, LEVEL, axis=0, method="higher")
    observed = np.concatenate(mean_distances(distances, labels[:1])).T
    estimates = [_estimate(one, a) for one in distances]
    found = [
        Excess(float(between), float(within), float(other), estimate, float(null))
        for (between, within, other), estimate, null in zip(observed, estimates, nulls, strict=True)
    ]
    return Compared(tuple(found), family.p, family.adjusted, least_p(a, b))


def all_distances(diagrams: Sequence[Diagram], first: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
    """Return DISTANCES of pairs of diagrams, float64 (distances, diagrams, diagrams): 0 of those that are no pair.

    Args:
        diagrams: of any number of populations.
        first: (pairs,), the number of a diagram.
        second: (pairs,), that of the other one.
    """
    found = np.zeros((len(DISTANCES), len(diagrams), len(diagrams)))
    found[:2, first, second] = born_together([one.deaths() for one in diagrams], first, second)
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        bars = diagrams[i].h1, diagrams[j].h1
        found[2:, i, j] = wasserstein(*bars), bottleneck(*bars)
    return found + found.transpose(0, 2, 1)


def labellings(a: int, b: int, rng: np.random.Generator) -> Labels:
    """Return which of a + b diagrams are of the first population, bool (labellings, a + b): first the observed a.

    All that there are, or the observed one and LABELLINGS random ones, which are as many as any number of them if the
    observed one is counted (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39).
    """
    if math.comb(a + b, a) <= LABELLINGS:
        chosen = np.array(list(combinations(range(a + b), a)))
    else:
        chosen = np.argsort(rng.random((1 + LABELLINGS, a + b)), axis=1)[:, :a]
        chosen[0] = np.arange(a)
    labels = np.zeros((len(chosen), a + b), dtype=np.bool_)
    np.put_along_axis(labels, chosen, True, axis=1)
    return labels


def least_p(a: int, b: int) -> float:
    """Return the smallest p-value that labellings allow: with equal numbers, two have the same statistics."""
    return max((2 if a == b else 1) / math.comb(a + b, a), 1 / (1 + LABELLINGS))


def mean_distances(distances: Floats, labels: Labels) -> tuple[Floats, Floats, Floats]:
    """Return mean distances between both populations, within the first and within the second, (labellings, distances).

    Args:
        distances: (distances, diagrams, diagrams), symmetric, with 0 on the diagonals.
        labels: (labellings, diagrams), True in the first population; NaN where one has a single diagram.
    """
    first, second = labels.astype(np.float64), (~labels).astype(np.float64)
    a, b = first.sum(axis=1, keepdims=True), second.sum(axis=1, keepdims=True)
    of_first, of_second = (np.einsum("mij,rj->rmi", distances, side) for side in (first, second))
    between = np.einsum("ri,rmi->rm", first, of_second) / (a * b)
    with np.errstate(invalid="ignore"):
        within = np.einsum("ri,rmi->rm", first, of_first) / (a * (a - 1))
        return between, within, np.einsum("ri,rmi->rm", second, of_second) / (b * (b - 1))


def _excess(distances: Floats, labels: Labels) -> Floats:
    cross, within, other = mean_distances(distances, labels)
    found: Floats = cross - (within + other) / 2
    return found


def _estimate(distances: Floats, a: int) -> Estimate:
    """Return the excess of a distance (diagrams, diagrams), with the jackknife interval of independent diagrams."""
    n = len(distances)
    labels = (np.arange(n) < a)[None]
    value = float(_excess(distances[None], labels)[0, 0])
    if min(a, n - a) < 3:
        return Estimate(value, None, None)
    without = np.array(
        [_excess(np.delete(np.delete(distances, k, 0), k, 1)[None], np.delete(labels, k, 1))[0, 0] for k in range(n)]
    )
    variance = jackknife_variance(without[:a]) + jackknife_variance(without[a:])
    return symmetric(value, variance, min(a, n - a) - 1)


def _means(labels: Labels, values: Floats) -> Floats:
    """Return the means of values (diagrams, entries) in the populations of labellings, (labellings, entries)."""
    means: Floats = np.einsum("ri,ie->re", labels.astype(np.float64), values) / labels.sum(axis=1, keepdims=True)
    return means

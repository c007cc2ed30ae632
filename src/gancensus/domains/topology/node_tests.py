"""Which nodes of a Mapper graph hold more or fewer generated samples than held-out ones, beyond chance.

Nothing is known of a generated sample that is not known of a held-out one: both are placed in a graph that neither has
built. So where a generator is perfect, which of the samples are generated is a random choice among all of them. Nodes
overlap, and the counts of a choice depend on each other; but samples in the same nodes are alike, and how many of each
kind a choice takes is a multivariate hypergeometric number. That is what is drawn: the numbers that permuting the
labels of the samples gives, in a time that does not grow with them.

The p-value of a region needs no draws: its count is hypergeometric. It is twice the smaller tail, at most 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import gammaln

from gancensus.domains.topology.mapper_graph import Members
from gancensus.statistics.intervals import ratio_interval
from gancensus.statistics.multiplicity import lone_limit, resampled_fdr

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

PERMUTATIONS = 999
RATE = 0.05  # false discovery rate up to which a region differs
TINY = float(np.finfo(np.float64).tiny)  # smaller p-values are given as this


class Compared(NamedTuple):
    """Samples of `holdout` and of a population in each of k regions: the nodes, then what is in none of them."""

    holdout: Integers
    """Samples of `holdout` (k,)."""
    population: Integers
    """Samples of the population (k,)."""
    sizes: tuple[int, int]
    """Samples of `holdout` and of the population in all."""
    p: Floats
    """Two-sided p-value of the two counts (k,)."""
    adjusted: Floats
    """False discovery rate (k,); NaN where too few samples are in a region to tell."""
    detectable: Floats
    """The largest ratio below 1 that would have been found, alone (k,); NaN where none would."""

    @property
    def found(self) -> Flags:
        """Which regions differ (k,)."""
        found: Flags = self.adjusted <= RATE
        return found


def compare(holdout: Members, population: Members, nodes: int, rng: np.random.Generator) -> Compared:
    """Compare the shares of `holdout` and of a population in every node, and in none.

    Regions that could not be found at any split of their samples are not tested (`decidable`), the others together
    (`resampled_fdr`).

    Args:
        holdout: the nodes of held-out samples, at least one.
        population: those of another population, at least one.
        nodes: how many nodes there are.
        rng: draws the permutations.
    """
    regions, kinds = _kinds(holdout, population, nodes)
    sizes = holdout.samples, population.samples
    counts = (regions.T @ kinds.T).T
    totals = counts.sum(axis=0)
    p, least = p_values(counts[1:], totals, sizes)
    tested = decidable(least)
    adjusted, detectable = (np.full(nodes + 1, np.nan) for _ in range(2))
    if tested.any():
        drawn = rng.multivariate_hypergeometric(kinds.sum(axis=0), sizes[1], PERMUTATIONS, method="marginals")
        null = p_values((regions[:, tested].T @ drawn.T).T, totals[tested], sizes)[0]
        adjusted[tested] = resampled_fdr(p[0][tested], null)
        limit = lone_limit(null, RATE)
        detectable[tested] = [largest_loss(int(count), sizes, limit) for count in counts[0][tested]]
    return Compared(counts[0], counts[1], sizes, p[0], adjusted, detectable)


def _kinds(holdout: Members, population: Members, nodes: int) -> tuple[csr_array, Integers]:
    """Return which regions samples of a kind are in (kinds, nodes + 1), and how many there are on each side (2, kinds).

    Samples are of a kind where they are in the same nodes.
    """
    held = [_by_sample(one) for one in (holdout, population)]
    width = max(one.shape[1] for one in held)
    padded = [np.pad(one, ((0, 0), (0, width - one.shape[1])), constant_values=-1) for one in held]
    together = np.concatenate(padded)
    known, kind = np.unique(together, axis=0, return_inverse=True)
    side = np.repeat([0, 1], [len(one) for one in padded])
    counts = np.bincount(side * len(known) + kind.ravel(), minlength=2 * len(known)).reshape(2, -1)
    known[(known < 0).all(axis=1), :1] = nodes
    row, slot = np.nonzero(known >= 0)
    where = row, known[row, slot]
    return csr_array((np.ones(len(row), dtype=np.int64), where), shape=(len(known), nodes + 1)), counts


def _by_sample(members: Members) -> Integers:
    """Return the nodes of each sample (samples, most that one is in, but at least 1), -1 where there are fewer."""
    held = np.bincount(members.rows, minlength=members.samples)
    first = np.cumsum(held) - held
    found = np.full((members.samples, max(1, int(held.max(initial=0)))), -1, dtype=np.int64)
    found[members.rows, np.arange(len(members.rows)) - first[members.rows]] = members.nodes
    return found


def p_values(counts: Integers, totals: Integers, sizes: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the two-sided p-values of counts, and the least that each total can have.

    Args:
        counts: (labellings, k), samples of the population in k regions.
        totals: (k,), samples of both.
        sizes: samples of `holdout` and of the population in all.

    Returns:
        float64 (labellings, k) and (k,).
    """
    log_factorial = gammaln(np.arange(sum(sizes) + 1) + 1.0)
    found, least = np.empty(counts.shape), np.empty(len(totals))
    for total in np.unique(totals):
        mine = totals == total
        first, p = _two_sided(int(total), sizes, log_factorial)
        found[:, mine], least[mine] = p[counts[:, mine] - first], p.min()
    return found, least


def _two_sided(total: int, sizes: tuple[int, int], log_factorial: Floats) -> tuple[int, Floats]:
    """Return the smallest count that a region of `total` samples can have, and the p-value of each from there on."""
    first, last = max(0, total - sizes[0]), min(total, sizes[1])
    count, rest = np.arange(first, last + 1), sum(sizes) - total
    ways = (
        -log_factorial[count]
        - log_factorial[total - count]
        - log_factorial[sizes[1] - count]
        - log_factorial[rest - sizes[1] + count]
    )
    share = np.exp(ways - ways.max())
    share /= share.sum()
    tail = np.minimum(np.cumsum(share), np.cumsum(share[::-1])[::-1])
    return first, np.clip(2 * tail, TINY, 1.0)


def decidable(least: Floats, rate: float = RATE) -> Flags:
    """Return which tests can find anything, by the least p-value that each can have (k,): labels do not change it.

    With K the smallest number such that at most K tests can have a p-value of rate / K or less, these (Tarone,
    Biometrics 46 (1990) 515; for the false discovery rate Gilbert, J. R. Stat. Soc. C 54 (2005) 143).
    """
    count = next(k for k in range(1, len(least) + 2) if np.count_nonzero(least <= rate / k) <= k)
    found: Flags = least <= rate / count
    return found


def largest_loss(holdout: int, sizes: tuple[int, int], limit: float) -> float:
    """Return the largest ratio of shares below 1 whose p-value is below a limit; NaN where none is.

    The counts below are tried by halving: the p-value falls with them.

    Args:
        holdout: samples of `holdout` in the region.
        sizes: samples of `holdout` and of the population in all.
        limit: of the p-value.
    """
    low, high = -1, int(np.ceil(holdout * sizes[1] / sizes[0]))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _loss_p(middle, holdout, sizes) < limit else (low, middle)
    return float(ratios(np.array([holdout]), np.array([low]), sizes)[0]) if low >= 0 else float("nan")


def _loss_p(count: int, holdout: int, sizes: tuple[int, int]) -> float:
    """Return twice the probability of at most `count` samples of the population, of `holdout` + `count` in a region."""
    total, rest = holdout + count, sum(sizes) - holdout - count
    first = max(0, total - sizes[0])
    k = np.arange(first, count + 1)
    ways = _choose(total, k) + _choose(rest, sizes[1] - k) - _choose(sum(sizes), np.array([sizes[1]]))
    return float(2 * np.exp(ways).sum())


def _choose(n: int, k: Integers) -> Floats:
    """Return the logarithm of n over k."""
    found: Floats = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return found


def ratios(holdout: Integers, count: Integers, sizes: tuple[int, int]) -> Floats:
    """Return the ratios of shares of a population over those of `holdout`, one half added to each number (k,).

    ((c + 1/2) / (n + 1/2)) / ((h + 1/2) / (m + 1/2)), without a bias of first order in the logarithm (Walter,
    Biometrika 62 (1975) 371), is always above 0 and finite, and within its interval.

    Args:
        holdout: h (k,).
        count: c (k,).
        sizes: m and n.
    """
    held, of = (holdout + 0.5) / (sizes[0] + 0.5), (count + 0.5) / (sizes[1] + 0.5)
    found: Floats = of / held
    return found


def ratio_ends(holdout: Integers, count: Integers, sizes: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return the ends of the intervals of `ratios` (k,), as `ratio_interval` has them.

    They are 0 where a region has no samples of the population, infinite where it has none of `holdout`.

    Args:
        holdout: h (k,).
        count: c (k,).
        sizes: m and n.
    """
    return ratio_interval(count, sizes[1], holdout, sizes[0])

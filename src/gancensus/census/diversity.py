"""The diversity profile: how many kinds of samples there are, the rare ones included.

A kind is a connected component of the graph of duplicates, its abundance the number of samples in it; a sample without
a duplicate is a kind of its own. The Hill number of order q is the number of equally frequent kinds that are as diverse
(Hill 1973, Ecology 54, 427): order 0 counts kinds, order 1 weighs them by frequency, order 2 sees the frequent ones.

Near-duplicates are not transitive, and components merge chains of them: the numbers are right where duplicates form
cells, and too low where larger populations bridge what smaller ones keep apart. Compare populations of one size only.

Orders 0 and 1 extrapolate from the kinds that were seen twice. With fewer than about 10 components of two samples or
more, the population is too small for them: their intervals may miss by far. That of order 2 needs no such number.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, floor, fsum, log, sqrt

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import digamma

from gancensus.census import birthday, graph
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import clopper_pearson, deviate, jackknife_variance

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Profile:
    """Diversity of a population of `samples`.

    `components` kinds were seen, the largest holds `largest` samples, and at most `clique_bound` samples are all
    duplicates of each other: where that is far below `largest`, components are chains. `coverage` is the probability
    that one more sample is of a kind that was seen. `richness`, `shannon`, `simpson`: Hill numbers of order 0, 1, 2.
    """

    samples: int
    components: int
    largest: int
    clique_bound: int
    coverage: Estimate
    richness: Estimate
    shannon: Estimate
    simpson: Estimate


def profile(samples: int, i: IntArray, j: IntArray, level: float = 0.95) -> Profile:
    """Diversity profile of a population from its duplicate pairs (i, j), int64 row positions.

    Raises ValueError when samples < 2.
    """
    if samples < 2:
        raise ValueError(f"a diversity profile needs at least 2 samples, not {samples}")
    sizes = graph.component_sizes(samples, i, j)
    return Profile(
        samples=samples,
        components=sizes.size,
        largest=int(sizes.max()),
        clique_bound=graph.clique_bound(samples, i, j),
        coverage=coverage(sizes, level),
        richness=richness(sizes, level),
        shannon=shannon(sizes, level),
        simpson=simpson(sizes, level),
    )


def simpson(sizes: IntArray, level: float = 0.95) -> Estimate:
    """Hill number of order 2, n(n-1) / sum x(x-1), of kinds with abundances x, int64 (kinds,) and at least 1.

    The effective support of the population if all samples of a kind were duplicates, with its interval (see
    `birthday.collision`). Where no kind was seen twice, value and high are None and low is a one-sided bound.
    """
    return birthday.collision(np.repeat(sizes - 1, sizes), level=level).effective_support


def richness(sizes: IntArray, level: float = 0.95) -> Estimate:
    """Hill number of order 0 of kinds with abundances `sizes`: the bias-corrected Chao1, S + f1(f1-1) / (2(f2+1)).

    S kinds were seen, f1 of them once and f2 twice (Chao 1984, Scand. J. Stat. 11, 265). It estimates a lower bound of
    the number of kinds, near it where the unseen kinds are about equally frequent. The interval is log-normal in the
    number of unseen kinds (Chao 1987, Biometrics 43, 783), with the variances of EstimateS, rounded to whole kinds
    outwards. Where no kind was seen twice, value and high are None and low is the bound of `simpson`.

    Measured coverage of the 95 % interval: .87 to .98 where the unseen kinds are equally frequent, near 0 where they
    are not (Zipf); its lower end holds in .94 to 1 of the cases everywhere.
    """
    samples, seen = int(sizes.sum()), sizes.size
    once, twice = (int(np.count_nonzero(sizes == x)) for x in (1, 2))
    if once == samples:
        return simpson(sizes, level)
    unseen = once * (once - 1) / (2 * (twice + 1))
    value, z = seen + unseen, deviate(level)
    if unseen == 0:
        missed = exp(-samples / seen)
        high = (seen + z * sqrt(seen * missed * (1 - missed))) / (1 - missed)
        return Estimate(value, float(seen), float(ceil(high)))
    if twice == 0:
        variance = unseen + once * (2 * once - 1) ** 2 / 4 - once**4 / (4 * value)
    else:
        variance = unseen + once * (2 * once - 1) ** 2 / (4 * (twice + 1) ** 2)
        variance += once**2 * twice * (once - 1) ** 2 / (4 * (twice + 1) ** 4)
    factor = exp(z * sqrt(log(1 + variance / unseen**2)))
    return Estimate(value, float(floor(seen + unseen / factor)), float(ceil(seen + unseen * factor)))


def shannon(sizes: IntArray, level: float = 0.95) -> Estimate:
    """Hill number of order 1 of kinds with abundances `sizes`: exp of the entropy estimator of Chao, Wang & Jost.

    Chao, Wang & Jost 2013, Methods Ecol. Evol. 4, 1091, equation 7: the entropy's first n - 1 terms without bias, the
    rest from f1 and f2. The interval is exp(H +- z sd) with sd from the jackknife over samples. It counts the part of
    the variance that comes from pairs twice, so that it is up to 1.8 times too wide, but that makes up for some of the
    estimator's bias. Where no kind was seen twice, value and high are None and low is the bound of `simpson`.

    Measured coverage of the 95 % interval from 10 repeated kinds on: .95 to 1 for supports that are uniform or have a
    heavy head, .88 to .95 for Zipf, .81 to .93 for a tail i^(-1/2) over 10,000; the bootstrap of Chao et al. (2014,
    Ecol. Monogr. 84, 45) has .90 to .97, .72 to .87 and .43 to .68 there.
    """
    samples = int(sizes.sum())
    abundance, kinds = np.unique(sizes, return_counts=True)
    if abundance[-1] == 1:
        return simpson(sizes, level)
    once, twice = (int(kinds[abundance == x].sum()) for x in (1, 2))
    term = abundance * digamma(abundance)
    seen = fsum(kinds * term)
    value = _entropy(samples, seen, once, twice)

    less = abundance - 1  # a sample of a kind with this abundance is left out
    seen_without = seen - term + less * digamma(np.maximum(less, 1))
    once_without = once - (abundance == 1) + (abundance == 2)
    twice_without = twice - (abundance == 2) + (abundance == 3)
    arguments = zip(seen_without.tolist(), once_without.tolist(), twice_without.tolist(), strict=True)
    without = np.array([_entropy(samples - 1, *argument) for argument in arguments])
    factor = exp(deviate(level) * sqrt(jackknife_variance(without, kinds * abundance)))
    return Estimate(exp(value), exp(value) / factor, exp(value) * factor)


def _entropy(samples: int, seen: float, once: int, twice: int) -> float:
    """Entropy estimate in nats of n samples, with seen = sum x digamma(x), f1 and f2."""
    known = float(digamma(samples)) - seen / samples
    if once == 0:
        return known
    rare = 2 * twice / ((samples - 1) * once + 2 * twice) if twice > 0 else 2 / ((samples - 1) * (once - 1) + 2)
    return known + once / samples * _unseen(rare, samples)


def coverage(sizes: IntArray, level: float = 0.95) -> Estimate:
    """Probability that one more sample is of a kind that was seen, from the abundances `sizes`: 1 - f1 / n.

    Good 1953, Biometrika 40, 237. The interval, for the coverage of these very samples, is Esty's, with the variance
    (f1 (1 - f1/n) + 2 f2) / n^2 (Esty 1983, Ann. Stat. 11, 905); where f1 is near 0 or n and that variance vanishes, it
    is widened to Clopper & Pearson's for f1 of n. Measured coverage of the 95 % interval: .92 to 1.
    """
    samples = int(sizes.sum())
    once, twice = (int(np.count_nonzero(sizes == x)) for x in (1, 2))
    missing = once / samples
    half = deviate(level) * sqrt(once * (1 - missing) + 2 * twice) / samples
    low, high = map(float, clopper_pearson(once, samples, level))
    low, high = max(0.0, min(low, missing - half)), min(1.0, max(high, missing + half))
    return Estimate(1 - missing, 1 - high, 1 - low)


@numba.njit(cache=True, nogil=True)
def _unseen(rare: float, samples: int) -> float:
    """(1 - A)^(1 - n) (-ln A - sum_(r < n) (1 - A)^r / r), A the mean frequency of what was seen once.

    It equals sum_(k >= 0) (1 - A)^(k + 1) / (n + k). The first form loses exp(A n) in precision, the second takes
    40 / A terms: both are fine at A n = 3.
    """
    total, power = 0.0, 1.0
    if rare * samples < 3:
        for r in range(1, samples):
            power *= 1 - rare
            total += power / r
        return float((-np.log(rare) - total) / power)
    k = 0
    while power > 1e-17:
        power *= 1 - rare
        total += power / (samples + k)
        k += 1
    return total

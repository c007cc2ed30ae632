"""Confidence intervals and the variances that they need: one implementation of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri, stdtrit

from gancensus.statistics.estimate import Estimate

Floats = NDArray[np.float64]

LEVEL = 0.95  # of an interval whose level no option gives


def deviate(level: float = LEVEL, freedom: float | None = None) -> float:
    """Return the z within which, -z to z, a standard normal number lies with the probability `level`.

    With degrees of freedom that of Student's t (Biometrika 6 (1908) 1).
    """
    below = (1 + level) / 2
    return float(ndtri(below) if freedom is None else stdtrit(freedom, below))


def symmetric(
    value: float,
    variance: float,
    freedom: float | None = None,
    level: float = LEVEL,
    ends: tuple[float, float] = (-math.inf, math.inf),
) -> Estimate:
    """Return a value with the interval value +- z sqrt(variance), cut at `ends`.

    Args:
        value: an estimate that is nearly normal.
        variance: of the estimate.
        freedom: degrees of freedom of the variance, which make the interval Student's; None: it is known.
        level: of the interval.
        ends: the least and the greatest value that there can be.
    """
    reach = deviate(level, freedom) * math.sqrt(variance)
    return Estimate(value, max(ends[0], value - reach), min(ends[1], value + reach))


def log_interval(log: float, variance: float, level: float = LEVEL) -> Estimate:
    """Return the exponential of a value with that of its normal interval."""
    reach = deviate(level) * math.sqrt(variance)
    return Estimate(*(float(np.exp(end)) for end in (log, log - reach, log + reach)))


def difference(before: Estimate, after: Estimate) -> Estimate:
    """Return after - before of two independent estimates, with the interval that follows from theirs.

    Of each estimate, the side that counts is that towards the end of the difference (MOVER: Zou & Donner, Statist. Med.
    27 (2008) 1693, eq. 15). Both need values and ends, at one level, which the result then has.
    """
    (x, x_low, x_high), (y, y_low, y_high) = (map(_known, one) for one in (before, after))
    return Estimate(y - x, y - x - math.hypot(y - y_low, x_high - x), y - x + math.hypot(y_high - y, x - x_low))


def quotient(before: Estimate, after: Estimate) -> Estimate:
    """Return after / before of two independent estimates of at least 0, with the interval that follows from theirs.

    That is the difference of their logarithms. Where an end or a value is 0, the ends are the quotients of the opposite
    ends, which is wider, the value is not defined if that of `before` is 0, and None stands for no upper end.
    """
    (x, x_low, x_high), (y, y_low, y_high) = (map(_known, one) for one in (before, after))
    if min(x_low, y_low) > 0:
        logs = difference(*(Estimate(*map(math.log, map(_known, one))) for one in (before, after)))
        return Estimate(*(math.exp(_known(end)) for end in logs))
    return Estimate(y / x if x else None, y_low / x_high if x_high else 0.0, y_high / x_low if x_low else None)


def _known(value: float | None) -> float:
    """Return a number that is defined; raises ValueError for one that is not."""
    if value is None:
        raise ValueError("the estimate has no value, or no end")
    return value


def rank_correlation(x: ArrayLike, y: ArrayLike, level: float = LEVEL) -> Estimate:
    """Return Spearman's rank correlation of x and y (n,), with an interval.

    atanh of it is nearly normal with the variance 1.06 / (n - 3) (Fieller et al., Biometrika 44 (1957) 470). Nothing is
    known of fewer than 4, or of equal values.
    """
    from scipy.stats import spearmanr  # slow to import

    n = len(np.asarray(x))
    if n < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Estimate(None, None, None)
    value = float(spearmanr(x, y).statistic)
    reach = deviate(level) * math.sqrt(1.06 / (n - 3))
    z = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, value)))
    return Estimate(value, math.tanh(z - reach), math.tanh(z + reach))


def mean_interval(values: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Return the mean of n independent values (n, ...) over n, and the ends of Student's interval of LEVEL.

    With s^2 = sum (x - mean)^2 / (n - 1) they are mean +- t s / sqrt(n), t of n - 1 degrees of freedom. The ends are
    NaN where n < 2, and so is the mean where n = 0.
    """
    values = np.asarray(values, dtype=np.float64)
    n = len(values)
    if n < 2:
        missing = np.full(values.shape[1:], np.nan)
        return (values[0] if n else missing), missing, missing
    mean = values.mean(axis=0)
    reach = deviate(freedom=n - 1) * values.std(axis=0, ddof=1) / math.sqrt(n)
    return mean, mean - reach, mean + reach


def jackknife_variance(without: NDArray[Any], times: NDArray[Any] | None = None) -> float:
    """Return the jackknife variance (n - 1) / n sum (T_(-i) - mean)^2 of a statistic T of n samples.

    On average it is not smaller than the true one (Efron & Stein, Ann. Stat. 9 (1981) 586). The sums are rounded once
    (fsum): the same for any order of the samples.

    Args:
        without: (k,), the statistic without a sample.
        times: (k,), the number of samples without which it has this value; None: one each, so that k = n.
    """
    times = np.ones(len(without)) if times is None else times
    n = float(times.sum())
    mean = math.fsum((times * without).tolist()) / n
    return (n - 1) / n * math.fsum((times * (without - mean) ** 2).tolist())


def clopper_pearson(hits: ArrayLike, count: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return the ends of Clopper & Pearson's interval (Biometrika 26 (1934) 404) of shares hits / count.

    At the lower end, `hits` or more of `count` independent samples have the probability (1 - level) / 2, at the upper
    one `hits` or fewer: quantiles of Beta(hits, count - hits + 1) and Beta(hits + 1, count - hits). The numbers need
    not be whole: `count` may be that of as many samples as a variance implies (Korn & Graubard 1998).

    Args:
        hits: (...), from 0 to count.
        count: (...), above 0.
        level: of the interval.
    """
    hits, misses = np.asarray(hits), np.asarray(count) - np.asarray(hits)
    tail = (1 - level) / 2
    low = np.where(hits > 0, betaincinv(hits, misses + 1, tail), 0.0)
    high = np.where(misses > 0, betaincinv(hits + 1, misses, 1 - tail), 1.0)
    return low, high


def ratio_interval(
    hits: ArrayLike, count: ArrayLike, other_hits: ArrayLike, other_count: ArrayLike, level: float = LEVEL
) -> tuple[Floats, Floats]:
    """Return the ends of the score interval of the ratio of a share hits / count over that of other samples.

    It holds the ratios that the score test does not reject (Koopman, Biometrics 40 (1984) 513; Miettinen & Nurminen,
    Stat. Med. 4 (1985) 213, without their factor N / (N - 1)); for the other samples in the place of these it is the
    inverse. The lower end is 0 where `hits` is 0, the upper one infinite where `other_hits` is.

    Args:
        hits: (...), from 0 to count, of independent samples.
        count: (...), 1 or more.
        other_hits: (...), from 0 to other_count.
        other_count: (...), 1 or more.
        level: of the interval.
    """
    x, n, y, m = (np.asarray(one, dtype=np.float64) for one in (hits, count, other_hits, other_count))
    z = deviate(level)
    return np.exp(_least_log_ratio(x, n, y, m, z)), np.exp(-_least_log_ratio(y, m, x, n, z))


def _least_log_ratio(x: Floats, n: Floats, y: Floats, m: Floats, z: float) -> Floats:
    """Return the logarithm of the ratio of x / n over y / m at which the score is z, by bisection; -inf where x = 0.

    The score falls with the ratio: it is above z below 1 / (n z^2), nearly, and below z above m / z^2.
    """
    high = np.log(n) + np.log(m) + 2 * abs(math.log(z)) + 10
    low = -high
    for _ in range(64):  # to the last digit: the two are some 100 apart at most
        middle = (low + high) / 2
        above = _ratio_score(np.exp(middle), x, n, y, m) > z
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(x > 0, (low + high) / 2, -np.inf)


def _ratio_score(ratio: Floats, x: Floats, n: Floats, y: Floats, m: Floats) -> Floats:
    """Return (x / n - ratio y / m) over its standard deviation where the shares have that ratio; 0 where both are 0.

    The likeliest of such shares, p of m and ratio p of n, solve N ratio p^2 - ((n + y) ratio + m + x) p + x + y = 0,
    N = n + m; the smaller root is written without differences of nearly equal numbers.
    """
    first, second = (n + y) * ratio, m + x
    p = 2 * (x + y) / (first + second + np.sqrt((first - second) ** 2 + 4 * ratio * (n - x) * (m - y)))
    q = ratio * p
    variance = q * np.maximum(0, 1 - q) / n + ratio**2 * p * np.maximum(0, 1 - p) / m
    distance = x / n - ratio * y / m
    return np.divide(distance, np.sqrt(variance), out=np.zeros_like(variance), where=variance > 0)


def wilson(
    share: float, count: int, level: float = LEVEL, *, variance: float | None = None, freedom: float | None = None
) -> Estimate:
    """Return a share of `count` independent rows with Wilson's interval (J. Am. Stat. Assoc. 22 (1927) 209).

    With a variance above 0, the interval is that of as many rows as would have it (Korn & Graubard 1998); with degrees
    of freedom, Student's t is in the place of the normal deviate.
    """
    if variance is not None and variance > 0:
        shrunk = (share * count + 0.5) / (count + 1)  # a share of 0 or 1 has a variance, too
        count_like = shrunk * (1 - shrunk) / variance
    else:
        count_like = float(count)
    z = deviate(level, freedom)
    middle = (share + z * z / (2 * count_like)) / (1 + z * z / count_like)
    reach = z * math.sqrt(share * (1 - share) / count_like + (z / (2 * count_like)) ** 2) / (1 + z * z / count_like)
    return Estimate(share, max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach)))


def quantile_ranks(count: int, share: float, level: float = LEVEL) -> tuple[int, int]:
    """Return the ranks, from 1, of the values of `count` independent ones between which a quantile lies.

    0 is below all of them, count + 1 above. It holds for every distribution, by the binomial one of the number of
    values below the quantile (David & Nagaraja, Order Statistics, 3rd ed., section 7.1).
    """
    from scipy.stats import binom  # slow to import

    low, high = binom.ppf([(1 - level) / 2, (1 + level) / 2], count, share)
    return int(low), int(high) + 1


def quantile(
    values: Floats, share: float, level: float = LEVEL, ends: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate:
    """Estimate a quantile of values (n,) of independent rows; its interval is a pair of order statistics.

    See `quantile_ranks`; where too few values lie beyond, it ends at `ends`, the least and the greatest there can be.
    """
    ordered = np.concatenate([[ends[0]], np.sort(values), [ends[1]]])
    low, high = quantile_ranks(len(values), share, level)
    return Estimate(float(np.quantile(values, share)), float(ordered[low]), float(ordered[high]))

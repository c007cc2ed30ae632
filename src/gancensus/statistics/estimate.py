"""A number with its interval, as every result of gancensus is reported."""

import math
from typing import NamedTuple


class Estimate(NamedTuple):
    """A value with the ends of its confidence interval; None stands for 'not defined' or 'unbounded'."""

    value: float | None
    low: float | None
    high: float | None


def wilson(
    share: float, count: int, level: float = 0.95, *, variance: float | None = None, freedom: int | None = None
) -> Estimate:
    """Return a share of `count` independent rows with Wilson's interval (J. Am. Stat. Assoc. 22 (1927) 209).

    With a variance above 0, the interval is that of as many rows as would have it (Korn & Graubard 1998); with degrees
    of freedom, Student's t is in the place of the normal deviate.
    """
    from scipy.special import ndtri, stdtrit  # planning needs neither

    if variance is not None and variance > 0:
        shrunk = (share * count + 0.5) / (count + 1)  # a share of 0 or 1 has a variance, too
        count_like = shrunk * (1 - shrunk) / variance
    else:
        count_like = float(count)
    z = float(ndtri((1 + level) / 2) if freedom is None else stdtrit(freedom, (1 + level) / 2))
    middle = (share + z * z / (2 * count_like)) / (1 + z * z / count_like)
    reach = z * math.sqrt(share * (1 - share) / count_like + (z / (2 * count_like)) ** 2) / (1 + z * z / count_like)
    return Estimate(share, max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach)))

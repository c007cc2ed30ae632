"""A number with its interval, as every result of gancensus is reported."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """A value with the ends of its confidence interval; None stands for 'not defined' or 'unbounded'."""

    value: float | None
    low: float | None
    high: float | None

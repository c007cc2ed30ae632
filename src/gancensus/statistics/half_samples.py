"""Half-samples: how much a statistic of samples varies, from its values on random halves of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SPLITS = 20


def halves(count: int, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Split `count` rows at random into halves A and B (count // 2,); where it is odd, one row is in neither."""
    order, half = rng.permutation(count), count // 2
    return order[:half], order[half : 2 * half]


def sides(count: int, rng: np.random.Generator) -> Integers:
    """Return the side of each row (count,), by `halves`: 1 of those in A, -1 of those in B, 0 of one in neither."""
    found = np.zeros(count, dtype=np.int64)
    for side, rows in zip((1, -1), halves(count, rng), strict=True):
        found[rows] = side
    return found


def sides_of_splits(n: int, m: int, splits: int, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return the `sides` of the rows of two samples in many splits, (n, splits) and (m, splits).

    They are the halves that `half_sample_variances` makes with the same generator.
    """
    pairs = [(sides(n, rng), sides(m, rng)) for _ in range(splits)]
    x, y = (np.stack(one, axis=1) for one in zip(*pairs, strict=True))
    return x, y


def half_sample_variance(differences: NDArray[Any]) -> Any:
    """Return the variance (...) of statistics from T_A - T_B (splits, ...) of their values in both halves.

    The mean over the splits of (T_A - T_B)^2 / 4 (balanced half-samples: McCarthy, Rev. Int. Stat. Inst. 37, 1969).
    It has as many degrees of freedom as there are splits.
    """
    return np.sum(np.square(differences), axis=0) / (4 * len(differences))


def half_sample_variances(
    statistic: Callable[[Floats, Floats], Floats], x: Floats, y: Floats, splits: int, rng: np.random.Generator
) -> Floats:
    """Return the variances (k,) of statistics (k,) of two samples x (n, ...) and y (m, ...), by their sampling.

    Both are split at random into halves A and B, `splits` times.
    """
    differences = []
    for _ in range(splits):
        (x_a, x_b), (y_a, y_b) = halves(len(x), rng), halves(len(y), rng)
        differences.append(statistic(x[x_a], y[y_a]) - statistic(x[x_b], y[y_b]))
    return np.asarray(half_sample_variance(np.array(differences)))

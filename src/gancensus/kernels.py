"""Compiled loops over pairs: float64, one fixed order of operations, the same bits on every machine."""

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def euclidean_distances(
    a: NDArray[np.float64], b: NDArray[np.float64], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Sum each pair's squares in eight fixed accumulators, then in a fixed tree."""
    out = np.empty(len(i))
    s = np.empty(8)
    for pair in range(len(i)):
        u, v = a[i[pair]], b[j[pair]]
        s[:] = 0.0
        for k in range(len(u)):
            difference = u[k] - v[k]
            s[k & 7] += difference * difference
        out[pair] = np.sqrt(((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])))
    return out

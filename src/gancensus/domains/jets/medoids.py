"""k-medoids: the samples that best stand for all of them, by PAM."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST = 1e-12  # of the cost: what a swap must gain, so that rounding cannot swap back and forth


def medoids(distances: Floats, count: int) -> Integers:
    """Return which samples are medoids, int64 (count,), ascending: the sum of distances to the nearest is least nearby.

    PAM (Kaufman & Rousseeuw, Finding Groups in Data, 1990, chapter 2): BUILD takes the sample that lowers the sum most,
    one after the other; then SWAP makes the exchange of a medoid for another sample that lowers it most, until none
    does. The exchanges of a sample are judged together (FastPAM1: Schubert & Rousseeuw, arXiv:1810.05691, section 3).
    Of equal ones the first counts, and sums have one order: the same medoids on every machine.

    Args:
        distances: (n, n), symmetric, 0 on the diagonal, finite.
        count: from 1 to n.

    Raises:
        UserError: there are not so many samples.
        ValueError: a distance is not finite.
    """
    if not 1 <= count <= len(distances):
        raise UserError(
            f"{count} medoids of {len(distances)} samples cannot be chosen; use fewer medoids or more samples"
        )
    if not np.isfinite(distances).all():
        raise ValueError("distances must be finite")
    return np.sort(_pam(np.ascontiguousarray(distances, dtype=np.float64), count))


@numba.njit(cache=True, nogil=True)
def _pam(distances: Floats, count: int) -> Integers:
    """Return the medoids in no order."""
    chosen = _build(distances, count)
    nearest, first, second = _nearest(distances, chosen)
    while count > 1:  # of one, the first is the best
        gain, place, candidate = _best_swap(distances, count, nearest, first, second)
        if gain <= LEAST * first.sum():
            break
        chosen[place] = candidate
        nearest, first, second = _nearest(distances, chosen)
    return chosen


@numba.njit(cache=True, nogil=True)
def _build(distances: Floats, count: int) -> Integers:
    """Return medoids, each the sample that most lowers the sum of distances to those before it."""
    n = len(distances)
    chosen, least, taken = np.empty(count, np.int64), np.full(n, np.inf), np.zeros(n, np.bool_)
    for k in range(count):
        best, lowest = -1, np.inf
        for candidate in range(n):
            total = 0.0
            for i in range(n):
                total += min(least[i], distances[i, candidate])
            if not taken[candidate] and total < lowest:
                best, lowest = candidate, total
        chosen[k], taken[best] = best, True
        for i in range(n):
            least[i] = min(least[i], distances[i, best])
    return chosen


@numba.njit(cache=True, nogil=True)
def _nearest(distances: Floats, chosen: Integers) -> Any:
    """Return the place among the medoids of each sample's nearest, the distance to it, and that to the second."""
    n = len(distances)
    nearest, first, second = np.zeros(n, np.int64), np.full(n, np.inf), np.full(n, np.inf)
    for i in range(n):
        for k in range(len(chosen)):
            distance = distances[i, chosen[k]]
            if distance < first[i]:
                nearest[i], second[i], first[i] = k, first[i], distance
            elif distance < second[i]:
                second[i] = distance
    return nearest, first, second


@numba.njit(cache=True, nogil=True)
def _best_swap(
    distances: Floats, count: int, nearest: Integers, first: Floats, second: Floats
) -> tuple[float, int, int]:
    """Return what the best exchange gains, the place of the medoid that goes, and the sample that comes.

    Losing its medoid costs a sample the way to the second nearest, or to the candidate where that is nearer.
    """
    n = len(distances)
    removal = np.zeros(count)
    for i in range(n):
        removal[nearest[i]] += second[i] - first[i]
    gain, place, sample = 0.0, -1, -1
    for candidate in range(n):
        change, common = removal.copy(), 0.0
        for i in range(n):
            distance = distances[i, candidate]
            if distance < first[i]:
                common += distance - first[i]
                change[nearest[i]] += first[i] - second[i]
            elif distance < second[i]:
                change[nearest[i]] += distance - second[i]
        k = int(np.argmin(change))
        if -(change[k] + common) > gain:
            gain, place, sample = -(change[k] + common), k, candidate
    return gain, place, sample

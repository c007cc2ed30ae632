"""Distances between persistence diagrams, exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def wasserstein(a: Floats, b: Floats) -> float:
    """Return the Wasserstein distance of order 1 between bars a (n, 2) and b (m, 2), birth and death.

    It is the least sum of distances of bars that are matched, each to one of the other diagram or to the diagonal; the
    distance of two is the larger of those of their births and deaths (the norm of Cohen-Steiner, Edelsbrunner & Harer,
    Discrete Comput. Geom. 37 (2007) 103), that of a bar to the diagonal half its length.
    A match of two saves what it costs less than their ways to the diagonal: the largest saving is an assignment.
    """
    from scipy.optimize import linear_sum_assignment

    p, q, apart = _costs(a, b)
    saving = np.maximum(p[:, None] + q - apart, 0)
    rows, columns = linear_sum_assignment(saving, maximize=True)
    return float(p.sum() + q.sum() - saving[rows, columns].sum())


def bottleneck(a: Floats, b: Floats) -> float:
    """Return the bottleneck distance between bars a (n, 2) and b (m, 2): as `wasserstein`, of the largest distance.

    Within r of each other are two diagrams if all bars of a whose length is above 2 r can be matched within r to bars
    of b, and the reverse: both matchings together make one (Mendelsohn & Dulmage, Canad. J. Math. 10 (1958) 517).
    """
    p, q, apart = _costs(a, b)
    largest = max(p.max(initial=0), q.max(initial=0))
    if min(len(p), len(q)) == 0:
        return float(largest)
    least = max(np.minimum(p, apart.min(axis=1)).max(), np.minimum(q, apart.min(axis=0)).max())
    if _within(p, q, apart, least):
        return float(least)
    known = np.concatenate([p, q, apart.ravel()])
    known = np.unique(known[(known > least) & (known <= largest)])
    low, high = 0, len(known) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _within(p, q, apart, known[middle]) else (middle + 1, high)
    return float(known[low])


def _costs(a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how far the bars of a and b are from the diagonal, (n,) and (m,), and from each other (n, m)."""
    apart = np.maximum(np.abs(a[:, None, 0] - b[:, 0]), np.abs(a[:, None, 1] - b[:, 1]))
    return (a[:, 1] - a[:, 0]) / 2, (b[:, 1] - b[:, 0]) / 2, apart


def _within(p: Floats, q: Floats, apart: Floats, r: float) -> bool:
    near = apart <= r
    return _matched(near[p > r]) and _matched(near[:, q > r].T)


def _matched(near: NDArray[np.bool_]) -> bool:
    """Return whether each row of near (n, m) can be matched to a column of its own."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if len(near) <= 1:
        return bool(near.any(axis=1).all())
    return bool((maximum_bipartite_matching(csr_matrix(near), perm_type="column") >= 0).all())


def born_together(deaths: Sequence[Floats], first: Ints, second: Ints) -> tuple[Floats, Floats]:
    """Return both distances, Wasserstein and bottleneck, (pairs,) each, of pairs of diagrams whose bars are born at 0.

    Such bars are points of a line, of which an optimal matching crosses no two: it is found from the shortest bars on,
    as the alignment of two sequences (Needleman & Wunsch 1970). Shorter diagrams are filled with bars of no length.

    Args:
        deaths: of the bars of each diagram.
        first: (pairs,), the number of a diagram.
        second: (pairs,), that of the other one.
    """
    n = max(map(len, deaths), default=0)
    filled = np.array([np.concatenate([np.zeros(n - len(ends)), np.sort(ends)]) for ends in deaths])
    a, b = filled[first], filled[second]
    unmatched = np.pad(np.cumsum(b / 2, axis=1), ((0, 0), (1, 0)))
    total, largest = unmatched, np.pad(b / 2, ((0, 0), (1, 0)))  # column j: of the j shortest bars of b
    for k in range(n):
        bar = a[:, k, None]
        apart = np.abs(bar - b)
        step = total + bar / 2
        step[:, 1:] = np.minimum(step[:, 1:], total[:, :-1] + apart)
        total = np.minimum.accumulate(step - unmatched, axis=1) + unmatched
        step = np.maximum(largest, bar / 2)
        step[:, 1:] = np.minimum(step[:, 1:], np.maximum(largest[:, :-1], apart))
        before = np.minimum.accumulate(step, axis=1)[:, :-1]
        step[:, 1:] = np.minimum(step[:, 1:], np.maximum(before, b / 2))
        largest = step
    return total[:, -1], largest[:, -1]

"""The graph of duplicates: samples are vertices, a pair of duplicates is an edge."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def degrees(samples: int, i: IntArray, j: IntArray) -> IntArray:
    """Number of duplicates of each sample, int64 (samples,), from the pairs (i, j), int64 row positions."""
    return np.bincount(np.concatenate([i, j]), minlength=samples).astype(np.int64)


def component_sizes(samples: int, i: IntArray, j: IntArray) -> IntArray:
    """Number of samples of each connected component, int64 (components,); a sample without a duplicate is one.

    Being a near-duplicate is not transitive: a component also holds the ends of a chain, which may be far apart.
    """
    sizes: IntArray = _component_sizes(*adjacency(samples, i, j))
    return sizes


def clique_bound(samples: int, i: IntArray, j: IntArray) -> int:
    """Upper bound of the number of samples that are all duplicates of each other; 1 without a duplicate.

    One more than the largest core number: each sample of a clique of k has k - 1 duplicates within it (Batagelj &
    Zaversnik 2003, arXiv:cs/0310049). Exact where being a duplicate is transitive. `samples` is at least 1.
    """
    return int(_largest_core(*adjacency(samples, i, j))) + 1


@numba.njit(cache=True, nogil=True)
def adjacency(samples: int, i: IntArray, j: IntArray) -> tuple[IntArray, npt.NDArray[np.int32]]:
    """Compressed rows: the neighbours of v are neighbour[start[v] : start[v + 1]]."""
    start = np.zeros(samples + 1, np.int64)
    for e in range(i.size):
        start[i[e] + 1] += 1
        start[j[e] + 1] += 1
    start = np.cumsum(start)
    free = start[:-1].copy()
    neighbour = np.empty(2 * i.size, np.int32)
    for e in range(i.size):
        neighbour[free[i[e]]] = j[e]
        neighbour[free[j[e]]] = i[e]
        free[i[e]] += 1
        free[j[e]] += 1
    return start, neighbour


@numba.njit(cache=True, nogil=True)
def _component_sizes(start: IntArray, neighbour: npt.NDArray[np.int32]) -> IntArray:
    """Sizes of components, in the order of their first vertices: each is walked through from there."""
    samples = start.size - 1
    sizes = np.zeros(samples, np.int64)
    reached = np.zeros(samples, np.bool_)
    waiting = np.empty(samples, np.int64)
    components = 0
    for first in range(samples):
        if reached[first]:
            continue
        reached[first] = True
        waiting[0] = first
        left = 1
        while left > 0:
            left -= 1
            v = waiting[left]
            sizes[components] += 1
            for e in range(start[v], start[v + 1]):
                u = neighbour[e]
                if not reached[u]:
                    reached[u] = True
                    waiting[left] = u
                    left += 1
        components += 1
    return sizes[:components]


@numba.njit(cache=True, nogil=True)
def _largest_core(start: IntArray, neighbour: npt.NDArray[np.int32]) -> int:
    """Largest k such that a subgraph exists whose vertices all have k neighbours within it.

    Vertices leave in the order of their remaining degree. They are kept sorted by it: bucket[d] is where degree d
    begins, and a neighbour that loses a degree changes places with the first of its bucket.
    """
    samples = start.size - 1
    degree = start[1:] - start[:-1]
    bucket = np.zeros(degree.max() + 2, np.int64)
    for v in range(samples):
        bucket[degree[v] + 1] += 1
    bucket = np.cumsum(bucket)
    order = np.argsort(degree, kind="mergesort")
    place = np.empty(samples, np.int64)
    place[order] = np.arange(samples)
    largest = 0
    for k in range(samples):
        v = order[k]
        largest = max(largest, degree[v])
        for e in range(start[v], start[v + 1]):
            u = neighbour[e]
            if degree[u] > degree[v]:
                first = bucket[degree[u]]
                w = order[first]
                order[first], order[place[u]] = u, w
                place[w], place[u] = place[u], first
                bucket[degree[u]] += 1
                degree[u] -= 1
    return largest

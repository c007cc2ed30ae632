"""All distances within a set of jets, or between two, on all cores that there are."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.metric import Features, Metric

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PAIRS_AT_ONCE = 1024  # some tens of milliseconds: short beside the whole, long beside the start of a task


def within(metric: Metric, features: Features, threads: int | None = None) -> Floats:
    """Return the distances of all samples from each other, (n, n): symmetric, 0 on the diagonal.

    metric: one whose `exact` compares pairs without Python's lock, such as `emd`; its features of the samples. threads:
    as many as there are cores for this process by default; the result has the same bits with any number.
    """
    i, j = np.triu_indices(len(features[0]), 1)
    distances = np.zeros((len(features[0]),) * 2)
    distances[i, j] = distances[j, i] = _exact(metric, features, features, i, j, threads)
    return distances


def across(metric: Metric, a: Features, b: Features, threads: int | None = None) -> Floats:
    """Return the distances of all samples of a from all of b, (len(a), len(b)); see `within`."""
    n, m = len(a[0]), len(b[0])
    i, j = np.divmod(np.arange(n * m), max(1, m))
    return _exact(metric, a, b, i, j, threads).reshape(n, m)


def _exact(metric: Metric, a: Features, b: Features, i: Integers, j: Integers, threads: int | None) -> Floats:
    """Return the distances of pairs, (len(i),), some at a time in each thread."""

    def some(start: int) -> Floats:
        pairs = slice(start, start + PAIRS_AT_ONCE)
        return metric.exact(a, b, i[pairs], j[pairs], math.inf)

    with ThreadPoolExecutor(threads or _cores()) as pool:
        return np.concatenate([np.empty(0), *pool.map(some, range(0, len(i), PAIRS_AT_ONCE))])


def _cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

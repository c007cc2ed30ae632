"""Ranks of values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mean_ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the ranks of values (n,), from 1; equal ones share their mean rank, float64 (n,)."""
    order = np.argsort(values, kind="stable")
    value = values[order]
    first = np.flatnonzero(np.append(True, value[1:] != value[:-1]))[: len(values)]
    last = np.append(first[1:], len(values))
    found = np.empty(len(values))
    found[order] = np.repeat((first + last + 1) / 2, last - first)
    return found

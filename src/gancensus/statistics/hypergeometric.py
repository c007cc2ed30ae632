"""The hypergeometric distribution, by SciPy's function: `scipy.stats`, which has it, too, takes long to import."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def more_than(k: ArrayLike, of: ArrayLike, marked: ArrayLike, drawn: ArrayLike) -> Floats:
    """Return the probability that more than k marked ones are drawn, without replacement, float64 (...).

    Args:
        k: (...), whole numbers, any.
        of: (...), how many there are.
        marked: (...), how many of them are marked.
        drawn: (...), how many are drawn.
    """
    k, of, marked, drawn = np.broadcast_arrays(k, of, marked, drawn)
    found = np.where(k < np.maximum(drawn - (of - marked), 0), 1.0, 0.0)
    inside = (found == 0) & (k < np.minimum(marked, drawn))
    found[inside] = _more_than(*(one[inside] for one in (k, of, marked, drawn)))
    return found


def _more_than(
    k: NDArray[np.int64], of: NDArray[np.int64], marked: NDArray[np.int64], drawn: NDArray[np.int64]
) -> Floats:
    """Return it where it is neither 0 nor 1."""
    try:
        from scipy.special._ufuncs import _hypergeom_sf
    except ImportError:  # before SciPy 1.14
        from scipy.stats import hypergeom

        return np.asarray(hypergeom.sf(k, of, marked, drawn))
    return np.asarray(_hypergeom_sf(k, marked, drawn, of).clip(0, 1))

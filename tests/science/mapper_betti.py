"""Betti numbers of a nerve, as shapes are known by, from what is known of its components."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def betti(found: tuple[Integers, Integers]) -> tuple[int, int]:
    """Return the numbers of components and loops from the component, and its loops, of each node."""
    component, loops = found
    first = np.unique(component, return_index=True)[1]
    return len(first), int(loops[first].sum())

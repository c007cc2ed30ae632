"""Two sets of jets with one spectrum: as many of each in every bin of transverse momentum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BINS = 20  # with these, spectra whose AUC is .8 keep one of about .001 more than .5 within the bins
LEAST = 10  # jets of the smaller set for each bin, on average: chance in a bin costs jets


def matched(a: Floats, b: Floats, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return rows of a (n,) and b (m,), ascending and equally many, between which the values say nothing.

    Bins are quantiles of both sets together. In each, the set with more jets gives a random subset, as large as the
    other.
    """
    bins = int(np.clip(min(len(a), len(b)) // LEAST, 1, BINS))
    edges = np.quantile(np.concatenate([a, b]), np.arange(1, bins) / bins)
    sides: tuple[list[Integers], list[Integers]] = ([], [])
    places = [np.searchsorted(edges, values, "right") for values in (a, b)]
    for k in range(bins):
        rows = [np.flatnonzero(place == k) for place in places]
        count = min(map(len, rows))
        for side, one in zip(sides, rows, strict=True):
            side.append(rng.permutation(one)[:count])
    return np.sort(np.concatenate(sides[0])), np.sort(np.concatenate(sides[1]))

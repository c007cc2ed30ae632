"""Instance selection: keep the densest share of the training samples (DeVries et al., arXiv:2007.15255)."""

import math

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.score import Score


def kept_count(samples: int, keep: float) -> int:
    """Return how many of n samples are kept.

    The reference implementation keeps scores strictly above their percentile, which is n - 1 - floor((n - 1)(1 - keep))
    of n distinct scores. Deviation: at least one, and all of them for keep = 1.
    """
    if keep == 1:
        return samples
    return max(1, samples - 1 - math.floor((samples - 1) * (1 - keep) + 1e-9))


def select(
    score: Score, z: NDArray[np.float32], label: NDArray[np.int32] | None, keep: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the score and whether it is kept for each of the vectors z (n, d), class by class.

    Ties at the cut are kept in the order of the samples (the reference drops them all, and everything when all tie).
    """
    scores, kept = np.empty(len(z)), np.zeros(len(z), dtype=bool)
    classes = np.zeros(len(z), dtype=np.int32) if label is None else label
    for one in np.unique(classes):
        rows = np.flatnonzero(classes == one)
        scores[rows] = score.score(z[rows])
        best = np.argsort(-scores[rows], kind="stable")
        kept[rows[best[: kept_count(len(rows), keep)]]] = True
    return scores, kept

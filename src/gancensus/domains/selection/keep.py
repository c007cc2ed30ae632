"""Instance selection: keep the densest share of the training samples (DeVries et al., arXiv:2007.15255)."""

import math

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.score import Score


def kept_count(samples: int, keep: float) -> int:
    """Return how many of n samples are kept.

    The implementation of the paper keeps scores strictly above their percentile, which is
    n - 1 - floor((n - 1)(1 - keep)) of n distinct scores. Deviation: at least one, and all of them for keep = 1.
    """
    if keep == 1:
        return samples
    return max(1, samples - 1 - math.floor((samples - 1) * (1 - keep) + 1e-9))


def shared_out(keep: int, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share out a number of samples over classes, by their sizes (k,): the largest remainders get one more.

    Raises UserError where there are fewer.
    """
    total = int(sizes.sum())
    if keep > total:
        raise UserError(
            f"`keep` asks for {keep:,} samples, but `train` has {total:,}; lower it (up to 1, it is a share)"
        )
    counts, remainders = np.divmod(keep * sizes, total)
    counts[np.argsort(-remainders, kind="stable")[: keep - int(counts.sum())]] += 1
    return np.asarray(counts)


def select(
    score: Score,
    z: NDArray[np.float32],
    label: NDArray[np.int32] | None,
    keep: float,
    per_class: bool = True,
    compatible: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the score and whether it is kept for each of the vectors z (n, d).

    Ties at the cut are kept in the order of the samples. The implementation of the paper drops them all, and everything
    where all tie. Raises UserError where a class has too few samples, or none is left.

    Args:
        score: how dense the neighbourhood of a sample is.
        z: vectors of the samples.
        label: their classes, if they have any.
        keep: up to 1 a share, else a number of samples.
        per_class: whether classes are scored and cut one by one.
        compatible: as the implementation of the paper does it.
    """
    scores, kept = np.empty(len(z)), np.zeros(len(z), dtype=bool)
    classes = np.zeros(len(z), dtype=np.int32) if label is None or not per_class else label
    names, sizes = np.unique(classes, return_counts=True)
    counts = [kept_count(int(n), keep) for n in sizes] if keep <= 1 else shared_out(int(keep), sizes)
    for name, count in zip(names, counts, strict=True):
        rows = np.flatnonzero(classes == name)
        try:
            scores[rows] = score.score(z[rows], compatible)
        except UserError as error:
            raise UserError(f"class {name}: {error}" if len(names) > 1 else str(error)) from None
        if compatible:
            share = keep if keep <= 1 else keep / len(z)
            kept[rows] = scores[rows] > np.percentile(scores[rows], 100 * (1 - share))
        else:
            kept[rows[np.argsort(-scores[rows], kind="stable")[:count]]] = True
    if not kept.any():
        raise UserError("no sample is kept: all scores are equal, and `compatible` drops ties; leave it out")
    return scores, kept

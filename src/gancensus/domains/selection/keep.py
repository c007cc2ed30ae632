"""Instance selection: keep the densest share of the training samples (DeVries et al., arXiv:2007.15255)."""

import math

import numpy as np
from numpy.typing import NDArray

from gancensus.config.sections import Cut
from gancensus.contracts.errors import UserError
from gancensus.contracts.score import Score

SPLITS = 5  # into halves, of which the stability of a selection is the mean
ENOUGH = 10  # samples per dimension of a fitted distribution


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
    cut: Cut,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the score and whether it is kept for each of the vectors z (n, d).

    Ties at the cut are kept in the order of the samples. The implementation of the paper drops them all, and everything
    where all tie. Raises UserError where a class has too few samples, or none is left.

    Args:
        score: how dense the neighbourhood of a sample is.
        z: vectors of the samples.
        label: their classes, if they have any.
        cut: which are kept.
        rng: for scores that are random.
    """
    scores, kept = np.empty(len(z)), np.zeros(len(z), dtype=bool)
    classes = _classes(len(z), label, cut)
    for name, (rows, count) in classes.items():
        try:
            scores[rows] = score.score(z[rows], cut.compatible, rng=rng)
        except UserError as error:
            raise UserError(f"class {name}: {error}" if len(classes) > 1 else str(error)) from None
        if cut.compatible and cut.keep != 1:
            share = cut.keep if cut.keep <= 1 else cut.keep / len(z)
            kept[rows] = scores[rows] > np.percentile(scores[rows], 100 * (1 - share))
        else:
            kept[_best(scores, rows, count)] = True
    if not kept.any():
        raise UserError("no sample is kept: all scores are equal, and `compatible` drops ties; leave it out")
    return scores, kept


def stability(
    score: Score,
    z: NDArray[np.float32],
    label: NDArray[np.int32] | None,
    cut: Cut,
    rng: np.random.Generator,
) -> float | None:
    """Return how far the kept samples depend on which samples density was measured with: 1 not at all.

    Each class is split at random into halves, both halves score all its samples, and the two sets that would be kept
    are compared: |A and B| / |A or B| (Jaccard), on average over SPLITS. Scores without meaning have keep / (2 - keep).
    None where half of a class is too few for the score, or everything is kept. Arguments are those of `select`.
    """
    classes = list(_classes(len(z), label, cut).values())
    if all(count == len(rows) for rows, count in classes):
        return None
    both = either = 0
    for _ in range(SPLITS):
        for rows, count in classes:
            half = np.zeros(len(rows), dtype=bool)
            half[rng.permutation(len(rows))[: len(rows) // 2]] = True
            try:
                found = [score.score(z[rows], cut.compatible, among, rng=rng) for among in (half, ~half)]
            except UserError:
                return None
            kept = [set(_best(scores, np.arange(len(rows)), count).tolist()) for scores in found]
            both += len(kept[0] & kept[1])
            either += len(kept[0] | kept[1])
    return both / either


def scarce(score: Score, z: NDArray[np.float32], label: NDArray[np.int32] | None, cut: Cut) -> str | None:
    """Return what to think of the values of a score that is fitted to fewer than ten samples per dimension."""
    least = min(len(rows) for rows, _ in _classes(len(z), label, cut).values())
    if not score.fitted or least >= ENOUGH * z.shape[1]:
        return None
    of_a_class = "" if label is None or not cut.per_class else " of a class"
    return (
        f"{least} samples{of_a_class} in {z.shape[1]} dimensions, fewer than {ENOUGH} per dimension: scores tell "
        "which samples are denser, but their values mean little"
    )


def _classes(samples: int, label: NDArray[np.int32] | None, cut: Cut) -> dict[int, tuple[NDArray[np.int64], int]]:
    """Return the rows of each class, and how many of them are kept."""
    classes = np.zeros(samples, dtype=np.int32) if label is None or not cut.per_class else label
    names, sizes = np.unique(classes, return_counts=True)
    counts = [kept_count(int(n), cut.keep) for n in sizes] if cut.keep <= 1 else shared_out(int(cut.keep), sizes)
    return {int(k): (np.flatnonzero(classes == k), int(count)) for k, count in zip(names, counts, strict=True)}


def _best(scores: NDArray[np.float64], rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return those of the rows with the highest scores (n,), of equal ones the first."""
    return rows[np.argsort(-scores[rows], kind="stable")[:count]]

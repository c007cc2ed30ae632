"""Copies of training samples: an exact test by the distances to the nearest real samples.

If a generator has not seen `train`, then given its samples the labels 'train' and 'holdout' of the real ones are
exchangeable, whatever the generator makes. Of N pooled real samples the share pi is train. The generated samples are
ordered by the distance to their nearest real one; T_u counts how many of the first u have it in train, and with h_i,
how often real sample i is the nearest one of these u,

    Z_u = (T_u - u pi) / sd_u,  sd_u^2 = pi (1 - pi) N / (N - 1) (sum_i h_i^2 - u^2 / N).

The statistic is the largest Z_u over shares of the generated samples; permuted labels give its distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]
"""1: in train, 0: not (real samples, labellings); the first labelling is the observed one."""

SHARES = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # of the generated samples, nearest first
POWER = 0.95  # with which copies would have been found
TRIALS = 60  # plantings for every number of copies that is tried
ROOM = 5  # times as many real samples as generated ones stand for all of them where copies are planted


class Copying(NamedTuple):
    """What the test says."""

    p: float
    """One-sided: how often permuted labels give a Z as large, the observed ones counted as one of them."""
    z: float
    """The largest Z_u."""
    nearest: int
    """Its u: generated samples, those nearest to real ones."""
    in_train: int
    """T_u, how many of them have their nearest real sample in `train`."""
    share: float
    """Estimated share of copies: (T_u - u pi) / ((1 - pi) n), at least 0."""


class Nearest(NamedTuple):
    """The nearest real sample of each generated one (n,): which of all pooled, and how far; infinite: none is near.

    Of equally near ones any, as long as labels do not decide: the test is exact only then (`Ranks`).
    """

    row: IntArray
    distance: Floats


class Ranks(NamedTuple):
    """Ranks of the pooled real samples, by which each generated sample takes one of several that are equally near."""

    place: IntArray
    """(real,)"""
    shift: IntArray
    """(n,)"""

    @classmethod
    def draw(cls, generated: int, real: int, rng: np.random.Generator) -> Ranks:
        """Draw ranks that know of no labels, and are others for each generated sample."""
        return cls(rng.permutation(real), rng.integers(real, size=generated))

    def of(self, i: IntArray, row: IntArray) -> IntArray:
        """Return the ranks of real samples among those that are as near to generated samples i."""
        return np.asarray((self.place[row] + self.shift[i]) % len(self.place))


def nearer(train: tuple[IntArray, Floats], other: tuple[IntArray, Floats], size: int, ranks: Ranks) -> Nearest:
    """Return the nearest real samples from the nearest ones of `train`, which has `size`, and of the others."""
    (a, near), (b, far) = train, (other[0] + size, other[1])
    i = np.arange(len(a))
    first = (near < far) | ((near == far) & (ranks.of(i, a) < ranks.of(i, b)))
    return Nearest(np.where(first, a, b), np.where(first, near, far))


def copying(nearest: Nearest, train: int, real: int, permutations: int, rng: np.random.Generator) -> Copying:
    """Test whether generated samples are nearer to `train` than to other real samples.

    Args:
        nearest: of each generated sample; the first `train` of the real ones are in `train`.
        train: number of real samples that the generator learned from.
        real: number of all real samples, above `train`.
        permutations: of the labels.
        rng: draws them.
    """
    ordered, known = _ordered(nearest)
    labels = _labellings(len(known), train, real, 1 + permutations, rng)
    labels[:, 0] = known < train
    found = _scored(ordered.row, ordered.distance, len(nearest.row), labels, train / real, real)
    if not len(found.sizes):
        return Copying(1.0, 0.0, 0, 0, 0.0)
    k = int(found.z[:, 0].argmax())
    in_train, size = int(found.counts[k, 0]), int(found.sizes[k])
    share = max(0.0, (in_train - size * train / real) / ((1 - train / real) * len(nearest.row)))
    return Copying(found.p, float(found.z[k, 0]), size, in_train, share)


def detectable(
    nearest: Nearest,
    train: int,
    real: int,
    rng: np.random.Generator,
    noises: Sequence[float] = (0.0, 0.25, 0.5, 1.0),
    level: float = 0.05,
    twins: float = 0.0,
) -> dict[float, int | None]:
    """Return the least number of copies that the test finds with the probability POWER, by noise.

    Labels are permuted, so that nothing is copied; then random generated samples give way to copies of samples of
    what is `train` now, at a distance of noise times the median one. None where all of them are not found.

    Args:
        nearest: as of `copying`.
        train: as of `copying`.
        real: as of `copying`.
        rng: draws labels and copies.
        noises: in increasing order.
        level: of the test.
        twins: probability that of the real samples that equal a training sample, itself among them, a random one is
            another one: so many copies are as near to samples whose labels do not matter.
    """
    ordered, known = _ordered(nearest)
    typical = float(np.median(ordered.distance)) if len(known) else 0.0
    most = len(nearest.row)
    rows = min(real, max(ROOM * most, ceil(20 * real / train)))  # 20 of them are in train, on average
    labels = _labellings(rows, train, real, ceil(5 / level), rng)
    trials = [_Trial.draw(labels[:, 0], most, twins, rng) for _ in range(TRIALS)]

    def found(copies: int, noise: float) -> bool:
        missed = 0
        for trial in trials:
            row, distance = trial.planted(ordered, copies, noise * typical)
            missed += _scored(trial.place[row], distance, most, labels, train / real, real).p > level
            if missed > (1 - POWER) * TRIALS:
                return False
        return True

    least: dict[float, int | None] = {}
    low = high = max(1, ceil(log(level) / log(train / real)) - 1)
    for noise in noises:  # the least number grows with it
        while high < most and not found(high, noise):
            low, high = high, min(2 * high, most)
        if high > most or (high == most and not found(high, noise)):
            least[noise] = None
            continue
        while high - low > max(1, low // 10):
            middle = (low + high) // 2
            low, high = (low, middle) if found(middle, noise) else (middle, high)
        least[noise] = high
        low = high
    return least


class _Ordered(NamedTuple):
    """The generated samples (k,) that are near to a real one, nearest first."""

    row: IntArray
    """Their nearest real ones, numbered from 0 in order of their rows."""
    distance: Floats
    which: IntArray
    """Which generated samples they are."""


def _ordered(nearest: Nearest) -> tuple[_Ordered, IntArray]:
    """Return the generated samples in order, and the different rows of their nearest real ones."""
    order = np.argsort(nearest.distance, kind="stable")
    order = order[np.isfinite(nearest.distance[order])]
    known, row = np.unique(nearest.row[order], return_inverse=True)
    return _Ordered(row, nearest.distance[order], order), known


class _Trial(NamedTuple):
    """Labels and copies of a planting; those of more copies begin with those of fewer."""

    place: IntArray
    """Permuted numbers of the real samples: the labels there are those of this planting."""
    leaving: IntArray
    """Generated samples in the order in which they give way (generated,)."""
    copied: IntArray
    """Real samples of what is `train` then, or their twins, that are nearest to what comes in the place of these."""

    @classmethod
    def draw(cls, label: Labels, generated: int, twins: float, rng: np.random.Generator) -> _Trial:
        """Draw a planting; label: of the real samples, before they are permuted."""
        place = rng.permutation(len(label))
        copied = rng.choice(np.flatnonzero(label[place]), generated)
        other = rng.random(generated) < twins
        copied[other] = rng.integers(len(label), size=int(other.sum()))
        return cls(place, rng.permutation(generated), copied)

    def planted(self, ordered: _Ordered, copies: int, distance: float) -> tuple[IntArray, Floats]:
        """Return the nearest real samples and distances, in order, where some generated samples are copies."""
        gone = np.zeros(len(self.leaving), dtype=bool)
        gone[self.leaving[:copies]] = True
        stay = ~gone[ordered.which]
        row, far = ordered.row[stay], ordered.distance[stay]
        at = np.searchsorted(far, distance, "right")
        row = np.concatenate([row[:at], self.copied[:copies], row[at:]])
        return row, np.concatenate([far[:at], np.full(copies, distance), far[at:]])


class _Scored(NamedTuple):
    """T_u and Z_u of every labelling (sizes, labellings), and the u (sizes,)."""

    counts: IntArray
    z: Floats
    sizes: IntArray

    @property
    def p(self) -> float:
        """How many of the labellings have as large a Z as the first one, which counts itself."""
        if not len(self.sizes):
            return 1.0
        largest = np.round(self.z.max(axis=0), 10)
        return float(np.mean(largest >= largest[0]))


def _scored(row: IntArray, distance: Floats, generated: int, labels: Labels, pi: float, real: int) -> _Scored:
    """Score generated samples in order, equal distances together, by the labels of their nearest real ones."""
    wanted = [max(1, round(share * generated)) for share in SHARES]
    ends = distance[[u - 1 for u in wanted if u <= len(row)]]
    sizes = np.unique(np.searchsorted(distance, ends, "right"))
    counts, squares = _counts(row, sizes, labels)
    variance = pi * (1 - pi) * real / (real - 1) * (squares - sizes**2 / real)
    deviation = np.sqrt(np.maximum(variance, 1e-12))
    return _Scored(counts, (counts - sizes[:, None] * pi) / deviation[:, None], sizes)


@numba.njit(cache=True, nogil=True)
def _counts(row: IntArray, sizes: IntArray, labels: Labels) -> tuple[IntArray, Floats]:
    """T_u of every labelling, int64 (sizes, labellings), and the sum of h_i^2, float64 (sizes,)."""
    counts, squares = np.empty((len(sizes), labels.shape[1]), np.int64), np.empty(len(sizes))
    times, total = np.zeros(len(labels), np.int64), np.zeros(labels.shape[1], np.int32)
    square, start = 0, 0
    for k in range(len(sizes)):
        for i in range(start, sizes[k]):
            square += 2 * times[row[i]] + 1
            times[row[i]] += 1
            label = labels[row[i]]
            for p in range(len(total)):
                total[p] += label[p]
        counts[k], squares[k], start = total, square, sizes[k]
    return counts, squares


@numba.njit(cache=True, nogil=True)
def _labellings(rows: int, train: int, real: int, labellings: int, rng: np.random.Generator) -> Labels:
    """Random labels of the first rows of all real samples, drawn one by one, (rows, labellings)."""
    labels, left = np.empty((rows, labellings), np.uint8), np.full(labellings, train)
    for k in range(rows):
        for p in range(labellings):
            labels[k, p] = rng.random() * (real - k) < left[p]
            left[p] -= labels[k, p]
    return labels

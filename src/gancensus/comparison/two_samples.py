"""Further comparisons of generated with real samples: FD-infinity, a classifier, sliced Wasserstein, soft counts.

Each has an interval and a null value, as the metrics of `fidelity` have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.comparison.fidelity import Fidelity, Points, cut, frechet_at_infinity
from gancensus.comparison.frechet import Decomposed
from gancensus.comparison.sliced import Sorted, draw_directions, half_mean_wasserstein, mean_wasserstein
from gancensus.comparison.soft_counts import bandwidth, rke, vendi
from gancensus.contracts.beginning import Begin, here, side_by_side
from gancensus.contracts.errors import UserError
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import SPLITS, half_sample_variance, sides_of_splits
from gancensus.statistics.intervals import LEVEL, symmetric
from gancensus.statistics.roc import FEWEST, cross_fitted_area

Floats = NDArray[np.float64]

MEASURES: tuple[str, ...] = ("fd_infinity", "auc", "sliced", "rke", "vendi")
MOST = 10_000  # samples of each population that auc, sliced and rke are of
AXES = 64  # that a classifier learns from, at most
MOST_AXES = 256  # that are found
PER_AXIS = 4  # samples for each axis of FD-infinity, at least: from there its bias is within its interval
TREES, LEAVES, LEAF = 50, 8, 20  # of the classifier; a leaf has LEAF rows, or a tenth of them where there are few


class Frame(NamedTuple):
    """What is fixed by real samples that are compared with nothing, so that all populations are measured alike."""

    centre: Floats
    """Their mean (d,)."""
    spread: float
    """The root of the mean variance of their values, 1 where that is 0."""
    bandwidth: float
    """Of the kernel of `rke`."""
    axes: Floats
    """Their principal axes (a, d), a <= MOST_AXES: orthonormal, the largest variance first."""
    directions: Floats
    """Random directions (k, d)."""

    @classmethod
    def of(cls, calibrate: Points, rng: np.random.Generator) -> Frame:
        """Return the frame of samples (n, d), n > 1.

        Raises:
            UserError: fewer than 2 samples, or values that are not finite.
        """
        from sklearn.decomposition import PCA

        x = calibrate.astype(np.float64)
        if len(x) < 2 or not np.isfinite(x).all():
            raise UserError(f"fidelity: the {len(x)} samples of calibrate must be 2 or more, without NaN and infinity")
        count = min(x.shape[1], len(x) - 1, MOST_AXES)
        with np.errstate(invalid="ignore"):  # equal samples have no variance to take shares of
            axes = PCA(count, random_state=0).fit(x).components_
        spread = float(np.sqrt(x.var(axis=0).mean())) or 1.0
        return cls(x.mean(axis=0), spread, bandwidth(x), axes, draw_directions(x.shape[1], rng))


def measure(
    real: Points,
    fake: Points,
    null: Points | None,
    frame: Frame,
    splits: int = SPLITS,
    level: float = LEVEL,
    *,
    rng: Callable[[str], np.random.Generator],
    begin: Begin = here,
) -> dict[str, Fidelity]:
    """Compute each of MEASURES with an interval, and its null value: what real samples score in place of `fake`.

    fd_infinity: `frechet_at_infinity`, of all values where there are PER_AXIS samples for each, and else of as many
    principal axes as have them. auc: `classifier_test`. sliced: `sliced_distance`. rke and vendi are of `fake` alone.

    `fake` and `null` are cut at random to the smaller of their sizes; for auc, sliced and rke, all three to MOST.

    Args:
        real: (n, d), n > 3.
        fake: (m, d), m > 3.
        null: (l, d), l > 3, real samples that are disjoint from `real`; None where there are none, and no null values.
        frame: of real samples; of others than these, if there are any.
        splits: random splits into halves, for fd_infinity and sliced.
        level: of the intervals.
        rng: gives each measure, and the cuts, random numbers of their own, by name.
        begin: may begin measures elsewhere; the results are the same.
    """
    real, fake, *others = (np.asarray(x, dtype=np.float64) for x in (real, fake, null) if x is not None)
    size, cuts = min(map(len, (fake, *others))), rng("cuts")
    fake, *others = (cut(x, size, cuts) for x in (fake, *others))
    some_real, *some = (cut(x, min(len(x), MOST), cuts) for x in (real, fake, *others))
    few = min(len(real), size) // PER_AXIS

    def in_axes(x: Floats) -> Decomposed:
        return Decomposed.of(x if x.shape[1] <= few else x @ frame.axes[:few].T)

    decomposed, projected = in_axes(real), _projected(some_real, frame)

    def values(x: Floats, some_x: Floats) -> dict[str, Callable[[], Estimate]]:
        return {
            "fd_infinity": lambda: frechet_at_infinity(decomposed, in_axes(x), splits, level, rng=rng("fd_infinity")),
            "auc": lambda: classifier_test(some_real, some_x, frame, level, rng=rng("auc")),
            "sliced": lambda: Estimate(mean_wasserstein(projected, _projected(some_x, frame)), None, None),
            "rke": lambda: rke(some_x, frame.bandwidth, level),
            "vendi": lambda: vendi(x, frame.centre, level),
        }

    own, *of_null = (values(*both) for both in zip((fake, *others), some, strict=True))
    own["sliced"] = lambda: sliced_distance(projected, some[0], frame, splits, level, rng=rng("sliced"))
    asked = [each[name] for name in MEASURES for each in (own, *of_null)]  # the longest first
    found = side_by_side(begin, asked)
    estimates, *nulls = (found[k :: 1 + len(of_null)] for k in range(1 + len(of_null)))
    null_values = [one.value for one in nulls[0]] if nulls else [None] * len(MEASURES)
    return {name: Fidelity(one, null) for name, one, null in zip(MEASURES, estimates, null_values, strict=True)}


def sliced_distance(
    real: Floats | Sorted,
    fake: Floats,
    frame: Frame,
    splits: int = SPLITS,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
) -> Estimate:
    """Estimate the sliced Wasserstein distance of two samples (n, d) and (m, d), in units of the frame's spread.

    It is `mean_wasserstein` of their projections on the frame's directions: a shift by s moves them by s |cos| on
    average, which is .64 s in two dimensions and about .80 s / sqrt(d) in many. The interval is that of
    `half_sample_variance`, Student's, cut at 0, around what the distance is on average at these sizes.

    `real` may be their `Sorted` projections, which several comparisons can share.
    """
    x = real if isinstance(real, Sorted) else _projected(real, frame)
    y = _projected(fake, frame)
    found = half_mean_wasserstein(x, y, *sides_of_splits(x.values.shape[1], len(fake), splits, rng))
    variance = float(half_sample_variance(found[:, 0] - found[:, 1]))
    return symmetric(mean_wasserstein(x, y), variance, splits, level, (0.0, np.inf))


def _projected(x: Floats, frame: Frame) -> Sorted:
    """Return samples (n, d) along the frame's directions, in units of its spread."""
    return Sorted.of(x @ frame.directions.T / frame.spread)


def classifier_test(
    real: Floats, fake: Floats, frame: Frame, level: float = LEVEL, *, rng: np.random.Generator
) -> Estimate:
    """Estimate how well boosted trees tell fake samples (m, d) from real ones (n, d): see `cross_fitted_area`.

    50 trees of 8 leaves find what scikit-learn's 100 of 31 do, in a quarter of the time. Vectors of more than AXES
    values are given to them as their coordinates on the first AXES axes of the frame, and their distance from these.

    Returns:
        No values where a side has fewer than FEWEST samples.
    """
    if min(len(real), len(fake)) < FEWEST:
        return Estimate(None, None, None)
    return cross_fitted_area(_learn, _features(fake, frame), _features(real, frame), level, rng=rng)


def _learn(x: Floats, of_fake: NDArray[np.bool_]) -> Callable[[Floats], Floats]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    leaf = min(LEAF, max(1, len(x) // 10))
    model = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, min_samples_leaf=leaf, early_stopping=False, random_state=0
    ).fit(x, of_fake)
    return lambda judged: np.asarray(model.predict_proba(judged)[:, 1])


def _features(x: Floats, frame: Frame) -> Floats:
    """Return what a classifier learns of vectors x (n, d) from: (n, d), or (n, a + 1) with a <= AXES."""
    if x.shape[1] <= AXES:
        return x
    x = x - frame.centre
    along = x @ frame.axes[:AXES].T
    off = np.sum(x**2, axis=1) - np.sum(along**2, axis=1)
    return np.column_stack([along, np.sqrt(np.maximum(off, 0))])

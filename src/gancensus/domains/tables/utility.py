"""How useful the generated rows of a table are: distributions, associations, models, legality."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from gancensus.contracts.columns import Column
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import SPLITS, half_sample_variances, sides
from gancensus.statistics.intervals import LEVEL, deviate, symmetric
from gancensus.statistics.roc import area, cross_fitted_area, doubt

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

WEIGHTINGS = 200
REPLICATES = 1000
RARE = 0.05  # a category that at most this share of the held-out rows have is rare
WHOLE = 1e-3  # of a step: a number this near counts as rounded, because float32 is not exact
LEAF = 20  # rows that a leaf of the trees needs; a tenth of the rows where they are few
MOST_CATEGORIES = 255  # that the trees can distinguish; columns with more are numbers to them


def statistic_of(column: Column) -> str:
    """Return the statistic that measures how far a column is off: `ks` or `total variation`."""
    return "total variation" if column.categorical else "ks"


def marginals(columns: Sequence[Column], rows: Floats, real: Floats) -> Floats:
    """Return how far each column of rows (n, k) is from that of real (m, k): (k,), from 0 to 1.

    Of numbers and ordered categories the Kolmogorov-Smirnov statistic, the largest difference of the distribution
    functions; of others the total variation, half the sum of the differences of shares.
    """
    one, other = np.full((1, len(rows)), 1 / len(rows)), np.full((1, len(real)), 1 / len(real))
    each = zip(columns, rows.T, real.T, strict=True)
    sizes = [_size(column, _gaps(column, a, b, one, other))[0] for column, a, b in each]
    return np.minimum(1.0, sizes)  # shares of 1/n may sum to a little more


def marginal_reach(
    columns: Sequence[Column], rows: Floats, real: Floats, level: float = LEVEL, *, rng: np.random.Generator
) -> Floats:
    """Return how far each of `marginals` may be from the distance of the distributions (k,).

    Both are norms, so that the error of the distance is at most the norm of the error of the differences. Its quantile
    is taken over WEIGHTINGS splits of both samples into halves A and B: half of what A and B differ by has the
    covariance of the error. The interval value -+ reach covers 0 with the probability `level` where the column is as it
    should be, and other distances more often. One made of the spread of the value (see `half_sample_intervals`) would
    be far too short where that happens to be near 0.
    """
    weights = [np.array([sides(len(x), rng) for _ in range(WEIGHTINGS)]) / len(x) for x in (rows, real)]
    each = zip(columns, rows.T, real.T, strict=True)
    sizes = np.array([_size(column, _gaps(column, a, b, *weights)) for column, a, b in each])
    return np.asarray(np.quantile(sizes, level, axis=1, method="higher"))


def _gaps(column: Column, a: Floats, b: Floats, a_weights: Floats, b_weights: Floats) -> Floats:
    """Return weighted shares of a (n,) less those of b (m,), for weights (r, n) and (r, m): (r, values).

    Of categories the shares of each, of others those at or below each value.
    """
    if column.categorical:
        kinds = np.arange(max(len(column.categories), a.max() + 1, b.max() + 1))  # some may be in no real row
        return np.asarray(a_weights @ (a[:, None] == kinds) - b_weights @ (b[:, None] == kinds))
    at = np.unique(np.concatenate([a, b]))
    return _below(a, a_weights, at) - _below(b, b_weights, at)


def _below(x: Floats, weights: Floats, at: Floats) -> Floats:
    """Return the sums of weights (r, n) of the x (n,) at or below each value of `at` (u,): (r, u)."""
    order = np.argsort(x, kind="stable")
    sums = np.cumsum(weights[:, order], axis=1)
    where = np.searchsorted(x[order], at, "right")
    return np.asarray(np.where(where > 0, sums[:, where - 1], 0))


def _size(column: Column, gaps: Floats) -> Floats:
    size = np.abs(gaps)
    return np.asarray(size.sum(axis=1) / 2 if column.categorical else size.max(axis=1))


def associations(columns: Sequence[Column], rows: Floats) -> Floats:
    """Return the association of each pair of columns of rows (n, k), symmetric (k, k), with 1 on the diagonal.

    Two columns of numbers or ordered categories: Spearman's rank correlation, from -1 to 1. Two of categories: Cramer's
    V with the correction for bias (Bergsma, J. Korean Stat. Soc. 42 (2013) 323). One of each: the correlation ratio of
    the ranks, corrected for bias likewise (epsilon; Kelley, PNAS 21 (1935) 554). These are from 0 to 1. A column with
    one value has no association: 0.
    """
    n, categorical = len(rows), np.array([column.categorical for column in columns])
    ranks = rankdata(rows[:, ~categorical], axis=0)
    ranks -= ranks.mean(axis=0)
    spread = np.sqrt(np.mean(ranks**2, axis=0))
    ranks = np.divide(ranks, spread, out=np.zeros_like(ranks), where=spread > 0)
    which = np.flatnonzero(categorical).tolist()
    sizes = [max(len(columns[k].categories), int(rows[:, k].max()) + 1) for k in which]  # some may be in no real row
    kinds = [rows[:, k, None] == np.arange(size) for k, size in zip(which, sizes, strict=True)]
    hot = np.concatenate([np.empty((n, 0)), *kinds], axis=1, dtype=np.float64)
    starts, counts = np.cumsum([0, *sizes[:-1]])[: len(sizes)], hot.sum(axis=0)
    present = np.add.reduceat(counts > 0, starts, dtype=np.float64) if sizes else np.empty(0)
    found = np.empty((len(columns), len(columns)))
    found[np.ix_(~categorical, ~categorical)] = ranks.T @ ranks / n
    if sizes:
        per = 1 / np.maximum(counts, 1)
        between = np.add.reduceat((hot.T @ ranks) ** 2 * per[:, None], starts, axis=0) / n
        mixed = _ratio(between, present, n)
        found[np.ix_(categorical, ~categorical)], found[np.ix_(~categorical, categorical)] = mixed, mixed.T
        together = (hot.T @ hot) ** 2 * per[:, None] * per
        square = np.add.reduceat(np.add.reduceat(together, starts, axis=0), starts, axis=1) - 1
        found[np.ix_(categorical, categorical)] = _cramer(square, present, n)
    np.fill_diagonal(found, 1.0)
    return np.clip(found, -1, 1)


def _ratio(between: Floats, groups: Floats, n: int) -> Floats:
    """Return the corrected correlation ratio from shares of variance between groups (q, p) and group counts (q,)."""
    left = n - groups[:, None]
    within = (1 - between) * (n - 1) / np.maximum(left, 1)
    return np.where((between > 0) & (left > 0), np.sqrt(np.maximum(0, 1 - within)), 0)


def _cramer(square: Floats, categories: Floats, n: int) -> Floats:
    """Return Cramer's corrected V from mean square contingencies (q, q) and category counts (q,)."""
    over = (categories - 1) / max(n - 1, 1)
    left = categories - 1 - over * (categories - 1)
    most = np.minimum(left[:, None], left)
    corrected = np.maximum(0, square - (categories - 1)[:, None] * over)
    return np.sqrt(np.divide(corrected, most, out=np.zeros_like(square), where=most > 0))


def pairs(columns: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the first and the second column of each pair."""
    first, second = np.triu_indices(columns, 1)
    return first, second


def half_sample_intervals(
    statistic: Callable[[Floats, Floats], Floats],
    rows: Floats,
    real: Floats,
    ends: tuple[Floats | float, Floats | float],
    splits: int = SPLITS,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
) -> list[Estimate]:
    """Return each value of a statistic of two samples (n, k) and (m, k) with its interval, cut at `ends`.

    It contains the sampling of both (`half_sample_variances`), and is Student's.
    """
    value = statistic(rows, real)
    variance = half_sample_variances(statistic, rows, real, splits, rng)
    numbers = (array.tolist() for array in np.broadcast_arrays(value, variance, *ends))
    return [symmetric(one, its, splits, level, (low, high)) for one, its, low, high in zip(*numbers, strict=True)]


def classifier_test(
    columns: Sequence[Column], rows: Floats, real: Floats, level: float = LEVEL, *, rng: np.random.Generator
) -> Estimate:
    """Estimate how well boosted trees tell rows (n, k) from real ones (m, k): see `cross_fitted_area`."""

    def learn(x: Floats, of_rows: Flags) -> Callable[[Floats], Floats]:
        model = _trees(columns, "classifier", x, rng).fit(x, of_rows)
        return lambda judged: np.asarray(model.predict_proba(judged)[:, 1])

    return cross_fitted_area(learn, rows, real, level, rng=rng)


def model_score(
    columns: Sequence[Column],
    target: int,
    train: Floats,
    test: Floats,
    level: float = LEVEL,
    *,
    rng: np.random.Generator,
) -> Estimate:
    """Let boosted trees learn a column from the others of train (n, k), and score them on test (m, k).

    Esteban, Hyland & Raetsch 2017 (arXiv:1706.02633): with generated rows on one of the sides. The score of a binary
    target is the area under the ROC curve, of other categories the balanced accuracy (mean over the classes of the test
    rows), of numbers R^2, which is below 0 where the mean of the test rows would do better. Where train has only one
    class, it is predicted for every row.

    Rows whose target is a category that no real row has are left out: no model of real rows can predict it.

    The interval contains the sampling of the test rows, given the model: percentiles of a bootstrap over them, and of a
    share or an area no shorter than with half a row of each class in doubt (`roc.doubt`).

    Returns:
        No values where the test rows have only one value of the target, or no row is left to learn from.
    """
    column = columns[target]
    others = [k for k in range(len(columns)) if k != target]
    train, test = (x[~unknown_categories([column], x[:, [target]])] for x in (train, test))
    y, truth = train[:, target], test[:, target]
    if len(np.unique(truth)) < 2 or len(y) == 0:
        return Estimate(None, None, None)
    if len(np.unique(y)) < 2:
        predicted = np.full(len(test), y[0])
    else:
        kind = "classifier" if column.categories else "regressor"
        model = _trees([columns[k] for k in others], kind, train[:, others], rng).fit(train[:, others], y)
        x = test[:, others]
        predicted = model.predict_proba(x)[:, 1] if column.type == "binary" else model.predict(x)
    drawn = (rng.integers(len(test), size=len(test)) for _ in range(REPLICATES))
    scores = np.array([_score(column, truth[some], predicted[some]) for some in drawn])
    value, (low, high) = _score(column, truth, predicted), np.nanquantile(scores, [(1 - level) / 2, (1 + level) / 2])
    if column.categories:
        reach = deviate(level) * _doubt(column, truth)
        low, high = max(0.0, min(low, value - reach)), min(1.0, max(high, value + reach))
    return Estimate(value, float(low), float(high))


def _doubt(column: Column, truth: Floats) -> float:
    """Return the standard deviation that a score of categories has at least."""
    counts = np.unique(truth, return_counts=True)[1]
    return math.sqrt(doubt(counts)) / (1 if column.type == "binary" else len(counts))


def _trees(columns: Sequence[Column], kind: str, rows: Floats, rng: np.random.Generator) -> Any:
    """Return an untrained model for rows (n, k) of these columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    model = HistGradientBoostingClassifier if kind == "classifier" else HistGradientBoostingRegressor
    most = [max(len(column.categories), codes.max() + 1) for column, codes in zip(columns, rows.T, strict=True)]
    few = [column.categorical and count <= MOST_CATEGORIES for column, count in zip(columns, most, strict=True)]
    leaf = min(LEAF, max(1, len(rows) // 10))
    seed = int(rng.integers(2**31))
    return model(categorical_features=few, early_stopping=False, min_samples_leaf=leaf, random_state=seed)


def _score(column: Column, truth: Floats, predicted: Floats) -> float:
    """Score predictions (n,) of a column; NaN where all rows have one value."""
    if not column.categories:
        total = np.sum((truth - truth.mean()) ** 2)
        return float(1 - np.sum((truth - predicted) ** 2) / total) if total > 0 else math.nan
    if column.type == "binary":
        positive = truth == truth.max()
        return area(predicted[positive], predicted[~positive]) if not positive.all() else math.nan
    classes, where = np.unique(truth, return_inverse=True)
    return float(np.mean(np.bincount(where, predicted == truth) / np.bincount(where))) if len(classes) > 1 else math.nan


def rare_categories(columns: Sequence[Column], real: Floats, rows: Floats) -> tuple[int, int]:
    """Return how many of the rare categories of real (m, k) some row of rows (n, k) has, and how many there are.

    A category of a nominal, binary or ordinal column is rare where some held-out row has it, and at most RARE of them.
    """
    found = count = 0
    for k, column in enumerate(columns):
        if column.categories:
            size = len(column.categories)
            share, has = (np.bincount(x[:, k].astype(np.int64), minlength=size)[:size] / len(x) for x in (real, rows))
            rare = (share > 0) & (share <= RARE)
            found, count = found + int(np.sum(has[rare] > 0)), count + int(np.sum(rare))
    return found, count


def unknown_categories(columns: Sequence[Column], rows: Floats) -> Flags:
    """Mark the rows (n, k) with a category that no real row has."""
    sizes = np.array([len(column.categories) or np.inf for column in columns])
    return np.asarray((rows >= sizes).any(axis=1))


def out_of_range(columns: Sequence[Column], train: Floats, rows: Floats) -> Flags:
    """Mark the rows (n, k) with a number below the least or above the greatest of its column in train (m, k)."""
    numbers = [k for k, column in enumerate(columns) if not column.categories]
    low, high = train[:, numbers].min(axis=0), train[:, numbers].max(axis=0)
    return np.asarray(np.any((rows[:, numbers] < low) | (rows[:, numbers] > high), axis=1))


def undecided(columns: Sequence[Column], x: NDArray[Any]) -> Flags:
    """Mark the vectors x (n, width), as a model made them, with a nominal column that is not one category.

    That is, whose values are not one nearer to +1 and all others nearer to -1; not where all are equal and below -1,
    which stands for a category that no real row has (see `columns.encode`).
    """
    found, start = np.zeros(len(x), dtype=np.bool_), 0
    for column in columns:
        if column.type == "nominal":
            values = x[:, start : start + column.width]
            new = (values == values[:, :1]).all(axis=1) & (values[:, 0] < -1)
            found |= (np.count_nonzero(values > 0, axis=1) != 1) & ~new
        start += column.width
    return found


def decimals(column: Column) -> int | None:
    """Return how many decimals a value of a column has: 0 of an ordinal or binary one; None where there is no end."""
    return None if column.type == "nominal" else 0 if column.categories else column.places


def unrounded(columns: Sequence[Column], x: NDArray[Any]) -> Flags:
    """Mark the vectors x (n, width), as a model made them, with a value between two that its column can have.

    That is, a number with more decimals than its column has, or an ordinal or binary value that is not whole.
    """
    found, start = np.zeros(len(x), dtype=np.bool_), 0
    for column in columns:
        places = decimals(column)
        if places is not None:
            low, high = column.ends
            half = (high - low) / 2 or 1.0
            steps = (low / 2 + high / 2 + half * x[:, start].astype(np.float64)) * 10.0**places
            rounding = 2.0**-23 * half * 10.0**places * np.maximum(np.abs(x[:, start]), 1.0)
            found |= np.abs(steps - np.rint(steps)) > np.maximum(WHOLE, rounding)
        start += column.width
    return found

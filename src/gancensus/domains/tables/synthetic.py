"""What users of synthetic tables ask: does one copy, is it like the real one, and can models learn from it?

Every number has an interval and a null value: what real rows get in the place of the generated ones, at equal numbers,
or what theory says of rows of one distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.columns import Column, encode
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.distances.gower import gower_of
from gancensus.domains.tables import privacy, utility
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import quantile, wilson

Floats = NDArray[np.float64]

CELLS = 3  # of the copying test
CAP = 10_000  # rows of a population that are compared, drawn at random; closest rows are searched among all of train
FEWEST_ROWS = 20  # of a population
NOTHING = Estimate(None, None, None)
HALF, ZERO = Estimate(0.5, 0.5, 0.5), Estimate(0.0, 0.0, 0.0)  # exact, from theory


class CodedRows(NamedTuple):
    """Rows of a table twice: legal, and as vectors."""

    codes: Floats
    """(n, columns): numbers, and numbers of categories."""
    x: NDArray[np.float32]
    """(n, width): what the network, or the user's file, has."""

    def cut(self, size: int, rng: np.random.Generator) -> CodedRows:
        """Return at most so many rows, drawn at random, in their order."""
        if size >= len(self.codes):
            return self
        rows = np.sort(rng.choice(len(self.codes), size, replace=False))
        return CodedRows(self.codes[rows], self.x[rows])


class Measured(NamedTuple):
    """A number with its interval, and its null value with one: with few real rows, the null may be the less certain."""

    estimate: Estimate
    null: Estimate


class Compared(NamedTuple):
    """How k columns are distributed and associated, in generated rows and in held-out ones."""

    marginals: list[Measured]
    """Of each column, by `utility.statistic_of` (k,)."""
    mean_marginal: Measured
    differences: list[Measured]
    """Generated less held-out association of each of `utility.pairs` (k (k - 1) / 2,)."""
    mean_difference: Measured
    """Mean of their sizes; no value with one column."""
    generated: Floats
    """Associations of the generated rows (k, k)."""
    real: Floats
    """Associations of the held-out rows (k, k)."""


def compare(
    columns: Sequence[Column], generated: CodedRows, train: CodedRows, holdout: CodedRows, *, rng: np.random.Generator
) -> Compared:
    """Compare generated with held-out rows column by column and pair by pair; null: train in their place.

    Generated and training rows are cut at random to the smaller of their numbers, so that value and null have the same
    bias. The intervals come from half-samples of whole rows: see `utility.half_sample_intervals`, and for the columns
    one by one `utility.marginal_reach`.

    Raises:
        UserError: fewer than FEWEST_ROWS rows.
    """
    _check(generated, train, holdout)
    some, known, other = _equal(generated, train, holdout, rng)
    first, second = utility.pairs(len(columns))

    def statistic(rows: Floats, real: Floats) -> Floats:
        gaps = (utility.associations(columns, rows) - utility.associations(columns, real))[first, second]
        mean = np.abs(gaps).mean() if len(gaps) else 0.0
        return np.concatenate([[utility.marginals(columns, rows, real).mean(), mean], gaps])

    lowest, highest = np.full((2, 2 + len(first)), [[-2.0], [2.0]])
    lowest[:2], highest[0] = 0, 1
    estimates, nulls = (
        utility.half_sample_intervals(statistic, table.codes, other.codes, (lowest, highest), rng=rng)
        for table in (some, known)
    )
    found = [Measured(*one) for one in zip(estimates, nulls, strict=True)]
    none = Measured(NOTHING, NOTHING)
    marginals = (_marginals(columns, table.codes, other.codes, rng) for table in (some, known))
    associations = (utility.associations(columns, table.codes) for table in (some, other))
    return Compared(
        [Measured(*one) for one in zip(*marginals, strict=True)],
        found[0],
        found[2:],
        found[1] if len(first) else none,
        *associations,
    )


def _marginals(columns: Sequence[Column], rows: Floats, real: Floats, rng: np.random.Generator) -> list[Estimate]:
    values, reach = utility.marginals(columns, rows, real), utility.marginal_reach(columns, rows, real, rng=rng)
    numbers = (array.tolist() for array in (values, np.maximum(0, values - reach), np.minimum(1, values + reach)))
    return [Estimate(*one) for one in zip(*numbers, strict=True)]


def synthetic(
    columns: Sequence[Column],
    generated: CodedRows,
    train: CodedRows,
    holdout: CodedRows,
    target: str | None = None,
    learned: bool = True,
    *,
    rng: np.random.Generator,
) -> dict[str, Measured]:
    """Return every metric that the columns allow, by name; docs/methods.md says what each is.

    Left out: `tstr` and `trts` without a target, `rare_categories` and `unknown_categories` where there are none,
    `undecided`, `unrounded` and `out_of_range` without columns that could be, `associations` with one column.

    Args:
        columns: what the rows have.
        generated: rows of the model.
        train: what it has learned from.
        holdout: real rows that it has not seen.
        target: the column that models learn, if any.
        learned: whether models have learned from train; if not, nothing is said of copies.
        rng: cuts, splits, cells, folds, models and bootstrap.

    Raises:
        UserError: fewer than FEWEST_ROWS rows, or a target that is no column.
    """
    names = [column.name for column in columns]
    if target is not None and target not in names:
        raise UserError(f"synthetic: target '{target}' is no column of the table{suggestion(target, names)}")
    compared = compare(columns, generated, train, holdout, rng=rng)
    some = generated.cut(CAP, rng)
    found = {
        **(
            _copying(columns, some, train, holdout.cut(CAP, rng), rng)
            if learned
            else {"distinct": _distinct(some, train.cut(CAP, rng), rng)}
        ),
        "marginals": compared.mean_marginal,
        "associations": compared.mean_difference,
        **_legality(columns, generated, train, holdout, rng),
        **_models(columns, *_equal(generated, train, holdout, rng), target, rng),
    }
    return {name: measured for name, measured in found.items() if measured.null.value is not None}


def _check(generated: CodedRows, train: CodedRows, holdout: CodedRows) -> None:
    for name, table in (("generated", generated), ("train", train), ("holdout", holdout)):
        if len(table.codes) < FEWEST_ROWS:
            raise UserError(f"synthetic: {len(table.codes)} {name} rows are too few; give {FEWEST_ROWS} or more")
        broken = np.count_nonzero(~np.isfinite(table.codes).all(axis=1))
        if broken:
            raise UserError(
                f"synthetic: {broken} of {len(table.codes)} {name} rows hold NaN or infinity; leave them out"
            )


def _equal(
    generated: CodedRows, train: CodedRows, holdout: CodedRows, rng: np.random.Generator
) -> tuple[CodedRows, CodedRows, CodedRows]:
    """Cut generated and train to equal numbers, and all to CAP."""
    size = min(len(generated.codes), len(train.codes), CAP)
    return generated.cut(size, rng), train.cut(size, rng), holdout.cut(CAP, rng)


def _copying(
    columns: Sequence[Column], generated: CodedRows, train: CodedRows, holdout: CodedRows, rng: np.random.Generator
) -> dict[str, Measured]:
    """Return the metrics of copying; null: held-out rows in the place of generated ones, or theory."""
    distance = gower_of(columns)
    rows, known, other = generated.codes, train.codes, holdout.codes
    near, null = privacy.closest(distance, rows, known), privacy.closest(distance, other, known)
    authentic, null_authentic = (privacy.authenticity(distance, x, known) for x in (rows, other))
    some = train.cut(CAP, rng)
    cells = _cells(columns, (rows, known, other), rng)
    return {
        "dcr": _quantiles(near.first, null.first, 0.5),
        "dcr_5": _quantiles(near.first, null.first, 0.05),
        "nndr": _quantiles(near.ratio(), null.ratio(), 0.5),
        "nndr_5": _quantiles(near.ratio(), null.ratio(), 0.05),
        "dcr_share": Measured(privacy.dcr_share(distance, rows, some.codes, other, rng=rng), HALF),
        "copies": _shares(privacy.copies(rows, known), privacy.copies(other, known)),
        "distinct": _distinct(generated, some, rng),
        "authenticity": _shares(authentic, null_authentic),
        "data_copying": Measured(privacy.copying_test(distance, rows, known, other, cells), ZERO),
    }


def _distinct(generated: CodedRows, train: CodedRows, rng: np.random.Generator) -> Measured:
    """Return how many of the rows are different, at equal numbers of both."""
    size = min(len(generated.codes), len(train.codes))
    return Measured(*(privacy.distinct(table.cut(size, rng).codes) for table in (generated, train)))


def _quantiles(values: Floats, null: Floats, share: float) -> Measured:
    return Measured(*(quantile(x, share, ends=(0.0, 1.0)) for x in (values, null)))


def _shares(values: NDArray[Any], null: NDArray[Any]) -> Measured:
    return Measured(*(wilson(float(x.mean()), len(x)) for x in (values, null)))


def _cells(columns: Sequence[Column], tables: Sequence[Floats], rng: np.random.Generator) -> Any:
    """Return the cell of each row of generated, train and holdout: k-means of the vectors of train."""
    from sklearn.cluster import KMeans

    vectors = [encode(columns, rows).astype(np.float64) for rows in tables]
    means = KMeans(CELLS, n_init=10, random_state=int(rng.integers(2**31))).fit(vectors[1])
    return tuple(means.predict(x) for x in vectors)


def _legality(
    columns: Sequence[Column], generated: CodedRows, train: CodedRows, holdout: CodedRows, rng: np.random.Generator
) -> dict[str, Measured]:
    """Return rare categories, and what no real row has; null: train, cut to equal numbers, and held-out rows."""
    found = {}
    size = min(len(generated.codes), len(train.codes))
    equal = (table.cut(size, rng).codes for table in (generated, train))
    hits, counts = zip(*(utility.rare_categories(columns, holdout.codes, rows) for rows in equal), strict=True)
    if counts[0]:
        found["rare_categories"] = Measured(*(wilson(hit / counts[0], counts[0]) for hit in hits))
    unknown = utility.unknown_categories(columns, generated.codes)
    if unknown.any():
        found["unknown_categories"] = _shares(unknown, utility.unknown_categories(columns, holdout.codes))
    if any(not column.categories for column in columns):
        marks = (utility.out_of_range(columns, train.codes, table.codes) for table in (generated, holdout))
        found["out_of_range"] = _shares(*marks)
    if any(column.type == "nominal" for column in columns):
        found["undecided"] = _shares(*(utility.undecided(columns, table.x) for table in (generated, holdout)))
    if any(utility.decimals(column) is not None for column in columns):
        found["unrounded"] = _shares(*(utility.unrounded(columns, table.x) for table in (generated, holdout)))
    return found


def _models(
    columns: Sequence[Column],
    generated: CodedRows,
    train: CodedRows,
    holdout: CodedRows,
    target: str | None,
    rng: np.random.Generator,
) -> dict[str, Measured]:
    """Return how well models tell generated from held-out rows, and learn the target; null: 1/2, and real from real."""
    size = min(len(generated.codes), len(holdout.codes))
    some, other = generated.cut(size, rng).codes, holdout.cut(size, rng).codes
    found = {"c2st": Measured(utility.classifier_test(columns, some, other, rng=rng), HALF)}
    names = [column.name for column in columns]
    if target is not None and len(columns) > 1:
        k, rows, known, real = names.index(target), generated.codes, train.codes, holdout.codes
        null = utility.model_score(columns, k, known, real, rng=rng)
        found["tstr"] = Measured(utility.model_score(columns, k, rows, real, rng=rng), null)
        found["trts"] = Measured(utility.model_score(columns, k, known, rows, rng=rng), null)
    return found

"""Rows of a table, column by column: which columns are meant, the numbers that are compared, compiled loops."""

from collections.abc import Callable, Collection, Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.columns import Column, decode, ranks
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.samples import Samples
from gancensus.contracts.scales import columns_of

Floats = NDArray[np.float64]

GRAIN = 2.0**-40  # Gower's distances are multiples of it
# corners 1 apart
TETRAHEDRON: NDArray[np.float64] = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(8)
TURN = 1 / np.sqrt(15)  # just over 1/4, irrational: 0, 1, 2, 3 get corners of their own, and multiples of 1000 get all


def table_columns(samples: Samples, metric: str) -> tuple[Column, ...]:
    """Return the columns of samples; raises UserError when they are not rows of a table."""
    try:
        return columns_of(samples)
    except UserError as error:
        raise UserError(f"metric {metric}: {error}; take another metric") from None


def chosen(columns: Sequence[Column], names: Collection[str] | None, metric: str) -> NDArray[np.bool_]:
    """Mark the columns (d,) that have one of the names, all where `names` is None.

    Raises UserError for a name that no column has.
    """
    known = [column.name for column in columns]
    for name in names or ():
        if name not in known:
            raise UserError(f"metric {metric}: the table has no column '{name}'{suggestion(name, known)}")
    return np.array([names is None or name in names for name in known])


def are_typed(samples: Samples) -> bool:
    """Return whether rows have columns with types, so that rows can be illegal."""
    return samples.scale is not None and bool(samples.scale.columns)


def comparable(samples: Samples, columns: Sequence[Column]) -> NDArray[np.float64]:
    """Return numbers (n, columns) that are equal where rows agree: those of legal rows.

    Without types, natural values are rounded to whole numbers, halves to the even one.
    """
    return decode(columns, samples.x) if are_typed(samples) else np.rint(samples.natural())


def corners(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (n, 3 d) of numbers (n, d), best whole: 0 apart where a column agrees, 0 or 1 where it differs."""
    turned = values * TURN
    corner = (4 * (turned - np.floor(turned))).astype(np.int64) & 3
    return np.asarray(TETRAHEDRON[corner].reshape(len(values), 3 * values.shape[1]))


@numba.njit(cache=True, nogil=True)
def hamming_distances(
    a: NDArray[np.float64], b: NDArray[np.float64], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Count the columns in which a[i] and b[j] differ, over their number."""
    out = np.empty(len(i))
    for pair in range(len(i)):
        u, v = a[i[pair]], b[j[pair]]
        mismatches = 0
        for k in range(len(u)):
            mismatches += u[k] != v[k]
        out[pair] = mismatches / len(u)
    return out


def gower_values(columns: Sequence[Column], rows: Floats) -> tuple[Floats, Floats]:
    """Return what Gower's distance compares of legal rows (n, columns): numbers (n, p), and categories (n, q).

    Numbers and ordinal categories are over the range between their ends, 0 to 1 there; 0 throughout where both ends
    are one number. Ordinal categories that no real row has are a range apart from all others (`ranks`).
    """
    numbers, categories = [np.empty((len(rows), 0))], [np.empty((len(rows), 0))]
    for k, column in enumerate(columns):
        low, high = column.ends
        values = rows[:, [k]]
        if column.categorical:
            categories.append(values)
        elif column.categories:
            numbers.append(ranks(column, values) / max(high, 1.0))
        else:  # halved, for the range of the largest numbers is infinite
            numbers.append((values / 2 - low / 2) / (high / 2 - low / 2) if high > low else np.zeros_like(values))
    return np.concatenate(numbers, axis=1), np.concatenate(categories, axis=1)


def gower_of(columns: Sequence[Column]) -> Callable[[Floats, Floats], Floats]:
    """Return Gower's distance of legal rows a (n, columns) and b (m, columns), (n, m): that of the metric `gower`."""

    def distance(a: Floats, b: Floats) -> Floats:
        numbers, categories = (np.ascontiguousarray(values.T) for values in gower_values(columns, b))
        found: Floats = _gower_matrix(*gower_values(columns, a), numbers, categories)
        return found

    return distance


@numba.njit(cache=True, nogil=True)
def gower_distances(
    numbers_a: Floats,
    numbers_b: Floats,
    categories_a: Floats,
    categories_b: Floats,
    i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> Floats:
    """Return the mean over the columns of |u - v|, at most 1, of numbers u, v, and of 0 or 1 of categories, (pairs,).

    Rounded to multiples of GRAIN: so equal distances tie, for any columns in any order.
    """
    out = np.empty(len(i))
    columns = numbers_a.shape[1] + categories_a.shape[1]
    for pair in range(len(i)):
        u, v = numbers_a[i[pair]], numbers_b[j[pair]]
        total = 0.0
        for k in range(len(u)):
            total += min(abs(u[k] - v[k]), 1.0)
        c, d = categories_a[i[pair]], categories_b[j[pair]]
        for k in range(len(c)):
            total += 1.0 if c[k] != d[k] else 0.0
        out[pair] = np.rint(total / columns / GRAIN) * GRAIN
    return out


@numba.njit(cache=True, nogil=True)
def _gower_matrix(numbers_a: Floats, categories_a: Floats, numbers_b: Floats, categories_b: Floats) -> Floats:
    """Return `gower_distances` of all rows a (n, ...) and b, whose columns are given (..., m): (n, m), bit for bit.

    Column by column, which is several times as fast as pair by pair.
    """
    out = np.zeros((numbers_a.shape[0], numbers_b.shape[1]))
    columns = numbers_a.shape[1] + categories_a.shape[1]
    for i in range(out.shape[0]):
        for k in range(numbers_a.shape[1]):
            u = numbers_a[i, k]
            for j in range(out.shape[1]):
                out[i, j] += min(abs(u - numbers_b[k, j]), 1.0)
        for k in range(categories_a.shape[1]):
            c = categories_a[i, k]
            for j in range(out.shape[1]):
                out[i, j] += 1.0 if c != categories_b[k, j] else 0.0
        for j in range(out.shape[1]):
            out[i, j] = np.rint(out[i, j] / columns / GRAIN) * GRAIN
    return out

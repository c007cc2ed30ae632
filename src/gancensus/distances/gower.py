"""Rows of a table, column by column: which columns are meant, the numbers that are compared, compiled loops."""

from collections.abc import Collection, Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.columns import Column, decode
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.samples import Samples
from gancensus.contracts.scales import columns_of

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
    """Tell whether rows have columns with types, so that there are legal rows and others."""
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


@numba.njit(cache=True, nogil=True)
def gower_distances(
    numeric_a: NDArray[np.float32],
    numeric_b: NDArray[np.float32],
    categorical_a: NDArray[np.float64],
    categorical_b: NDArray[np.float64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Sum the differences of numeric columns in their order, each at most 1, and the mismatches; over the columns."""
    out = np.empty(len(i))
    columns = numeric_a.shape[1] + categorical_a.shape[1]
    for pair in range(len(i)):
        u, v = numeric_a[i[pair]], numeric_b[j[pair]]
        total = 0.0
        for k in range(len(u)):
            total += min(abs(np.float64(u[k]) - np.float64(v[k])) / 2, 1.0)
        c, d = categorical_a[i[pair]], categorical_b[j[pair]]
        mismatches = 0
        for k in range(len(c)):
            mismatches += c[k] != d[k]
        out[pair] = (total + mismatches) / columns
    return out

"""The Frechet distance of two samples, that of FID, and those of the halves of many splits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpocon, dpotrf, dsygst

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]

_PER_VALUE = 2.5  # rows for each value, from which the covariance of a half is well-conditioned in axes of the whole
_CONDITION = 1e-4  # the least reciprocal condition with which it is used: roots are then right to about 1e-12
_ROUNDING = 1e-15  # of the largest singular value: what is not above it is 0
_PRODUCT = 1e-9  # relative, of eigenvalues: the sum of their roots is then right to about 1e-13


class Gaussian(NamedTuple):
    """The mean (d,) of samples and R (r, d), with R^T R their unbiased covariance."""

    mean: Floats
    root: Floats


class Decomposed(NamedTuple):
    """Samples x (n, d) and the Gaussian that is fitted to them, n >= 2."""

    x: Floats
    gaussian: Gaussian
    axes: Floats | None
    """Q (n, d), orthonormal columns: x is mean + sqrt(n - 1) Q R; None where there are few rows for each value."""

    @classmethod
    def of(cls, x: Floats) -> Decomposed:
        """Decompose samples x (n, d)."""
        if len(x) < _PER_VALUE * x.shape[1]:
            return cls(x, gaussian(x), None)
        mean = x.mean(axis=0)
        axes, root = np.linalg.qr(x - mean)
        return cls(x, Gaussian(mean, root / math.sqrt(len(x) - 1)), axes)


def frechet_distance(real: NDArray[Any], fake: NDArray[Any]) -> float:
    """Frechet distance between the Gaussians fitted to two samples, the formula of FID (Heusel et al. 2017).

    |mu1 - mu2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)) with the unbiased covariances S. With S = R^T R, where R comes from
    the QR decomposition of the centred samples, Tr (S1 S2)^(1/2) is the sum of the singular values of R1 R2^T. No
    root of a rounding error is ever taken, so that the value stays exact for n <= d, where S is singular.
    Its expectation is above the distance of the distributions by about a / n: compare values of one sample size.

    Args:
        real: (n, d), n >= 2.
        fake: (m, d), m >= 2.
    """
    return between(*(gaussian(np.asarray(x, dtype=np.float64)) for x in (real, fake)))


def between(one: Gaussian, other: Gaussian) -> float:
    """Return the Frechet distance of two Gaussians."""
    shift = np.sum((one.mean - other.mean) ** 2)
    traces = np.sum(one.root**2) + np.sum(other.root**2)
    overlap = np.linalg.svd(one.root @ other.root.T, compute_uv=False).sum()
    return max(0.0, float(shift + traces - 2 * overlap))


def gaussian(x: Floats) -> Gaussian:
    """Fit a Gaussian to samples x (n, d), n >= 2."""
    mean = x.mean(axis=0)
    root: Any = np.linalg.qr(x - mean, mode="r")  # numpy's annotation has no case for mode="r"
    return Gaussian(mean, np.asarray(root / math.sqrt(len(x) - 1)))


def half_distances(one: Decomposed, other: Decomposed, one_sides: Integers, other_sides: Integers) -> Floats:
    """Return the Frechet distances of the halves A of many splits of two samples, and then of the halves B (2 splits,).

    With the whole samples' decompositions Q R, the rows of a half have the covariance R^T C R, C (d, d) that of its
    rows of Q, which is near a multiple of the identity. With U S V^T = R1 R2^T, axes Q1 U and Q2 V, and L the Cholesky
    factor of C1 in these axes, the singular values whose sum is Tr (S1 S2)^(1/2) are the roots of the eigenvalues of
    L^T (S C2 S) L. So a half costs the products of its rows, and eigenvalues, a third of the time of singular values.

    Where C is not well-conditioned (few samples, or values that differ in few of them), halves are decomposed by
    themselves, and the singular values are those of the product of their roots. Where both samples have few rows for
    each value, they are those of X Y^T, the products of the rows of two halves, which are part of those of all rows.

    Args:
        one: (n, d), n >= 4.
        other: (m, d), m >= 4.
        one_sides: (n, splits), 1 of the rows in A, -1 of those in B, 0 of one in neither (`half_samples.sides`).
        other_sides: (m, splits).
    """
    both, splits = (one, other), list(zip(one_sides.T, other_sides.T, strict=True))
    if one.axes is None and other.axes is None:
        found = _of_rows(one, other, splits)
    elif one.axes is None or other.axes is None:
        one_axes, other_axes = (None if of.axes is None else _Axes.of(of, np.eye(of.x.shape[1])) for of in both)
        found = [list(map(between, _each(one, one_axes, x), _each(other, other_axes, y))) for x, y in splits]
    else:
        in_axes = _common_axes(one, other)
        found = [_of_split(one, other, in_axes, x, y) for x, y in splits]
    return np.array(found).T.ravel()


def _of_rows(one: Decomposed, other: Decomposed, splits: list[tuple[Integers, Integers]]) -> list[list[float]]:
    """Return the distances of the halves A and B of each split from the products of rows."""
    x, y = (of.x - of.gaussian.mean for of in (one, other))
    products, centres = x @ y.T, one.gaussian.mean - other.gaussian.mean

    def distance(a: Flags, b: Flags) -> float:
        p, q = x[a], y[b]
        part = products[np.ix_(a, b)]
        part = part - part.mean(axis=0) - part.mean(axis=1, keepdims=True) + part.mean()
        overlap = np.linalg.svd(part, compute_uv=False).sum() / math.sqrt((len(p) - 1) * (len(q) - 1))
        shift = centres + p.mean(axis=0) - q.mean(axis=0)
        return max(0.0, float(shift @ shift + p.var(axis=0, ddof=1).sum() + q.var(axis=0, ddof=1).sum() - 2 * overlap))

    return [[distance(a == half, b == half) for half in (1, -1)] for a, b in splits]


def _each(of: Decomposed, axes: _Axes | None, side: Integers) -> Iterator[Gaussian]:
    """Yield the Gaussians of the halves A and B, in the axes of the whole where there are any."""
    if axes is None:
        yield from _alone(of, side)
        return
    for half, moments in zip((1, -1), axes.halves(side), strict=True):
        factor = _factor(moments.covariance)
        if factor is None:
            yield gaussian(of.x[side == half])
        else:
            yield Gaussian(axes.point(moments.mean), factor.T @ axes.root)


def _alone(of: Decomposed, side: Integers) -> Iterator[Gaussian]:
    """Yield the Gaussians of the halves A and B, decomposed by themselves."""
    return (gaussian(of.x[side == half]) for half in (1, -1))


class _Half(NamedTuple):
    """The mean (d,) and covariance (d, d) of the rows of a half in the axes of the whole."""

    mean: Floats
    covariance: Floats


class _Axes(NamedTuple):
    """Samples centre + rows @ root, (n, d) and (d, d), with the sum and the sum of squares of the rows."""

    rows: Floats
    centre: Floats
    root: Floats
    total: Floats
    squares: Floats
    traces: Floats
    """P (d, d): the trace of a covariance C of rows is that of C P in the samples."""

    @classmethod
    def of(cls, of: Decomposed, turn: Floats) -> _Axes:
        """Turn axes (n, d) by an orthogonal matrix (d, d)."""
        assert of.axes is not None
        rows = of.axes @ turn
        root = turn.T @ (of.gaussian.root * math.sqrt(len(of.x) - 1))
        return cls(rows, of.gaussian.mean, root, rows.sum(axis=0), rows.T @ rows, root @ root.T)

    def point(self, row: Floats) -> Floats:
        """Return the sample of a row (d,)."""
        return self.centre + row @ self.root

    def halves(self, side: Integers) -> tuple[_Half, _Half]:
        """Return the halves A and B of a split (n,)."""
        a, neither = self.rows[side == 1], self.rows[side == 0]
        total, squares = a.sum(axis=0), a.T @ a
        rest = self.total - total - neither.sum(axis=0), self.squares - squares - neither.T @ neither
        return _half(total, squares, len(a)), _half(*rest, len(a))


def _half(total: Floats, squares: Floats, count: int) -> _Half:
    mean = total / count
    return _Half(mean, (squares - count * np.outer(mean, mean)) / (count - 1))


class _Common(NamedTuple):
    """Two samples in axes in which the product of their roots is diagonal; that diagonal, descending, without zeros."""

    one: _Axes
    other: _Axes
    sizes: Floats


def _common_axes(one: Decomposed, other: Decomposed) -> _Common:
    x, y = (each.gaussian.root * math.sqrt(len(each.x) - 1) for each in (one, other))
    left, sizes, right = np.linalg.svd(x @ y.T)
    return _Common(_Axes.of(one, left), _Axes.of(other, right.T), sizes[sizes > _ROUNDING * sizes[0]])


def _of_split(one: Decomposed, other: Decomposed, axes: _Common, x_side: Integers, y_side: Integers) -> list[float]:
    """Return the distances of the halves A and of the halves B of one split."""
    pairs = zip(axes.one.halves(x_side), axes.other.halves(y_side), strict=True)
    found = [distance for x, y in pairs if (distance := _in_axes(axes, x, y)) is not None]
    return found if len(found) == 2 else list(map(between, _alone(one, x_side), _alone(other, y_side)))


def _in_axes(axes: _Common, x: _Half, y: _Half) -> float | None:
    """Return the distance of halves by their moments in common axes; None where one is ill-conditioned."""
    few = len(axes.sizes)
    overlap = _overlap(axes.sizes, x.covariance[:few, :few], y.covariance[:few, :few]) if few else 0.0
    if overlap is None:
        return None
    shift = axes.one.point(x.mean) - axes.other.point(y.mean)
    traces = np.sum(x.covariance * axes.one.traces) + np.sum(y.covariance * axes.other.traces)
    return max(0.0, float(shift @ shift + traces - 2 * overlap))


def _overlap(sizes: Floats, x: Floats, y: Floats) -> float | None:
    """Return the sum of the singular values of L^T S M, with L L^T = x, M M^T = y (d, d) and S the sizes, descending.

    They are the roots of the eigenvalues of L^T S y S L. Rounding would leave nothing of the small ones, if it were
    as large for all; as S descends, it usually is not. The product of the eigenvalues, which is that of the
    determinants, tells whether it was not: the smallest would change it most.
    """
    factor, other = _factor(x), _factor(y)
    if factor is None or other is None:
        return None
    product, _ = dsygst(sizes[:, None] * y * sizes, factor, itype=2, lower=1)
    squares = np.linalg.eigvalsh(product, UPLO="L")
    logs = np.log(np.diag(factor) * np.diag(other) * sizes)
    if squares[0] > 0 and abs(np.sum(np.log(squares) - 2 * logs[::-1])) < _PRODUCT:
        return float(np.sqrt(squares).sum())
    return float(np.linalg.svd(factor.T @ (sizes[:, None] * other), compute_uv=False).sum())


def _factor(covariance: Floats) -> Floats | None:
    """Return the lower Cholesky factor, None if ill-conditioned."""
    factor, failed = dpotrf(covariance, lower=1)
    if failed or dpocon(factor, np.abs(covariance).sum(axis=0).max(), uplo="L")[0] < _CONDITION:
        return None
    return np.asarray(factor)

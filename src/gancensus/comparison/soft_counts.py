"""How many kinds of samples a population has, counted softly with a kernel: the RKE and the Vendi score.

Both are 1 where all samples are alike, and K for K equally frequent kinds that are far apart.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import LEVEL, jackknife_variance, log_interval

Floats = NDArray[np.float64]

SHARE = 1 / 3  # of the median distance of two real samples: k^2 of such two is e^-9 = .0001
MOST_FITTED = 500  # samples that the median distance is taken of: it is known to about 1 % then
MOST_AXES = 2048  # of the smaller matrix: an eigendecomposition takes 3 s, those of a jackknife half a minute
GROUPS = 20  # of samples, each of which is left out once
_TILE = 512  # rows and columns of the kernel that are held at once: 2 MB
_NOTHING = Estimate(None, None, None)


def bandwidth(x: Floats) -> float:
    """Return the bandwidth of a Gaussian kernel for vectors x (n, d): SHARE of the median distance of two of them.

    The median distance is the usual choice (Gretton et al. 2012), but with all of it k^2 of most pairs would be about
    1 / e where there are many values, and no population could count much more than e. With a third, it is about e^9.
    At most MOST_FITTED samples are taken, evenly spaced. Equal pairs are left out; 1 where all are equal.
    """
    few = x[np.linspace(0, len(x) - 1, min(len(x), MOST_FITTED)).astype(np.int64)]
    distances = pdist(few)
    apart = distances[distances > 0]
    return SHARE * float(np.median(apart)) if len(apart) else 1.0


def rke(x: Floats, width: float, level: float = LEVEL) -> Estimate:
    """Estimate 1 / E k(x, x')^2 of two samples of x (n, d), n > 2: the soft birthday.

    With k(x, x') = exp(-|x - x'|^2 / (2 width^2)). It is exp of the Renyi kernel entropy of order 2 (RKE; Jalali, Li &
    Farnia, NeurIPS 2023): in the place of duplicates, which are alike or not, pairs are alike by k^2. The mean is taken
    over the pairs of different samples, so that E k^2 is estimated without bias, at any n; the published code has the
    pairs of a sample with itself, too, which adds 1 / n.

    The interval contains the sampling of x. With r_i = sum_j k(x_i, x_j)^2 over j != i and S = sum_i r_i, the mean
    without sample i is (S - 2 r_i) / ((n - 1) (n - 2)); its logarithms make the jackknife variance of that of the mean,
    normal. It cannot be below 1.

    Returns:
        No values where all samples are so far apart that there are no pairs, or only those of one sample.
    """
    n, sums = len(x), _row_sums(x, width)
    total = math.fsum(sums.tolist())
    without = (total - 2 * sums) / ((n - 1) * (n - 2))
    mean = total / (n * (n - 1))
    if without.min() <= 1e-9 * mean:
        return _NOTHING
    return _number(-math.log(mean), jackknife_variance(np.log(without)), level)


def vendi(x: Floats, centre: Floats, level: float = LEVEL) -> Estimate:
    """Estimate the Vendi score of x (n, d) with the cosine kernel: exp(-sum_i l_i ln l_i) (Friedman & Dieng 2023).

    arXiv:2210.02410. The l are the eigenvalues of K / n with K_ij the cosine of x_i - centre and x_j - centre. With U
    (n, d) the unit vectors, K = U U^T, so that the d x d matrix U^T U / n has the same ones, and all others are 0: the
    smaller of the two matrices is taken. No kernel but the cosine has this dual. A sample at the centre has no
    direction and is left out. The score grows with n, up to what it is for infinitely many samples: compare equal n.

    The interval contains the sampling of x, around what the score is at this n: with R = U^T U / n the entropy changes
    with sample i by -u_i^T ln(R) u_i, whose variance over n is that of the entropy (the infinitesimal jackknife;
    Jaeckel 1972), normal. With fewer samples than values this is too small, as the axes turn towards the samples that
    there are: the variance is that of a jackknife which leaves out every GROUPS-th sample.

    Args:
        x: (n, d).
        centre: (d,), the mean of real samples; without it, cosines would tell where 0 is and little else.
        level: of the interval.

    Returns:
        No values where both n and d are above MOST_AXES, or fewer than three samples are off the centre.
    """
    if min(x.shape) > MOST_AXES:
        return _NOTHING
    x = x - centre
    size = np.linalg.norm(x, axis=1)
    units = x[size > 0] / size[size > 0, None]
    n, d = units.shape
    if n < 3:  # a jackknife of two knows of no spread
        return _NOTHING
    if n < d:
        cosines, groups = units @ units.T, min(n, GROUPS)
        group = np.random.default_rng(0).permutation(n) % groups  # files are often sorted
        left = [group != k for k in range(groups)]
        without = np.array([_entropy(cosines[np.ix_(rows, rows)]) for rows in left])
        return _number(_entropy(cosines), jackknife_variance(without), level)
    shares, axes = np.linalg.eigh(units.T @ units / n)
    known = shares > 1e-12
    logs = np.log(shares[known])
    changes = -((units @ axes[:, known]) ** 2) @ logs
    return _number(-float(shares[known] @ logs), float(changes.var(ddof=1)) / n, level)


def _entropy(cosines: Floats) -> float:
    """Return -sum_i l_i ln l_i of the eigenvalues of K / n, K (n, n) the cosines of n samples."""
    shares = np.linalg.eigvalsh(cosines / len(cosines))
    shares = shares[shares > 1e-12]
    return -float(shares @ np.log(shares))


def _number(entropy: float, variance: float, level: float) -> Estimate:
    """Return exp of an entropy with the ends of its interval, at least 1."""
    return Estimate(*(None if end is None else max(1.0, end) for end in log_interval(entropy, variance, level)))


def _row_sums(x: Floats, width: float) -> Floats:
    """Return sum_j exp(-|x_i - x_j|^2 / width^2) over j != i of vectors x (n, d): (n,)."""
    x = (x - x.mean(axis=0)) / width
    squares, sums, tile = np.sum(x**2, axis=1), np.zeros(len(x)), np.empty(_TILE * _TILE)
    tiles = [slice(start, min(start + _TILE, len(x))) for start in range(0, len(x), _TILE)]
    for k, rows in enumerate(tiles):
        for columns in tiles[k:]:
            a, b = x[rows], x[columns]
            near = np.matmul(-2 * a, b.T, out=tile[: len(a) * len(b)].reshape(len(a), len(b)))
            near += squares[rows, None]
            near += squares[columns]
            np.exp(np.negative(np.maximum(near, 0, out=near), out=near), out=near)
            if columns == rows:
                np.fill_diagonal(near, 0)
            else:
                sums[columns] += near.sum(axis=0)
            sums[rows] += near.sum(axis=1)
    return sums

"""Nearest real rows and pass rates: brute force, figures found elsewhere for real data, intervals that cover."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import ttest_1samp

from gancensus.comparison.nearest import mean_distance, mean_distance_to_others
from gancensus.domains.tables.source_diabetes import Diabetes
from gancensus.search.neighbours import nearest, nearest_others
from gancensus.statistics.estimate import Estimate

Floats = NDArray[np.float64]


def brute(distance: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
    """The columns of the k least values of each row, of equal ones the first, and these values."""
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distance, order, axis=1)


def known(estimate: Estimate) -> list[float]:
    """An estimate whose interval has two ends."""
    return [end for end in estimate if end is not None]


def whole(rows: int) -> st.SearchStrategy[Floats]:
    """Points on a grid, of which many are equally far: their square distances are exact in float64."""
    return arrays(np.float64, st.tuples(st.integers(1, rows), st.just(9)), elements=st.integers(-1, 1).map(float))


@given(x=whole(20), y=whole(40), k=st.integers(1, 4))
def test_ties_go_to_the_first_row(x: Floats, y: Floats, k: int) -> None:
    rows, distance = brute(np.sqrt(((x[:, None] - y) ** 2).sum(axis=2)), k)
    found = nearest(x, y, k)
    there = min(k, len(y))
    assert (found.rows[:, :there] == rows).all()
    assert (found.distance[:, :there] == distance).all()
    assert (found.rows[:, there:] == -1).all()
    assert np.isinf(found.distance[:, there:]).all()


@given(x=whole(40), k=st.integers(1, 3))
def test_no_row_is_its_own_neighbour(x: Floats, k: int) -> None:
    between = np.sqrt(((x[:, None] - x) ** 2).sum(axis=2))
    np.fill_diagonal(between, np.inf)
    there = min(k, len(x) - 1)
    rows, distance = brute(between, there)
    found = nearest_others(x, k)
    assert (found.rows[:, :there] == rows).all()
    assert (found.distance[:, :there] == distance).all()


@pytest.mark.parametrize(("shift", "size"), [(0.0, 1.0), (1000.0, 0.01), (0.0, 1e20)])
def test_many_rows_as_by_brute_force(shift: float, size: float) -> None:
    """More rows than a tile has; far from the origin, single precision alone would take wrong ones."""
    rng = np.random.default_rng(0)
    x, y = (shift + size * rng.standard_normal((n, 11)) for n in (1100, 2300))
    rows, distance = brute(cdist(x, y), 2)
    found = nearest(x, y, 2)
    assert (found.rows == rows).all()
    np.testing.assert_allclose(found.distance, distance, rtol=1e-12)
    between = cdist(y, y)
    np.fill_diagonal(between, np.inf)
    assert (nearest_others(y, 2).rows == brute(between, 2)[0]).all()


def test_diabetes_as_it_was_found_by_others() -> None:
    """Means, median and least distance of the 768 rows, computed elsewhere, scaled to [-1, 1]."""
    x = Diabetes().load(0).x
    distance = nearest_others(x).distance[:, 0]
    found = [distance.mean(), np.median(distance), distance.min()]
    np.testing.assert_allclose(found, [0.3278, 0.2997, 0.1055], atol=5e-5)
    halves = [np.random.default_rng(seed).permutation(len(x)) for seed in range(20)]
    means = [nearest(x[order[384:]], x[order[:384]]).distance.mean() for order in halves]
    assert abs(np.mean(means) - 0.3705) < 0.004
    _, low, high = known(mean_distance(nearest(x[halves[0][384:]], x[halves[0][:384]]).distance[:, 0]))
    assert low < 0.3705 < high


def test_mean_distance_has_students_interval() -> None:
    distance = np.random.default_rng(0).gamma(3, size=40)
    found, expected = mean_distance(distance), ttest_1samp(distance, 0).confidence_interval(0.95)
    np.testing.assert_allclose(known(found), [distance.mean(), *expected], rtol=1e-12)
    assert mean_distance(distance[:0]) == (None, None, None)
    assert mean_distance(distance[:1]) == (distance[0], None, None)
    assert mean_distance(np.array([0.0, 0.0, 9.0])).low == 0


def test_distances_to_others_have_the_interval_of_the_jackknife() -> None:
    """Rows are left out one by one, and nearest ones found anew."""
    x = np.random.default_rng(0).standard_normal((30, 3))
    without = np.array([nearest_others(np.delete(x, j, axis=0)).distance.mean() for j in range(30)])
    error = np.sqrt(29 / 30 * ((without - without.mean()) ** 2).sum())
    value, low, high = known(mean_distance_to_others(nearest_others(x, 2)))
    reach = 2.0452296421327034 * error  # Student's t of 29 degrees of freedom, from a table
    np.testing.assert_allclose([low, high], [value - reach, value + reach], rtol=1e-9)
    assert value == nearest_others(x).distance.mean()
    assert mean_distance_to_others(nearest_others(x[:2], 2))[1:] == (None, None)


def test_intervals_cover() -> None:
    """Of 400 samples from a Gaussian, about 95 % have an interval with the true mean in it."""
    rng = np.random.default_rng(1)
    fixed = rng.standard_normal((50, 4))
    truth = nearest(rng.standard_normal((100_000, 4)), fixed).distance.mean()
    to_fixed = [mean_distance(nearest(rng.standard_normal((60, 4)), fixed).distance[:, 0]) for _ in range(400)]
    samples = [nearest_others(rng.standard_normal((60, 4)), 2) for _ in range(4000)]
    mean = np.mean([found.distance[:, 0].mean() for found in samples])
    to_others = [mean_distance_to_others(found) for found in samples[:400]]
    for true, intervals in ((truth, to_fixed), (mean, to_others)):
        covered = np.mean([low <= true <= high for _, low, high in map(known, intervals)])
        assert 0.92 <= covered <= 0.99  # four standard deviations below; the jackknife may be too wide

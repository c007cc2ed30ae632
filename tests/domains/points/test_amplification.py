from __future__ import annotations

import math
from itertools import combinations_with_replacement, pairwise

import numpy as np
import pytest
from amplification_laws import fit_amplification, sample_mse
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gaussian_kde, multinomial, norm

from gancensus.contracts.density import Cells, Density, Floats
from gancensus.contracts.errors import UserError
from gancensus.domains.points import amplification, smoothing
from gancensus.domains.points.amplification import (
    Amplification,
    of_counts,
    of_shares,
    sampling_noise,
    square_error,
    subset_counts,
    subset_sizes,
)
from gancensus.domains.points.cells import AdaptiveCells, Contents, adaptive_cells
from gancensus.domains.points.densities import Camelback, Ring, Shell
from gancensus.domains.points.smoothing import best_bandwidth, best_kde_counts, kde_counts, kde_mse, kde_shares
from gancensus.statistics.estimate import Estimate

SEEDS = st.integers(0, 2**32 - 1)


def training_sets(truth: Density, repetitions: int, n: int, seed: int) -> Floats:
    x = truth.draw(repetitions * n, np.random.default_rng(seed))
    return x.reshape(repetitions, n, truth.dimension)


def counted(truth: Density, x: Floats, per_axis: int) -> Cells:
    cell = truth.cells(x.reshape(-1, truth.dimension), per_axis).reshape(len(x), -1)
    return np.array([np.bincount(one, minlength=per_axis**truth.dimension) for one in cell])


def equivalent(found: Amplification) -> tuple[float, float, float]:
    value, low, high = found.equivalent
    assert value is not None
    assert low is not None
    assert high is not None
    return value, low, high


def factor_of(found: Amplification, n: int) -> Estimate:
    """Equivalent points for each of n training points."""
    return Estimate(*(None if end is None else end / n for end in found.equivalent))


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


# a sample


@pytest.mark.parametrize(
    ("cells", "n", "mean", "sd"),
    [
        (10, 100, 9.0e-4, 4.2e-4),
        (20, 100, 4.75e-4, 1.54e-4),
        (50, 100, 1.96e-4, 3.96e-5),
        (49, 100, 1.9992e-4, None),
        (49, 1000, 1.9992e-5, None),
        (243, 100, 4.098e-5, None),
        (243, 500, 8.197e-6, None),
        (7776, 100, 1.286e-6, None),
        (7776, 500, 2.572e-7, None),
    ],
)
def test_a_sample_has_the_published_mse(cells: int, n: int, mean: float, sd: float | None) -> None:
    found = sample_mse(cells, n)
    assert found[0] == pytest.approx(mean, rel=4e-4)
    assert Contents.equal(cells).one_point / n == pytest.approx(found[0])
    if sd is not None:  # the published one is the limit of many points
        assert found[1] / math.sqrt(1 - 1 / n) == pytest.approx(sd, rel=0.02)


@pytest.mark.parametrize(("cells", "n"), [(2, 5), (3, 4), (4, 6), (5, 1)])
def test_mean_and_spread_of_a_sample_are_those_of_all_samples(cells: int, n: int) -> None:
    """All samples that there are, each with its probability."""
    kinds = list(combinations_with_replacement(range(cells), n))
    counts = np.array([np.bincount(kind, minlength=cells) for kind in kinds])
    weights = multinomial.pmf(counts, n, np.full(cells, 1 / cells))
    errors = square_error(counts / n, Contents.equal(cells))
    mean = float(weights @ errors)
    assert sample_mse(cells, n) == pytest.approx((mean, math.sqrt(weights @ (errors - mean) ** 2)))
    if n > 1:  # what is taken off for finite numbers is all of it, whatever the number
        assert weights @ (errors - sampling_noise(counts)) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(("cells", "published"), [(10, 9.06e-4), (20, 4.74e-4), (50, 1.954e-4)])
def test_training_sets_are_worth_themselves(cells: int, published: float) -> None:
    x = training_sets(Camelback(), 2000, 100, cells)
    found = of_shares(counted(Camelback(), x, cells) / 100, Contents.equal(cells), np.random.default_rng(0))
    assert found.mse.value == pytest.approx(published, rel=0.04)
    value, low, high = equivalent(found)
    assert low < 100 < high
    assert value == pytest.approx(100, rel=0.04)


def test_unequal_contents_have_their_own_numerator() -> None:
    p = np.array([0.5, 0.3, 0.2])
    rng = np.random.default_rng(1)
    errors = square_error(rng.multinomial(40, p, size=200_000) / 40, Contents(p))
    assert errors.mean() == pytest.approx(Contents(p).one_point / 40, rel=0.01)
    # counted from few points, the numerator stays unbiased
    numerators = [Contents.counted(counts).one_point for counts in rng.multinomial(8, p, size=20_000)]
    assert np.mean(numerators) == pytest.approx(Contents(p).one_point, rel=0.01)


# generators whose answer is known


@pytest.mark.parametrize(("cells", "points"), [(10, 50), (10, 5000), (50, 1000)])
def test_a_generator_that_replays_its_training_set_does_not_amplify(cells: int, points: int) -> None:
    rng = np.random.default_rng(points)
    trained = counted(Camelback(), training_sets(Camelback(), 2000, 100, 3), cells) / 100
    replayed = of_counts(rng.multinomial(points, trained), Contents.equal(cells), rng)
    factor = factor_of(replayed, 100)
    low, high = ends(factor)
    assert low < 1 < high
    assert factor.value == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("cells", [10, 20, 50])
def test_a_generator_without_a_hump_is_worth_a_handful(cells: int) -> None:
    rng = np.random.default_rng(2)
    one_hump = np.abs(Camelback().draw(40_000, rng)).reshape(4, 10_000, 1)
    found = of_counts(counted(Camelback(), one_hump, cells), Contents.equal(cells), rng)
    assert found.mse.value == pytest.approx(1 / cells**2, rel=0.01)
    assert equivalent(found)[0] == pytest.approx(cells - 1, rel=0.01)


@pytest.mark.parametrize("points", [30, 1000])
def test_a_perfect_generator_has_no_upper_end(points: int) -> None:
    rng = np.random.default_rng(4)
    found = of_counts(rng.multinomial(points, np.full(10, 0.1), size=20), Contents.equal(10), rng)
    low, high = ends(found.mse)
    assert low < 0 < high
    assert found.equivalent.high is None
    assert found.equivalent.low == pytest.approx(0.09 / high)


def test_the_number_of_equivalent_points_is_a_ratio_of_means() -> None:
    shares = np.array([[0.5, 0.5], [0.6, 0.4], [0.8, 0.2]])  # square errors 0, 0.01, 0.09
    found = of_shares(shares, Contents.equal(2), np.random.default_rng(0))
    assert found.mse.value == pytest.approx(0.1 / 3)
    assert found.equivalent.value == pytest.approx(0.25 / (0.1 / 3))
    perfect = of_shares(shares[:1], Contents.equal(2), np.random.default_rng(0))
    assert perfect == (Estimate(0.0, None, None), Estimate(None, None, None))


def test_what_has_too_few_points_is_refused() -> None:
    with pytest.raises(UserError, match="fewer than 2 points"):
        sampling_noise(np.array([[3, 4], [1, 0]]))
    with pytest.raises(UserError, match="fewer than 2 points"):
        Contents.counted(np.array([1, 0]))


# intervals


def covered(repetitions: int, cells: int, points: int | None, known: bool = True) -> float:
    """How often the interval has the true MSE of generators that replay 100 points and err systematically."""
    rng, trials = np.random.default_rng(repetitions + cells), 250
    p = np.full(cells, 1 / cells)
    q = p * (1 + 0.2 * (-1.0) ** np.arange(cells))
    true = np.mean((q - p) ** 2) + (1 - q @ q) / (100 * cells)
    hits = 0
    for _ in range(trials):
        contents = Contents.equal(cells) if points is None else Contents.counted(rng.multinomial(points, p))
        contents = contents if known else Contents(contents.shares)
        trained = rng.multinomial(100, q, size=repetitions) / 100
        low, high = ends(of_counts(rng.multinomial(1000, trained), contents, rng).mse)
        hits += low <= true <= high
    return hits / trials


@pytest.mark.parametrize(
    ("repetitions", "cells", "points"), [(20, 10, None), (20, 50, None), (100, 10, None), (20, 20, 2000)]
)
def test_the_interval_covers_the_truth(
    repetitions: int, cells: int, points: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(amplification, "_RESAMPLINGS", 500)
    assert covered(repetitions, cells, points) >= 0.91


def test_the_interval_knows_how_the_true_points_scatter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions without any scatter of their own: all that is left is that of the true points."""
    monkeypatch.setattr(amplification, "_RESAMPLINGS", 500)
    rng, p = np.random.default_rng(12), np.array([0.4, 0.3, 0.2, 0.1])
    shares = np.tile([0.3, 0.3, 0.2, 0.2], (100, 1))
    found = [of_shares(shares, Contents.counted(rng.multinomial(400, p)), rng).mse for _ in range(200)]
    values = [mse.value for mse in found if mse.value is not None]
    assert np.mean(values) == pytest.approx(0.005, rel=0.05)
    widths = [high - low for low, high in map(ends, found)]
    assert np.mean(widths) == pytest.approx(2 * 1.984 * np.std(values), rel=0.12)


def test_true_points_that_pass_for_exact_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amplification, "_RESAMPLINGS", 500)
    assert covered(20, 20, 500) >= 0.91
    assert covered(20, 20, 500, known=False) < 0.6


def test_an_interval_does_not_depend_on_what_is_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = Contents.counted(np.array([50, 60, 40]))
    shares = np.random.default_rng(1).dirichlet([9, 9, 9], size=6)
    whole = of_shares(shares, contents, np.random.default_rng(2))
    monkeypatch.setattr(amplification, "_HELD", 100)
    assert of_shares(shares, contents, np.random.default_rng(2)) == whole


# fits


@pytest.mark.parametrize(
    ("truth", "per_axis", "published"),
    [
        (Camelback(), 5, 1.64),
        (Camelback(), 10, 2.41),
        (Camelback(), 20, 4.39),
        (Camelback(), 50, 10.38),
        (Camelback(), 100, 20.4),
        (Camelback(), 200, 40.4),
        (Ring(), 7, 31.35),
    ],
)
def test_the_law_of_the_efficient_fit(truth: Density, per_axis: int, published: float) -> None:
    found = fit_amplification(truth, per_axis)
    assert found == pytest.approx(published, rel=2e-3)
    assert found >= (per_axis**truth.dimension - 1) / len(truth.parameters)


@pytest.mark.parametrize(("cells", "published"), [(10, 0.037353), (20, 0.010824), (50, 0.001888)])
def test_the_mse_of_the_efficient_fit(cells: int, published: float) -> None:
    assert Contents.equal(cells).one_point / fit_amplification(Camelback(), cells) == pytest.approx(published, rel=3e-4)


def test_the_law_of_a_normal_radius_by_hand() -> None:
    """A radius that is all but N(4, 1) has Fisher's information diag(1, 2); of its halves, slopes phi(0) and 0."""
    binned = 2 * 2 * norm.pdf(0) ** 2
    assert fit_amplification(Shell(3), 2) == pytest.approx(7 / binned, rel=1e-3)


@pytest.mark.parametrize(("cells", "published"), [(10, 235), (20, 431), (50, 1018)])
def test_the_fit_of_100_points_is_worth_what_was_published(cells: int, published: float) -> None:
    theta = Camelback().fit(training_sets(Camelback(), 3000, 100, 11))
    found = of_shares(Camelback().shares(theta, cells), Contents.equal(cells), np.random.default_rng(0))
    assert equivalent(found)[0] == pytest.approx(published, rel=0.06)  # three standard errors of both


@pytest.mark.parametrize(("truth", "per_axis"), [(Camelback(), 10), (Camelback(), 50), (Ring(), 7)])
def test_the_fit_of_many_points_is_efficient(truth: Density, per_axis: int) -> None:
    n, contents = 2000, Contents.equal(per_axis**truth.dimension)
    shares = truth.shares(truth.fit(training_sets(truth, 400, n, 12)), per_axis)
    low, high = ends(factor_of(of_shares(shares, contents, np.random.default_rng(0)), n))
    law = fit_amplification(truth, per_axis)
    assert 0.97 * low < law < 1.03 * high


# kernel density estimates


@pytest.mark.parametrize(
    ("cells", "mse", "bandwidth", "points"),
    [(10, 4.74e-4, 0.434, 191), (20, 1.567e-4, 0.425, 305), (50, 3.162e-5, 0.422, 622)],
)
def test_the_kernel_density_estimate_of_100_points(cells: int, mse: float, bandwidth: float, points: int) -> None:
    truth = Camelback()
    assert kde_mse(truth, cells, 0.4, 100) == pytest.approx(mse, rel=2e-3)
    best = best_bandwidth(truth, cells, 100)
    assert best == pytest.approx(bandwidth, abs=6e-4)
    assert Contents.equal(cells).one_point / kde_mse(truth, cells, best, 100) == pytest.approx(points, rel=2e-3)
    shares = kde_shares(training_sets(truth, 1000, 100, 13)[:, :, 0], 0.4, truth.edges(cells))
    found = of_shares(shares, Contents.equal(cells), np.random.default_rng(0))
    assert found.mse.value == pytest.approx(mse, rel=0.08)


@pytest.mark.parametrize("points", [2, 50, 1000, 10**6])
def test_no_bandwidth_is_better_than_the_best(points: int) -> None:
    best = kde_mse(Camelback(), 10, best_bandwidth(Camelback(), 10, points), points)
    assert best <= min(kde_mse(Camelback(), 10, h, points) for h in np.geomspace(0.02, 8, 40)) * (1 + 1e-6)


def test_a_kernel_density_estimate_between_edges_is_that_of_scipy() -> None:
    x, edges = Camelback().draw(30, np.random.default_rng(1))[:, 0], Camelback().edges(5)
    peer = gaussian_kde(x, 0.4 / x.std(ddof=1))
    cuts = [-np.inf, *edges, np.inf]
    expected = [peer.integrate_box_1d(a, b) for a, b in pairwise(cuts)]
    np.testing.assert_allclose(kde_shares(x[None], 0.4, edges)[0], expected)


def test_points_drawn_from_a_kernel_density_estimate_have_its_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing, "_HELD", 30_000)
    truth, x = Camelback(), training_sets(Camelback(), 3, 20, 5)
    counts = kde_counts(x, 0.5, lambda p: truth.cells(p, 10), Contents.equal(10), 100_000, np.random.default_rng(1))
    np.testing.assert_array_equal(counts.sum(axis=1), 100_000)
    np.testing.assert_allclose(counts / 100_000, kde_shares(x[:, :, 0], 0.5, truth.edges(10)), atol=0.007)


def test_the_best_of_a_grid_is_drawn_from() -> None:
    truth, x = Camelback(), training_sets(Camelback(), 5, 40, 5)
    best, counts = best_kde_counts(
        x, (0.1, 0.5, 4.0), lambda p: truth.cells(p, 10), Contents.equal(10), 50_000, np.random.default_rng(1)
    )
    assert best == 0.5
    np.testing.assert_allclose(counts / 50_000, kde_shares(x[:, :, 0], best, truth.edges(10)), atol=0.01)


def test_the_ring_lies_between_sample_and_fit_when_smoothed() -> None:
    ring, contents, rng = Ring(), Contents.equal(49), np.random.default_rng(6)
    x = training_sets(ring, 20, 100, 7)
    bandwidths = (0.02, 0.3, 0.6, 3.0)
    best, counts = best_kde_counts(x, bandwidths, lambda p: ring.cells(p, 7), contents, 4000, rng)
    assert best in (0.3, 0.6)
    sample = of_shares(counted(ring, x, 7) / 100, contents, rng)
    fit = of_shares(ring.shares(ring.fit(x), 7), contents, rng)
    smooth = of_counts(counts, contents, rng)
    assert equivalent(sample)[2] < equivalent(smooth)[1]
    assert equivalent(smooth)[2] < equivalent(fit)[1]


# how the error falls with the number of generated points


@given(
    st.integers(1, 5),
    st.integers(1, 6),
    st.integers(0, 120),
    st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True),
    st.integers(1, 50),
    SEEDS,
)
def test_subsets_are_the_first_points_of_each_repetition(
    repetitions: int, cells: int, n: int, sizes: list[int], chunk: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    cell, owner = rng.integers(cells, size=n), rng.integers(repetitions, size=n).astype(np.float32)
    chunks = [(cell[i : i + chunk], owner[i : i + chunk]) for i in range(0, n, chunk)]
    counts = subset_counts(iter(chunks), sorted(sizes), repetitions, cells)
    for level, size in enumerate(sorted(sizes)):
        for r in range(repetitions):
            expected = np.bincount(cell[owner == r][:size], minlength=cells)
            np.testing.assert_array_equal(counts[level, r], expected)


def test_the_curve_falls_to_the_error_of_the_generator() -> None:
    rng, q = np.random.default_rng(8), np.array([0.3, 0.3, 0.2, 0.2])
    sizes = [10, 100, 1000]
    owner = np.arange(400_000) % 400
    counts = subset_counts([(rng.choice(4, size=len(owner), p=q), owner)], sizes, 400, 4)
    assert np.array_equal(counts.sum(axis=2), np.repeat([sizes], 400, axis=0).T)
    for level in counts:  # debiased, it is the same at all numbers
        low, high = ends(of_counts(level, Contents.equal(4), rng).mse)
        assert low < 0.0025 < high


@given(st.integers(1, 10**8))
def test_sizes_of_subsets_rise_to_all_points(points: int) -> None:
    sizes = subset_sizes(points)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == points
    assert sizes[0] == min(10, points)
    assert max(b / a for a, b in zip([sizes[0], *sizes], sizes, strict=False)) < 2.2


# adaptive cells


@given(st.integers(1, 4), st.integers(1, 300), st.data(), SEEDS)
def test_adaptive_cells_hold_equal_shares(dimension: int, n: int, data: st.DataObject, seed: int) -> None:
    cells = data.draw(st.integers(1, n))
    x = np.random.default_rng(seed).standard_normal((n, dimension))
    counts = np.bincount(AdaptiveCells.of(x, cells)(x), minlength=cells)
    assert len(counts) == cells
    assert counts.sum() == n
    assert set(counts.tolist()) <= {n // cells, -(-n // cells)}


@given(st.integers(1, 3), st.integers(1, 60), st.data(), SEEDS)
def test_every_point_is_in_one_adaptive_cell_even_among_ties(
    dimension: int, n: int, data: st.DataObject, seed: int
) -> None:
    rng, cells = np.random.default_rng(seed), data.draw(st.integers(1, n))
    made = AdaptiveCells.of(rng.integers(3, size=(n, dimension)).astype(np.float32), cells)
    found = made(rng.standard_normal((500, dimension)) * 5)
    assert found.shape == (500,)
    assert ((found >= 0) & (found < cells)).all()
    assert sorted(made.others[made.axes < 0].tolist()) == list(range(cells))


def test_an_axis_on_which_points_are_tied_is_not_cut() -> None:
    rng = np.random.default_rng(3)
    x = np.column_stack([100.0 * (rng.random(400) < 0.1), rng.random(400)])  # wide, but mostly 0
    counts = np.bincount(AdaptiveCells.of(x, 2)(x), minlength=2)
    np.testing.assert_array_equal(counts, [200, 200])


def test_more_cells_than_points_are_refused() -> None:
    with pytest.raises(UserError, match="ask for fewer cells"):
        AdaptiveCells.of(np.zeros((3, 2)), 4)


@pytest.mark.parametrize("cells", [7, 32])
def test_adaptive_cells_say_what_exact_ones_do(cells: int) -> None:
    """In any cells a sample is worth itself, and a generator without half of the ring little."""
    rng, shell = np.random.default_rng(9), Shell(4)
    made, contents = adaptive_cells(shell.draw(20_000, rng), cells, rng)
    assert contents.points == 10_000
    np.testing.assert_allclose(contents.shares, 1 / cells, rtol=0.4)
    trained = np.array([np.bincount(made(one), minlength=cells) for one in training_sets(shell, 300, 100, 10)])
    value, low, high = equivalent(of_shares(trained / 100, contents, rng))
    assert low < 100 < high
    assert value == pytest.approx(100, rel=0.15)
    half = shell.draw(20_000, rng)
    half = half[half[:, 0] > 0]
    counts = np.bincount(made(half), minlength=cells)[None]
    assert (of_counts(counts, contents, rng).equivalent.value or math.inf) < 2 * cells


def test_the_error_against_counted_contents_is_unbiased(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both finite samples are accounted for: no error is left of a perfect generator, whatever the numbers."""
    monkeypatch.setattr(amplification, "_RESAMPLINGS", 2)
    rng, p = np.random.default_rng(10), np.full(8, 1 / 8)
    values = []
    for _ in range(400):
        contents = Contents.counted(rng.multinomial(60, p))
        values.append(of_counts(rng.multinomial(30, p, size=5), contents, rng).mse.value or 0.0)
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(400)
    assert np.std(values) / math.sqrt(400) < 0.05 * Contents.equal(8).one_point / 60

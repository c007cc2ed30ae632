from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2, multivariate_normal
from sklearn.covariance import OAS, LedoitWolf
from sklearn.mixture import GaussianMixture

from gancensus.comparison.frechet import frechet_distance
from gancensus.config.sections import Cut
from gancensus.contracts.errors import UserError
from gancensus.contracts.score import Score
from gancensus.domains.selection.keep import kept_count, scarce, select, stability
from gancensus.domains.selection.score_gaussian import Gaussian
from gancensus.domains.selection.score_knn import Knn
from gancensus.domains.selection.score_ppca import Ppca
from gancensus.domains.selection.score_random import Random


class First(Score):
    """The first coordinate, for answers known by sight."""

    kind: Literal["first"] = "first"

    def score(
        self,
        z: NDArray[np.float32],
        compatible: bool = False,
        among: NDArray[np.bool_] | None = None,
        *,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        return z[:, 0].astype(np.float64)


def chosen(
    score: Score, z: NDArray[np.float32], label: NDArray[np.int32] | None, keep: float, **options: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return select(score, z, label, Cut(keep=keep, **options), np.random.default_rng(0))


def scored(score: Score, z: NDArray[np.float32], compatible: bool = False) -> NDArray[np.float64]:
    return score.score(z, compatible, rng=np.random.default_rng(0))


def column(values: list[int]) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)[:, None]


@pytest.mark.parametrize("percent", range(10, 91, 5))
def test_the_count_is_that_of_the_reference_implementation(percent: int) -> None:
    """Which keeps scores strictly above np.percentile(scores, 100 - percent): the formula, and the thing itself.

    Where (n-1)(100-percent)/100 is whole the percentile is a score of its own, and NumPy's interpolation may come out a
    last bit below it: then the reference keeps that one too.
    """
    for n in range(3, 400):
        cut = (n - 1) * Fraction(100 - percent, 100)
        count = kept_count(n, percent / 100)
        assert count == max(1, n - 1 - cut.numerator // cut.denominator)
        scores = np.random.default_rng(n).standard_normal(n)
        reference = int((scores > np.percentile(scores, 100 - percent)).sum())
        assert reference - count in ((0, 1) if cut.denominator == 1 else (0,))


@given(st.integers(1, 10_000), st.floats(0.001, 0.999))
def test_at_least_one_and_never_all_but_for_keep_one(n: int, keep: float) -> None:
    assert 1 <= kept_count(n, keep) <= max(1, n - 1)
    assert kept_count(n, 1) == n


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 3)), min_size=1, max_size=60), st.integers(1, 100))
def test_the_best_of_each_class_are_kept(samples: list[tuple[int, int]], percent: int) -> None:
    """Tied or not, exactly the count of each class; none that is left out is better, nor as good and earlier."""
    z = column([score for score, _ in samples])
    label = np.asarray([one for _, one in samples], dtype=np.int32)
    scores, kept = chosen(First(), z, label, percent / 100)
    np.testing.assert_array_equal(scores, z[:, 0])
    for one in set(label.tolist()):
        rows = np.flatnonzero(label == one)
        rank = sorted(rows, key=lambda row: (-scores[row], row))
        count = kept_count(len(rows), percent / 100)
        assert set(np.flatnonzero(kept & (label == one))) == set(rank[:count])
        alone = chosen(First(), z[rows], None, percent / 100)[1]
        np.testing.assert_array_equal(kept[rows], alone)


@pytest.mark.parametrize("labelled", [False, True])
def test_selections_are_nested_up_to_everything(labelled: bool) -> None:
    rng = np.random.default_rng(1)
    z = rng.standard_normal((300, 4), dtype=np.float32)
    label = rng.integers(0, 5, 300).astype(np.int32) if labelled else None
    inner = np.zeros(300, dtype=bool)
    for keep in (0.01, 0.1, 0.4, 0.5, 0.9, 1.0):
        kept = chosen(Gaussian(), z, label, keep)[1]
        assert (kept >= inner).all()
        inner = kept
    assert inner.all()


@pytest.mark.parametrize(("n", "keep", "count"), [(11, 0.5, 5), (100, 0.4, 40), (7, 1.0, 7), (1, 0.5, 1)])
def test_of_equal_scores_the_first_are_kept(n: int, keep: float, count: int) -> None:
    assert np.flatnonzero(chosen(First(), column([3] * n), None, keep)[1]).tolist() == list(range(count))


def test_ties_at_the_cut_are_kept_in_the_order_of_the_samples() -> None:
    values = np.random.default_rng(2).integers(0, 3, 1000)
    expected = np.argsort(-values, kind="stable")[:600]
    assert set(np.flatnonzero(chosen(First(), column(values.tolist()), None, 0.6)[1])) == set(expected)


# The Gaussian score


@pytest.mark.parametrize(("n", "d"), [(50, 1), (400, 3), (300, 20), (20, 30)])
def test_gaussian_score_is_that_of_scikit_learn_and_of_scipy(n: int, d: int) -> None:
    """Also with fewer samples than dimensions, where only the ridge keeps the covariance regular."""
    rng = np.random.default_rng(n)
    z = (3 + rng.standard_normal((n, d)) @ rng.standard_normal((d, d))).astype(np.float32)
    found = scored(Gaussian(), z, n <= d)
    model = GaussianMixture(1, reg_covar=1e-5).fit(z.astype(np.float64))
    np.testing.assert_allclose(found, model.score_samples(z.astype(np.float64)), rtol=1e-6)
    covariance = np.cov(z.T.astype(np.float64), bias=True).reshape(d, d) + 1e-5 * np.eye(d)
    expected = multivariate_normal(z.mean(axis=0, dtype=np.float64), covariance).logpdf(z)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_gaussian_score_of_equal_vectors() -> None:
    found = scored(Gaussian(), np.ones((5, 2), dtype=np.float32))
    np.testing.assert_allclose(found, -np.log(2 * np.pi * 1e-5))


@pytest.mark.parametrize(("d", "keep", "distance"), [(2, 0.5, 0.397934), (2, 0.4, 0.533567), (8, 0.5, 0.372962)])
def test_gaussian_selection_of_a_gaussian_is_the_ball(d: int, keep: float, distance: float) -> None:
    """Its covariance is c I, c = P(chi2_{d+2} <= t) / keep, t the keep-quantile of chi2_d; FD d (1 - sqrt c)^2."""
    t = chi2.ppf(keep, d)
    assert d * (1 - np.sqrt(chi2.cdf(t, d + 2) / keep)) ** 2 == pytest.approx(distance, abs=1e-6)
    z = np.random.default_rng(d).standard_normal((100_000, d), dtype=np.float32)
    kept = chosen(Gaussian(), z, None, keep)[1]
    inside = np.square(z).sum(axis=1) <= t
    assert (kept != inside).mean() < 0.01
    assert frechet_distance(z, z[kept]) == pytest.approx(distance, rel=0.02)


@pytest.mark.parametrize(("shrinkage", "peer"), [("ledoit_wolf", LedoitWolf), ("oas", OAS)])
def test_shrunk_covariances_are_those_of_scikit_learn(shrinkage: Literal["ledoit_wolf", "oas"], peer: type) -> None:
    z = np.random.default_rng(3).standard_normal((30, 40), dtype=np.float32)
    found = scored(Gaussian(shrinkage=shrinkage, ridge=0), z)
    covariance = peer().fit(z.astype(np.float64)).covariance_
    expected = multivariate_normal(z.mean(axis=0, dtype=np.float64), covariance).logpdf(z)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_as_many_samples_as_dimensions_are_all_as_likely_and_refused() -> None:
    z = np.random.default_rng(4).standard_normal((20, 20), dtype=np.float32)
    with pytest.raises(UserError, match="20 samples in 20 dimensions: under their covariance all are as likely"):
        scored(Gaussian(), z)
    with pytest.raises(UserError, match="class 0: 2 samples in 20 dimensions"):
        chosen(Gaussian(), np.repeat(z, [3, *[1] * 19], axis=0), np.array([0] * 2 + [1] * 20, dtype=np.int32), 0.5)


# The other scores


def test_the_mean_gaussian_score_is_the_volume_of_the_covariance_and_nothing_else() -> None:
    """With the covariance of the samples themselves, -(ln|S| + d (1 + ln 2 pi)) / 2."""
    z = np.random.default_rng(5).standard_normal((200, 6), dtype=np.float32) * 3
    found = scored(Gaussian(ridge=0), z).mean()
    volume = np.linalg.slogdet(np.cov(z.T.astype(np.float64), bias=True))[1]
    assert found == pytest.approx(-(volume + 6 * (1 + np.log(2 * np.pi))) / 2)


@pytest.mark.parametrize("compatible", [False, True])
def test_ppca_is_a_gaussian_with_the_mean_of_the_small_variances(compatible: bool) -> None:
    z = (np.random.default_rng(6).standard_normal((500, 5)) * [5, 4, 3, 0.5, 0.4]).astype(np.float32)
    sizes, axes = np.linalg.eigh(np.cov(z.T.astype(np.float64)))
    held = sizes[::-1].cumsum() / sizes.sum()
    assert held[1] < 0.95 < held[2]  # three components
    sizes[: 5 - (2 if compatible else 3)] = sizes[: 5 - (2 if compatible else 3)].mean()
    expected = multivariate_normal(z.mean(axis=0, dtype=np.float64), (axes * sizes) @ axes.T).logpdf(z)
    np.testing.assert_allclose(scored(Ppca(), z, compatible), expected, rtol=1e-6)


def test_ppca_of_one_direction_has_one_component() -> None:
    z = np.outer(np.arange(10), [1, 2]).astype(np.float32) + np.random.default_rng(7).normal(0, 0.01, (10, 2))
    assert np.isfinite(scored(Ppca(), z.astype(np.float32))).all()
    with pytest.raises(UserError, match="too few for principal components"):
        scored(Ppca(), np.zeros((2, 4), dtype=np.float32))


@given(st.integers(7, 60), st.integers(1, 6))
def test_knn_is_the_distance_to_the_kth_other_sample(n: int, k: int) -> None:
    z = np.random.default_rng(n).integers(0, 4, (n, 2)).astype(np.float32)  # many are equal
    apart = np.linalg.norm(z[:, None].astype(np.float64) - z, axis=2)
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(scored(Knn(neighbours=k), z), -np.sort(apart, axis=1)[:, k - 1])
    with pytest.raises(UserError, match=f"{n} samples: too few for {n} neighbours"):
        scored(Knn(neighbours=n), z)


def test_volumes_to_the_kth_neighbour_on_a_torus_are_gamma_distributed() -> None:
    """(n - 1) V_d r_k^d ~ Gamma(k, 1), where there is no edge: points and their images around them."""
    rng, n, k = np.random.default_rng(8), 400, 5
    volumes = []
    for _ in range(40):
        x = rng.random((n, 2))
        around = np.concatenate([np.add(x, (a, b)) for a in (0, -1, 1) for b in (0, -1, 1)]).astype(np.float32)
        near = scored(Knn(neighbours=k), around)[rng.integers(n)]
        volumes.append((n - 1) * np.pi * near**2)
    assert np.mean(volumes) == pytest.approx(k, abs=3 * np.sqrt(k / 40))
    assert np.var(volumes) == pytest.approx(k, rel=0.7)


# Which are kept


def test_a_number_is_shared_out_over_classes() -> None:
    z, label = column(list(range(100))), np.repeat([0, 1, 2], [50, 30, 20]).astype(np.int32)
    kept = chosen(First(), z, label, 11)[1]
    assert [int(kept[label == one].sum()) for one in range(3)] == [6, 3, 2]  # of 5.5, 3.3, 2.2
    assert np.flatnonzero(kept).tolist() == [*range(44, 50), 77, 78, 79, 98, 99]
    over_all = chosen(First(), z, label, 11, per_class=False)[1]
    assert np.flatnonzero(over_all).tolist() == list(range(89, 100))
    with pytest.raises(UserError, match="`keep` asks for 101 samples, but `train` has 100"):
        chosen(First(), z, label, 101)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(1, 99))
def test_compatible_cuts_as_the_implementation_of_the_paper(values: list[int], percent: int) -> None:
    """Scores strictly above their percentile: ties at it are dropped, and where nothing is left that is said."""
    expected = np.asarray(values) > np.percentile(values, 100 * (1 - percent / 100))
    if not expected.any():
        with pytest.raises(UserError, match="`compatible` drops ties"):
            chosen(First(), column(values), None, percent / 100, compatible=True)
        return
    np.testing.assert_array_equal(chosen(First(), column(values), None, percent / 100, compatible=True)[1], expected)


# How much of it is chance


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_random_selection_is_as_stable_as_chance(keep: float) -> None:
    """Two independent sets of keep n of n samples share keep^2 n on average, and have (2 keep - keep^2) n together."""
    z = np.zeros((20_000, 2), dtype=np.float32)
    rng = np.random.default_rng(5)
    assert stability(Random(), z, None, Cut(keep=keep), rng) == pytest.approx(keep / (2 - keep), abs=0.01)
    scores, kept = select(Random(), z, None, Cut(keep=keep), rng)
    assert kept.sum() == kept_count(len(z), keep)
    assert scores[kept].min() > scores[~kept].max()


def test_a_score_that_knows_the_density_is_stable_and_one_of_too_few_samples_less() -> None:
    rng, wanted = np.random.default_rng(6), Cut(keep=0.5)
    z = rng.standard_normal((4000, 4), dtype=np.float32)
    assert stability(First(), z, None, wanted, rng) == 1
    many, few = (stability(Gaussian(), z[:n], None, wanted, rng) for n in (4000, 60))
    assert many is not None and few is not None
    assert 1 > many > 0.9 > few > 0.5 / 1.5
    assert stability(Gaussian(), z[:8], None, wanted, rng) is None  # a half has as many samples as dimensions
    assert stability(Gaussian(), z, None, Cut(keep=1), rng) is None  # all are kept, whatever they score


@pytest.mark.parametrize("score", [Gaussian(), Ppca(), Knn()])
def test_a_score_among_some_is_theirs_where_they_are_all(score: Score) -> None:
    rng = np.random.default_rng(7)
    z = rng.standard_normal((200, 3), dtype=np.float32)
    some = rng.random(200) < 0.5
    alone = scored(score, z[some])
    among = score.score(z, among=some, rng=rng)
    np.testing.assert_allclose(among[some], alone, rtol=1e-9)
    one = np.flatnonzero(~some)[0]
    if isinstance(score, Knn):
        assert among[one] == pytest.approx(-np.sort(np.linalg.norm(z[some] - z[one], axis=1))[4], rel=1e-6)
    if isinstance(score, Gaussian):
        x = z[some].astype(np.float64)
        covariance = np.cov(x.T, bias=True) + 1e-5 * np.eye(3)
        assert among[one] == pytest.approx(multivariate_normal(x.mean(axis=0), covariance).logpdf(z[one]))


def test_too_few_samples_per_dimension_are_told() -> None:
    z, label = np.zeros((100, 4), dtype=np.float32), np.repeat([0, 1], [70, 30]).astype(np.int32)
    said = scarce(Gaussian(), z, label, Cut(keep=0.5))
    assert said is not None and said.startswith("30 samples of a class in 4 dimensions, fewer than 10 per dimension")
    assert scarce(Gaussian(), z, label, Cut(keep=0.5, per_class=False)) is None
    assert scarce(Knn(), z, label, Cut(keep=0.5)) is None

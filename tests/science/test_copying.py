"""The tests of copies: level, planted copies, what they could find, and what nearest distances say beside them."""

from __future__ import annotations

from math import erf

import numpy as np
import pytest
from scipy.stats import fisher_exact, mannwhitneyu

from gancensus.comparison.copies import Nearest, Ranks, copying, detectable, nearer
from gancensus.comparison.exact import exact
from gancensus.comparison.nearest import Beyond, authenticity, data_copying, low_quantile
from gancensus.contracts.columns import Column, encode
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.scales import scale_of
from gancensus.search.neighbours import nearest, nearest_others

Points = np.ndarray


def nearest_of(generated: Points, *real: Points) -> Nearest:
    """The nearest real point of every generated one."""
    found = nearest(generated, np.concatenate(real))
    return Nearest(found.rows[:, 0], found.distance[:, 0])


def samples(x: Points, scale: Scale | None = None) -> Samples:
    return Samples(x.astype(np.float32), np.arange(len(x)), scale=scale)


def test_the_level() -> None:
    rng, p = np.random.default_rng(0), []
    for _ in range(300):
        train, holdout, made = (rng.normal(size=(n, 3)) for n in (120, 60, 100))
        p.append(copying(nearest_of(made, train, holdout), 120, 180, 199, rng).p)
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_planted_copies_are_found_and_counted(noise: float) -> None:
    rng = np.random.default_rng(1)
    train, holdout, made = (rng.normal(size=(1000, 16)) for _ in range(3))
    made[:50] = train[:50] + noise * rng.normal(size=(50, 16))
    found = copying(nearest_of(made, train, holdout), 1000, 2000, 999, rng)
    assert found.p == 0.001
    assert found.share == pytest.approx(0.05, abs=0.02)
    assert copying(nearest_of(made, holdout, train), 1000, 2000, 999, rng).p > 0.9  # one-sided


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.2, 1.0])
def test_copies_among_fresh_samples_are_found(share: float, noise: float) -> None:
    rng, n = np.random.default_rng(5), 2000
    train, holdout, made = (rng.normal(size=(n, 16)) for _ in range(3))
    copies, typical = int(share * n), float(np.median(nearest(made, train).distance))
    step = rng.normal(size=(copies, 16))
    step *= noise * typical / np.linalg.norm(step, axis=1, keepdims=True)
    made[:copies] = train[rng.choice(n, copies, replace=False)] + step
    found = copying(nearest_of(made, train, holdout), n, 2 * n, 499, rng)
    assert found.p == 1 / 500
    assert found.share == pytest.approx(share, abs=0.025)


def cells(rng: np.random.Generator, n: int) -> Points:
    """Rows of ten yes and no: most are equal to several others."""
    return np.asarray(rng.random((n, 10)) < 0.3, dtype=np.float64)


def ranked(rng: np.random.Generator, made: Points, train: Points, holdout: Points) -> Nearest:
    """The nearest real point of every generated one, any of those that are equally near."""
    ranks = Ranks.draw(len(made), len(train) + len(holdout), rng)
    place = ranks.of(np.arange(len(made))[:, None], np.arange(len(train) + len(holdout))[None])
    found = []
    for real, first in ((train, 0), (holdout, len(train))):
        far = np.abs(made[:, None] - real[None]).sum(axis=2)
        tied = np.where(far == far.min(axis=1, keepdims=True), place[:, first : first + len(real)], 2**62)
        found.append((tied.argmin(axis=1), far.min(axis=1)))
    return nearer(found[0], found[1], len(train), ranks)


def test_equal_samples_by_chance_are_no_copies() -> None:
    rng, p = np.random.default_rng(6), []
    for _ in range(100):
        train, holdout, made = (cells(rng, n) for n in (120, 60, 100))
        near = ranked(rng, made, train, holdout)
        both = exact([samples(made)], [samples(train)], [samples(holdout)])
        p.append((copying(near, 120, 180, 199, rng).p, both.p))
    assert (np.mean(np.array(p) <= 0.05, axis=0) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)).all()


def test_of_equally_near_samples_each_is_taken_as_often() -> None:
    rng = np.random.default_rng(7)
    same = np.zeros((3000, 2))
    found = ranked(rng, same, np.zeros((3, 2)), np.zeros((2, 2)))
    assert np.bincount(found.row) == pytest.approx(np.full(5, 600), abs=100)


def test_the_deviation_is_that_of_permuted_labels() -> None:
    rng = np.random.default_rng(2)
    row = rng.zipf(1.5, 200).clip(max=99)
    one = Nearest(row, np.ones(200))  # all at one distance: u is 200 only
    z = []
    for _ in range(2000):
        place = rng.permutation(100)
        z.append(copying(one._replace(row=place[row]), 40, 100, 1, rng).z)
    assert np.mean(z) == pytest.approx(0, abs=0.1)
    assert np.std(z) == pytest.approx(1, abs=0.06)


def test_what_would_have_been_found_is_found() -> None:
    rng = np.random.default_rng(3)
    train, holdout, made = (rng.normal(size=(400, 8)) for _ in range(3))
    least = detectable(nearest_of(made, train, holdout), 400, 800, rng)
    copies = least[0.0]
    assert copies is not None
    assert copies >= 5  # ln .05 / ln .5
    assert least[1.0] is None or least[1.0] > copies
    hits = 0
    for _ in range(60):
        train, holdout, made = (rng.normal(size=(400, 8)) for _ in range(3))
        made[:copies] = train[rng.choice(400, copies)]
        hits += copying(nearest_of(made, train, holdout), 400, 800, 199, rng).p <= 0.05
    assert hits >= 51  # of 57 expected


def test_a_stricter_level_and_twins_need_more_copies() -> None:
    train, holdout, made = (np.random.default_rng([8, k]).normal(size=(400, 8)) for k in range(3))
    near = nearest_of(made, train, holdout)
    least = [
        detectable(near, 400, 800, np.random.default_rng(9), (0.0,), level, twins)[0.0]
        for level, twins in ((0.05, 0.0), (0.01, 0.0), (0.05, 0.6), (0.05, 1.0))
    ]
    assert least[3] is None
    assert least[0] is not None and least[1] is not None and least[2] is not None
    assert least[0] < least[1] < least[2]


def test_few_real_samples_and_few_of_them_in_train() -> None:
    rng = np.random.default_rng(10)
    train, holdout, made = (rng.normal(size=(n, 4)) for n in (20, 5000, 60))
    found = detectable(nearest_of(made, train, holdout), 20, 5020, rng, (0.0,))[0.0]
    assert found is not None and found <= 5


def test_nothing_near_says_nothing() -> None:
    far, rng = Nearest(np.zeros(100, dtype=np.int64), np.full(100, np.inf)), np.random.default_rng(4)
    assert copying(far, 50, 100, 99, rng).p == 1
    assert detectable(far, 50, 100, rng, (0.0,))[0.0] is not None
    for beside in (data_copying(far.distance, far.distance), low_quantile(far.distance, far.distance, 0.05)):
        assert not beside.value.value


@pytest.mark.parametrize("copies", [0, 8])
def test_exact_copies_agree_with_fishers_test(copies: int) -> None:
    rng = np.random.default_rng(11)
    train, holdout, made = (cells(rng, n) for n in (300, 120, 200))
    rare = np.flatnonzero((train[:, None] != holdout[None]).any(axis=2).all(axis=1))
    made[:copies] = train[rare[:copies]]
    found = exact([samples(made)], [samples(train[:100]), samples(train[100:])], [samples(holdout)])
    same = [(made[:, None] == real[None]).all(axis=2) for real in (train, holdout)]
    assert (found.in_train, found.in_holdout) == tuple(int(one.any(axis=1).sum()) for one in same)
    met = [int(one.any(axis=0).sum()) for one in same]
    table = [met, [300 - met[0], 120 - met[1]]]
    assert found.p == pytest.approx(fisher_exact(table, alternative="greater").pvalue)
    both = np.concatenate(same, axis=1)
    shares = [both[:, rng.permutation(420)[:300]].any(axis=1).mean() for _ in range(2000)]
    assert found.null == pytest.approx(np.mean(shares), abs=0.005)


def test_a_few_exact_copies_suffice_where_none_is_expected() -> None:
    train, holdout, made = (np.random.default_rng([12, k]).normal(size=(500, 3)) for k in range(3))
    made[:6] = train[:6]
    found = exact([samples(made)], [samples(train)], [samples(holdout)])
    assert (found.in_train, found.in_holdout) == (6, 0)
    assert found.null == pytest.approx(0.006)
    assert found.p == pytest.approx(0.5**6, rel=0.05)
    swapped = exact([samples(made)], [samples(holdout)], [samples(train)])
    assert (swapped.in_train, swapped.p) == (0, 1)


def test_images_are_equal_in_8_bits_and_rows_in_their_cells() -> None:
    bytes_ = np.random.default_rng(13).integers(256, size=(40, 4, 4))
    image = Scale(("value",), ("1",), (0.0,), (255.0,))
    train, holdout = samples(image.encode(bytes_[:20]), image), samples(image.encode(bytes_[20:]), image)
    blurred = samples(image.encode(bytes_[:10] + 0.4), image)
    assert exact([blurred], [train], [holdout]).in_train == 10
    assert exact([samples(image.encode(bytes_[:10] + 0.6), image)], [train], [holdout]).in_train == 0
    energy = Scale(("grid",), ("GeV",), (0.0,), (255.0,))
    shower = samples(energy.encode(bytes_[:20]), energy)
    assert exact([samples(energy.encode(bytes_[:10] + 0.4), energy)], [shower], [shower]).in_train == 0

    columns = (Column("a", "continuous", low=0, high=9, decimals=1), Column("b", "nominal", categories=("x", "y")))
    rows = np.column_stack([np.arange(9) + 0.5, np.arange(9) % 2])
    x = encode(columns, rows)
    real, other = samples(x[:5], scale_of(columns)), samples(x[5:], scale_of(columns))
    assert exact([samples(x[:5] + 0.005, scale_of(columns))], [real], [other]).in_train == 5


def test_nearest_distances_agree_with_scipy_and_brute_force() -> None:
    rng = np.random.default_rng(14)
    train, holdout, made = (rng.normal(size=(n, 2)) for n in (200, 150, 180))
    made[:60] = train[:60]
    near, null = nearest(made, train), nearest(holdout, train)
    x, y = near.distance[:, 0], null.distance[:, 0]
    found = data_copying(x, y)
    p = mannwhitneyu(x, y, alternative="less", use_continuity=False, method="asymptotic").pvalue
    assert found.value.value is not None and found.value.value < -2.5
    assert p == pytest.approx(0.5 * (1 + erf(found.value.value / 2**0.5)))

    others = nearest_others(train).distance[:, 0]
    first, second = (Beyond(one.distance[:, 0], others[one.rows[:, 0]]) for one in (near, null))
    beside = authenticity(first, second)
    assert beside.value.value == np.mean(x > others[near.rows[:, 0]])
    assert beside.null.value == np.mean(y > others[null.rows[:, 0]])
    low = low_quantile(x, y, 0.05)
    assert low.value.value == 0
    assert low.null.value == pytest.approx(np.quantile(y, 0.05))


def test_more_copies_than_there_are_samples_are_not_promised() -> None:
    nearest = Nearest(np.arange(20), np.linspace(1, 2, 20))
    found = detectable(nearest, 1000, 1020, np.random.default_rng(0), (0.0, 0.5))
    assert found == {0.0: None, 0.5: None}

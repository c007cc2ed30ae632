"""Purity and clumps in latent spaces: of distributions whose answer is known, and of planted encoders."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pytest
from in_memory import InMemory
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from gancensus.contracts.analysis import Context
from gancensus.contracts.encoder import Encoder, FittedEncoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples, flatten
from gancensus.domains.images.analysis_latent import Latent
from gancensus.domains.images.latent_space import (
    Measured,
    chance,
    compare,
    count_clumps,
    estimates,
    measure,
    plane,
    purities,
    stratified_halves,
)
from gancensus.domains.images.source_digits import Digits
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import svg
from gancensus.statistics.half_samples import SPLITS
from gancensus.statistics.intervals import deviate

Array = NDArray[Any]
RNG = partial(derive_rng, 1, "study", "latent")


def blobs(rng: np.random.Generator, n: int, d: int, count: int = 1, apart: float = 10) -> Array:
    """Gaussians in a row, in equal numbers."""
    x = rng.standard_normal((n, d))
    x[:, 0] += apart * (np.arange(n) % count)
    return x


@pytest.mark.parametrize(("n", "times"), [(70, 60), (300, 25), (1000, 8)])
@pytest.mark.parametrize("d", [2, 16])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_gaussians_are_a_clump_each(n: int, times: int, d: int, count: int) -> None:
    """In 98 % and more of 40 to 200 simulations each; here at most one in twenty may differ."""
    rng = derive_rng(3, n, d, count)
    found = [count_clumps(blobs(rng, n, d, count)) for _ in range(times)]
    assert np.mean(np.array(found) != count) <= 0.05


def test_what_is_small_or_between_is_no_clump_of_its_own() -> None:
    rng = derive_rng(4)
    few = np.concatenate([blobs(rng, 97, 2), 30 + blobs(rng, 3, 2)])
    assert count_clumps(few) == 1
    assert count_clumps(np.concatenate([few, 30 + blobs(rng, 5, 2)])) == 2
    bridged = np.concatenate([blobs(rng, 200, 2, 2), np.column_stack([np.linspace(0, 10, 100), np.zeros(100)])])
    assert count_clumps(bridged) == 1
    assert [count_clumps(np.zeros((n, 2))) for n in (0, 1, 5)] == [0, 1, 1]


def test_purity_is_that_of_scikit_learn() -> None:
    rng = derive_rng(5)
    z, label = rng.standard_normal((120, 3)), rng.integers(0, 3, 120)
    near = NearestNeighbors(n_neighbors=8).fit(z).kneighbors(z, return_distance=False)[:, 1:]
    np.testing.assert_allclose(purities(z, label, 7), (label[near] == label[:, None]).mean(axis=1))


def test_neighbours_that_are_equally_far_count_in_equal_shares() -> None:
    """On a lattice with equal points: the mean over random choices among those that are equally near."""
    rng = derive_rng(13)
    z, label = rng.integers(0, 3, (40, 2)).astype(np.float64), np.sort(rng.integers(0, 3, 40))
    square = np.square(z[:, None] - z).sum(axis=2)
    np.fill_diagonal(square, np.inf)
    taken = np.argsort(square[:, None] + 1e-6 * rng.random((40, 2000, 40)), axis=2)[..., :5]
    expected = (label[taken] == label[:, None, None]).mean(axis=(1, 2))
    np.testing.assert_allclose(purities(z, label, 5), expected, atol=0.02)
    assert purities(z, label, 39) == pytest.approx(chance(label)[label])


def test_a_collapsed_space_is_at_chance_and_one_clump() -> None:
    label = np.repeat([0, 1], [60, 300])
    z = np.full((360, 2), 0.1)
    found = measure(z, label, 10, stratified_halves(label, derive_rng(14)))
    np.testing.assert_allclose(found.values[0, 1:], chance(label))
    np.testing.assert_allclose(found.values[1], 1)
    apart = np.concatenate([z, z + 1])
    assert count_clumps(apart) == 2


def test_chance_is_the_purity_of_permuted_classes() -> None:
    rng = derive_rng(6)
    z, label = rng.standard_normal((90, 2)), np.repeat([0, 1, 2], [10, 30, 50])
    shares = []
    for _ in range(300):
        other = rng.permutation(label)
        pure = purities(z, other, 5)
        shares.append([pure[other == c].mean() for c in range(3)])
    np.testing.assert_allclose(np.mean(shares, axis=0), chance(label), atol=0.012)
    np.testing.assert_allclose(chance(label), [9 / 89, 29 / 89, 49 / 89])


def test_intervals_hold_what_many_samples_have_as_often_as_they_say() -> None:
    """Three classes that overlap, two of them in clumps that are hardly apart: in one, or in two.

    Intervals hold the mean of purity, and of clumps over the classes; of clumps of one class the most common number.
    """
    found = []
    for k in range(60):
        rng = derive_rng(7, k)
        label = np.repeat([0, 1, 2], 60)
        z = rng.standard_normal((180, 2))
        z[:, 0] += 1.5 * label
        z[60:, 1] += 5.5 * (np.arange(120) % 2)
        found.append(estimates(measure(z, label, 10, stratified_halves(label, rng))))
    for quantity in range(2):
        for c in range(4):
            ones = [one[quantity][c] for one in found]
            mean = np.mean([one.value for one in ones if one.value is not None])
            true = np.rint(mean) if quantity and c else mean
            held = [one.low <= true <= one.high for one in ones if one.low is not None and one.high is not None]
            assert len(held) == 60
            assert np.mean(held) >= 0.85, (quantity, c)


def test_halves_of_each_class_are_equal_and_disjoint() -> None:
    label = derive_rng(8).permutation(np.repeat([0, 1], [11, 40]))
    for a, b in stratified_halves(label, derive_rng(9), 5):
        assert not set(a) & set(b)
        assert [np.bincount(label[side]).tolist() for side in (a, b)] == [[5, 20], [5, 20]]


def test_a_difference_has_the_spread_of_trainings_and_the_freedom_of_satterthwaite() -> None:
    """By hand: sampling variance (sum of squares / 4 splits), and that of the mean of two trainings."""

    def measured(value: float, differences: Sequence[float]) -> Measured:
        return Measured(np.full((2, 1), value), np.array(differences).reshape(-1, 1, 1).repeat(2, axis=1))

    first = [measured(0.5, [0.2, -0.2]), measured(0.3, [0.0, 0.0])]
    second = [measured(0.1, [0.1, 0.1])]
    one, _ = compare(first, second)
    sampling = (0.0**2 + (-0.2) ** 2) / (4 * 2)  # means of the first less the second: 0 and -.2
    assert SPLITS == 20
    training = 0.02 / 2
    freedom = (sampling + training) ** 2 / (sampling**2 / 20 + training**2 / 1)
    reach = deviate(freedom=freedom) * (sampling + training) ** 0.5
    assert one.value == pytest.approx(0.3)
    assert (one.low, one.high) == pytest.approx((max(-1, 0.3 - reach), min(1, 0.3 + reach)))


def test_the_plane_is_the_space_itself_or_its_principal_components() -> None:
    rng = derive_rng(10)
    z = rng.standard_normal((50, 2)) * [3, 1]
    at, shares = plane(z)
    assert np.array_equal(at, z)
    np.testing.assert_allclose(shares, z.var(axis=0) / z.var(axis=0).sum())
    turned = z @ np.linalg.qr(rng.standard_normal((5, 5)))[0][:2]
    at, shares = plane(turned)
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(at.std(axis=0)[0], np.sqrt(np.linalg.eigvalsh(np.cov(z.T, ddof=0))[1]))
    at, shares = plane(z[:, :1])
    assert at.shape == (50, 2)
    assert shares.tolist() == [1, 0]
    assert not at[:, 1].any()


class Planted(Encoder):
    """Vectors are the first values of a sample; those of odd samples are moved by `apart`."""

    kind: Literal["planted"] = "planted"
    fitted: ClassVar[bool] = False
    apart: float = 0
    noise: int = 0

    def apply(self, weights: Mapping[str, Array], x: Array, device: str) -> Array:
        z = flatten(x)[:, :2] + (derive_rng(self.noise).normal(0, 0.1, (len(x), 2)) if self.noise else 0)
        z[:, 0] += self.apart * flatten(x)[:, 2]
        return np.asarray(z, dtype=np.float32)


def digits(n: int, classes: int = 3, labelled: bool = True) -> Samples:
    """Three Gaussian classes 12 apart in the first value; the third value is 0 or 1."""
    rng = derive_rng(11)
    label = np.arange(n) % classes
    x = rng.standard_normal((n, 4))
    x[:, 1] += 12 * label
    x[:, 2] = rng.integers(0, 2, n)
    return Samples(x.astype(np.float32), np.arange(n), label.astype(np.int32) + 4 if labelled else None)


def analysed(samples: Samples, encoders: Mapping[str, Encoder], table: str = "latent") -> dict[str, Array]:
    context = Context(Digits(), {}, models={name: FittedEncoder(one, {}) for name, one in encoders.items()})
    analysis = Latent(encoders=list(encoders))
    assert analysis.asks == tuple(encoders)
    found = analysis.analyse(table, {"holdout": InMemory(samples)}, {}, RNG, context)
    made = pa.table(dict(found), schema=analysis.tables[table].schema)
    return {name: made[name].to_pandas().to_numpy() for name in made.column_names}


def test_an_encoder_that_splits_classes_is_found_beside_one_that_does_not() -> None:
    encoders = {"whole": Planted(), "split": Planted(apart=40), "again": Planted()}
    table = analysed(digits(300), encoders)
    known = {(row["encoder"], row["minus"], row["label"]): row for row in rows(table)}
    assert len(known) == 3 * 4 + 1
    for label in (None, 4, 5, 6):
        assert (known["whole", None, label]["clumps"], known["split", None, label]["clumps"]) == (1, 2)
        assert known["whole", None, label]["purity"] > 0.99
    one = known["whole", "split", None]  # `again` is another training of `whole`
    assert (one["clumps"], one["trainings"], one["null"]) == (-1, 1, None)
    assert one["clumps_low"] <= one["clumps"] <= one["clumps_high"] < 0
    assert known["whole", None, 4]["null"] == pytest.approx(99 / 299)
    assert known["whole", None, None]["samples"] == 300
    (finding,) = Latent(encoders=["whole"]).findings(table)
    assert finding.startswith("whole (planted) against split, at least 1 training of each: −1.00 (−1.")
    assert Latent(encoders=["whole"]).unjudged("latent", table) == []


def test_a_space_that_says_nothing_is_at_chance() -> None:
    held = []
    for k in range(60):
        rng = derive_rng(12, k)
        label = rng.permutation(np.repeat([0, 1, 2], 60))
        (one, *_), _ = estimates(measure(rng.standard_normal((180, 2)), label, 10, stratified_halves(label, rng)))
        assert one.low is not None and one.high is not None
        held.append(one.low < 59 / 179 < one.high)
    assert np.mean(held) >= 0.85


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (digits(300, labelled=False), "have no classes"),
        (digits(100, 1), "have no classes, or one"),
        (digits(100), r"fewer than 50 held-out samples are not judged: 4 \(34\), 5 \(33\), 6 \(33\)"),
        (digits(3), r"fewer than 50 held-out samples are not judged: 4 \(1\), 5 \(1\), 6 \(1\)"),
        (digits(2), r"fewer than 50 held-out samples are not judged: 4 \(1\), 5 \(1\)"),
    ],
)
def test_what_cannot_be_judged(samples: Samples, says: str) -> None:
    analysis = Latent(encoders=["one"])
    table = analysed(samples, {"one": Planted(), "other": Planted(apart=3)})
    (sentence,) = analysis.unjudged("latent", table)
    assert analysis.findings(table) == []
    assert re.search(says, sentence)
    assert svg(analysis.draw("latent", table))


def test_points_are_those_of_each_encoder_and_can_be_drawn() -> None:
    samples = digits(120)
    table = analysed(samples, {"one": Planted(), "other": Planted(apart=3)}, "points")
    mine = table["encoder"] == "one"
    np.testing.assert_allclose(np.column_stack([table["x"], table["y"]])[mine], samples.x[:, :2], rtol=1e-6)
    assert np.array_equal(table["sample_id"][mine], samples.sample_id)
    assert table["label"][mine].tolist() == (np.arange(120) % 3 + 4).tolist()
    analysis = Latent(encoders=["one"])
    assert len({svg(analysis.draw("points", table)) for _ in range(2)}) == 1
    assert svg(analysis.draw("latent", analysed(samples, {"one": Planted()})))


@pytest.mark.parametrize("table", ["latent", "points"])
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_vectors_that_are_not_finite_are_refused(table: str) -> None:
    with pytest.raises(UserError, match=r"encoder bad: its vectors of \d+ of 300 samples are not finite"):
        analysed(digits(300), {"good": Planted(), "bad": Planted(apart=1e39)}, table)


def test_an_encoder_twice_is_refused() -> None:
    assert "encoders has a twice" in str(Latent(encoders=["a", "b", "a"]).refuses(Context(Digits(), {})))
    assert Latent(encoders=["a", "b"]).refuses(Context(Digits(), {})) is None

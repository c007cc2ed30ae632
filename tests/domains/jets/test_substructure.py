"""How near generated jets come to real ones: distances with known answers, planted failures, and what is not judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from in_memory import InMemory
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance

from gancensus.census.relabelling import relabelled
from gancensus.comparison.frechet import frechet_distance
from gancensus.contracts.analysis import Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import LazySamples, Samples, Scale
from gancensus.contracts.source import Source
from gancensus.domains.jets import relabelled_jets
from gancensus.domains.jets.analysis_substructure import Substructure
from gancensus.domains.jets.average_jets import BEFORE
from gancensus.domains.jets.jet_images import pixelated, preprocessed
from gancensus.domains.jets.jet_samples import JetSource
from gancensus.domains.jets.observables import observables
from gancensus.domains.jets.substructure import (
    FEWEST,
    QUANTITIES,
    SHARE,
    Distance,
    Jets,
    compared,
    constituents,
    distances,
    histograms,
    measure,
)
from gancensus.domains.jets.toys import toy_jets
from gancensus.plotting.style import svg

Floats = NDArray[np.float64]
GEV = Scale(("pt",), ("GeV",), (-4096.0,), (4096.0,))
NAMED = partial(derive_rng, 1)


def drawn(seed: int, n: int, shift: float = 0.0, smear: float = 0.0) -> Jets:
    """Jets of a known distribution of their observables; masses may be shifted and smeared."""
    rng = np.random.default_rng(seed)
    mass = 100 + 20 * rng.standard_normal(n) + shift + smear * rng.standard_normal(n)
    values = {
        "mass": mass,
        "pt": 500 + 100 * rng.exponential(size=n),
        "multiplicity": rng.poisson(40, n).astype(np.float64),
        "tau21": rng.beta(3, 3, n),
        "tau32": rng.beta(5, 3, n),
    }
    return Jets(values, values["pt"], 0, "GeV")


def found(fake: Jets, n: int, seed: int, null: Jets | None = None) -> dict[str, Distance]:
    return distances(drawn(seed, n), fake, null or drawn(seed + 10**6, n), rng=partial(derive_rng, seed))


def holds(one: Distance, truth: float) -> bool:
    assert one.estimate.low is not None and one.estimate.high is not None
    return one.estimate.low <= truth <= one.estimate.high


def matrix(jets: Jets) -> Floats:
    return np.column_stack([jets.values[name] for name in QUANTITIES])


def clouds(seed: int, n: int, prongs: int = 1, particles: int = 30) -> Floats:
    """Toy jets (n, particles, 3) within a unit square around 0: one particle in three is far from its prong."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, particles, 3))
    for jet in x:
        count = rng.integers(particles // 2, particles + 1)
        centre = rng.uniform(-0.5, 0.5, (prongs, 2))[rng.integers(0, prongs, count)]
        jet[:count, 0] = np.sort(rng.dirichlet(np.full(count, 0.5)) * (500 + 100 * rng.exponential()))[::-1]
        jet[:count, 1:] = np.clip(centre + rng.standard_t(3, (count, 2)) / 30, -0.99, 0.99)
    return x


def images(seed: int, n: int, prongs: int = 1, normalise: bool = False) -> InMemory:
    x = pixelated(clouds(seed, n, prongs), 40, 2.0)
    if normalise:
        return InMemory(Samples((x / x.sum(axis=(1, 2), keepdims=True)).astype(np.float32), np.arange(n)))
    return InMemory(Samples(GEV.encode(x), np.arange(n), scale=GEV), 70)


# distances


@pytest.mark.parametrize("shift", [10.0, -25.0])
def test_w1_of_shifted_masses_is_the_shift(shift: float) -> None:
    inside = 0
    for seed in range(20):
        one = found(drawn(seed + 500, 300, shift), 300, seed)
        inside += holds(one["mass"], abs(shift))
        assert one["mass"].p < 0.05 and (one["mass"].estimate.low or 0) > one["mass"].null
        assert one["tau21"].estimate.value is not None and one["tau21"].estimate.value < 0.1
    assert inside >= 17


def test_w1_of_smeared_masses() -> None:
    """Of N(m, a) and N(m, b), quantile by quantile: |a - b| times the mean of |N(0, 1)|."""
    truth = (math.hypot(20, 30) - 20) * math.sqrt(2 / math.pi)
    assert sum(holds(found(drawn(seed + 500, 400, smear=30), 400, seed)["mass"], truth) for seed in range(20)) >= 17


def test_w1_is_that_of_scipy() -> None:
    real, fake = drawn(1, 100), drawn(2, 60, 5)
    one = distances(real, fake, drawn(3, 60), rng=NAMED)
    for name in QUANTITIES:
        truth = wasserstein_distance(real.values[name], fake.values[name])
        assert one[name].estimate.value == pytest.approx(truth, rel=1e-12)


def jetnet_frechet(x: Floats, y: Floats) -> float:
    """The Frechet distance as JetNet has it: features over the largest absolute value of real ones."""
    largest = np.abs(x).max(axis=0)
    x, y = x / largest, y / largest
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = x.mean(axis=0) - y.mean(axis=0)
    return float(shift @ shift + np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b)).real)


def jetnet_kernel(x: Floats, y: Floats) -> float:
    """The quadratic unbiased MMD as JetNet has it, with degree 4, on all samples in place of a batch."""
    largest = np.abs(x).max(axis=0)
    x, y = x / largest, y / largest
    xx, yy, xy = ((a @ b.T / x.shape[1] + 1.0) ** 4 for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    own = (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(own - 2 * xy.mean())


def test_kpd_is_that_of_jetnet() -> None:
    real, fake = drawn(1, 200), drawn(2, 150, 5)
    one = distances(real, fake, drawn(3, 150), rng=NAMED)["kpd"]
    assert one.estimate.value == pytest.approx(jetnet_kernel(matrix(real), matrix(fake)), rel=1e-9)


def test_fpd_is_jetnets_line_to_infinite_samples() -> None:
    """JetNet's line through batches of several sizes, here without replacement so that it is not steeper."""
    real, fake = drawn(1, 4000), drawn(2, 4000, 10, 10)
    one = distances(real, fake, drawn(3, 4000), rng=NAMED)["fpd"]
    x, y, rng = matrix(real), matrix(fake), np.random.default_rng(0)
    sizes = [500, 1000, 2000]
    x = x / np.abs(x).max(axis=0)
    y = y / np.abs(matrix(real)).max(axis=0)
    means = [
        np.mean([frechet_distance(rng.permutation(x)[:size], rng.permutation(y)[:size]) for _ in range(40)])
        for size in sizes
    ]
    slope, at_infinity = np.polyfit(1 / np.array(sizes), means, 1)
    assert slope > 0
    assert holds(one, at_infinity)
    assert one.estimate.value is not None
    assert one.estimate.value < jetnet_frechet(matrix(real), matrix(fake)) < one.estimate.value * 1.1


def test_fpd_of_gaussians() -> None:
    """Independent Gaussians: the squares of the differences of means and of standard deviations, over the scale."""

    def normal(seed: int, shift: float, spread: float) -> Jets:
        rng = np.random.default_rng(seed)
        values = {name: 10 + rng.standard_normal(500) * spread + shift for name in QUANTITIES}
        return Jets(values, values["pt"], 0, "GeV")

    inside = 0
    for seed in range(20):
        real = normal(seed, 0, 1)
        one = distances(real, normal(seed + 100, 0.5, 1.3), normal(seed + 200, 0, 1), rng=partial(derive_rng, seed))
        truth = (0.5**2 + 0.3**2) * (1 / matrix(real).max(axis=0) ** 2).sum()
        inside += holds(one["fpd"], float(truth))
    assert inside >= 17


def test_kpd_and_fpd_of_equal_distributions_are_0_on_average() -> None:
    values = {"kpd": [], "fpd": []}  # type: dict[str, list[float]]
    for seed in range(40):
        one = found(drawn(seed + 500, 100), 100, seed)
        for name, known in values.items():
            known.append(one[name].estimate.value or 0.0)
    for known in values.values():
        assert abs(np.mean(known)) < 3 * np.std(known) / math.sqrt(40)
        assert min(known) < 0 < max(known)


def test_nothing_is_found_in_real_jets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relabelled_jets, "PERMUTATIONS", 99)
    alarms = sum(min(one.p for one in found(drawn(seed + 500, 80), 80, seed).values()) < 0.05 for seed in range(80))
    assert alarms <= 8


def test_a_collapsed_generator_is_found() -> None:
    real = drawn(1, 200)
    fake = Jets({name: np.repeat(values[:1], 200) for name, values in drawn(2, 1).values.items()}, np.ones(200), 0, "")
    one = distances(real, fake, drawn(3, 200), rng=NAMED)
    for name in QUANTITIES:
        truth = np.abs(real.values[name] - fake.values[name][0]).mean()
        assert one[name].estimate.value == pytest.approx(truth)
        assert one[name].p < 0.05
    assert one["fpd"].p < 0.05 and one["kpd"].p < 0.05


def test_correlations_are_seen_by_fpd() -> None:
    """Every quantity as it should be, but mass and tau21 in each other's order: W1 cannot tell."""
    real, fake, null = drawn(1, 800), drawn(2, 800), drawn(3, 800)
    values = dict(fake.values)
    values["tau21"] = np.sort(values["tau21"])[np.argsort(np.argsort(values["mass"]))]
    one = distances(real, Jets(values, fake.totals, 0, "GeV"), null, rng=NAMED)
    assert min(one[name].p for name in QUANTITIES) > 0.05
    assert one["fpd"].p < 0.01


def test_value_and_null_are_of_equally_many_jets() -> None:
    real, many, few = drawn(1, 100), drawn(2, 90, 8), drawn(3, 60)
    one, other = (distances(real, *pair, rng=NAMED) for pair in ((many, few), (few, many)))
    for name in QUANTITIES:
        some = many.values[name][np.sort(NAMED("cuts").choice(90, 60, replace=False))]
        assert one[name].estimate.value == pytest.approx(wasserstein_distance(real.values[name], some))
        assert one[name].null == pytest.approx(other[name].estimate.value)


# permuted labels


def test_permuted_distances_are_those_of_the_labelled_jets() -> None:
    rng = np.random.default_rng(1)
    x = np.round(rng.standard_normal((31, 3)), 1)  # with ties
    labels = relabelled(12, 31, 5, rng)
    own = [labels[:, k] == 1 for k in range(6)]
    wasserstein = relabelled_jets.permuted_wasserstein(x[:, 0], labels)
    np.testing.assert_allclose(wasserstein, [wasserstein_distance(x[a, 0], x[~a, 0]) for a in own], rtol=1e-12)
    frechet = relabelled_jets.permuted_frechet(x, labels.astype(np.float64))
    np.testing.assert_allclose(frechet, [frechet_distance(x[a], x[~a]) for a in own], rtol=1e-9)


# observables of samples


def test_images_and_clouds_at_the_centres_of_pixels_are_the_same_jets() -> None:
    x = clouds(1, 60, 2)
    x[..., 1:] = np.where(x[..., :1] > 0, (np.floor(x[..., 1:] * 20) + 0.5) / 20, 0)
    for jet in x:  # one particle in a pixel
        _, first = np.unique(jet[:, 1:], axis=0, return_index=True)
        jet[np.setdiff1d(np.arange(len(jet)), first), 0] = 0
    scale = Scale(("pt", "eta", "phi"), ("GeV", "1", "rad"), (-4096.0, -2.0, -2.0), (4096.0, 2.0, 2.0))
    cloud = measure(InMemory(Samples(scale.encode(x), np.arange(60), scale=scale), 7), 2.0, 0.0)
    image = measure(InMemory(Samples(GEV.encode(pixelated(x, 40, 2.0)), np.arange(60), scale=GEV), 50), 2.0, 0.0)
    direct = observables(x)
    assert cloud.unit == image.unit == "GeV"
    for name in QUANTITIES:  # rounding may decide which of equally near particles are joined first, and so tau
        for other in (image.values[name], direct[name]):
            if name.startswith("tau"):
                assert abs((cloud.values[name] - other).mean()) < 0.01
            else:
                np.testing.assert_allclose(cloud.values[name], other, rtol=1e-4)


def test_faint_pixels_and_values_below_0_are_not_counted() -> None:
    clean = images(1, 40, normalise=True)
    x = clean.samples.x.astype(np.float64)
    faint = np.where(x == 0, 5e-5, x)  # as a softmax leaves them; 8 % of the total
    negative = np.where(x == 0, -0.01, x)
    whole, *others = (measure(InMemory(Samples(y, np.arange(40))), 2.0, 1e-3) for y in (x, faint, negative))  # type: ignore[arg-type]
    for other in others:
        np.testing.assert_allclose(other.values["multiplicity"], whole.values["multiplicity"], atol=1)
        np.testing.assert_allclose(other.values["mass"], whole.values["mass"], rtol=0.02)
    every = measure(InMemory(Samples(faint.astype(np.float32), np.arange(40))), 2.0, 0.0)
    assert set(every.values["multiplicity"]) == {1600}


def test_what_is_measured_does_not_depend_on_how_it_is_read() -> None:
    known = images(1, 60).samples
    whole, *others = (measure(InMemory(known, group), 2.0, 1e-4) for group in (60, 7, 1))
    for other in others:
        for name in QUANTITIES:
            np.testing.assert_array_equal(whole.values[name], other.values[name])


def test_normalised_jets_have_no_pt() -> None:
    populations = {
        name: measure(images(k, 60, normalise=True), 2.0, 0.0) for k, name in enumerate(("holdout", "train"))
    }
    raw = measure(images(0, 60), 2.0, 0.0)
    assert populations["holdout"].normalised and not raw.normalised
    one = populations["holdout"].normalise()
    assert set(one.values) == {*QUANTITIES} - {"pt"} and one.unit_of("mass") == SHARE
    np.testing.assert_allclose(one.values["mass"], raw.values["mass"] / raw.totals, rtol=1e-5)
    lines = list(compared({**populations, "a-0": raw}, ["a-0"], NAMED))
    assert [line[1] for line in lines] == ["mass", "multiplicity", "tau21", "tau32", "fpd", "kpd"]
    assert lines[0][2:4] == pytest.approx(list(lines[0][2:4])) and lines[0][7] == SHARE
    assert lines[0][2] < 0.2  # GeV or not, a jet of the same shape has the same mass in units of its pT


def test_samples_that_are_no_jets() -> None:
    rows = InMemory(Samples(np.zeros((5, 7), np.float32), np.arange(5)), where="results/toy.parquet")
    with pytest.raises(UserError, match=r"results/toy.parquet: samples have the shape \(7,\); substructure needs jets"):
        measure(rows, 2.0, 0.0)


# the analysis


class Toy(Source):
    """A source whose samples were moved by five columns and three rows before it preprocessed them."""

    kind: str = "toy"
    moved: bool = False

    @property
    def classes(self) -> Mapping[int, str]:
        return {0: "QCD", 1: "top"}

    def unprocessed(self) -> Source | None:
        return self.model_copy(update={"moved": True})

    def load(self, seed: int) -> Samples | LazySamples:
        known = labelled(seed)
        return known if not self.moved else Samples(np.roll(known.x, (3, 5), (1, 2)), known.sample_id, known.label)


def labelled(seed: int) -> Samples:
    """Normalised jets of one and of three prongs, in turn."""
    x = pixelated(np.concatenate([clouds(seed, 60), clouds(seed + 1, 60, 3)]), 40, 2.0)
    order = np.arange(120).reshape(2, 60).T.ravel()
    x = x[order] / x[order].sum(axis=(1, 2), keepdims=True)
    return Samples(x.astype(np.float32), np.arange(120), (np.arange(120) % 2).astype(np.int32))


def table(name: str, generated: Mapping[str, InMemory], **real: InMemory) -> dict[str, NDArray[Any]]:
    every = {"train": images(1, 200), "calibrate": images(2, 50), "holdout": images(3, 200)} | real
    said = Substructure().analyse(name, every, generated, NAMED, Context(Toy(), {}, seed=5))
    assert list(said) == Substructure.tables[name].schema.names
    svg(Substructure().draw(name, as_read(said)))
    return as_read(said)


def as_read(columns: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Columns as they are read from a table: nulls of numbers are NaN."""
    return {
        name: np.array(values, dtype=object if any(isinstance(v, str) for v in values) else np.float64)
        for name, values in columns.items()
    }


def test_what_is_found_of_generators() -> None:
    generated = {"good-0": images(4, 200), "bad-0": images(5, 200, prongs=3)}
    both, alone = table("substructure", generated), table("substructure", {"bad-0": generated["bad-0"]})
    own = both["population"] == "bad-0"
    for name, values in alone.items():
        np.testing.assert_array_equal(values, both[name][own])
    good, bad = Substructure().findings(both)
    assert good.startswith("No difference between the jets of good-0 and held-out ones is found in mass, pT, multipl")
    assert bad.startswith("The jets of bad-0 differ from held-out ones (p = 0.002): mass by W1 = ")
    assert " GeV (" in bad and "; real jets " in bad and "FPD" not in bad
    assert Substructure().unjudged("substructure", both) == []


def test_what_cannot_be_judged() -> None:
    empty = np.zeros((50, 40, 40), np.float32)
    empty[: FEWEST - 1, 3, 4] = 1e-4
    few = table("substructure", {"few-0": InMemory(Samples(empty, np.arange(50), scale=GEV))})
    assert np.isnan(few["value"]).all() and set(few["left_out"]) == {50 - FEWEST + 1}
    assert Substructure().unjudged("substructure", few) == [
        "Too few jets to judge few-0: 39 of it and of train, and 200 of holdout; each needs 40.",
        "11 jets of few-0 have no particle and are left out.",
    ]
    assert Substructure().findings(few) == []
    normalised = {name: images(k, 60, normalise=True) for k, name in enumerate(("train", "holdout"))}
    found = table("substructure", {"a-0": images(4, 60, normalise=True)}, **normalised)
    assert Substructure().unjudged("substructure", found) == [
        "The real jets are normalised: their pT is 1, so it is not compared, and masses are over the jet's pT."
    ]
    assert table("substructure", {})["population"].size == 0


def test_histograms() -> None:
    far = Jets({name: values * 100 for name, values in drawn(3, 50).values.items()}, np.ones(50), 0, "GeV")
    lines = list(histograms({"holdout": drawn(1, 300), "train": drawn(2, 200), "far-0": far}))
    for population in ("holdout", "train", "far-0"):
        for quantity in QUANTITIES:
            bins = [line for line in lines if line[:2] == (population, quantity)]
            assert sum(line[4] for line in bins) == pytest.approx(1)
            assert all(a[3] == b[2] for a, b in pairwise(bins))
            assert all(low <= share <= high for *_, share, low, high, _ in bins)
            if population == "far-0" and quantity == "pt":
                assert bins[-1][4] == 1  # all beyond the last bin
    known = drawn(1, 300).values["multiplicity"]
    first = next(line for line in lines if line[:2] == ("holdout", "multiplicity") and line[4] > 0)
    assert first[4] == pytest.approx(((known >= first[2]) & (known < first[3])).mean())
    table("histograms", {"a-0": images(4, 60)})


def test_images_of_jets() -> None:
    """Averages of all training jets, and of the first that the source gave again, before it moved them."""
    known = labelled(5)
    found = table("jets", {}, train=InMemory(known.take(np.arange(119, -1, -1)), 50))
    shown = {
        (name, stage, picture): (found["jets"][at][0], found["value"][at].reshape(40, 40))
        for name in ("QCD", "top")
        for stage in ("before", "after")
        for picture in ("one", "average")
        if (at := (found["class"] == name) & (found["stage"] == stage) & (found["picture"] == picture)).any()
    }
    assert len(shown) == 8 and len(found["value"]) == 8 * 1600
    for label, name in enumerate(("QCD", "top")):
        x = known.x[known.label == label].astype(np.float64)
        before = np.roll(x, (3, 5), (1, 2))[-BEFORE:]
        jets, average = shown[name, "after", "average"]
        assert jets == 60
        np.testing.assert_allclose(average, x.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(shown[name, "after", "one"][1], x[-1], atol=1e-6)
        jets, average = shown[name, "before", "average"]
        assert jets == BEFORE
        np.testing.assert_allclose(average, before.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(shown[name, "before", "one"][1], np.roll(x, (3, 5), (1, 2))[-1], atol=1e-6)
    assert found["eta"][:2].tolist() == pytest.approx([-0.975, -0.925])
    assert found["phi"][[0, 40]].tolist() == pytest.approx([0.975, 0.925])


def test_shares_of_clouds_are_images_of_them() -> None:
    x = clouds(1, 30)
    rows = InMemory(Samples(x.astype(np.float32), np.arange(30)))
    context = Context(Toy(moved=False), {})
    said = as_read(Substructure().analyse("jets", {"train": rows}, {}, NAMED, context._replace(source=Plain())))
    image = pixelated(x.astype(np.float32).astype(np.float64), 40, 2.0)
    image /= image.sum(axis=(1, 2), keepdims=True)
    assert set(said["class"]) == {"all jets"} and set(said["stage"]) == {"after"}
    np.testing.assert_allclose(said["value"][1600:].reshape(40, 40), image.mean(axis=0), atol=1e-9)


class Plain(Source):
    """A source that preprocesses nothing."""

    kind: str = "plain"


class Preprocessed(JetSource):
    """Toy jets, preprocessed as the keys say."""

    kind: str = "preprocessed"

    def load(self, seed: int) -> LazySamples:
        particles = clouds(seed, 30, 2)
        return self.lazy(np.zeros(30, np.int32), 2000.0, lambda rows: particles[rows])


def test_sources_of_jets_give_them_as_they_were() -> None:
    source = Preprocessed()
    raw = source.unprocessed()
    assert raw == Preprocessed(centre=False, rotate=False, flip=False, normalise=False)
    assert raw is not None and raw.unprocessed() is None
    before, after = (one.load(5).take(slice(None)) for one in (raw, source))
    np.testing.assert_array_equal(before.sample_id, after.sample_id)
    np.testing.assert_array_equal(before.conditions["mass"], after.conditions["mass"])
    images = pixelated(preprocessed(clouds(5, 30, 2), False, False, False), 40, 2.0)
    np.testing.assert_allclose(before.natural(), images, rtol=1e-6)
    said = Substructure().analyse("jets", {"train": InMemory(after)}, {}, NAMED, Context(source, {}, seed=5))
    shown = as_read(said)["value"].reshape(4, 40, 40)  # one and average, before and after
    np.testing.assert_allclose(shown[0], images[0] / images[0].sum(), rtol=1e-6)
    np.testing.assert_allclose(shown[2], after.x[0], atol=1e-6)


def test_particles_in_another_order_are_refused() -> None:
    jets = toy_jets(np.full(50, 2), 20, derive_rng(1))[..., [1, 2, 0]]  # JetNet's order
    with pytest.raises(UserError, match="many particles have a pT below 0; substructure needs them as pT, eta, phi"):
        constituents(Samples(jets, np.arange(50)), 2.0, 0.0, "mine-0")

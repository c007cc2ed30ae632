"""Three scales of thresholds, which the number of held-out samples sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from math import comb, inf
from typing import Any, ClassVar

import numpy as np
import pytest
from in_memory import InMemory
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from gancensus.census.census import take_census
from gancensus.census.support import Graph
from gancensus.config.results import Search
from gancensus.config.sections import Census
from gancensus.contracts.errors import UserError
from gancensus.contracts.metric import LOOSEST, SCALES, Features, Metric
from gancensus.contracts.samples import Samples
from gancensus.domains.general.metric_condition import Condition
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.search import thresholds
from gancensus.search.duplicates import Found, Share, at_scale, search
from gancensus.search.scales import MOST, scales_of, start, thresholds_at, wanted
from gancensus.search.thresholds import find_thresholds

Table = dict[str, Any]


class Columns(Euclidean):
    """The distance in some columns of the samples."""

    first: int = 0
    width: int = 1

    def features(self, samples: Samples) -> Features:
        """Return these columns."""
        x = np.ascontiguousarray(samples.x[:, self.first : self.first + self.width])
        return super().features(replace(samples, x=x))


class DearColumns(Columns):
    """The same, too dear for all pairs."""

    cost: ClassVar[float] = 1e6


class Identified(InMemory):
    """Samples in memory whose identities a search asks for."""

    def identities(self) -> Samples:
        """Return them all."""
        return self.whole()


def samples_of(x: NDArray[Any], **conditions: NDArray[Any]) -> Samples:
    named = {name: values.astype(np.float32) for name, values in conditions.items()}
    return Samples(x.astype(np.float32), np.arange(len(x)), None, None, named)


def found(definition: Mapping[str, Metric], calibrate: Samples, holdout: int, said: list[str] | None = None) -> Table:
    say = (said if said is not None else []).append
    seeds = {name: k for k, name in enumerate(definition)}
    table = find_thresholds(
        definition,
        {None: InMemory(calibrate)},
        holdout,
        0.95,
        lambda name: np.random.default_rng(seeds[name]),
        2000,
        "cpu",
        say,
    )
    return dict(table)


def alphas(table: Table) -> dict[str, float]:
    """The alpha of each scale, which all metrics share."""
    rows = {(s, a) for s, a in zip(table["scale"], table["alpha"], strict=True) if s is not None}
    assert len(rows) == len({scale for scale, _ in rows})
    return dict(rows)


def distances(metric: Euclidean, samples: Samples) -> NDArray[np.float64]:
    found: NDArray[np.float64] = pdist(metric.features(samples)[0].astype(np.float64))
    return found


def joint(definition: Mapping[str, Any], limits: list[float], samples: Samples) -> int:
    """Pairs within all limits, by brute force."""
    inside = [distances(metric, samples) <= limit for metric, limit in zip(definition.values(), limits, strict=True)]
    return int(np.count_nonzero(np.all(inside, axis=0)))


@pytest.mark.parametrize(
    ("calibrate", "holdout", "middle"), [(1000, 1000, 300), (1000, 501, 300 * 499_500 // 125_250 + 1), (10, 1000, 10)]
)
def test_the_counts_of_calibrate_follow_from_those_of_holdout(calibrate: int, holdout: int, middle: int) -> None:
    assert wanted(calibrate, holdout)["middle"] == middle


def test_one_metric_has_the_share_as_its_alpha() -> None:
    """Of as many held-out samples: exactly as many pairs of calibrate as duplicates are asked for."""
    calibrate, metric = samples_of(np.random.default_rng(1).normal(size=(700, 4))), Euclidean()
    said: list[str] = []
    table = found({"near": metric}, calibrate, 700, said)
    order = np.sort(distances(metric, calibrate))
    assert table["scale"] == ("strict", "middle", "loose")
    assert table["alpha"] == tuple(count / comb(700, 2) for count in SCALES.values())
    assert table["threshold"] == tuple(order[count - 1] for count in SCALES.values())
    assert said[-1] == "loose: alpha 0.00409, about 1,000 duplicates in holdout"


def test_fresh_samples_have_as_many_duplicates_as_were_asked_for() -> None:
    """The mean of 24 repeats, whose standard error is about 2 %: of the Gaussian, and of two metrics of it."""
    definitions: list[dict[str, Any]] = [{"near": Euclidean()}, {"a": Columns(width=2), "b": Columns(first=1, width=2)}]
    for definition in definitions:
        counts = np.zeros((24, 3))
        for k, row in enumerate(counts):
            rng = np.random.default_rng([5, k])
            table = found(definition, samples_of(rng.normal(size=(500, 3))), 400)
            fresh = samples_of(rng.normal(size=(400, 3)))
            row[:] = [joint(definition, limits, fresh) for limits in scales_of(table).values()]
        np.testing.assert_allclose(counts.mean(axis=0), [100, 300, 1000], rtol=0.08)


def test_independent_metrics_share_a_root() -> None:
    """The joint share of k independent metrics is alpha to the k."""
    x = np.random.default_rng(2).normal(size=(2000, 3))
    table = found({c: Columns(first=k) for k, c in enumerate("abc")}, samples_of(x), 2000)
    for scale, alpha in alphas(table).items():
        assert alpha == pytest.approx((SCALES[scale] / comb(2000, 2)) ** (1 / 3), rel=0.06)


def test_equal_metrics_have_the_alpha_of_one() -> None:
    calibrate = samples_of(np.random.default_rng(3).normal(size=(800, 3)))
    both, one = (found(d, calibrate, 800) for d in ({"a": Euclidean(), "b": Euclidean()}, {"a": Euclidean()}))
    assert alphas(both) == alphas(one)
    assert {scale: values[:1] for scale, values in scales_of(both).items()} == scales_of(one)


@pytest.mark.parametrize("size", [150, 900])
def test_the_joint_count_is_that_of_brute_force(size: int) -> None:
    """With few pairs, which are all measured at once, and with more; a metric has an alpha of its own."""
    calibrate = samples_of(np.random.default_rng(4).normal(size=(size, 4)) @ np.triu(np.ones((4, 4))))
    definition: dict[str, Any] = {"a": Columns(), "b": Columns(first=1, alpha=0.3), "c": Columns(first=2, width=2)}
    table = found(definition, calibrate, size)
    limits = scales_of(table)
    counts = {scale: joint(definition, values, calibrate) for scale, values in limits.items()}
    order = [np.sort(distances(definition[name], calibrate)) for name in "abc"]
    for scale, alpha in alphas(table).items():
        rank = round(alpha * comb(size, 2))
        given = order[1][int(0.3 * comb(size, 2) + 0.999999) - 1]
        assert limits[scale] == [order[0][rank - 1], given, order[2][rank - 1]]
        smaller = [order[0][rank - 2], given, order[2][rank - 2]]  # at the alpha of one pair less
        assert alpha == MOST or joint(definition, smaller, calibrate) < SCALES[scale] <= counts[scale]
        assert counts[scale] <= SCALES[scale] + 1  # a rank is that of a pair in each of two metrics
    assert (alphas(table)["loose"] == MOST) == (size == 150)
    assert [row for row in zip(table["metric"], table["scale"], table["alpha"], strict=True) if row[0] == "b"] == [
        ("b", None, 0.3)
    ]


def test_conditions_belong_to_the_share() -> None:
    """Half of the pairs are under the same condition: alpha among these is twice the share of all."""
    rng = np.random.default_rng(5)
    energy = np.repeat([1, 2], 400)
    calibrate = samples_of(rng.normal(size=(800, 2)), energy=energy)
    beam = Condition(column="energy", tolerance=0)
    table = found({"beam": beam, "near": Euclidean()}, calibrate, 800)
    matched = 2 * comb(400, 2)
    assert table["all_pairs"] == (matched,) * 4
    assert alphas(table) == {scale: count / matched for scale, count in SCALES.items()}
    both: dict[str, Any] = {"a": Columns(), "b": Columns(first=1)}
    same = pdist(energy[:, None].astype(float)) == 0
    for limits in scales_of(found({**both, "beam": beam}, calibrate, 800)).values():
        inside = [distances(metric, calibrate) <= limit for metric, limit in zip(both.values(), limits, strict=False)]
        assert np.count_nonzero(np.all(inside, axis=0) & same) in SCALES.values()


def test_ties_are_all_duplicates() -> None:
    """Of six kinds of rows more pairs are equal than any scale asks for: every threshold is 0."""
    x = np.random.default_rng(6).integers(0, 2, (900, 3)) * [1, 1, 0]
    calibrate = samples_of(x)
    for definition in ({"a": Euclidean()}, {"a": Columns(), "b": Columns(first=1)}):
        said: list[str] = []
        table = found(definition, calibrate, 900, said)
        assert set(table["threshold"]) == {0.0}
        assert 0 < max(alphas(table).values()) <= MOST


def test_ties_that_cannot_be_held_end_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thresholds, "MOST_HELD", 2000)
    x = np.random.default_rng(7).integers(0, 4, (800, 2))
    table = found({"a": Columns(), "b": Columns(first=1)}, samples_of(x), 800)
    assert set(table["threshold"]) == {0.0}


@pytest.mark.parametrize("size", [3, 5, 20])
def test_a_few_samples_have_scales_that_coincide(size: int) -> None:
    """At most a fifth of their pairs, and at least one."""
    calibrate = samples_of(np.random.default_rng(8).normal(size=(size, 2)))
    for definition in ({"a": Euclidean()}, {"a": Columns(), "b": Columns(first=1)}):
        for holdout in (0, 1, 20):
            table = found(definition, calibrate, holdout)
            assert set(alphas(table).values()) == {max(1, int(MOST * comb(size, 2))) / comb(size, 2)}


def test_at_least_ten_pairs_set_a_threshold() -> None:
    table = found({"a": Euclidean()}, samples_of(np.random.default_rng(9).normal(size=(100, 2))), 2000)
    assert alphas(table) == dict.fromkeys(SCALES, 10 / comb(100, 2))


def test_samples_without_a_pair_are_a_users_error() -> None:
    beam = Condition(column="energy", tolerance=0)
    with pytest.raises(UserError, match="no two samples of `calibrate` are under the same conditions"):
        found({"beam": beam, "a": Euclidean()}, samples_of(np.zeros((9, 2)), energy=np.arange(9)), 9)


def test_a_dear_metric_alone_has_exact_thresholds() -> None:
    """Not those of 50,000 of its 124,750 pairs, of which a scale would be 40."""
    calibrate = samples_of(np.random.default_rng(10).normal(size=(500, 2)))
    dear, cheap = (found({"a": kind(width=2)}, calibrate, 500) for kind in (DearColumns, Columns))
    assert dear == cheap


def test_a_dear_metric_beside_another_is_sampled() -> None:
    """Its quantiles are those of the sample, and the joint count is exact but for their steps."""
    calibrate = samples_of(np.random.default_rng(11).normal(size=(700, 2)))
    definition: dict[str, Any] = {"a": Columns(), "b": DearColumns(first=1)}
    table = found(definition, calibrate, 700)
    for scale, limits in scales_of(table).items():
        assert joint(definition, limits, calibrate) == pytest.approx(SCALES[scale], rel=0.03)
    assert table["pairs"][3:] == (thresholds.SAMPLED_PAIRS,) * 3
    given = {name: metric.model_copy(update={"alpha": alphas(table)["loose"]}) for name, metric in definition.items()}
    assert thresholds_at(found(given, calibrate, 0)) == scales_of(table)["loose"]


@pytest.mark.parametrize("first", [1e-9, 1e-3, MOST])
def test_where_the_search_starts_changes_nothing(first: float, monkeypatch: pytest.MonkeyPatch) -> None:
    calibrate = samples_of(np.random.default_rng(12).normal(size=(600, 3)))
    definition = {c: Columns(first=k) for k, c in enumerate("abc")}
    expected = found(definition, calibrate, 600)
    monkeypatch.setattr(thresholds, "start", lambda *_: first)
    assert found(definition, calibrate, 600) == expected
    monkeypatch.setattr(thresholds, "MOST_HELD", 2000)  # and quantiles that are not held are found again
    assert found(definition, calibrate, 600) == expected


def test_far_more_samples_than_are_held_out_are_not_all_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """400 held-out samples: of 1,500 of calibrate, a part has all the pairs that are needed."""
    monkeypatch.setattr("gancensus.search.scales.HELD", 5000)
    x, h = np.random.default_rng(13).normal(size=(2, 1500, 2))
    definition: dict[str, Any] = {"a": Columns(), "b": Columns(first=1)}
    table = found(definition, samples_of(x), 400)
    for scale, limits in scales_of(table).items():
        expected = joint(definition, limits, samples_of(h)) * comb(400, 2) / comb(1500, 2)
        assert expected == pytest.approx(SCALES[scale], rel=0.15)
    whole, some = (found({"a": kind(width=2)}, samples_of(x), 400) for kind in (Columns, DearColumns))
    assert some["alpha"] == pytest.approx(whole["alpha"], rel=5e-3)  # of as large a share of fewer pairs
    assert some["threshold"] == pytest.approx(whole["threshold"], rel=0.05) and some["pairs"] < whole["pairs"]


def test_the_start_is_a_guess_of_the_alpha() -> None:
    """Of two independent metrics the root of the share, extrapolated where the sample has no such pairs."""
    sample = np.random.default_rng(14).random((50_000, 2))
    for share in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5):
        assert min(MOST, 0.9 * share**0.5) <= start(sample, share) <= 2 * share**0.5
    assert start(np.full((50_000, 2), inf), 0.1) == MOST


# Searches at scales


def searched(x: NDArray[Any], y: NDArray[Any], table: Table, shards: int = 1, shard: int = 0) -> Found:
    share = Share(shard, shards, 2000, 200, "cpu")
    scales = scales_of(table)
    spaces: Any = {"gan-0": {None: Identified(samples_of(x))}, "holdout": {None: Identified(samples_of(y))}}
    return search({"near": Euclidean()}, thresholds_at(table, LOOSEST), spaces, share, scales=scales)


def test_counts_at_every_scale_are_exact_where_pairs_are_thinned() -> None:
    rng = np.random.default_rng(15)
    x, y = rng.normal(size=(2, 600, 2))
    table = found({"near": Euclidean()}, samples_of(rng.normal(size=(600, 2))), 600)
    result = searched(x, y, table)
    assert int(result.facts["step"]) > 1
    apart = np.sqrt(((x.astype(np.float32)[:, None].astype(float) - y.astype(np.float32)[None]) ** 2).sum(axis=2))
    for scale, (limit,) in scales_of(table).items():
        near = apart <= limit
        name = "duplicates" if scale == LOOSEST else f"duplicates_{scale}"
        np.testing.assert_array_equal(result.repeats[name], np.concatenate([near.sum(axis=1), near.sum(axis=0)]))
        listed = at_scale(result.duplicates, result.facts, scale)
        assert (listed["near"] <= limit).all()
    sizes = [len(at_scale(result.duplicates, result.facts, scale)["i"]) for scale in SCALES]
    assert all(a < b for a, b in pairwise(sizes))
    graph = Graph.of(result)
    assert graph.duplicates.sum() == 2 * np.count_nonzero(apart <= scales_of(table)["middle"][0])
    assert {scale: one.duplicates.sum() for scale, one in graph.scales.items()} == {
        scale: 2 * np.count_nonzero(apart <= limit) for scale, (limit,) in scales_of(table).items()
    }


def test_given_alphas_have_no_scales() -> None:
    calibrate = samples_of(np.random.default_rng(16).normal(size=(100, 2)))
    table = found({"near": Euclidean(alpha=0.1)}, calibrate, 100)
    assert scales_of(table) == {}
    result = searched(calibrate.x, calibrate.x, table)
    assert "scales" not in result.facts
    for scale in ("strict", "middle"):
        assert result.repeats[f"duplicates_{scale}"].null_count == 200
    assert at_scale(result.duplicates, result.facts) is result.duplicates
    assert not Graph.of(result).scales


def census_of(definition: dict[str, Metric], populations: dict[str, Samples], table: Table) -> dict[Search, Graph]:
    share = Share(0, 1, 2000, 10**6, "cpu")
    rows: dict[str, Any] = {name: {None: Identified(samples)} for name, samples in populations.items()}
    searches = [Search("holdout"), Search("gan-0"), Search("gan-0", "holdout")]
    limits, scales = thresholds_at(table, LOOSEST), scales_of(table)
    return {
        one: Graph.of(search(definition, limits, {p: rows[p] for p in one.populations}, share, scales=scales))
        for one in searches
    }


def test_the_census_at_a_scale_is_that_of_its_alpha() -> None:
    """At each scale the rows of support are those of its alphas, given; those of middle are the census."""
    rng = np.random.default_rng(17)
    calibrate, holdout, made = (samples_of(rng.normal(size=(400, 3)) * w) for w in (1, 1, 0.7))
    populations, settings = {"holdout": holdout, "gan-0": made}, Census(replicates=100, permutations=100)
    table = found({"near": Euclidean()}, calibrate, 400)
    auto = take_census([("near", census_of({"near": Euclidean()}, populations, table))], settings, "toy", 1)
    for scale, alpha in alphas(table).items():
        given: dict[str, Metric] = {"near": Euclidean(alpha=alpha)}
        graphs = census_of(given, populations, found(given, calibrate, 400))
        expected = take_census([("near", graphs)], settings, "toy", 1)
        here = [k for k, of in enumerate(auto.scales["scale"]) if of == scale]
        assert {n: [auto.scales[n][k] for k in here] for n in expected.support} == expected.support
        assert expected.scales == {"scale": [None, None], **expected.support}
        if scale == "middle":
            for one, other in ((auto.support, expected.support), (auto.curve, expected.curve)):
                assert {n: list(c) for n, c in one.items()} == {n: list(c) for n, c in other.items()}
            assert auto.diversity == expected.diversity
    assert json.loads(json.dumps(auto.scales["duplicates"]))  # plain numbers

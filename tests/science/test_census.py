from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.census.census import take_census
from gancensus.census.graph import degrees
from gancensus.census.support import (
    Count,
    Graph,
    copies_row,
    copies_verdict,
    count,
    curve_columns,
    diversity_rows,
    nulls_of,
    support_row,
)
from gancensus.config.results import Search
from gancensus.config.sections import Census
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import REFERENCE
from gancensus.search.duplicates import Found
from gancensus.statistics.estimate import Estimate
from gancensus.storage import schemas

Edges = tuple[NDArray[np.int64], NDArray[np.int64]]
LEVEL, MARGIN, REPLICATES = 0.95, 1.5, 4000


def copies(of: NDArray[Any], offset: int = 0) -> Edges:
    """The duplicate pairs of samples that are copies of the given prototypes, by sample_id from `offset` on."""
    n = len(of)
    i, j = np.triu_indices(n, k=1)
    same = of[i] == of[j]
    return i[same] + offset, j[same] + offset


def graph(samples: int, edges: Edges, offset: int = 0) -> Graph:
    """What a search writes of a population whose sample_id begin at `offset`."""
    i, j = edges
    ids = np.arange(samples) + offset
    partners = np.full(samples, samples - 1)
    condition = np.zeros(samples, dtype=np.int64)
    return Graph(ids, degrees(samples, i - offset, j - offset), partners, condition, samples, 1, i, j)


def across(a: NDArray[Any], b: NDArray[Any], offset: int = 10**6) -> Graph:
    """What a search writes of two populations of copies of prototypes; the other's sample_id begin at `offset`."""
    i, j = np.nonzero(a[:, None] == b[None, :])
    counts = [np.bincount(rows, minlength=n) for rows, n in ((i, len(a)), (j, len(b)))]
    return Graph(
        np.concatenate([np.arange(len(a)), np.arange(len(b)) + offset]),
        np.concatenate(counts),
        np.repeat([len(b), len(a)], [len(a), len(b)]),
        np.zeros(len(a) + len(b), dtype=np.int64),
        len(a),
        1,
        i,
        j + offset,
    )


def counted(samples: int, edges: Edges, offset: int = 0) -> Count:
    return count(graph(samples, edges, offset), LEVEL, REPLICATES, derive_rng(1, "census"))


def row(found: Count, reference: Count) -> dict[str, Any]:
    return support_row("gan-0", found, reference, None, LEVEL, MARGIN)


@pytest.mark.parametrize("prototypes", [10, 100])
def test_a_generator_of_frozen_prototypes(prototypes: int) -> None:
    """Each of K prototypes m times: m(m-1)/2 K pairs of n(n-1)/2, and the support is K however it is read."""
    found = counted(20 * prototypes, copies(np.arange(20 * prototypes) % prototypes))
    support = row(found, found)
    n = 20 * prototypes
    assert support["samples"] == n
    assert support["pairs"] == n * (n - 1) // 2
    assert support["duplicates"] == 190 * prototypes
    assert support["collision"] == pytest.approx(19 / (n - 1), rel=1e-12)
    assert support["effective_support"] == pytest.approx((n - 1) / 19, rel=1e-12)
    half = {10: 5, 100: 13}[prototypes]  # the classical birthday problem
    assert abs(support["batch_half"] - half) <= 1  # drawn without replacement, by 4000 replicates
    assert support["square_support"] == support["batch_half"] ** 2
    assert support["birthday_support"] == pytest.approx(prototypes, rel=0.5)


def test_prototypes_drawn_at_random() -> None:
    """K = 50 equally likely prototypes: the interval of the effective support holds 50, whose inverse is q."""
    found = counted(1500, copies(derive_rng(2).integers(0, 50, 1500)))
    support = row(found, found)
    assert support["collision"] == pytest.approx(1 / 50, rel=0.05)
    assert support["effective_support_low"] < 50 < support["effective_support_high"]
    assert (support["ratio"], support["verdict"]) == (1, "as many duplicates")


def test_a_collapsed_generator_is_less_diverse_and_the_reverse_more() -> None:
    few, many = (counted(1000, copies(derive_rng(3, k).integers(0, k, 1000))) for k in (10, 200))
    collapsed = row(few, many)
    assert collapsed["ratio"] == pytest.approx(20, rel=0.1)
    assert collapsed["ratio_low"] < collapsed["ratio"] < collapsed["ratio_high"]
    assert collapsed["verdict"] == "more duplicates"
    assert row(many, few)["verdict"] == "fewer duplicates"


def test_a_few_pairs_cannot_tell() -> None:
    edges = (np.array([0, 2]), np.array([1, 3]))
    assert row(counted(500, edges), counted(500, (edges[0][:1], edges[1][:1])))["verdict"] == "inconclusive"


def test_no_duplicate_gives_bounds() -> None:
    none = counted(100, (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)))
    support = row(none, counted(100, copies(np.arange(100) % 5)))
    assert (support["duplicates"], support["collision"], support["collision_low"]) == (0, 0, 0)
    assert support["collision_high"] == pytest.approx(3 / 4950, rel=0.01)  # the rule of three
    assert support["effective_support"] is support["effective_support_high"] is None
    assert support["effective_support_low"] == pytest.approx(4950 / 3, rel=0.01)
    assert support["batch_half"] is support["square_support"] is support["birthday_support"] is None


def test_a_single_pair_among_two_samples() -> None:
    found = counted(2, (np.array([0]), np.array([1])))
    assert (found.collision.value, row(found, found)["batch_half"]) == (1, 2)
    assert set(found.hits.tolist()) == {2}


def test_the_reference_has_no_ratio_to_itself() -> None:
    found = counted(100, copies(np.arange(100) % 5))
    support = support_row(REFERENCE, found, found, None, LEVEL, MARGIN)
    assert [support[name] for name in ("ratio", "ratio_low", "ratio_high", "verdict")] == [None] * 4
    assert {"study", "definition", *support} == set(schemas.SUPPORT.names)
    assert {"study", "definition", *row(found, found)} == set(schemas.SUPPORT.names)


def test_the_names_of_the_samples_do_not_matter() -> None:
    """sample_id of a generator begin anywhere; only the graph counts, in an order that keeps that of the samples."""
    of = derive_rng(4).integers(0, 40, 300)
    low, high = counted(300, copies(of)), counted(300, copies(of, offset=7 * 10**18), offset=7 * 10**18)
    assert low.collision == high.collision
    np.testing.assert_array_equal(low.hits, high.hits)


def test_samples_without_a_duplicate_count() -> None:
    """Five copies among n fresh samples: q is 10 pairs of n(n-1)/2, and P(s) hypergeometric."""
    edges = tuple(np.array(side) for side in zip(*itertools.combinations([3, 40, 41, 60, 99], 2), strict=True))
    found = counted(100, (edges[0], edges[1]))
    assert found.collision.value == 10 / 4950
    missed = [(95 * 94 / (100 * 99)) + 2 * 5 * 95 / (100 * 99)]  # none or one of the five among two drawn
    assert (found.hits <= 2).mean() == pytest.approx(1 - missed[0], abs=0.005)


def test_curve_columns() -> None:
    found = counted(400, copies(np.arange(400) % 20))
    curve = curve_columns("gan-0", found, LEVEL)
    assert {"definition", *curve} == set(schemas.CURVE.names)
    assert set(curve["population"]) == {"gan-0"}
    low, value, high = (curve[f"probability{end}"] for end in ("_low", "", "_high"))
    assert ((low >= 0) & (low <= value) & (value <= high) & (high <= 1)).all()
    assert all((np.diff(column) >= 0).all() for column in (low, value, high))
    exact = {s: 1 - np.prod([1 - 19 * i / (400 - i) for i in range(s)]) for s in curve["batch"].tolist()}
    np.testing.assert_allclose(value, list(exact.values()), atol=0.04)


def test_only_listed_samples_make_the_curve_and_all_make_the_collision() -> None:
    """Of 1,000 copies of 4 prototypes every second sample is listed: the count is of all, the graph of half."""
    of = np.arange(1000) // 2 % 4
    whole = graph(1000, copies(of))
    even = (whole.i % 2 == 0) & (whole.j % 2 == 0)
    half = Graph(whole.sample_id, whole.duplicates, whole.partners, None, 1000, 2, whole.i[even], whole.j[even])
    found = count(half, LEVEL, REPLICATES, derive_rng(1))
    assert found.collision == counted(1000, copies(of)).collision
    assert found.batches.samples == 500
    assert found.batches.value == (500 / 4 - 1) / 499
    assert found.hits.max() <= 5
    profile = {r["quantity"]: r["value"] for r in diversity_rows("gan-0", half, LEVEL)}
    assert (profile["components"], profile["largest"], profile["clique_bound"]) == (4, 125, 125)


def test_matched_pairs_alone_are_compared() -> None:
    """Two conditions of 50 samples, copies of one prototype in each: all matched pairs are duplicates."""
    of = np.arange(100) % 2
    whole = graph(100, copies(of))
    matched = Graph(whole.sample_id, whole.duplicates, np.full(100, 49), of, 100, 1, whole.i, whole.j)
    found = count(matched, LEVEL, REPLICATES, derive_rng(1))
    assert (found.collision.value, found.collision.pairs) == (1, 2 * 50 * 49 // 2)
    assert found.batches.pairs == 100 * 99 // 2
    assert support_row("gan-0", found, found, None, LEVEL, MARGIN)["effective_support"] == 1


def test_the_null_holds_equal_populations_and_not_a_collapsed_one() -> None:
    rng = derive_rng(5)
    holdout, equal, collapsed = (rng.integers(0, k, 400) for k in (50, 50, 10))
    reference = graph(400, copies(holdout, 10**6), 10**6)
    for of, inside in ((equal, True), (collapsed, False)):
        null = nulls_of([(graph(400, copies(of)), reference, across(of, holdout))], 500, LEVEL, derive_rng(6))[0]
        assert null is not None
        assert (null.low < null.ratio < null.high) == inside
        assert (null.p_value > 0.05) == inside
        turned = nulls_of(
            [(reference, graph(400, copies(of)), across(of, holdout).transposed())], 500, LEVEL, derive_rng(6)
        )[0]
        assert turned is not None
        assert turned.ratio == pytest.approx(1 / null.ratio)
    capped = replace(reference, step=8)
    assert nulls_of([(graph(400, copies(equal)), capped, across(equal, holdout))], 500, LEVEL, rng) == [None]


def test_under_a_loose_definition_not_even_full_copies_can_be_told() -> None:
    """Of 400 training samples each finds 8 by chance: a copy has 9, nothing but copies a ratio of 1.125."""
    honest = Estimate(1.02, 0.95, 1.06)
    assert copies_verdict(honest, MARGIN, by_chance=8) == "no copies found"  # less than half are copies
    assert copies_verdict(honest, MARGIN, by_chance=9) == "inconclusive"
    assert copies_verdict(Estimate(1.125, 1.05, 1.2), MARGIN, by_chance=8) == "possible memorisation"
    assert copies_verdict(Estimate(3.0, 2.0, 4.0), MARGIN, by_chance=0.5) == "copies"


def test_copies_of_train_are_found_and_collapse_is_not_taken_for_them() -> None:
    """Every prototype of `train` is its own; holdout and an honest generator draw others from the same 2,000."""
    rng = derive_rng(7)
    train, holdout, honest = (rng.integers(0, 2000, 500) for _ in range(3))
    copied = train[rng.integers(0, 500, 500)]
    collapsed = rng.choice(rng.integers(0, 2000, 100), 500)
    reference = across(holdout, train)
    said = {
        name: copies_row(name, across(of, train), reference, across(of, holdout), LEVEL, MARGIN)
        for name, of in (("honest", honest), ("copied", copied), ("collapsed", collapsed))
    }
    assert said["copied"]["verdict"] == "copies"
    assert said["copied"]["copied"] == 1
    assert said["copied"]["copied_null"] == pytest.approx(np.isin(holdout, train).mean())
    assert said["honest"]["verdict"] != "copies"
    assert said["collapsed"]["verdict"] != "copies"
    assert said["honest"]["ratio"] == pytest.approx(1, abs=0.5)
    own = copies_row(REFERENCE, reference, reference, None, LEVEL, MARGIN)
    assert (own["ratio"], own["verdict"], own["copied_null"]) == (None, None, None)
    assert {"definition", *own} == {"definition", *said["copied"]} == set(schemas.COPIES.names)


def planted(made: NDArray[Any]) -> dict[Search, Graph]:
    """What the searches of a study find whose real samples are ten prototypes, and whose generator made these."""
    of = {"train": np.arange(60) % 10, "holdout": np.arange(40) % 10, "gan-0": made}
    start = {"train": 0, "holdout": 100, "gan-0": 10**6}
    own = {Search(p): graph(len(x), copies(x, start[p]), start[p]) for p, x in of.items()}
    crossed = {}
    for search in (Search("holdout", "train"), Search("gan-0", "train"), Search("gan-0", "holdout")):
        first, other = search.populations
        found = across(of[first], of[other], start[other])
        ids = np.concatenate([own[Search(first)].sample_id, own[Search(other)].sample_id])
        crossed[search] = replace(found, sample_id=ids, i=found.i + start[first])
    return own | crossed


def test_the_census_of_a_study() -> None:
    """A generator of five of ten prototypes collides as often as 5 samples would, under each definition."""
    settings = Census(replicates=200, permutations=100)
    found = {"close": planted(np.arange(50) % 5), "far": planted(np.arange(50))}
    tables = take_census(found.items(), settings, "toy", 1)
    places = list(zip(tables.support["definition"], tables.support["population"], strict=True))
    assert places == [(d, p) for d in found for p in ("train", "holdout", "gan-0")]
    assert set(tables.support["study"]) == {"toy"}
    expected = [60 * 5 / 2 / 1770, 40 * 3 / 2 / 780, 50 * 9 / 2 / 1225, 60 * 5 / 2 / 1770, 40 * 3 / 2 / 780, 0]
    np.testing.assert_allclose(tables.support["collision"], expected)
    assert [p is None for p in tables.support["p_value"]] == [False, True, False] * 2
    assert list(zip(tables.copies["definition"], tables.copies["population"], strict=True)) == [
        (d, p) for d in found for p in ("holdout", "gan-0")
    ]
    np.testing.assert_allclose(tables.copies["collision"], [0.1, 0.1, 0.1, 10 * 6 / 3000])
    assert {len(column) for column in tables.curve.values()} == {len(tables.curve["batch"])}
    written = (schemas.SUPPORT, schemas.CURVE, schemas.DIVERSITY, schemas.COPIES, schemas.SCALES)
    for table, schema in zip(tables, written, strict=True):
        assert list(table) == schema.names


def test_train_with_whole_groups_gets_no_verdict() -> None:
    settings, found = Census(replicates=200, permutations=100), [("close", planted(np.arange(50) % 5))]
    one, other = (take_census(found, settings, "toy", 1, grouped=grouped).support for grouped in (False, True))
    assert [verdict is None for verdict in one["verdict"]] == [False, True, False]  # holdout is the reference
    assert list(other["verdict"]) == [None, None, one["verdict"][2]]
    assert one["ratio"] == other["ratio"]


def test_random_numbers_of_the_census_come_from_the_names() -> None:
    """Another population, another definition or another order changes no row."""
    settings, whole = Census(replicates=200, permutations=100), planted(np.arange(50) % 5)
    real = {search: found for search, found in whole.items() if "gan-0" not in search.populations}
    every = take_census([("far", real), ("close", whole)], settings, "toy", 1)
    alone = take_census([("close", real)], settings, "toy", 1)
    for name, column in alone.support.items():
        assert column == every.support[name][2:4]


def test_a_graph_is_the_same_in_memory_and_read() -> None:
    ids, none = np.arange(3), np.zeros(3, dtype=np.int64)
    repeats = {"sample_id": ids, "duplicates": none, "partners": none}
    duplicates = {"i": none[:0], "j": none[:0]}
    for condition in ([None] * 3, np.full(3, np.nan)):
        found = Found(duplicates, repeats | {"condition": condition}, {"samples": "3", "step": "1"})
        assert Graph.of(found).condition is None
    grouped = Graph.of(Found(duplicates, repeats | {"condition": none}, {"samples": "2", "step": "4"}))
    assert grouped.condition is none
    assert (grouped.split, grouped.step) == (2, 4)

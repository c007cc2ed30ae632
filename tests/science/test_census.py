from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus import tables
from gancensus.census import REFERENCE, Count, count, curve_columns, support_row
from gancensus.randomness import derive_rng

Edges = tuple[NDArray[np.int64], NDArray[np.int64]]
LEVEL, MARGIN, REPLICATES = 0.95, 1.5, 4000


def copies(of: NDArray[Any], offset: int = 0) -> Edges:
    """The duplicate pairs of samples that are copies of the given prototypes, by sample_id from `offset` on."""
    n = len(of)
    i, j = np.triu_indices(n, k=1)
    same = of[i] == of[j]
    return i[same] + offset, j[same] + offset


def counted(samples: int, edges: Edges) -> Count:
    return count(samples, *edges, LEVEL, REPLICATES, derive_rng(1, "census"))


def row(found: Count, reference: Count) -> dict[str, Any]:
    return support_row("gan-0", found, reference, LEVEL, MARGIN)


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
    assert (support["ratio"], support["verdict"]) == (1, "as diverse")


def test_a_collapsed_generator_is_less_diverse_and_the_reverse_more() -> None:
    few, many = (counted(1000, copies(derive_rng(3, k).integers(0, k, 1000))) for k in (10, 200))
    collapsed = row(few, many)
    assert collapsed["ratio"] == pytest.approx(20, rel=0.1)
    assert collapsed["ratio_low"] < collapsed["ratio"] < collapsed["ratio_high"]
    assert collapsed["verdict"] == "less diverse"
    assert row(many, few)["verdict"] == "more diverse"


def test_a_few_pairs_cannot_tell() -> None:
    edges = (np.array([0, 2]), np.array([1, 3]))
    assert row(counted(500, edges), counted(500, (edges[0][:1], edges[1][:1])))["verdict"] == "cannot tell"


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
    support = support_row(REFERENCE, found, found, LEVEL, MARGIN)
    assert [support[name] for name in ("ratio", "ratio_low", "ratio_high", "verdict")] == [None] * 4
    assert {"study", "definition", *support} == set(tables.SUPPORT.names)
    assert {"study", "definition", *row(found, found)} == set(tables.SUPPORT.names)


def test_the_names_of_the_samples_do_not_matter() -> None:
    """sample_id of a generator begin anywhere; only the graph counts, in an order that keeps that of the samples."""
    of = derive_rng(4).integers(0, 40, 300)
    low, high = counted(300, copies(of)), counted(300, copies(of, offset=7 * 10**18))
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
    assert {"definition", *curve} == set(tables.CURVE.names)
    assert set(curve["population"]) == {"gan-0"}
    low, value, high = (curve[f"probability{end}"] for end in ("_low", "", "_high"))
    assert ((low >= 0) & (low <= value) & (value <= high) & (high <= 1)).all()
    assert all((np.diff(column) >= 0).all() for column in (low, value, high))
    exact = {s: 1 - np.prod([1 - 19 * i / (400 - i) for i in range(s)]) for s in curve["batch"].tolist()}
    np.testing.assert_allclose(value, list(exact.values()), atol=0.04)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from gancensus.contracts.samples import Samples
from gancensus.domains.general.metric_condition import Condition
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.search.pairs import Pairs, Side, all_tasks, costs, deal, find_pairs, merge
from gancensus.search.repeats import Tally, expected_share, listed, listing_step, partners, thinned

METRIC = Euclidean(alpha=0.5)


def features(x: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return METRIC.features(Samples(x.astype(np.float32), np.arange(len(x))))


def side(x: NDArray[Any], longest: int = 10**9) -> Side:
    return Side.of([features(x)], longest)


def pairs(i: list[int], j: list[int]) -> Pairs:
    return Pairs(np.array(i), np.array(j), np.zeros((len(i), 1)))


@given(st.floats(0, 1), st.integers(1000, 10**7), st.integers(2, 10**5), st.integers(2, 10**5))
def test_so_many_samples_are_listed_that_the_cap_is_kept(share: float, cap: int, n: int, m: int) -> None:
    for pairs, step in (
        (n * (n - 1) / 2, listing_step(share, cap, n)),
        (n * m, listing_step(share, cap, n, m)),
    ):
        assert step & (step - 1) == 0
        assert share * pairs / step**2 <= cap * (1 + 1e-9)
        assert step == 1 or share * pairs / (step / 2) ** 2 > cap


@given(st.integers(0, 200), st.integers(1, 20))
def test_every_step_th_sample_is_listed(samples: int, step: int) -> None:
    assert listed(samples, step) == np.count_nonzero(np.arange(samples) % step == 0)


def test_a_collapsed_population_is_counted_whole_and_listed_in_part() -> None:
    """400 equal samples: 79,800 duplicates are counted, those of every 16th of them listed."""
    x = np.full((400, 3), 0.5)
    share = expected_share([METRIC], [0.0], [features(x[:64])])
    assert share == 1
    step = listing_step(share, 1000, 400)
    assert (step, listed(400, step)) == (16, 25)
    tally = Tally([400], 1, step, 1000)
    for found in find_pairs([METRIC], [0.0], side(x)):
        tally.add(found)
    assert tally.repeats[0].tolist() == [399] * 400
    assert len(tally.pairs.i) == 25 * 24 // 2
    assert set(tally.pairs.i) | set(tally.pairs.j) == set(range(0, 400, 16))


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_far_more_duplicates_than_foretold_are_thinned_alike_in_any_shards(shards: int) -> None:
    """300 equal samples, none of them expected: counted are all, listed those of every 16th, whatever the shards."""
    a = side(np.full((300, 2), 0.5), 40)
    parts, counts, steps = [], np.zeros(300, np.int64), []
    for shard in range(shards):
        tally = Tally([300], 1, 1, 100)
        for found in find_pairs([METRIC], [0.0], a, todo=deal(costs(a), shard, shards)):
            tally.add(found)
        parts.append(tally.pairs)
        counts += tally.repeats[0]
        steps.append(tally.step)
    left, step = thinned(merge(parts), max(steps), 100)
    assert counts.tolist() == [299] * 300
    assert step == 16
    assert len(left.i) == 19 * 18 // 2
    assert set(left.i) | set(left.j) == set(range(0, 300, 16))


def test_repeats_are_the_degrees_of_the_graph() -> None:
    tally = Tally([4], 1, 1, 1000)
    tally.add(pairs([0, 0], [1, 3]))
    tally.add(pairs([1], [3]))
    assert tally.repeats[0].tolist() == [2, 2, 0, 2]
    assert tally.repeats[0] is tally.repeats[1]
    across = Tally([2, 3], 1, 1, 1000)
    across.add(pairs([0, 0, 1], [0, 2, 2]))
    assert [counts.tolist() for counts in across.repeats] == [[2, 1], [1, 0, 2]]
    assert across.pairs.j.tolist() == [0, 2, 2]


@pytest.mark.parametrize("shards", [1, 3])
def test_everyone_is_compared_with_everyone_once(shards: int) -> None:
    a, b = side(np.zeros((50, 1)), 7), side(np.zeros((20, 1)), 6)
    for other, expected in ((None, ([49] * 50, [49] * 50)), (b, ([20] * 50, [50] * 20))):
        parts = [partners([], a, other, deal(costs(a, other), shard, shards)) for shard in range(shards)]
        assert np.sum([part[0] for part in parts], axis=0).tolist() == expected[0]
        assert np.sum([part[1] for part in parts], axis=0).tolist() == expected[1]


@given(
    st.data(), st.integers(1, 25), st.sampled_from([[(2.0,)], [(0.0,)], [(0.0,), (0.0,)], [(1.0,), (0.0,)], [(0.1,)]])
)
def test_under_conditions_everyone_is_compared_with_those_of_the_same(
    data: st.DataObject, longest: int, tolerances: list[tuple[float]]
) -> None:
    """One condition, equal in two, near in one and equal in another: as brute force counts, within and across."""
    names = ["energy", "angle"][: len(tolerances)]
    values = [data.draw(npst.arrays(np.int64, 50, elements=st.integers(0, 9))) / 10 * 10 for _ in names]
    samples = Samples(
        np.zeros((50, 1), np.float32),
        np.arange(50),
        conditions={name: v.astype(np.float32) for name, v in zip(names, values, strict=True)},
    )
    conditions = [Condition(column=n, tolerance=t) for n, (t,) in zip(names, tolerances, strict=True)]
    near = np.ones((50, 50), dtype=bool)
    for condition in conditions:
        x = condition.features(samples)[0]
        near &= np.abs(x[:, None] - x[None]) <= condition.tolerance
    both = Side.of([condition.features(samples) for condition in conditions], longest)
    assert partners(conditions, both)[0].tolist() == (near.sum(axis=1) - 1).tolist()
    parts = [samples.take(rows) for rows in (slice(0, 30), slice(30, 50))]
    a, b = (Side.of([condition.features(part) for condition in conditions], longest) for part in parts)
    across = partners(conditions, a, b, all_tasks(a, b))
    assert [counts.tolist() for counts in across] == [
        near[:30, 30:].sum(axis=1).tolist(),
        near[:30, 30:].sum(axis=0).tolist(),
    ]


def test_expected_share_between_populations() -> None:
    a, b = np.array([[0.0], [1.0]]), np.array([[0.0], [0.0], [5.0]])
    assert expected_share([METRIC], [0.5], [features(a)], [features(b)]) == 2 / 6

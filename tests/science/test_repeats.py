from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gancensus.errors import UserError
from gancensus.metrics.condition import Condition
from gancensus.metrics.euclidean import Euclidean
from gancensus.pairs import Pairs, Side, all_tasks, costs, deal, find_pairs
from gancensus.repeats import Tally, expected_share, is_listed, listed_rows, partners
from gancensus.samples import Samples

METRIC = Euclidean(alpha=0.5)


def features(x: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    return METRIC.features(Samples(x.astype(np.float32), np.arange(len(x))))


def side(x: NDArray[Any], longest: int = 10**9) -> Side:
    return Side.of([features(x)], longest)


def pairs(i: list[int], j: list[int]) -> Pairs:
    return Pairs(np.array(i), np.array(j), np.zeros((len(i), 1)))


@given(st.integers(1, 200), st.data())
def test_listed_rows_are_as_many_as_said_and_evenly_spaced(samples: int, data: st.DataObject) -> None:
    listed = data.draw(st.integers(0, samples))
    rows = np.flatnonzero(is_listed(np.arange(samples), listed, samples))
    assert len(rows) == listed
    if listed > 1:
        assert set(np.diff(rows)) <= {samples // listed, -(-samples // listed)}


@given(st.floats(0, 1), st.integers(1000, 10**7), st.integers(2, 10**5), st.integers(2, 10**5))
def test_so_many_samples_are_listed_that_the_cap_is_kept(share: float, cap: int, n: int, m: int) -> None:
    own, same = listed_rows(share, cap, n)
    assert own == same
    assert 2 <= own <= n
    assert own == n or share * own * (own - 1) / 2 <= cap * 1.01
    assert own < n or share * n * (n - 1) / 2 <= cap * 1.01
    left, right = listed_rows(share, cap, n, m)
    assert left == n or share * left * right <= cap * 1.01 or min(left, right) == 2


def test_a_collapsed_population_is_counted_whole_and_listed_in_part() -> None:
    """400 equal samples: 79,800 duplicates are counted, those among 44 listed, and memory is that of the latter."""
    x = np.full((400, 3), 0.5)
    share = expected_share([METRIC], [0.0], [features(x[:64])])
    assert share == 1
    listed = listed_rows(share, 1000, 400)
    assert listed == (44, 44)
    tally = Tally([400], 1, listed, 1000)
    for found in find_pairs([METRIC], [0.0], side(x)):
        tally.add(found)
    assert tally.repeats[0].tolist() == [399] * 400
    assert len(tally.pairs.i) == 44 * 43 // 2
    assert set(tally.pairs.i) | set(tally.pairs.j) == set(np.flatnonzero(is_listed(np.arange(400), 44, 400)))


def test_far_more_duplicates_than_foretold_stop_with_one_line() -> None:
    tally = Tally([100], 1, (100, 100), 1000)
    tally.add(pairs([0] * 4000, [1] * 4000))
    with pytest.raises(UserError, match=r"^more than 8,000 duplicates to list.*raise `cap`$"):
        tally.add(pairs([0] * 4000, [1] * 4000))


def test_repeats_are_the_degrees_of_the_graph() -> None:
    tally = Tally([4], 1, (4, 4), 1000)
    tally.add(pairs([0, 0], [1, 3]))
    tally.add(pairs([1], [3]))
    assert tally.repeats[0].tolist() == [2, 2, 0, 2]
    assert tally.repeats[0] is tally.repeats[1]
    across = Tally([2, 3], 1, (2, 3), 1000)
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


def test_under_conditions_everyone_is_compared_with_those_of_the_same() -> None:
    energy = np.random.default_rng(1).integers(0, 30, 60).astype(np.float32)
    samples = Samples(np.zeros((60, 1), np.float32), np.arange(60), conditions={"energy": energy})
    condition = Condition(column="energy", tolerance=2)
    near = np.abs(energy[:, None] - energy[None]) <= 2
    both = Side.of([condition.features(samples)], 13)
    assert partners([condition], both)[0].tolist() == (near.sum(axis=1) - 1).tolist()
    a, b = (Side.of([condition.features(samples.take(rows))], 7) for rows in (slice(0, 40), slice(40, 60)))
    across = partners([condition], a, b, all_tasks(a, b))
    assert [counts.tolist() for counts in across] == [
        near[:40, 40:].sum(axis=1).tolist(),
        near[:40, 40:].sum(axis=0).tolist(),
    ]


def test_expected_share_between_populations() -> None:
    a, b = np.array([[0.0], [1.0]]), np.array([[0.0], [0.0], [5.0]])
    assert expected_share([METRIC], [0.5], [features(a)], [features(b)]) == 2 / 6

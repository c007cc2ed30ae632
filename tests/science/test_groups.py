"""Groups of near-duplicates: against the definition in words, and what the rows of the table say of planted ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gancensus.census import groups
from gancensus.census.groups import Closest, Grouped, Searched, closest_of, facts_of, find_groups, group_duplicates
from gancensus.contracts.samples import Samples, generated_ids
from gancensus.search.duplicates import Found

Pairs = list[tuple[int, int]]
PAIRS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40).map(
    lambda pairs: sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
)


def arrays(pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The pairs, and distances that say which pair it is."""
    i, j = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return i, j, (100 * i + j).astype(np.float64)


def by_word(pairs: Pairs) -> list[tuple[int, set[int]]]:
    """Centre and members of each group, as the documents say it."""
    near = {v: {a + b - v for a, b in pairs if v in (a, b)} for pair in pairs for v in pair}
    free, found = set(near), []
    while any(near[v] & free for v in free):
        centre = min(free, key=lambda v: (-len(near[v] & free), v))
        found.append((centre, {centre} | near[centre] & free))
        free -= found[-1][1]
    return found


def as_sets(found: Grouped) -> list[tuple[int, set[int]]]:
    each = [found.sample_id[found.group == k].tolist() for k in range(found.group.max(initial=-1) + 1)]
    return [(ids[0], set(ids)) for ids in each]


@given(PAIRS)
def test_groups_are_those_of_the_words(pairs: Pairs) -> None:
    assert as_sets(group_duplicates(*arrays(pairs))) == by_word(pairs)


@given(PAIRS)
def test_what_every_grouping_keeps(pairs: Pairs) -> None:
    found = group_duplicates(*arrays(pairs))
    assert len(set(found.sample_id.tolist())) == len(found.sample_id)  # none is in two groups
    assert (np.diff(found.group) >= 0).all()
    assert (np.diff(found.size) <= 0).all()
    for centre, members in as_sets(found):
        assert len(members) >= 2
        assert {(min(centre, v), max(centre, v)) for v in members - {centre}} <= set(pairs)
    grouped = set(found.sample_id.tolist())
    assert all(grouped & set(pair) for pair in pairs)
    for k in range(len(found.group)):
        ids, far = found.sample_id[found.group == found.group[k]], found.distance[found.group == found.group[k]]
        assert found.size[k] == len(ids)
        assert far.tolist() == [0.0, *sorted(far[1:])]
        assert far[1:].tolist() == [100.0 * min(ids[0], v) + max(ids[0], v) for v in ids[1:]]


@given(PAIRS)
def test_the_order_of_the_pairs_changes_nothing(pairs: Pairs) -> None:
    i, j, distance = arrays(pairs)
    order = np.random.default_rng(0).permutation(len(pairs))
    one, other = group_duplicates(i, j, distance), group_duplicates(i[order], j[order], distance[order])
    assert all((a == b).all() for a, b in zip(one, other, strict=True))


def test_a_chain_is_no_group() -> None:
    """Of 0-1-2-3-4-5-6, 1 is the first of those with two duplicates, then 4; 6 is near none of the two."""
    found = group_duplicates(*arrays([(k, k + 1) for k in range(6)]))
    assert as_sets(found) == [(1, {0, 1, 2}), (4, {3, 4, 5})]


def test_a_million_pairs_take_seconds() -> None:
    rng = np.random.default_rng(0)
    i, j = np.sort(rng.integers(0, 100_000, (2, 1_000_000)), axis=0)
    keep = np.unique(i[i < j] * 100_000 + j[i < j])
    found = group_duplicates(keep // 100_000, keep % 100_000, np.ones(len(keep)))
    assert found.size[0] > 30
    assert len(found.sample_id) > 90_000


def test_the_closest_of_several_is_the_smallest_that_ties() -> None:
    i, j = np.array([7, 7, 7, 3]), np.array([4, 2, 1, 9])
    found = closest_of(i, j, np.array([0.5, 0.5, 0.7, 1.0]))
    assert [column.tolist() for column in found] == [[3, 7], [9, 2], [1.0, 0.5]]
    assert isinstance(found, Closest)


def search(pairs: Pairs, step: int = 1, **values: list[float]) -> Found:
    i, j = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    known = {name: np.array(value, dtype=np.float64) for name, value in values.items()}
    return Found({"i": i, "j": j, **known}, {}, {"samples": "100", "step": str(step)})


def named(ids: NDArray[np.int64]) -> Samples:
    names = np.array([f"{k}.png" for k in range(len(ids))], dtype=object)
    return Samples(np.empty((len(ids), 0), dtype=np.float32), ids, name=names)


def test_rows_have_the_names_of_their_owner_and_the_closest_training_sample() -> None:
    ids = generated_ids("made-0", range(100))
    pairs = [(int(ids[a]), int(ids[b])) for a, b in ((3, 5), (3, 9), (20, 30))]
    near = [(int(ids[a]), b) for a, b in ((5, 17), (5, 16), (60, 40), (70, 41))]
    own, train = search(pairs, d=[0.2, 0.1, 0.3]), search(near, d=[0.3, 0.2, 0.25, 0.15])
    one = Searched("near", "made-0", "d", {"d": 0.5}, own, train)
    table, about = find_groups([one], {"made-0": named(ids)})
    assert np.array(table["name"]).tolist() == [f"{k}.png" for k in (3, 9, 5, 20, 30, 70, 60)]
    assert table["row"] == [3, 9, 5, 20, 30, 70, 60]
    assert table["group"] == [0, 0, 0, 1, 1, 2, 3]
    assert table["size"] == [3, 3, 3, 2, 2, 1, 1]
    assert table["distance"] == [0.0, 0.1, 0.2, 0.0, 0.3, 0.0, 0.0]
    assert table["train_id"] == table["train_row"] == [None, None, 16, None, None, 41, 40]
    assert table["train_name"] == [None] * 7
    assert table["train_distance"] == [None, None, 0.2, None, None, 0.15, 0.25]
    (facts,) = facts_of(about)
    assert facts == ("near", "made-0", 100, 100, 2, 5, 3, 100, 7)


def test_only_pairs_within_all_thresholds_count_and_only_listed_samples_are_grouped() -> None:
    own = search([(0, 4), (0, 8), (4, 8)], step=4, a=[0.1, 0.2, 0.3], b=[1.0, 2.0, 9.0])
    table, about = find_groups([Searched("d", "made-0", "b", {"a": 0.2, "b": 1.5}, own, None)], {})
    assert table["sample_id"] == [0, 4]
    assert table["distance"] == [0.0, 1.0]
    assert table["name"] == [None, None]
    (facts,) = facts_of(about)
    assert (facts.samples, facts.listed, facts.near, facts.near_listed) == (100, 25, None, None)


def test_a_long_list_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST", 3)
    own = search([(0, k) for k in range(1, 9)], d=[float(k) for k in range(1, 9)])
    table, about = find_groups([Searched("d", "made-0", "d", {"d": 9.0}, own, None)], {})
    assert table["sample_id"] == [0, 1, 2]
    assert table["size"] == [9, 9, 9]
    assert facts_of(about)[0].rows == 3
    assert facts_of(about)[0].grouped == 9


def test_nothing_found_is_a_table_without_rows() -> None:
    table, about = find_groups([Searched("d", "made-0", "d", {"d": 9.0}, search([], d=[]), search([], d=[]))], {})
    assert all(len(column) == 0 for column in table.values())
    assert facts_of(about)[0][4:8] == (0, 0, 0, 100)

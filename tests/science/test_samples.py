from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import (
    BLOCK,
    Samples,
    Scale,
    by_block,
    check,
    flatten,
    generated_ids,
    narrowed,
    part_rows,
    spread_rows,
)

NAMES = st.text("abAB01_+-", min_size=1, max_size=8)
BOUND = st.floats(-1e6, 1e6)


def samples(x: NDArray[Any], sample_id: list[int]) -> Samples:
    return Samples(x.astype(np.float32), np.asarray(sample_id, dtype=np.int64))


# Parts and blocks


@given(st.integers(0, 5000), st.integers(1, 60))
def test_parts_cover_all_rows_once_and_end_on_blocks(n: int, parts: int) -> None:
    rows = [part_rows(n, part, parts) for part in range(parts)]
    assert [row for part in rows for row in range(part.start, part.stop)] == list(range(n))
    assert all(part.start % BLOCK == 0 or part.start == n for part in rows)
    sizes = [part.stop - part.start for part in rows]
    assert max(sizes) - min(sizes) <= 2 * BLOCK


def total(seen: list[NDArray[Any]], block: NDArray[Any]) -> NDArray[Any]:
    seen.append(block)
    return np.asarray(block.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("n", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_by_block_shows_a_map_the_same_blocks_whatever_the_parts(n: int) -> None:
    x = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    for parts in (1, 2, 3, 7):
        seen: list[NDArray[Any]] = []
        apply = partial(total, seen)
        found = np.concatenate([by_block(apply, x[part_rows(n, part, parts)]) for part in range(parts)])
        np.testing.assert_array_equal(found, x.sum(axis=1, keepdims=True))
        assert {block[0, 0]: len(block) for block in seen if len(block)} == {
            2 * start: min(BLOCK, n - start) for start in range(0, n, BLOCK)
        }


# Identity


@given(st.sets(NAMES, min_size=2, max_size=20), st.integers(1, 1000))
def test_generated_ids_of_all_populations_are_apart(names: set[str], n: int) -> None:
    ids = np.concatenate([np.arange(n), *(generated_ids(name, range(n)) for name in sorted(names))])
    assert len(np.unique(ids)) == len(ids)
    assert ids.min() == 0


@given(NAMES, st.integers(0, 2000), st.integers(1, 9))
def test_generated_ids_do_not_depend_on_the_parts(name: str, n: int, parts: int) -> None:
    rows = [part_rows(n, part, parts) for part in range(parts)]
    found = np.concatenate([generated_ids(name, range(part.start, part.stop)) for part in rows])
    np.testing.assert_array_equal(found, generated_ids(name, range(n)))


def test_take() -> None:
    whole = Samples(np.arange(8, dtype=np.float32).reshape(4, 2), np.arange(4), np.arange(4, dtype=np.int32))
    part = whole.take(np.array([True, False, True, False]))
    assert part.label is not None
    assert (part.sample_id.tolist(), part.label.tolist(), part.x.tolist()) == ([0, 2], [0, 2], [[0, 1], [4, 5]])
    assert whole.take(slice(1, 2)).label is not None
    assert samples(whole.x, [0, 1, 2, 3]).take(slice(2)).label is None


# Natural units


@given(st.data(), st.lists(st.tuples(BOUND, BOUND), min_size=1, max_size=5))
def test_scale_round_trip(data: st.DataObject, bounds: list[tuple[float, float]]) -> None:
    """Within the rounding of float32; a constant column, of any value, comes back as it is."""
    low, high = (np.array(end) for end in zip(*map(sorted, bounds), strict=True))
    share = data.draw(npst.arrays(np.float64, (7, len(bounds)), elements=st.floats(0, 1)))
    natural = low + share * (high - low)
    scale = Scale(("a",) * len(bounds), ("1",) * len(bounds), tuple(low), tuple(high))
    x = scale.encode(natural)
    assert x.dtype == np.float32
    assert np.abs(x).max() <= 1
    error = np.abs(scale.decode(x) - natural)
    smallest = 5e-324  # half of it is no number
    assert (error <= 2.0**-24 * (high - low) + 2.0**-50 * (np.abs(low) + np.abs(high)) + smallest).all()
    assert (error[:, low == high] == 0).all()


def test_scale_maps_the_ends_to_minus_one_and_one() -> None:
    scale = Scale(("a", "b", "c"), ("K", "m", "1"), (0.0, -3.0, 7.0), (10.0, 1.0, 7.0))
    natural = np.array([[0.0, -3.0, 7.0], [5.0, -1.0, 7.0], [10.0, 1.0, 7.0]])
    np.testing.assert_array_equal(scale.encode(natural), [[-1, -1, 0], [0, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(scale.decode(scale.encode(natural)), natural)


def test_one_scale_serves_a_whole_image() -> None:
    image = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    scale = Scale(("value",), ("1",), (0.0,), (23.0,))
    assert scale.encode(image).shape == (2, 3, 4)
    np.testing.assert_allclose(scale.decode(scale.encode(image)), image, atol=1e-5)


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=20))
def test_no_two_whole_conditions_become_one(values: list[int]) -> None:
    exact = np.array(values, dtype=np.float64)
    assert (narrowed(exact) == exact).all()


def test_conditions_stay_as_short_as_they_can() -> None:
    for values, kind in (
        ([50.0, 100.0, 2.0**24], np.float32),
        ([0.1, 0.2], np.float32),
        ([0.1, 0.1], np.float32),
        ([20240115.0, 20240116.0], np.float64),  # a day
        ([1.7e9 + 0.5, 1.7e9 + 60.5], np.float64),  # a time
    ):
        assert narrowed(np.array(values)).dtype == kind


def test_what_is_one_condition_for_real_samples_is_one_for_generated_ones() -> None:
    for real in ([0.1, 0.7], [1.7e9 + 0.5, 1.7e9 + 60.5], [1e9, 1e9 + 1]):
        ours = narrowed(np.array(real))
        assert narrowed(np.array(real[:1]), ours) == ours[0]


# The contract


def test_check_lets_good_samples_pass_also_none_at_all() -> None:
    for n in (0, 1, 3):
        good = samples(np.zeros((n, 2, 2)), list(range(n)))
        assert check(good, "here") is good


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_check_names_the_first_bad_row(bad: float) -> None:
    x = np.zeros((4, 3, 2))
    x[2:, 1, 1] = bad
    with pytest.raises(UserError, match=r"^here: column x, row 2: NaN or infinite"):
        check(samples(x, [0, 1, 2, 3]), "here")


def test_check_names_a_repeated_id() -> None:
    with pytest.raises(UserError, match=r"^here: column sample_id: 7 appears twice"):
        check(samples(np.zeros((4, 1)), [7, 3, 5, 7]), "here")


@pytest.mark.parametrize("shape", [(3,), (3, 0), (3, 2, 0)])
def test_check_wants_a_value_in_every_sample(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="needs at least one value"):
        check(samples(np.zeros(shape), [0, 1, 2]), "here")


def test_flatten() -> None:
    assert flatten(np.zeros((3, 2, 4))).shape == (3, 8)
    assert flatten(np.zeros((0, 2, 4))).shape == (0, 8)


@given(st.integers(1, 5000), st.integers(1, 3000), st.integers(1, 64))
def test_spread_rows_reach_from_end_to_end(n: int, count: int, run: int) -> None:
    rows = spread_rows(n, count, run)
    assert (np.diff(rows) > 0).all()
    assert rows[0] == 0 and rows[-1] < n
    assert len(rows) == n if count >= n else len(rows) < count + run
    if run < count < n:
        assert rows[-1] == n - 1

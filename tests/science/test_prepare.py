from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.training.splits import split


@given(st.integers(6, 500), st.tuples(*[st.integers(2, 200) | st.floats(0.01, 0.99)] * 3), st.integers(0, 9))
def test_splits_are_disjoint_ascending_and_of_their_size(
    samples: int, sizes: tuple[float, float, float], seed: int
) -> None:
    asked = dict(zip("abc", sizes, strict=True))
    counts = {name: size if size >= 1 else int(size * samples + 1e-9) for name, size in asked.items()}
    if sum(counts.values()) > samples or min(counts.values()) < 2:
        with pytest.raises(UserError):
            split(samples, asked, derive_rng(seed))
        return
    rows = split(samples, asked, derive_rng(seed))
    assert {name: len(row) for name, row in rows.items()} == counts
    everything = np.concatenate(list(rows.values()))
    assert len(np.unique(everything)) == len(everything)
    assert everything.min() >= 0
    assert everything.max() < samples
    assert all((np.diff(row) > 0).all() for row in rows.values())


@pytest.mark.parametrize("samples", [20, 30, 70, 90, 1790])
def test_shares_that_make_a_whole_use_every_sample(samples: int) -> None:
    rows = split(samples, {"a": 0.7, "b": 0.2, "c": 0.1}, derive_rng(1))
    np.testing.assert_array_equal(np.sort(np.concatenate(list(rows.values()))), np.arange(samples))


def test_what_a_model_has_learned_from_comes_first() -> None:
    """The other parts are random rows of the rest."""
    drawn = [split(50, {"train": 20, "calibrate": 10, "holdout": 10}, derive_rng(seed), True) for seed in range(200)]
    for rows in drawn:
        np.testing.assert_array_equal(rows["train"], np.arange(20))
        assert len(np.union1d(rows["calibrate"], rows["holdout"])) == 20
    seen = np.concatenate([rows["holdout"] for rows in drawn])
    np.testing.assert_array_equal(np.unique(seen), np.arange(20, 50))


def test_every_sample_is_as_likely_to_be_drawn() -> None:
    drawn = np.zeros(20)
    for seed in range(2000):
        drawn[split(20, {"a": 5}, derive_rng(seed))["a"]] += 1
    assert np.abs(drawn - 500).max() < 5 * np.sqrt(2000 * 0.25 * 0.75)


def test_too_much_and_too_little_say_so_in_one_line() -> None:
    with pytest.raises(UserError) as much:
        split(10, {"train": 8, "holdout": 0.4}, derive_rng(0))
    assert str(much.value) == (
        "splits ask for train 8 + holdout 4 = 12 samples, but the source has 10; "
        "lower them (below 1, a size is a share of all samples)"
    )
    with pytest.raises(UserError) as little:
        split(10, {"train": 8, "holdout": 0.1}, derive_rng(0))
    assert str(little.value) == "split holdout would have 1 of 10 samples; a pair needs at least two"

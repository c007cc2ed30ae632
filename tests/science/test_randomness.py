from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gancensus.contracts.randomness import derive_rng, derive_seed

NAMES = st.lists(st.text(max_size=5) | st.integers(0, 9), max_size=4)


def test_known_values() -> None:
    """What results of earlier versions were drawn with: SHA-256 of JSON and Philox are the same everywhere."""
    assert derive_seed(1) == 289725068058742651
    assert derive_seed(1, "digits", "train", "plain", 0) == 3795358899463008794
    assert derive_rng(1, "digits", "prepare").integers(0, 10**6, 4).tolist() == [364352, 807784, 403781, 643418]
    assert derive_rng(1, "digits", "prepare").standard_normal(2).tolist() == [
        -0.20225489960157533,
        -0.19459485248603928,
    ]


@given(st.integers(0, 2**40), NAMES, st.integers(0, 2**40), NAMES)
def test_other_things_get_other_seeds(seed: int, names: list[str | int], other: int, others: list[str | int]) -> None:
    same = (seed, names) == (other, others)
    assert (derive_seed(seed, *names) == derive_seed(other, *others)) == same
    assert 0 <= derive_seed(seed, *names) < 2**63


def test_names_do_not_run_together() -> None:
    names: list[tuple[str | int, ...]] = [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c"), ("abc", 0), ("abc", "0")]
    assert len({derive_seed(1, *name) for name in names}) == len(names)


def test_a_stream_does_not_depend_on_what_was_drawn_before() -> None:
    first = derive_rng(1, "a").random(5)
    derive_rng(1, "b").random(1000)
    np.random.default_rng().random(7)
    np.testing.assert_array_equal(derive_rng(1, "a").random(5), first)


def test_streams_are_independent() -> None:
    """Streams of neighbouring blocks are uncorrelated: 200 draws of each, within five standard errors."""
    draws = np.array([derive_rng(1, "generate", block).standard_normal(200) for block in range(50)])
    correlation = np.corrcoef(draws)[np.triu_indices(50, k=1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(200)
    assert abs(draws.mean()) < 5 / np.sqrt(draws.size)

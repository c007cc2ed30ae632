import numpy as np
import pytest

from gancensus.contracts.errors import UserError
from gancensus.domains.points.repetitions import first_points


def test_the_first_points_of_a_repetition_are_those_of_least_sample_id() -> None:
    repetition, ids = np.array([1.0, 0, 1, 0, 1, 0]), np.array([9, 4, 3, 8, 1, 5])
    repetitions, rows = first_points(repetition, ids, 2, "here")
    assert repetitions.tolist() == [0, 1]
    assert rows.tolist() == [[1, 5], [4, 2]]  # sample_id 4, 5 and 1, 3


def test_too_few_points_of_a_repetition_are_named() -> None:
    with pytest.raises(UserError, match="here: 1 training points of repetition 3, and 2 are learned from; lower"):
        first_points(np.array([2.0, 3, 2]), np.arange(3), 2, "here")
    with pytest.raises(UserError, match="here: 0 training points of repetition 0"):
        first_points(np.empty(0), np.empty(0, dtype=np.int64), 2, "here")

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

import bench
from bench import Case, draw_growth, large, masked, ranked, same_pairs

from gancensus.search.pairs import Pairs

TOYS = list({(case.rows, case.toy): case for case in bench.CASES}.values())
PAIRS = Pairs(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([[0.5, 0.1], [0.7, 0.2], [0.2, 0.3]]))


def name(case: Case) -> str:
    return "-".join(getattr(part, "__name__", str(part)) for part in (case.rows, *case.toy))


@pytest.mark.parametrize("case", TOYS, ids=name)
def test_results_equal_those_of_the_peers(case: Case) -> None:
    rows = case.rows(*case.toy)
    assert len(rows) == len(case.targets)
    assert all(row.equal for row in rows)


def test_a_search_that_loses_a_pair_is_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    search = bench.search

    def lossy(*arguments: Any) -> Pairs:
        found = search(*arguments)
        return bench.take(found, np.arange(len(found.i)) != np.argmin(found.values[:, 0]))

    monkeypatch.setattr(bench, "search", lossy)
    assert not bench.euclidean(500, 20)[0].equal
    assert not bench.divergence(bench.bells, 30, 30)[0].equal


def test_a_million_samples_on_a_small_scale(capsys: pytest.CaptureFixture[str]) -> None:
    assert large(5000, 2)
    said = capsys.readouterr().out
    assert "expected: 1,250" in said
    assert "samples, 0 pairs" not in said


def test_a_missing_pair_or_another_value_is_seen() -> None:
    thresholds = [1.0, 0.4]
    assert same_pairs(PAIRS, PAIRS, thresholds)
    assert not same_pairs(PAIRS, bench.take(PAIRS, np.array([0, 2])), thresholds)
    assert not same_pairs(bench.take(PAIRS, np.array([1])), PAIRS, thresholds)
    assert not same_pairs(PAIRS, PAIRS._replace(values=PAIRS.values + 1e-4), thresholds)
    assert same_pairs(PAIRS, PAIRS._replace(values=PAIRS.values + 1e-6), thresholds)


def test_only_a_pair_at_a_threshold_may_be_decided_otherwise() -> None:
    without = bench.take(PAIRS, np.array([0, 1]))  # the last pair has 0.2 and 0.3
    assert same_pairs(PAIRS, without, [1.0, 0.3])
    assert same_pairs(PAIRS, without, [1.0, 0.3 * (1 + 1e-6)])
    assert not same_pairs(PAIRS, without, [1.0, 0.3 * (1 + 1e-4)])


def test_a_slow_peer_also_decides_about_what_was_found() -> None:
    """A search that finds a pair too many is seen, though it is not among the pairs that were sampled."""

    def true_values(i: bench.Rows, j: bench.Rows) -> bench.Floats:
        return np.asarray(np.abs(i - j)[:, None] / 10.0)

    found = Pairs(np.array([0, 1]), np.array([1, 9]), np.array([[0.1], [0.1]]))
    right = bench.take(found, np.array([0]))
    assert bench.agrees(right, [0.5], true_values, right)
    assert not bench.agrees(found, [0.5], true_values, right)


def test_the_peers_of_the_birthday_curve() -> None:
    order, i, j = np.array([3, 1, 4, 0, 2]), np.array([0, 2]), np.array([1, 4])
    assert masked(order, i, j, 5, 5) == ranked(order, i, j) == 4
    assert masked(order, i, j, 5, 3) == 4


def test_growth_names_the_power() -> None:
    samples = np.array([1000, 10_000, 50_000, 200_000])
    figure = draw_growth(samples, np.column_stack([1e-9 * samples**2.0, 1e-3 * samples]))
    powers = [axes.get_legend_handles_labels()[1][1] for axes in figure.axes]
    assert powers == ["samples to the power 2.00", "samples to the power 1.00"]

"""Answers about generators of known truth: each flaw is found by its question, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gancensus.census.answers import Compared, differences, measure, reduced, rows_of_answers
from gancensus.census.relabelling import relabelled
from gancensus.census.summary import MAIN, Answer, adjusted, answers
from gancensus.domains.general.metric_euclidean import Euclidean

N = 600
Points = np.ndarray
RNG = np.random.default_rng
CENTRES = 4 * RNG(99).normal(size=(10, 8))


def modes(rng: np.random.Generator, keep: int = 10, width: float = 1.0) -> Points:
    """Samples of the first of ten modes."""
    return CENTRES[rng.integers(keep, size=N)] + width * rng.normal(size=(N, 8))


def correlated(rng: np.random.Generator, rho: float) -> Points:
    """Six columns, of which two are correlated."""
    x = rng.normal(size=(N, 6))
    x[:, 1] = rho * x[:, 0] + np.sqrt(1 - rho**2) * x[:, 1]
    return np.asarray(x)


def junk(rng: np.random.Generator, share: float) -> Points:
    """Samples of ten modes, of which a share is noise."""
    x, k = modes(rng), int(share * N)
    x[:k] = rng.uniform(-20, 20, size=(k, 8))
    return x


def repeated(rng: np.random.Generator) -> Points:
    """Samples of ten modes, 20 of which are there twice, nearly."""
    x = modes(rng)
    x[:20] = x[20:40] + 1e-4 * rng.normal(size=(20, 8))
    return x


def rows(calibrate: Points, holdout: Points, made: Points) -> list[dict[str, Any]]:
    """The statistics of one definition."""
    rng, definition = RNG(0), {"near": Euclidean(alpha=0.001)}
    features = Compared(*([(x.astype(np.float32),)] for x in (calibrate, holdout, made)))
    apart = np.linalg.norm(calibrate[:, None] - calibrate[None], axis=2)[np.triu_indices(len(calibrate), 1)]
    labels = relabelled(len(made), len(made) + len(holdout), 199, rng)
    measured = measure(definition, [float(np.quantile(apart, 0.002))], features, labels, rng)
    values = reduced(calibrate, [holdout, made], None)
    return rows_of_answers({"near": measured}, differences(values, labels), values.names)


def said(found: list[dict[str, Any]]) -> dict[str, Answer]:
    """The answers about one generator."""
    return {one.question: one for one in answers(adjusted({"made": found})["made"], 1.5)}


FLAWS: dict[str, tuple[Callable[[np.random.Generator], Points], Callable[[np.random.Generator], Points], str]] = {
    "invented": (modes, lambda rng: modes(rng) + 100, "on"),
    "half of the modes": (modes, lambda rng: modes(rng, 5), "covers"),
    "half of them, wider": (modes, lambda rng: modes(rng, 5, 1.2), "covers"),
    "one mode lost": (modes, lambda rng: modes(rng, 9), "covers"),
    "half is junk": (modes, lambda rng: junk(rng, 0.5), "on"),
    "10 % is junk": (modes, lambda rng: junk(rng, 0.1), "on"),
    "near-duplicates": (modes, repeated, "diverse"),
    "one sample": (modes, lambda rng: np.repeat(modes(rng)[:1], N, axis=0), "diverse"),
    "a lost correlation": (lambda rng: correlated(rng, 0.6), lambda rng: correlated(rng, 0), "alike"),
    "rounded": (modes, lambda rng: np.round(modes(rng), 1), "alike"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_is_found_by_its_question(flaw: str) -> None:
    real, made, question = FLAWS[flaw]
    found = said(rows(real(RNG(1)), real(RNG(2)), made(RNG(3))))
    assert found[question].answer == "no"
    assert (found[question].p or 1) < 0.05


def test_what_differs_is_named() -> None:
    real = [correlated(RNG(k), 0.6) for k in range(2)]
    found = said(rows(real[0], real[1], correlated(RNG(3), 0)))
    assert "value 0 and value 1" in found["alike"].names


def test_as_good_as_the_data() -> None:
    found = said(rows(modes(RNG(1)), modes(RNG(2)), modes(RNG(3))))
    assert {question: one.answer for question, one in found.items()} == {
        "diverse": "yes",
        "on": "yes",
        "covers": "yes",
        "alike": "",
    }


def test_as_many_alarms_as_the_level() -> None:
    alarms = 0
    for k in range(40):
        one = rows(*(RNG([k, side]).normal(size=(100, 3)) for side in range(3)))
        alarms += any(answer.answer == "no" for answer in said(one).values())
    assert alarms <= 6  # of 2 expected


def statistic(name: str, question: str, **known: Any) -> dict[str, Any]:
    """A row of a statistic that says nothing, but for what is known."""
    row = {"definition": "near", "question": question, "statistic": name, "value": 1.0, "low": 0.95, "high": 1.1}
    return row | {"adjusted": 1.0, "of": ""} | known


def about(question: str, *rows: dict[str, Any]) -> Answer:
    """The answer to a question, where statistics of the others say nothing."""
    others = [statistic(name, other) for other, name in MAIN.items() if other != question]
    return {one.question: one for one in answers([*rows, *others], 1.5)}[question]


def test_a_margin_cancels_what_is_sharp_and_nothing_else() -> None:
    main, pairs = statistic("reach_ratio", "diverse", adjusted=0.001), statistic("pair_ratio", "diverse")
    found = about("diverse", main, pairs)
    assert (found.answer, found.names) == ("yes", "near reach_ratio differ within the margin")
    assert about("diverse", main | {"high": 1.6}, pairs).answer == "no"
    found = about("diverse", main, pairs, statistic("closest", "diverse", adjusted=0.001, low=None, high=None))
    assert (found.answer, found.criterion) == ("no", "near closest")


def test_definitions_that_dissent_are_named() -> None:
    high, low = statistic("covers", "covers"), statistic("covers", "covers", definition="strict", low=0.5, high=0.6)
    found = about("covers", high, low | {"adjusted": 0.01})
    assert (found.answer, found.names) == ("no", "not by near")
    found = about("covers", high, low)
    assert (found.answer, found.criterion) == ("inconclusive", "strict covers")


def test_many_duplicates_may_not_hide_behind_the_neighbours() -> None:
    pairs = statistic("pair_ratio", "diverse", value=1.4, low=0.9, high=2.2)
    assert about("diverse", statistic("reach_ratio", "diverse"), pairs).answer == "inconclusive"


def test_generators_share_the_level() -> None:
    each = {f"g{k}": [statistic("closest", "diverse", adjusted=0.02)] for k in range(3)}
    assert [rows[0]["adjusted"] for rows in adjusted(each).values()] == pytest.approx([0.06] * 3)

"""Words and numbers for people."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gancensus.census.answers import SIDES
from gancensus.cli import printed
from gancensus.contracts.metric import Metric
from gancensus.domains.general.metric_condition import Condition
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.domains.tables.metric_hamming import Hamming
from gancensus.plotting import numbers
from gancensus.report import sentences


def row(**values: Any) -> dict[str, Any]:
    """A row of the census of 4,000 samples; every column can be set."""
    names = [f"{name}{end}" for name in ("effective_support", "ratio") for end in ("", "_low", "_high")]
    counts = {"samples": 4000, "pairs": 7_998_000, "duplicates": 9}
    return {"population": "gan-0", **counts, **dict.fromkeys(names), **values}


SIZE = {"effective_support": 2104.0, "effective_support_low": 1722.0, "effective_support_high": 2571.0}
RATIO = {"ratio": 0.96, "ratio_low": 0.754, "ratio_high": 1.22}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.9586, "2.96"),
        (1230.3, "1,230"),
        (8.128e-4, "8.13 × 10⁻⁴"),
        (0.0123, "0.0123"),
        (999.7, "1,000"),
        (9.996, "10.0"),
        (1, "1.00"),
        (0, "0"),
        (-0.00884, "−8.84 × 10⁻³"),
        (7_998_000, "8,000,000"),
        (1.6e9, "1.60 × 10⁹"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_numbers_have_three_significant_digits(value: float | None, text: str) -> None:
    assert numbers.number(value) == text


@given(st.floats(1e-12, 1e12), st.integers(1, 6))
def test_numbers_read_back_within_half_a_digit(value: float, digits: int) -> None:
    text = numbers.number(value, digits).replace(",", "")
    mantissa, _, power = text.partition(" × 10")
    exponent = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
    assert float(mantissa) * 10.0**exponent == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))


def test_measured_values_lose_their_zeros_and_counts_keep_theirs() -> None:
    assert [numbers.short(v) for v in (0.2013, 25.6, 74.0, 5.0, 0.0, 1845.7, 100.0, -12.5)] == (
        ["0.201", "25.6", "74", "5", "0", "1,846", "100", "−12.5"]
    )
    assert [numbers.integer(v) for v in (7998000, 36.0, None, float("nan"))] == ["7,998,000", "36", "–", "–"]


def test_shares_and_p_values() -> None:
    assert [numbers.percent(v) for v in (0.0, 0.0122, 0.94, 1.0)] == ["0 %", "1.22 %", "94 %", "100 %"]
    assert [numbers.p_value(v) for v in (1.0, 0.9790, 2 / 1001, 0.001, 0.0009)] == (
        ["p = 1", "p = 0.98", "p = 0.002", "p = 0.001", "p < 0.001"]
    )


def test_units_are_set_in_type() -> None:
    assert [numbers.unit(u) for u in ("1", "kg/m^2", "muU/mL", "mmHg", "cm^-1")] == [
        "",
        "kg/m²",
        "µU/mL",
        "mmHg",
        "cm⁻¹",
    ]


def test_rows_turn_nan_into_none() -> None:
    table = {"n": np.array([1, 2]), "x": np.array([np.nan, 0.5]), "word": np.array(["a", None], dtype=object)}
    assert numbers.rows(table) == [{"n": 1, "x": None, "word": "a"}, {"n": 2, "x": 0.5, "word": None}]


def test_intervals_and_bounds() -> None:
    assert numbers.interval(row(**SIZE), "effective_support") == ("2,100", "1,720 to 2,570")
    assert numbers.interval(row(effective_support_low=30.0), "effective_support") == ("≥ 30.0", "")
    assert numbers.interval(row(ratio=0.0, ratio_low=0.0, ratio_high=0.25), "ratio") == ("≤ 0.250", "")
    assert numbers.interval(row(), "ratio") == ("–", "")


def test_sentences_claim_no_more_than_the_intervals() -> None:
    assert sentences.sentence(row(**SIZE, **RATIO)) == (
        "gan-0 makes about 2,100 (1,700 to 2,600) effectively different samples and repeats itself 0.96 times "
        "(0.75 to 1.2) as often as the held-out data."
    )
    nothing = row(duplicates=0, effective_support_low=2_670_000.0, ratio=0.0, ratio_low=0.0, ratio_high=0.25)
    assert sentences.sentence(nothing) == (
        "gan-0 shows no duplicate among 4,000 samples: it makes at least 2,700,000 effectively different samples and "
        "repeats itself at most 0.25 times as often as the held-out data."
    )
    alone = row(duplicates=0, pairs=0, effective_support_low=1.0)
    assert sentences.sentence(alone) == "gan-0 has no two samples that the definition compares."
    unknown = row(duplicates=0, effective_support_low=2_670_000.0)
    assert sentences.sentence(unknown).endswith("at least 2,700,000 effectively different samples.")


def answered(
    diverse: str = "yes", on: str = "yes", covers: str = "yes", copies: str = "no", **names: str
) -> dict[str, Any]:
    """Answers about a population."""
    said = {"diverse": diverse, "on": on, "covers": covers, "copies": copies, "alike": "no" if "alike" in names else ""}
    return {question: {"answer": answer, "names": names.get(question, "")} for question, answer in said.items()}


def test_conclusions_name_all_that_is_wrong_and_the_headline_who() -> None:
    narrow = answered("no", covers="no", copies="inconclusive")
    narrow["diverse"]["names"] = "less diverse, not by latent"
    smeared = answered("no", "no", copies="yes", alike="column x7")
    smeared["diverse"]["names"] = "more diverse, but not on the data"
    said = {
        "a-0": narrow,
        "a-1": narrow,
        "b-0": smeared,
        "c-0": answered(),
        "d-0": answered("inconclusive", copies="inconclusive"),
        "e-0": answered(covers="inconclusive", alike="x and y together"),
    }
    found = sentences.conclusions(said)
    assert found == {
        ("no", "less diverse; does not cover the data; inconclusive: copies"): ["a-0", "a-1"],
        ("no", "more diverse, but not on the data; not on the data; copies train; differs in column x7"): ["b-0"],
        ("yes", "as diverse as the data, on the data, covers the data, no copies found"): ["c-0"],
        ("inconclusive", "on the data, covers the data; inconclusive: diversity, copies"): ["d-0"],
        (
            "differs",
            "as diverse as the data, on the data, no copies found; differs in x and y together; inconclusive: coverage",
        ): ["e-0"],
    }
    assert sentences.headline(found).startswith(
        "a-0 and a-1: less diverse; does not cover the data; inconclusive: copies. b-0: more diverse, but not on "
    )
    assert "d-0: on the data, covers the data; inconclusive: diversity, copies." in sentences.headline(found)


def test_a_definition_says_what_is_compared_and_what_is_a_duplicate() -> None:
    metrics: dict[str, Metric] = {
        "energy": Condition(column="energy", tolerance=0.5),
        "angle": Condition(column="theta", bins=(1.0, 2.0)),
        "run": Condition(column="run"),
        "euclidean": Euclidean(alpha=0.01),
        "latent": Euclidean(encoder="vae", alpha=0.01),
        "hits": Hamming(alpha=0.01),
    }
    thresholds = [{"metric": name, "threshold": 0.125} for name in metrics]
    assert sentences.definition(metrics, thresholds) == (
        "Two samples are compared only when their energy differs by at most 0.5, their theta lies in the same bin and "
        "their run is equal, and are duplicates when their Euclidean distance is at most 0.125, and their latent "
        "distance in the space of encoder vae is at most 0.125, and their hits distance is at most 0.125."
    )
    only = {"euclidean": metrics["euclidean"]}
    assert sentences.definition(only, thresholds[3:4]) == (
        "Two samples are duplicates when their Euclidean distance is at most 0.125."
    )


def test_copying_names_populations_and_their_definitions() -> None:
    said = {
        ("pixels", "holdout"): None,
        ("pixels", "a-0"): "copies",
        ("pixels", "b-0"): "no copies found",
        ("latent", "a-0"): "copies",
        ("latent", "b-0"): "inconclusive",
    }
    rows = [{"definition": d, "population": p, "verdict": verdict} for (d, p), verdict in said.items()]
    found = sentences.copying(rows)
    assert found == {"a-0": ["pixels", "latent"]}
    assert sentences.copies_headline(found) == (
        "a-0 (by pixels and latent) copies training samples: its samples are duplicates of those more often than of "
        "held-out ones."
    )
    both = sentences.copies_headline({"a-0": ["pixels"], "b-0": ["pixels"]})
    assert both.startswith("a-0 (by pixels) and b-0 (by pixels) copy training samples: their samples")
    assert sentences.copying(rows[2:3]) == {}


def test_chains_are_kinds_far_larger_than_what_is_all_alike() -> None:
    sizes = {
        ("pixels", "a-0"): (30, 10),
        ("pixels", "b-0"): (31, 10),
        ("pixels", "c-0"): (50, 2),
        ("all", "a-0"): (1, 1),
    }
    rows = [
        {"definition": definition, "population": population, "quantity": quantity, "value": value}
        for (definition, population), pair in sizes.items()
        for quantity, value in zip(("largest", "clique_bound"), pair, strict=True)
    ]
    found = sentences.chained(rows)
    assert found == {"pixels": ["b-0", "c-0"]}
    assert "too low, by pixels of b-0 and c-0: the largest kind" in sentences.chains_warning(found)


@given(st.integers(1, 7))
def test_cuts_are_all_metrics_each_left_out_and_each_alone(count: int) -> None:
    names = [f"m+{k}" for k in range(count)]
    subsets = ["+".join(subset) for size in range(1, count + 1) for subset in combinations(names, size)]
    found = sentences.cuts(subsets)
    assert found["all metrics"] == "+".join(names)
    assert set(found.values()) <= set(subsets)
    assert len(set(found.values())) == len(found) == {1: 1, 2: 3}.get(count, 1 + 2 * count)
    assert found.get("only m+0", "m+0") == "m+0"
    assert found.get("without m+0") == ("+".join(names[1:]) if count > 2 else None)


def test_the_informative_alpha_leaves_the_reference_five_duplicates() -> None:
    counts = {0.1: 40, 0.05: 5, 0.01: 4}
    rows = [{"population": "holdout", "metrics": "a", "alpha": a, "duplicates": k} for a, k in counts.items()]
    rows += [{**r, "population": "gan-0", "duplicates": 99} for r in rows]
    rows += [{**r, "metrics": "a+b", "duplicates": 0} for r in rows]
    assert sentences.informative_alpha(rows, "a") == (0.05, True)
    assert sentences.informative_alpha(rows, "a+b") == (0.1, False)


def test_only_held_out_samples_are_the_reference() -> None:
    found = [row(population=name, verdict=None) for name in ("holdout", "train")] + [row(verdict="inconclusive")]
    assert [sentences.verdict(one) for one in found] == ["reference", "–", "inconclusive"]


def test_an_interval_that_reads_as_its_value_is_left_out() -> None:
    known = {"question": "on", "answer": "yes", "value": 1.0}
    assert sentences.answer(known | {"low": 1.0, "high": 1.0}) == "yes: 1.0"
    assert sentences.answer(known | {"low": 0.999, "high": 1.2}) == "yes: 1.0 (1.0 to 1.2)"


def test_how_many_samples_it_takes_is_said_in_two_digits_and_not_too_few() -> None:
    known = {"question": "on", "answer": "inconclusive", "names": "", "criterion": ""}
    for samples, words in ((7, "7"), (205, "210"), (785, "790"), (15535, "16,000"), (99001, "100,000")):
        said = f"about {words} held-out real samples and as many generated ones would settle it"
        assert sentences.why(known | {"needed": samples}) == said


def test_what_was_not_asked_is_decided_by_nothing() -> None:
    known = {"question": "copies", "answer": "inconclusive", "criterion": "near copies", "needed": None}
    assert sentences.why(known | {"names": "cannot be asked: no"}) == "cannot be asked: no"
    assert sentences.why(known | {"names": "else"}) == "by samples of train among the nearest real ones (near); else"


def test_what_was_not_asked_is_not_called_inconclusive() -> None:
    said = answered(copies="inconclusive")
    said["copies"] |= {"question": "copies", "names": "cannot be asked: no samples", "criterion": "", "needed": None}
    said["copies"] |= {"low": None, "high": None}
    assert sentences.answer(said["copies"]) == "not asked"
    assert sentences.conclusions({"a-0": said}) == {
        ("yes", "as diverse as the data, on the data, covers the data"): ["a-0"]
    }
    assert printed.reasons({"mine": {"copies": said["copies"]}}, printed.is_open) == [
        "  copies train, not asked: no samples (mine)"
    ]


def test_what_decides_is_said_in_words() -> None:
    known = {"question": "diverse", "answer": "no", "names": "9 of 10", "needed": None}
    assert sentences.why(known | {"criterion": "all pixels closest"}) == "by its closest pairs (all pixels); 9 of 10"
    assert sentences.why(known | {"criterion": "exact"}) == "by equal samples; 9 of 10"
    assert sentences.why(known | {"question": "copies", "criterion": "exact"}) == "9 of 10"
    assert set(SIDES["diverse"] | SIDES["on"] | SIDES["covers"]) <= set(sentences.STATISTICS)

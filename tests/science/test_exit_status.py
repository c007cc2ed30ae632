"""The exit status of an audit: what counts as found, what as undecided, and which of several wins."""

import json
import math
from typing import Any

import pytest

from gancensus.audit.outcome import CRITERIA, USUAL, Gate, Outcome, as_json, status
from gancensus.report.sentences import BAD
from gancensus.storage.schemas import SUMMARY, SUPPORT

GOOD = {"diverse": "yes", "on": "yes", "covers": "yes", "copies": "no", "alike": ""}
INTERVAL = (1.0, 0.8, 1.3)


def outcome(
    ratio: tuple[float | None, float | None, float | None] = INTERVAL, names: str = "", **answers: str
) -> Outcome:
    """A generator of which all is well but for these answers; names: what those about diversity name."""
    rows = {
        question: dict.fromkeys(SUMMARY.names) | {"question": question, "answer": answer, "criterion": "", "names": ""}
        for question, answer in (GOOD | answers).items()
    }
    rows["diverse"]["names"] = names
    counted: dict[str, Any] = dict.fromkeys(SUPPORT.names)
    counted |= dict(zip(("ratio", "ratio_low", "ratio_high"), ratio, strict=True)) | {"samples": 200, "duplicates": 3}
    return Outcome("mine", "mine-0", rows, {"near": counted})


@pytest.mark.parametrize("word", CRITERIA)
@pytest.mark.parametrize("other", CRITERIA)
def test_each_word_finds_its_own_flaw_and_no_other(word: str, other: str) -> None:
    question = CRITERIA[other].question
    names = {"less-diverse": "less diverse, not by pixels", "more-diverse": "more diverse, but not on the data"}
    flawed = outcome(INTERVAL, names.get(other, ""), **{question: BAD.get(question, "no")})
    assert Gate([word]).found(flawed) == ([word] if word == other else [])
    assert status([outcome(), flawed], Gate([word])) == (10 if word == other else 0)


def test_what_has_no_direction_is_found_by_both_words() -> None:
    flawed = outcome(names="value 15.2 (0.493 to 2.65 if both sets of samples were alike)", diverse="no")
    assert Gate().found(flawed) == ["less-diverse", "more-diverse"]


def test_what_only_alarms_is_not_found_unless_it_is_named() -> None:
    assert "differs" not in USUAL
    assert status([outcome(alike="no")], Gate()) == 0
    assert status([outcome(alike="no")], Gate(["differs"])) == 10


@pytest.mark.parametrize("found", [False, True])
@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("undecided", [False, True])
@pytest.mark.parametrize("strict", [False, True])
def test_which_status_wins(found: bool, complete: bool, undecided: bool, strict: bool) -> None:
    one = outcome(on="no" if found else "yes", covers="inconclusive" if undecided else "yes")
    expected = 10 if found else 3 if not complete else 20 if undecided and strict else 0
    assert status([outcome(), one], Gate(strict=strict), complete) == expected


def test_strict_asks_only_for_what_counts_and_what_could_be_answered() -> None:
    one = outcome(copies="inconclusive")
    assert status([one], Gate(strict=True)) == 20
    assert Gate(strict=True).undecided(one) == ["copies"]
    assert status([one], Gate(strict=True, unasked=["copies"])) == 0
    assert status([one], Gate(["off-data"], strict=True)) == 0
    assert Gate().undecided(outcome(diverse="inconclusive")) == ["less-diverse", "more-diverse"]


@pytest.mark.parametrize(
    ("ratio", "found", "undecided"),
    [
        ((2.0, 1.6, 2.5), ["ratio"], []),
        ((2.0, 1.5, 2.5), [], ["ratio"]),  # the near end is not above it
        ((1.2, 0.9, 1.5), [], []),
        ((1.2, 0.9, 1.6), [], ["ratio"]),
        ((None, None, None), [], ["ratio"]),  # no duplicates among real samples
        ((0.0, 0.0, 1.1), [], []),
        ((None, 3.0, None), ["ratio"], []),  # at least 3 times as many
    ],
)
def test_the_largest_ratio_is_compared_with_the_near_end_of_the_interval(
    ratio: tuple[float | None, float | None, float | None], found: list[str], undecided: list[str]
) -> None:
    gate = Gate((), 1.5, strict=True)
    one = outcome(ratio)
    assert gate.found(one) == found
    assert gate.undecided(one) == undecided
    assert status([one], gate) == (10 if found else 20 if undecided else 0)
    assert Gate(()).found(one) == []


def test_any_definition_can_have_the_ratio() -> None:
    one, other = outcome(), outcome((2.0, 1.6, 2.5))
    both = one._replace(counts={"near": one.counts["near"], "far": other.counts["near"]})
    assert Gate(max_ratio=1.5).above(both) == ["far"]
    assert status([both], Gate(max_ratio=1.5)) == 10


def test_an_outcome_is_valid_json() -> None:
    one = outcome((math.inf, 1.6, math.nan), names="less diverse", diverse="no")
    found = as_json(one, Gate(max_ratio=1.5))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["found"] == ["less-diverse", "ratio"]
    assert found["answers"]["diverse"] == dict.fromkeys(("value", "low", "high", "margin", "p", "needed")) | {
        "answer": "no",
        "why": "less diverse",
    }
    assert found["answers"]["alike"]["answer"] is None
    numbers = found["definitions"]["near"]
    assert (numbers["ratio"], numbers["ratio_low"], numbers["ratio_high"]) == (None, 1.6, None)
    assert (numbers["samples"], numbers["duplicates"]) == (200, 3)

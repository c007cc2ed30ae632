"""Answers about generators of known truth: each flaw is found by its question, and none where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from gancensus.census.answers import _columns, rows_of_answers
from gancensus.census.measured import Compared, measure
from gancensus.census.relabelling import relabelled
from gancensus.census.summary import (
    BELONG,
    FEW_KINDS,
    FEW_SAMPLES,
    GROUPED,
    MAIN,
    Answer,
    Grouping,
    adjusted,
    answers,
    copies,
    summarise,
)
from gancensus.comparison.alike import blocks_of, differences, reduced
from gancensus.contracts.samples import Samples, Scale
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.training.splits import split

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


def rows(
    calibrate: Points,
    holdout: Points,
    made: Points,
    classes: np.ndarray | None = None,
    *,
    called: Mapping[int, str] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """The statistics of one definition."""
    rng, definition = RNG(0), {"near": Euclidean(alpha=0.001)}
    features = Compared(*([(x.astype(np.float32),)] for x in (calibrate, holdout, made)))
    apart = np.linalg.norm(calibrate[:, None] - calibrate[None], axis=2)[np.triu_indices(len(calibrate), 1)]
    labels = relabelled(len(made), len(made) + len(holdout), 199, rng)
    measured = measure(definition, [float(np.quantile(apart, 0.002))], features, labels, rng, "cpu", classes, called)
    values = reduced(blocks_of(calibrate), [blocks_of(holdout), blocks_of(made)], None)
    found = rows_of_answers({"near": measured}, differences(values, labels), values.names)
    return [row | {"samples": len(made), "others": len(holdout)} for row in found]


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
    assert "how value 1 and value 2 go together" in found["alike"].names


def test_names_of_columns_are_quoted() -> None:
    names = ("bmi", "bmi missing", "a and b")
    scale = Scale(names, ("1",) * 3, (0.0,) * 3, (1.0,) * 3)
    x = np.zeros((2, 3), dtype=np.float32)
    assert _columns(Samples(x, np.arange(2), scale=scale))[1] == ["'bmi'", "'bmi missing'", "'a and b'"]
    assert _columns(Samples(x, np.arange(2)))[1] is None
    assert _columns(Samples(np.zeros((2, 4, 3), dtype=np.float32), np.arange(2), scale=scale))[1] is None


def test_as_good_as_the_data() -> None:
    found = said(rows(modes(RNG(1)), modes(RNG(2)), modes(RNG(3))))
    assert {question: one.answer for question, one in found.items()} == {
        "diverse": "yes",
        "on": "yes",
        "covers": "yes",
        "alike": "",
    }


def one_hot(rng: np.random.Generator, weight: Callable[[np.ndarray], np.ndarray]) -> Points:
    """Six columns of categories, whose weights are a function of 1, 2, 3, ..."""
    weights = [weight(np.arange(1, k + 1)) for k in (3, 5, 8, 4, 6, 2)]
    return np.hstack([np.eye(len(w))[rng.choice(len(w), 2 * N, p=w / w.sum())] for w in weights])


@pytest.mark.parametrize(("power", "answer"), [(1, "yes"), (0, "no")])
def test_rows_that_are_equal_or_far_apart_are_placed(power: float, answer: str) -> None:
    """Equal rows cover too few, those with one difference nearly all: some of them do."""

    def weight(k: np.ndarray) -> np.ndarray:
        return np.asarray(1.0 / k**power)

    calibrate, holdout = (one_hot(RNG(20 + k), lambda k: 1 / k) for k in range(2))
    made = one_hot(RNG(23), weight)
    definition, thresholds = {"near": Euclidean(alpha=0.001)}, [0.0]
    features = Compared(*([(x.astype(np.float32),)] for x in (calibrate, holdout, made)))
    labels = relabelled(2 * N, 4 * N, 9, RNG(0))
    measured = measure(definition, thresholds, features, labels, RNG(0))
    assert measured.covered[0] == 0.8
    assert 100 < measured.batch < N
    found = said(rows(calibrate, holdout, made))
    assert {found["on"].answer, found["covers"].answer} == {answer}


def cells(rng: np.random.Generator, of: list[tuple[int, int]], n: int) -> Points:
    """Rows of two columns of thirty categories, one of some pairs."""
    chosen = np.array(of)[rng.integers(len(of), size=n)]
    return np.hstack([np.eye(30)[column] for column in chosen.T])


def test_rows_one_difference_from_real_ones_are_not_on_the_data() -> None:
    """The radius at which most is covered has no equal rows any more: the wide one has."""
    every = RNG(0).permutation([(a, b) for a in range(30) for b in range(30)])
    known, never = ([(int(a), int(b)) for a, b in some] for some in np.split(every, 2))
    calibrate, holdout = (cells(RNG(k), known, N) for k in range(2))
    found = said(rows(calibrate, holdout, cells(RNG(3), never, N)))
    assert (found["on"].answer, found["covers"].answer) == ("no", "no")
    found = said(rows(calibrate, holdout, cells(RNG(3), known, N)))
    assert (found["on"].answer, found["covers"].answer) == ("yes", "yes")


def test_a_radius_that_everything_is_within_is_none() -> None:
    """One column of 400 categories: any two are equal or as far apart as any others."""
    x = [np.eye(400)[RNG(k).integers(400, size=N // 2)].astype(np.float32) for k in range(3)]
    labels = relabelled(N // 2, N, 9, RNG(0))
    measured = measure({"near": Euclidean(alpha=0.001)}, [0.0], Compared(*([(one,)] for one in x)), labels, RNG(0))
    assert (measured.radii, measured.batch) == ((0, 0, 0, 0), N // 2 - 1)
    equal = [sum(k * (k - 1) / 2 for k in one.sum(axis=0)) for one in x]
    assert measured.statistics["pair_ratio"][0] == pytest.approx(np.log((equal[2] + 0.5) / (equal[1] + 0.5)))


def test_few_samples_over_and_over_are_less_diverse_but_on_the_data() -> None:
    rng = RNG(4)
    found = said(rows(modes(rng), modes(rng), modes(rng)[rng.integers(12, size=N)] + 0.01 * rng.normal(size=(N, 8))))
    assert {question: one.answer for question, one in found.items() if question != "on"} == {
        "diverse": "no",
        "covers": "no",
        "alike": "no",
    }
    assert found["diverse"].names == "less diverse"
    assert found["on"].answer != "no"


def test_as_many_alarms_as_the_level() -> None:
    alarms = 0
    for k in range(40):
        one = rows(*(RNG([k, side]).normal(size=(100, 3)) for side in range(3)))
        alarms += any(answer.answer == "no" for answer in said(one).values())
    assert alarms <= 6  # of 2 expected


def statistic(name: str, question: str, **known: Any) -> dict[str, Any]:
    """A row of a statistic that says nothing, but for what is known."""
    row = {"definition": "near", "question": question, "statistic": name, "value": 1.0, "low": 0.95, "high": 1.1}
    return row | {"null_low": None, "null_high": None, "adjusted": 1.0, "of": "", "samples": 100, "others": 200} | known


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


def test_more_diverse_is_not_said_alone() -> None:
    wide = {"value": 0.4, "low": 0.3, "high": 0.5, "adjusted": 0.01}
    main, pairs = statistic("reach_ratio", "diverse", **wide), statistic("pair_ratio", "diverse")
    assert about("diverse", main, pairs).names == "more diverse"
    off = statistic("on", "on", low=0.2, high=0.3)
    real = statistic("calibrate", "on", value=0.9, adjusted=None)
    for known, where in (({}, "perhaps off the data"), ({"value": 0.2, "adjusted": 0.01}, "but not on the data")):
        said = answers([main, pairs, off | known, statistic("covers", "covers"), real], 1.5)
        assert said[0].names == f"more diverse, {where}"
    less = about("diverse", main | {"value": 2.5, "low": 2.0, "high": 3.0}, pairs)
    assert (less.answer, less.names) == ("no", "less diverse")


NEAR = statistic("copies", "copies", value=0.03, adjusted=0.001, of="9 of 10 are near", low=None, high=None)
EQUAL = statistic("exact", "copies", definition=None, value=0.02, of="3 are equal", adjusted=1.0, low=None, high=None)
SEEN = {"statistic": "detectable 0", "question": "copies", "value": 0.012, "adjusted": None}


def test_copies_are_judged_only_where_they_can_be() -> None:
    found = copies([NEAR, EQUAL, SEEN], [])
    assert (found.answer, found.value, found.criterion) == ("yes", 0.03, "near copies")
    assert found.names == "9 of 10 are near, as if 3 % were copies; 3 are equal"
    none = NEAR | {"adjusted": 0.2}
    found = copies([none, EQUAL, SEEN], [])
    assert found.answer == "no"
    assert found.names == "no copies found; 1.2 % would have been found with probability 0.95"
    assert copies([none, SEEN | {"value": 0.1}], []).answer == "inconclusive"
    found = copies([none, SEEN | {"value": None}], [])
    assert (found.answer, found.names[17:33]) == ("inconclusive", "not even 100 % w")
    why = "cannot be judged: train and holdout differ (on)"
    assert copies([none, SEEN], ["on"]).names == why
    assert copies([NEAR, SEEN], ["on"])[:2] == ("copies", "inconclusive")
    assert copies([NEAR, SEEN], ["on"]).names.startswith(f"{why}; 9 of 10")
    assert copies([], []).names.startswith("not asked")


def test_no_definition_clears_what_another_one_or_equality_convicts() -> None:
    loose = NEAR | {"definition": "loose", "adjusted": 0.9}
    for order in ([loose, NEAR, EQUAL, SEEN], [NEAR, EQUAL, SEEN, loose]):
        assert (copies(order, []).answer, copies(order, []).criterion) == ("yes", "near copies")
    equal = EQUAL | {"adjusted": 0.01}
    found = copies([loose, SEEN, equal], [])
    assert (found.answer, found.value, found.criterion) == ("yes", 0.02, "exact")
    assert copies([equal], []).answer == "yes"
    found = copies([EQUAL], [])  # definitions of an encoder alone
    assert (found.answer, found.names[:34]) == ("inconclusive", "no exact copies found; else not as")


def test_generators_share_the_level() -> None:
    each = {f"g{k}": [statistic("closest", "diverse", adjusted=0.02)] for k in range(3)}
    assert [rows[0]["adjusted"] for rows in adjusted(each).values()] == pytest.approx([0.06] * 3)


def test_a_probability_of_nothing_stays_with_copies() -> None:
    """Thousands of exact copies have a p-value of 0 in float64: that must not decide what else is asked."""
    copied = {"question": "copies", "statistic": "exact", "adjusted": 0.0}
    found = adjusted({"made": [statistic("on", "on", adjusted=0.5), copied], "other": [statistic("on", "on")]})
    assert [row["adjusted"] for row in found["made"]] == [pytest.approx(1.0), 0.0]


def summary_of(
    generators: int, permutations: int, train: list[dict[str, Any]] | None, group: Grouping = "unused"
) -> dict[tuple[str, str], Answer]:
    """What is said in a study of good generators that do not copy."""
    good = [statistic(name, question) for question, name in MAIN.items()]
    seen = {"definition": "near", "question": "copies", "adjusted": None, "statistic": "detectable 0", "value": 0.01}
    tested = statistic("copies", "copies", of="", low=None, high=None)
    found = {f"g{k}": [*good, statistic("pair_ratio", "diverse"), tested, seen] for k in range(generators)}
    said = summarise(found if train is None else {"train": train, **found}, 1.5, permutations, group=group)
    return {(row.pop("population"), row["question"]): Answer(**row) for row in said}


def test_what_permutations_cannot_show_is_not_called_good() -> None:
    good = [statistic(name, question) for question, name in MAIN.items()]
    said = summary_of(3, 1000, good)
    assert [said["g0", question].answer for question in (*MAIN, "copies")] == ["yes", "yes", "yes", "no"]
    said = summary_of(3, 100, good)  # three times two tests: the least p-value of copies is 6/101
    assert [said["g0", question].answer for question in (*MAIN, "copies")] == ["yes", "yes", "yes", "inconclusive"]
    assert "raise `permutations`" in said["g0", "copies"].names
    said = summary_of(6, 100, good)
    assert {said["g5", question].answer for question in MAIN} == {"inconclusive"}


def test_train_that_cannot_be_measured_leaves_copies_open_alone() -> None:
    said = summary_of(1, 1000, [])
    assert [said["g0", question].answer for question in (*MAIN, "copies")] == ["yes", "yes", "yes", "inconclusive"]
    assert said["g0", "copies"].names == f"cannot be judged: of train, {FEW_SAMPLES}"
    found = summary_of(1, 1000, None, "used")["g0", "copies"]  # nobody asks of train
    assert (found.answer, found.names) == ("inconclusive", GROUPED)
    low = {"value": 0.5, "low": 0.4, "high": 0.6}
    poor = [
        *(statistic(MAIN[question], question) for question in ("diverse", "on")),
        statistic("covers", "covers", **low),
    ]
    poor[-1]["adjusted"] = 0.02
    assert summary_of(1, 1000, poor)["g0", "copies"].answer == "no"  # one alarm of 5 % is no veto
    poor[-1]["adjusted"] = 0.001
    assert summary_of(1, 1000, poor)["g0", "copies"].names.startswith("cannot be judged: train and holdout differ")


def test_what_more_samples_cannot_settle_is_not_promised() -> None:
    none = statistic("pair_ratio", "diverse", low=None, high=None)
    found = about("diverse", statistic("reach_ratio", "diverse"), none)
    assert (found.answer, found.names, found.needed) == ("inconclusive", "too few near-duplicates to compare", None)


def test_the_class_that_is_covered_least_is_named() -> None:
    """A narrow class of 5 % is lost: its few samples change no coverage of the whole."""
    rng = RNG(8)

    centres = 4 * np.concatenate([CENTRES, -CENTRES])

    def drawn(of: np.ndarray) -> tuple[Points, np.ndarray]:
        kinds = rng.choice(of, size=N).astype(np.int32)
        return centres[kinds] + np.where(kinds == 3, 0.1, 1)[:, None] * rng.normal(size=(N, 8)), kinds

    every, others = np.arange(20), np.delete(np.arange(20), 3)
    calibrate, classes = drawn(every)
    lost = said(rows(calibrate, drawn(every)[0], drawn(others)[0], classes))["covers"]
    assert lost.answer == "no"
    assert "least covered: class 3, 0 %" in lost.names
    named = said(rows(calibrate, drawn(every)[0], drawn(others)[0], classes, called={3: "dog/small"}))["covers"]
    assert "least covered: class dog/small, " in named.names
    kept = said(rows(calibrate, drawn(every)[0], drawn(every)[0], classes))["covers"]
    assert kept.answer != "no"
    assert kept.names == "no class is covered significantly less than others"
    of_one = said(rows(calibrate, drawn(every)[0], drawn(every)[0], np.zeros_like(classes)))["covers"]
    assert of_one.names == ""  # one class is none


def test_rows_that_belong_together_alarm_a_perfect_generator_unless_they_are_split_together() -> None:
    """Every case is there four times, nearly alike, which no generator of independent rows repeats."""
    rng = RNG(3)
    cases = rng.normal(size=(2 * N, 8))
    group = np.arange(4 * len(cases)) // 4
    real = np.repeat(cases, 4, axis=0) + 0.01 * rng.normal(size=(len(group), 8))
    made = rng.normal(size=(N, 8)) + 0.01 * rng.normal(size=(N, 8))
    sizes = {"train": 0.2, "calibrate": 480, "holdout": 480}
    answered = {}
    for groups in (None, group):
        rows_of = split(len(real), sizes, RNG(1), group=groups)
        answered[groups is None] = said(rows(real[rows_of["calibrate"]], real[rows_of["holdout"]], made))
    assert answered[True]["diverse"].answer == "no"
    assert "belong together" not in answered[True]["diverse"].names  # they are only nearly equal
    assert [answered[False][question].answer for question in MAIN] == ["yes"] * 3


@pytest.mark.parametrize(("generated", "told"), [(0.0, True), (0.09, False)])
def test_real_rows_that_equal_each_other_are_told_as_what_may_belong_together(generated: float, told: bool) -> None:
    main, pairs = statistic("reach_ratio", "diverse"), statistic("pair_ratio", "diverse")
    shares = {"equal": generated, "equal_real": 0.4}
    equal = [statistic(name, "diverse", value=share, definition=None) for name, share in shares.items()]
    alarm = statistic("closest", "diverse", adjusted=0.001, low=None, high=None)
    good = [statistic(name, question) for question, name in MAIN.items() if question != "diverse"]
    found = [main, pairs, alarm, *good, *({**row, "adjusted": None} for row in equal)]
    for groups in (True, False):
        diverse, *_ = answers(found, 1.5, groups)
        assert diverse.answer == "no"
        assert (BELONG in diverse.names) == (told and groups)


def test_real_rows_that_are_nearer_to_each_other_than_generated_ones_may_belong_together() -> None:
    more = statistic("reach_ratio", "diverse", adjusted=0.001, value=0.3, low=0.2, high=0.4)
    off = statistic("on", "on", adjusted=0.001, value=0.4, low=0.3, high=0.5)
    real = statistic("calibrate", "on", value=0.8, adjusted=None)
    found = [more, statistic("pair_ratio", "diverse"), off, real, statistic("covers", "covers")]
    diverse, *_ = answers(found, 1.5, True)
    assert diverse.names == f"more diverse, but not on the data; {BELONG}"


def test_the_direction_is_that_of_the_ratios() -> None:
    """The closest pairs differ most, but do not say which way."""
    closest = statistic("closest", "diverse", adjusted=0.001, low=None, high=None)
    ratio = statistic("reach_ratio", "diverse", adjusted=0.02, value=0.6, low=0.5, high=0.65)
    assert about("diverse", closest, ratio, statistic("pair_ratio", "diverse")).names.startswith("more diverse")
    assert about("diverse", closest, statistic("reach_ratio", "diverse")).names == ""


def test_equal_rows_convict_whatever_else_differs_where_no_two_real_ones_are_equal() -> None:
    near = statistic("copies", "copies", adjusted=0.001)
    equal = statistic("exact", "copies", adjusted=0.001, definition=None, of="9 are equal")
    for share, answer in ((0.0, "yes"), (0.1, "inconclusive")):
        chance = statistic("equal_real", "diverse", value=share, adjusted=None, definition=None)
        found = copies([near, equal, chance], ["on"])
        assert (found.answer, "9 are equal" in found.names) == (answer, True)
    assert copies([near, chance | {"value": 0.0}], ["on"]).answer == "inconclusive"


def test_a_number_without_an_interval_stands_beside_those_of_permuted_labels() -> None:
    found = said(rows(modes(RNG(1)), modes(RNG(2)), repeated(RNG(3))))["diverse"]
    assert found.criterion == "near closest"
    assert re.search(r"value [\d.]+ \([\d.]+( to [\d.]+)? if both sets of samples were alike\)", found.names)
    assert found.low is None


def test_an_interval_of_one_value_is_a_value() -> None:
    alone = statistic("closest", "diverse", value=0.226, low=None, high=None, adjusted=0.001)
    for ends, words in (((0.833, 0.833), "0.833"), ((0.833, 1.2), "0.833 to 1.20")):
        names = about("diverse", alone | dict(zip(("null_low", "null_high"), ends, strict=True))).names
        assert f"value 0.226 ({words} if both sets of samples were alike)" in names


def test_where_samples_repeat_no_number_of_them_settles_where_they_are() -> None:
    """Of a few different samples as many lie off the data as of so few real ones may by chance."""
    known = {"question": "on", "adjusted": None, "definition": "near"}
    numbers = [known | {"statistic": name, "value": value} for name, value in (("calibrate", 0.9), ("atoms", 5.0))]
    off = statistic("on", "on", value=0.95, low=0.85, high=0.99, adjusted=0.001, samples=1000, others=1000)
    found = about("on", off, *numbers)
    assert (found.answer, found.names, found.needed) == ("inconclusive", FEW_KINDS, None)
    assert about("on", off | {"adjusted": 1.0}, *numbers).needed

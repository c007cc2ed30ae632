"""The answers to four questions about every generator of a study, and what only alarms, from their statistics.

diverse: does it repeat itself as often as the data? on: are its samples where the data are? covers: is every part of
the data covered? copies: does it copy `train`? alike: do the distributions differ in any other way?

'no': a statistic of the question is beyond what permuted labels give, in a study with as many statistics and
generators (p < ALPHA), and not shown to be within the margin. 'yes': the question's number is within the margin by its
90 % interval, which is an equivalence test at 5 %, and nothing says no. Else 'inconclusive'.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import ceil, floor, inf, log
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.special import bdtr

from gancensus.census.answers import ALPHA, QUESTION, SIDES
from gancensus.plotting.numbers import number, percent
from gancensus.statistics.multiplicity import holm

PLACED = 0.9  # least coverage, over that of real samples by themselves, that is as good
FEW_SAMPLES = "too few samples: each of calibrate, holdout and the population needs 20"
UNSEEN = "cannot be asked: train is random real samples, not what the model has learned from (--train, or train_first)"
NOT_GIVEN = "cannot be asked: no samples that the model has learned from were given (--train, or `trained_on`)"
GROUPED = "cannot be denied: train has whole groups of samples, of which holdout has one each (group)"
BELONG = "if real samples belong together (rows of a patient, frames of a film), say which by `group` of the source"
FEW_PERMUTATIONS = "too few permutations for so many generators: raise `permutations` of `census`"
FEW_DUPLICATES = "too few near-duplicates to compare"
VETO = 0.01  # below which `train` is not like `holdout`, so that copies cannot be judged
FEW_KINDS = "too few different samples to say where they are"
NOT_ASKED = "not asked: every definition compares vectors of an encoder that was fitted on train"
EQUAL = 0.01  # share of real samples that equal others, but generated ones do not, which is reported
FEW = 0.02  # share of copies that must have been found, if there are any, for a no
PAIRS = 2.0  # largest ratio of collision probabilities, by its interval, of what is as diverse
MAIN = {"diverse": "reach_ratio", "on": "on", "covers": "covers"}  # a question's number
NAMES = {
    "local": "how many samples are where",
    "overlap": "what is frequent",
    "distinct": "distinct values of {}",
    "associations": "how {} go together",
}
SHARP = ("pair_ratio", "reach_ratio", "on", "covers")  # statistics that see differences that nobody minds

LESS = "less diverse"
Grouping = Literal["impossible", "unused", "used"]
Row = Mapping[str, Any]


class Answer(NamedTuple):
    """What is said of a generator."""

    question: str
    answer: str
    """yes, no or inconclusive; of `alike`: no, or empty."""
    value: float | None
    low: float | None
    high: float | None
    margin: float | None
    p: float | None
    criterion: str
    """Definition and statistic that decide."""
    names: str
    """What else: criteria that dissent, columns that differ, what a margin has cancelled."""
    needed: int | None = None
    """Samples of either side that would settle what is inconclusive, if the number stays what it is."""


def adjusted(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every generator, `adjusted` for the number of generators as well (Holm).

    The tests of copies are a family of their own, with a level of their own.

    Args:
        rows: statistics of each generator, whose `adjusted` accounts for all of its own.
    """
    found = {name: [dict(row) for row in of] for name, of in rows.items()}
    for copied in (False, True):
        tested = [
            [row for row in of if row.get("adjusted") is not None and (row["question"] == "copies") == copied]
            for of in found.values()
        ]
        tested = [of for of in tested if of]
        least = np.array([max(1e-300, min(row["adjusted"] for row in of)) for of in tested])
        for of, factor in zip(tested, (holm(least) / least).tolist(), strict=True):
            for row in of:
                row["adjusted"] = min(1.0, row["adjusted"] * factor)
    return found


def summarise(
    found: Mapping[str, Sequence[Row]],
    margin: float,
    permutations: int,
    missing: Mapping[str, str] = MappingProxyType({}),
    unseen: Collection[str] = (),
    group: Grouping = "impossible",
    learned: bool = True,
) -> list[dict[str, Any]]:
    """Return the rows of a study's summary, without the study: the answers about every generator.

    Args:
        found: statistics of every generated population, and where it is asked of `train`, real samples that show
            whether the parts of the data are alike.
        margin: as of `answers`.
        permutations: from which the statistics' p-values are.
        missing: why a population has no statistics, where it is not for too few samples.
        unseen: populations whose models have not learned from `train`, or may not have.
        group: whether the source says which samples belong together, or could.
        learned: whether there is `train`, samples that models have learned from.
    """
    measured = {name: rows for name, rows in found.items() if rows}
    control = answers(measured["train"], margin) if "train" in measured else []
    if group == "unused":  # real samples that differ
        control = [
            one._replace(names=_hinting(one.names)) if one.answer == "no" and one.question in MAIN else one
            for one in control
        ]
    differ = [one.question for one in control if one.answer == "no" and one.p is not None and one.p < VETO]
    unknown = f"cannot be judged: of train, {missing.get('train', FEW_SAMPLES)}" if found.get("train") == [] else ""
    every: dict[str, list[Answer]] = {"train": control} if control else {}
    made = adjusted({name: rows for name, rows in measured.items() if name != "train"})
    for name, rows in made.items():
        copied = copies(rows, differ)
        why = NOT_GIVEN if not learned else UNSEEN if name in unseen else GROUPED if group == "used" else unknown
        if why and copied.answer != "yes":
            copied = copied._replace(answer="inconclusive", names=why)
        tests = len({row["definition"] for row in rows if row["statistic"] == "copies"}) + 1
        least = len(made) / (1 + permutations)  # adjusted p-value that statistics can have
        said = [one if least < ALPHA else _blind(one, "yes") for one in answers(rows, margin, group == "unused")]
        every[name] = [*said, copied if tests * least < ALPHA else _blind(copied, "no")]
    every |= {name: unasked(missing.get(name, FEW_SAMPLES), learned) for name in found if name not in measured}
    return [{"population": name, **one._asdict()} for name, said in every.items() for one in said]


def _blind(answer: Answer, good: str) -> Answer:
    """Return an answer, inconclusive where it is a good one."""
    return answer._replace(answer="inconclusive", names=FEW_PERMUTATIONS) if answer.answer == good else answer


def unasked(why: str, learned: bool = True) -> list[Answer]:
    """Return that no question can be answered; learned: as of `summarise`."""
    nothing = (None, None, None, None, None, "")
    return [
        *(Answer(question, "inconclusive", *nothing, why) for question in MAIN),
        Answer("copies", "inconclusive", *nothing, why if learned else NOT_GIVEN),
        Answer("alike", "", *nothing, why),
    ]


def copies(rows: Sequence[Row], differ: Sequence[str]) -> Answer:
    """Say whether a generator copies `train`: yes where any definition says so, or equality.

    Args:
        rows: its statistics.
        differ: questions by which `train` is not like `holdout`: then nothing can be said, but of equal samples where
            no two real ones are equal.
    """
    near = sorted((row for row in rows if row["statistic"] == "copies"), key=lambda row: row["adjusted"])
    equal = [row for row in rows if row["statistic"] == "exact"]
    if not near and not equal:
        return Answer("copies", "inconclusive", None, None, None, None, None, "", NOT_ASKED)
    first = min(
        [*near, *equal], key=lambda row: (row["adjusted"] >= ALPHA, row["statistic"] == "exact", row["adjusted"])
    )
    convicted = first["adjusted"] < ALPHA
    by_chance = next((row["value"] for row in rows if row["statistic"] == "equal_real"), None)
    said = [f"{row['of']}, as if {percent(row['value'])} were copies" for row in near[:1] if row["adjusted"] < ALPHA]
    found = "; ".join([*said, *(row["of"] for row in equal)]) if convicted else ""
    if differ and equal and equal[0]["adjusted"] < ALPHA and by_chance == 0:  # however much they differ
        return _because("copies", "yes", equal[0], FEW, equal[0]["of"])
    if differ:
        why = f"cannot be judged: train and holdout differ ({', '.join(differ)})"
        return _because("copies", "inconclusive", first, FEW, "; ".join(filter(None, (why, found))))
    if convicted:
        return _because("copies", "yes", first, FEW, found)
    if not near:
        return _because("copies", "inconclusive", first, FEW, f"no exact copies found; else {NOT_ASKED}")
    least = [row["value"] for row in rows if row["statistic"] == "detectable 0" and row["value"] is not None]
    seen = percent(min(least)) if least else "not even 100 %"
    names = f"no copies found; {seen} would have been found with probability 0.95"
    return _because("copies", "no" if least and min(least) <= FEW else "inconclusive", first, FEW, names)


def answers(rows: Sequence[Row], margin: float, groups: bool = False) -> list[Answer]:
    """Return the answers of one generator but for copies, from its statistics as `adjusted` returns them.

    Args:
        rows: `census.answers` has their columns.
        margin: the largest ratio of numbers of samples, or of its inverse, that counts as equally diverse.
        groups: whether real samples may belong together though nobody has said so.
    """
    numbers = {(row["definition"], row["statistic"]): row["value"] for row in rows if row["adjusted"] is None}
    rows = [row for row in rows if row["adjusted"] is not None]
    chance = [row for row in _alarms(rows) if row["question"] == "on" and _by_chance(row, numbers)]
    known = [{**row, "adjusted": 1.0} if row in chance else row for row in rows]
    found = [_answer(question, [row for row in known if row["question"] == question], margin) for question in MAIN]
    if chance and found[1].answer != "no":
        found[1] = found[1]._replace(answer="inconclusive", names=_with(found[1].names, FEW_KINDS), needed=None)
    apart = "no" in (found[1].answer, found[2].answer) and found[0].names.startswith("more diverse")
    equal, real = (numbers.get((None, name), 0.0) for name in ("equal", "equal_real"))
    if groups and found[0].answer == "no" and (apart or (real > EQUAL and equal < real / 5)):
        found[0] = found[0]._replace(names=_hinting(found[0].names))
    if found[0].names.startswith("more diverse") and found[1].answer != "yes":
        where = "but not on the data" if found[1].answer == "no" else "perhaps off the data"
        found[0] = found[0]._replace(names=found[0].names.replace("more diverse", f"more diverse, {where}", 1))
    differ = sorted(_alarms(row for row in rows if row["question"] == "alike"), key=lambda row: row["adjusted"])
    if not differ:
        return [*found, Answer("alike", "", None, None, None, None, None, "", "")]
    names = ", ".join(dict.fromkeys(NAMES.get(row["statistic"], "{}").format(row["of"]) for row in differ))
    return [*found, _because("alike", "no", differ[0], None, names)]


def _answer(question: str, rows: Sequence[Row], margin: float) -> Answer:
    """Answer a question by every definition: no beats all, and yes needs all."""
    limit = margin if question == "diverse" else PLACED
    alarms = [row for row in _alarms(rows) if not (row["statistic"] in SHARP and _inside(row, margin))]
    mains = [row for row in rows if row["statistic"] == MAIN[question]]
    fits = {row["definition"]: _fits(question, rows, row, margin) for row in mains}
    cancelled = [_named(row) for row in _alarms(rows) if row not in alarms]
    within = ", ".join(
        [*([f"{', '.join(cancelled)} differ within the margin"] if cancelled else []), *_least_class(rows)]
    )
    if alarms:
        first = min(alarms, key=lambda row: (row["adjusted"], row["statistic"] != MAIN[question]))
        dissent = [name for name, fit in fits.items() if fit and all(row["definition"] != name for row in alarms)]
        names = [f"not by {', '.join(dissent)}"] if dissent else []
        said = [*_direction(alarms), *_by_labels(first), *names, *_least_class(rows)]
        return _because(question, "no", first, limit, ", ".join(said))
    if fits and all(fits.values()):
        worst = max(mains, key=lambda row: _distance(row, question))
        return _because(question, "yes", worst, limit, within)
    open_ones = [row for row in mains if not fits[row["definition"]]]
    worst = max(open_ones or mains, key=lambda row: _distance(row, question))
    if _inside(worst, margin):
        return _because(question, "inconclusive", worst, limit, _with(within, FEW_DUPLICATES))
    return _because(question, "inconclusive", worst, limit, within)._replace(needed=_needed(worst, question, margin))


def _with(*names: str) -> str:
    return ", ".join(filter(None, names))


def _hinting(names: str) -> str:
    """Add what may be the reason why real samples differ."""
    return "; ".join(filter(None, (names, BELONG)))


def _least_class(rows: Sequence[Row]) -> list[str]:
    """Say which class of real samples is covered least, by the definition that shows it best, if any is too little."""
    of_classes = [row for row in rows if row["statistic"] == "covers_class"]
    if not of_classes:
        return []
    worst = min(of_classes, key=lambda row: (row["adjusted"], -row["score"]))
    if worst["adjusted"] >= ALPHA:
        return ["no class is covered significantly less than others"]
    return [f"least covered: {worst['of']} (p {worst['adjusted']:.2g})"]


def _by_chance(row: Row, numbers: Mapping[tuple[str | None, str], float]) -> bool:
    """Return whether as few different samples, right ones, could lie off the data as often as the generated ones do.

    Permuted labels have as many different ones as the data. Of n samples of k random atoms, a mean has the variance of
    that of 1/(1/n + 1/k) independent ones.

    Args:
        row: an alarm of the question `on`.
        numbers: those without a test, by definition and name.
    """
    of = {"on": "calibrate", "on_wide": "calibrate_wide"}.get(row["statistic"])  # what the value is relative to
    real = numbers[row["definition"], of or "calibrate_own"]
    made = min(1.0, row["value"] * (real if of else 1.0))
    samples = ceil(1 / (1 / row["samples"] + 1 / numbers.get((row["definition"], "atoms"), inf)))
    return bool(bdtr(floor(samples * made + 1e-9), samples, real) >= ALPHA / len(SIDES["on"]))


def _direction(alarms: Sequence[Row]) -> list[str]:
    """Say what the first ratio of numbers of samples, or of collisions, that alarms means."""
    ratios = [row for row in alarms if row["statistic"] in ("pair_ratio", "reach_ratio")]
    if not ratios:
        return []
    return [LESS if min(ratios, key=lambda row: row["adjusted"])["value"] > 1 else "more diverse"]


def _by_labels(row: Row) -> list[str]:
    """Say what a number without an interval is beside those of permuted labels, which make both sets alike."""
    if row["low"] is not None or row["null_low"] is None:
        return []
    value, low, high = (number(row[name], 3) for name in ("value", "null_low", "null_high"))
    alike = low if low == high else f"{low} to {high}"
    return [f"value {value} ({alike} if both sets of samples were alike)"]


def _alarms(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["adjusted"] < ALPHA]


def _inside(row: Row, margin: float) -> bool:
    """Whether a number is within its margin by its interval."""
    low, high = row["low"], row["high"]
    if low is None or high is None:
        return False
    return bool(1 / margin <= low and high <= margin if QUESTION[row["statistic"]] == "diverse" else low >= PLACED)


def _fits(question: str, rows: Sequence[Row], main: Row, margin: float) -> bool:
    """Whether a definition says yes."""
    if question == "diverse":
        pairs = [r for r in rows if r["statistic"] == "pair_ratio" and r["definition"] == main["definition"]]
        if any(row["high"] is None or row["high"] >= PAIRS for row in pairs):
            return False
    return _inside(main, margin)


def _distance(row: Row, question: str) -> float:
    """How far an interval reaches beyond what is asked for."""
    low, high = row["low"], row["high"]
    if low is None or high is None:
        return float("inf")
    return float(max(high, 1 / low if low > 0 else np.inf)) if question == "diverse" else -float(low)


def _needed(row: Row, question: str, margin: float) -> int | None:
    """Return how many samples would narrow an interval to within the margin; None where no number would."""
    value, low, high = row["value"], row["low"], row["high"]
    if not (value and low and high):
        return None
    room = log(margin) - abs(log(value)) if question == "diverse" else log(value / PLACED)
    if room <= 0:
        return None
    return ceil(float(min(row["samples"], row["others"])) * max(1.0, log(high / low) / 2 / room) ** 2)


def _named(row: Row) -> str:
    return " ".join(filter(None, (row["definition"], row["statistic"])))


def _because(question: str, answer: str, row: Row, margin: float | None, names: str) -> Answer:
    return Answer(question, answer, row["value"], row["low"], row["high"], margin, row["adjusted"], _named(row), names)

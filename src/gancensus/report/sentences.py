"""Results as sentences and formatted numbers, for the figures and the report."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from gancensus.contracts.metric import SCALES, Metric
from gancensus.contracts.samples import REFERENCE
from gancensus.plotting.numbers import NOTHING, Row, integer, interval, listing, number, percent, short
from gancensus.report.trace import by_rule, duration, spans, union

FAILED = {
    "diverse": "not as diverse as the data",
    "on": "not on the data",
    "covers": "does not cover the data",
    "copies": "copies train",
}
DIRECTIONS = (
    "less diverse",
    *("more diverse, but not on the data", "more diverse, perhaps off the data", "more diverse"),
)
PASSED = {
    "diverse": "as diverse as the data",
    "on": "on the data",
    "covers": "covers the data",
    "copies": "no copies found",
}
OPEN = {"diverse": "diversity", "on": "on the data", "covers": "coverage", "copies": "copies"}
TABLE_COLUMNS = 12  # columns of a table of samples that are shown
INFORMATIVE = 5  # duplicates of held-out samples from which on a ratio to them is informative
TIED = 0.8  # of 1/alpha: below, many distances are equal
CHAIN = 3  # a kind with this many times more samples than can all be alike is a chain


QUESTIONS = tuple(FAILED)
STATISTICS = {
    "pair_ratio": "how often two of its samples are duplicates",
    "reach_ratio": "how many samples it takes to repeat as much",
    "closest": "its closest pairs",
    "repeated": "its samples with a duplicate",
    "on": "its samples near real ones",
    "on_wide": "its samples far from all real ones",
    "on_own": "its samples in the neighbourhood of a real one",
    "covers": "real samples near one of its own",
    "covers_wide": "real samples far from all of its own",
    "covers_own": "real samples with one of its own in their neighbourhood",
    "covers_class": "real samples of one class",
    "copies": "samples of train among the nearest real ones",
    "exact": "equal samples",
}
UNASKED = "cannot be asked: "  # how the reason begins why a question was not asked
BAD = {"diverse": "no", "on": "no", "covers": "no", "copies": "yes"}  # answers


def answer(row: Row | None) -> str:
    """Return an answer with its number: 'no: 2.1 (1.8 to 2.5)'."""
    if row is None:
        return "not asked"
    said = ""
    if row["question"] == "copies" and row["answer"] == "yes":
        said = f": as {percent(row['value'])} of copies would"
    elif row["low"] is not None and row["high"] is not None:
        value, low, high = (number(row[name], 2) for name in ("value", "low", "high"))
        said = f": {value}" if low == value == high else f": {value} ({low} to {high})"
    return f"{word(row)}{said}"


def word(row: Row | None) -> str:
    """Return an answer without its number, which is `not asked` where there was nothing to ask it by."""
    return "not asked" if row is None or _unasked(row) else str(row["answer"])


def _unasked(row: Row) -> bool:
    return bool(row["answer"] == "inconclusive" and row["names"].startswith(UNASKED))


def why(row: Row | None) -> str:
    """Return what decides, what dissents, and what would settle what is open."""
    if row is None:
        return ""
    nothing = row["answer"] not in ("inconclusive", BAD[row["question"]]) or row["names"].startswith("cannot be ")
    decides = "" if nothing or not row["criterion"] else _criterion(row["criterion"])
    needed = f"about {_needed(row['needed'])} would settle it" if row["needed"] else ""
    return "; ".join(filter(None, (decides, row["names"], needed)))


def _needed(samples: int) -> str:
    """Say how many samples it takes, rounded up to two digits."""
    step = 10 ** max(0, len(str(samples)) - 2)
    return f"{integer(-(-samples // step) * step)} held-out real samples and as many generated ones"


def _criterion(criterion: str) -> str:
    """Return what decides in words: 'by its closest pairs (pixels)'."""
    definition, _, statistic = criterion.rpartition(" ")
    return f"by {STATISTICS[statistic]}{definition and f' ({definition})'}"


def definition(metrics: Mapping[str, Metric], thresholds: Iterable[Row]) -> str:
    """Say when two samples are compared, and when they are duplicates."""
    compared = listing([metric.compares_when for metric in metrics.values() if metric.compares_when])
    when = f"compared only when {compared}, and are duplicates" if compared else "duplicates"
    found = [
        f"their {_called(row['metric'])} distance{_space(metrics[row['metric']])} is at most {number(row['threshold'])}"
        for row in thresholds
        if not metrics[row["metric"]].compares_when
    ]
    return f"Two samples are {when} when {', and '.join(found)}."


def _called(metric: str) -> str:
    """Return what a kind of metric is called in a sentence: those after a person with a capital."""
    return metric.capitalize() if metric in ("euclidean", "hamming") else metric


def scales(rows: Iterable[Row]) -> str | None:
    """Say what set the thresholds of a definition with scales, by its rows of that table; None where it has none."""
    held = {row["scale"]: integer(row["duplicates"]) for row in rows if row["population"] == REFERENCE}
    if "middle" not in held:
        return None
    asked = listing([f"{integer(count)} ({scale})" for scale, count in SCALES.items()])
    found = listing([held[scale] for scale in SCALES])
    return (
        f"The thresholds were set from the real split calibrate alone, at three scales, such that the held-out samples "
        f"are expected to have about {asked} duplicates; they have {found}. These are the thresholds of the middle "
        "scale, and so are all counts that name no other."
    )


def _space(metric: Metric) -> str:
    return f" in the space of encoder {metric.space}" if metric.space else ""


def size(row: Row) -> str:
    """Say how many different samples a population makes: 'about 840 (570 to 1,200)' or 'at least 2,700'."""
    value, reach = interval(row, "effective_support", digits=2)
    return f"about {value} ({reach})" if reach else _in_words(value)


def selected(facts: Mapping[str, str], share: float) -> str:
    """Say what to think of a selection that keeps a share of the samples, by the facts that its table has."""
    words = []
    if "stability" in facts:
        chance = share / (2 - share)
        words.append(
            f"Measured with either half of the samples, the kept ones agree to {number(float(facts['stability']), 2)} "
            f"(Jaccard; by chance {number(chance, 2)})."
        )
    if "warning" in facts:
        words.append(f"{facts['warning']}.")
    return "\n".join("\n".join(textwrap.wrap(sentence, 120)) for sentence in words)


def verdict(row: Row) -> str:
    """Return the verdict of a row of the table of support sizes; none is given of `train` with whole groups."""
    return row["verdict"] or ("reference" if row["population"] == REFERENCE else NOTHING)


def sentence(row: Row) -> str:
    """Say what a row of the table of support sizes found, without its verdict."""
    if row["pairs"] == 0:
        return f"{row['population']} has no two samples that the definition compares."
    none = f" shows no duplicate among {integer(row['samples'])} samples: it" if row["duplicates"] == 0 else ""
    found = f"{row['population']}{none} makes {size(row)} effectively different samples"
    ratio, reach = interval(row, "ratio", digits=2)
    if ratio == NOTHING:
        return f"{found}."
    return (
        f"{found} and repeats itself {_in_words(ratio)} times {reach and f'({reach}) '}as often as the held-out data."
    )


def _in_words(bound: str) -> str:
    return bound.replace("≥", "at least").replace("≤", "at most")


def conclusions(answers: Mapping[str, Mapping[str, Row]]) -> dict[tuple[str, str], list[str]]:
    """Return what the answers about populations come to, in a word and in words, and for which populations it does."""
    found: dict[tuple[str, str], list[str]] = {}
    for population, said in answers.items():
        found.setdefault(_conclusion(said), []).append(population)
    return found


def _conclusion(said: Mapping[str, Row]) -> tuple[str, str]:
    """Name all that is wrong, or else what is right, then what is open."""
    wrong = [_wrong(question, row) for question, row in said.items() if row["answer"] == BAD.get(question)]
    others = [f"differs in {said['alike']['names']}"] if said["alike"]["answer"] == "no" else []
    right = [
        PASSED[question] for question in QUESTIONS if said[question]["answer"] not in ("inconclusive", BAD[question])
    ]
    open_ones = [OPEN[question] for question in QUESTIONS if word(said[question]) == "inconclusive"]
    unsaid = [f"inconclusive: {', '.join(open_ones)}"] if open_ones else []
    verdict = "no" if wrong else "differs" if others else "inconclusive" if unsaid else "yes"
    known = "; ".join(wrong) if wrong else ", ".join(right)
    return verdict, "; ".join(filter(None, [known, *others, *unsaid]))


def _wrong(question: str, row: Row) -> str:
    directions = (text for text in DIRECTIONS if question == "diverse" and row["names"].startswith(text))
    return next(directions, FAILED[question])


def headline(found: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """Say in sentences what `conclusions` found."""
    return " ".join(f"{listing(populations)}: {words}." for (_, words), populations in found.items())


def chained(diversity: Iterable[Row]) -> dict[str, list[str]]:
    """Return by definition the populations whose kinds are chains, not groups of samples that are all alike."""
    size = {(r["definition"], r["population"], r["quantity"]): r["value"] for r in diversity}
    found: dict[str, list[str]] = {}
    for (definition, population, quantity), largest in size.items():
        if quantity == "largest" and largest > CHAIN * size[definition, population, "clique_bound"]:
            found.setdefault(definition, []).append(population)
    return found


def chains_warning(found: Mapping[str, Sequence[str]]) -> str:
    """Say for which populations the diversity profile is unreliable, as `chained` found."""
    where = "; ".join(f"by {definition} of {listing(populations)}" for definition, populations in found.items())
    return (
        f"Kinds are chains, and their numbers too low, {where}: the largest kind holds more than {CHAIN} times as many "
        "samples as can all be duplicates of each other."
    )


def copying(copies: Iterable[Row]) -> dict[str, list[str]]:
    """Return the populations that copy training samples, each with the definitions by which it does."""
    found: dict[str, list[str]] = {}
    for row in copies:
        if row["verdict"] == "copies":
            found.setdefault(row["population"], []).append(row["definition"])
    return found


def copies_headline(found: Mapping[str, Sequence[str]]) -> str:
    """Say in a sentence what `copying` found."""
    names = listing([f"{population} (by {listing(definitions)})" for population, definitions in found.items()])
    verb, whose = ("copy", "their") if len(found) > 1 else ("copies", "its")
    return f"{names} {verb} training samples: {whose} samples are duplicates of those more often than of held-out ones."


def timeline(trace: Sequence[Row]) -> str:
    """Summarise a table of executions: how long they took, what took longest, the largest memory, and what failed."""
    if not trace:
        return "No job has left a record of when it ran."
    rules = by_rule(trace)
    wall = sum(end - start for start, end in union(spans(trace)))
    whole = sum(rule["time"] for rule in rules)
    jobs, failed = (sum(rule[name] for rule in rules) for name in ("jobs", "failed"))
    said = [
        f"{_counted(jobs, 'job')} used {duration(sum(rule['cpu'] for rule in rules))} of processor time within "
        f"{duration(wall)} in which something ran."
    ]
    if whole:
        said.append(f"{percent(rules[0]['time'] / whole)} of the time of all jobs went to {rules[0]['rule']}.")
    if any(row["peak_memory"] for row in trace):
        largest = max(trace, key=lambda row: row["peak_memory"] or 0)
        said.append(f"The largest memory was {short(largest['peak_memory'])} MiB, in {_job(largest)}.")
    if failed:
        said.append(f"{_counted(failed, 'attempt')} of {integer(len(trace))} failed, {_was(failed)} stopped or killed.")
    return " ".join(said)


def _counted(number: int, noun: str) -> str:
    return f"{integer(number)} {noun}{'' if number == 1 else 's'}"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _job(row: Row) -> str:
    return " ".join([row["rule"], *filter(None, [row["names"], row["study"] and f"of {row['study']}"])])


def cuts(subsets: Sequence[str]) -> dict[str, str]:
    """Return the subsets of the metrics of a sweep that are shown: all, each left out, each alone.

    subsets: the different `metrics` of the table, which come by size; so the first are the single ones.
    """
    single = subsets[: (len(subsets) + 1).bit_length() - 1]
    found = {"all metrics": subsets[-1]}
    if len(single) > 2:
        found |= {f"without {name}": "+".join(other for other in single if other != name) for name in single}
    if len(single) > 1:
        found |= {f"only {name}": name for name in single}
    return found


def informative_alpha(sweep: Iterable[Row], metrics: str) -> tuple[float, bool]:
    """Return the smallest alpha at which the held-out samples have 5 duplicates by these metrics, and True.

    Without one: the largest alpha, and False.
    """
    held = {r["alpha"]: r["duplicates"] for r in sweep if (r["population"], r["metrics"]) == ("holdout", metrics)}
    enough = [alpha for alpha, duplicates in held.items() if duplicates >= INFORMATIVE]
    return (min(enough), True) if enough else (max(held), False)


def tautology(alphas: Sequence[float | None], most: float | None = None) -> str | None:
    """What a reader must know about a definition whose metrics have these alphas, None for a fixed threshold.

    With one calibrated metric, and no other, the support of the real data says nothing about them; else None.

    most: upper end of the effective support of held-out samples.
    """
    if len(alphas) != 1 or alphas[0] is None:
        return None
    support = 1 / alphas[0]
    if most is not None and most < TIED * support:
        return (
            "Many distances are equal, so that more pairs than a share of alpha are duplicates: that is why the real "
            f"data's effective support is below 1/alpha = {support:,.4g}; only the ratio carries information."
        )
    return (
        f"With a single metric the real data's effective support is 1/alpha = {support:,.4g} by construction; only the "
        "ratio carries information."
    )

"""The results by name: where every table, model and figure lies, what is searched, and what is drawn."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gancensus.config.configuration import Study
    from gancensus.contracts.family import Member
    from gancensus.contracts.metric import Metric


# Relative to the results; names in braces are wildcards of the rules, which `at` fills in and `match` returns.
SAMPLES = "{study}/samples/{population}/{part}.parquet"
EMBEDDED = "{study}/embedded/{encoder}/{population}/{part}.parquet"
ENCODER = "{study}/encoders/{encoder}/model.safetensors"
ENCODER_HISTORY = "{study}/encoders/{encoder}/history.parquet"
GENERATOR = "{study}/generators/{population}/model.safetensors"
GENERATOR_HISTORY = "{study}/generators/{population}/history.parquet"
SELECTION = "{study}/selections/{name}.parquet"
THRESHOLDS = "{study}/thresholds/{definition}.parquet"
DUPLICATES = "{study}/duplicates/{definition}/{search}.parquet"
REPEATS = "{study}/repeats/{definition}/{search}.parquet"
DUPLICATES_SHARD = "{study}/duplicates/{definition}/{search}/{shard}.parquet"
REPEATS_SHARD = "{study}/repeats/{definition}/{search}/{shard}.parquet"
SWEEP = "{study}/sweep/{definition}.parquet"
SUPPORT = "{study}/census/support.parquet"
CURVE = "{study}/census/curve.parquet"
DIVERSITY = "{study}/census/diversity.parquet"
COPIES = "{study}/census/copies.parquet"
SCALES = "{study}/census/scales.parquet"
GROUPS = "{study}/census/groups.parquet"
DUPLICATES_LIST = "{study}/duplicates.csv"
ANSWERS = "{study}/answers/{population}.parquet"
COVERAGE = "{study}/coverage/{population}.parquet"
STATISTICS = "{study}/census/answers.parquet"
SUMMARY = "{study}/census/summary.parquet"
FIGURE = "{study}/figures/{figure}.svg"
SHOWN = "{study}/figures/{figure}.parquet"
ANALYSIS = "{study}/{analysis}.parquet"
CENSUS = "census.parquet"
ANSWERED = "summary.parquet"
INPUTS = "inputs.parquet"
TRACE = "trace.parquet"
TIMELINE = "timeline.svg"
REPORT = "report.html"
PROVENANCE = "provenance.json"

# Relative to the logs, only those that are needed outside their rule.
ANALYSE_LOG = "{study}/analyse/{analysis}.log"
ANSWERS_LOG = "{study}/answers/{population}.log"
DRAW_LOG = "{study}/draw.log"
TRACE_LOG = "collect_trace.log"

NESTED = ("analysis", "figure")  # whose names may have a slash: physics/score


def at(place: str, **names: object) -> str:
    """Return a place with some of its names filled in; the others stay wildcards."""
    for name, value in names.items():
        place = place.replace(f"{{{name}}}", str(value))
    return place


def match(place: str, file: str) -> dict[str, str] | None:
    """Return the names in a file that lies at a place; None where it does not."""
    found = _pattern(place).fullmatch(file)
    return found.groupdict() if found else None


@cache
def _pattern(place: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", place)
    names = {name: f"(?P<{name}>{'.+' if name in NESTED else '[^/]+'})" for name in parts[1::2]}
    return re.compile("".join(names[part] if k % 2 else re.escape(part) for k, part in enumerate(parts)))


def job_of(log: str) -> tuple[str | None, str, str]:
    """Return study, rule and wildcards of a job by its log without suffix.

    That is STUDY/RULE, STUDY/RULE/NAMES, or RULE for a job of no study. NAMES are the wildcards, joined by / and -.
    """
    if "/" not in log:
        return None, log, ""
    study, rule, *names = log.split("/", 2)
    return study, rule, "".join(names)


class Search(NamedTuple):
    """What is searched for duplicates: a population within itself, or across with another one."""

    population: str
    other: str | None = None

    @property
    def name(self) -> str:
        """What its tables are called."""
        return self.population if self.other is None else f"{self.population}~{self.other}"

    @property
    def populations(self) -> tuple[str, ...]:
        """The one population, or both."""
        return (self.population,) if self.other is None else (self.population, self.other)


class Drawing(NamedTuple):
    """A figure of a study."""

    kind: str
    of: str
    """The definition, the selection, or the analysis's table that it is of; empty where it is of the whole study."""
    label: str
    shows_samples: bool
    """Whether a table of the samples that it shows lies beside it."""


def real_searches(train: bool) -> tuple[Search, ...]:
    """Return what is searched for duplicates of real samples; train: whether the study has any of these."""
    return (Search("train"), Search("holdout"), Search("holdout", "train")) if train else (Search("holdout"),)


def own_searches(population: str, train: bool) -> tuple[Search, ...]:
    """Return what is searched for duplicates of a generated population: itself, copies of `train`, and mixtures."""
    return Search(population), *([Search(population, "train")] if train else []), Search(population, "holdout")


def searches(study: Study) -> list[Search]:
    """Return what is searched under every definition of a study: each counted population, and pairs of two."""
    train = "train" in study.real
    found = [*real_searches(train), *(search for name in study.generated for search in own_searches(name, train))]
    within = [Search(population) for population in counted(study)]
    return [*within, *(search for search in found if search.other is not None)]


def counted(study: Study) -> list[str]:
    """Return the populations that are counted: real samples that trained, real ones that did not, generated ones."""
    return [*(name for name in study.real if name != "calibrate"), *study.generated]


def answered(study: Study) -> list[str]:
    """Return what is measured beside `holdout`: generated populations, and real samples, to show what can be seen.

    Of real samples in groups `train` has whole ones, and `holdout` one sample of each: they are not alike.
    """
    return [*([] if study.source.grouped or "train" not in study.real else ["train"]), *study.generated]


def swept(study: Study) -> list[str]:
    """Return the populations of a sweep: real samples that set thresholds, those that are the reference, generated."""
    return ["calibrate", "holdout", *study.generated]


def swept_definition(definition: Mapping[str, Metric]) -> dict[str, Metric]:
    """Return a definition as a sweep reads it: all alphas the same, for those of the census are swept."""
    return {k: one if one.fixed is not None else one.model_copy(update={"alpha": 0.5}) for k, one in definition.items()}


def fitted_spaces(study: Study) -> list[str]:
    """Return the encoders of the definitions that have learned from `train`."""
    spaces = dict.fromkeys(metric.space for definition in study.definitions.values() for metric in definition.values())
    return [space for space in spaces if space and study.encoders[space].fitted]


def inputs(study: Study) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the inputs that sample tables have notes about: population or `real`, the user's name, whose tables."""
    split = tuple(name for name in study.real if name not in study.given)
    read: dict[str, tuple[Member, tuple[str, ...]]] = {"real": (study.source, split)}
    read |= {name: (given, (name,)) for name, given in study.given.items()}
    read |= {population: (study.generators[key], (population,)) for population, (key, _) in study.generated.items()}
    return [
        (population, ", ".join(map(str, member.files())) or member.kind, populations)
        for population, (member, populations) in read.items()
    ]


def scaled(study: Study) -> list[str]:
    """Return the definitions whose thresholds have scales."""
    definitions = study.definitions.items()
    return [n for n, metrics in definitions if any(getattr(m, "alpha", None) == "auto" for m in metrics.values())]


def trained(study: Study) -> list[str]:
    """Return the populations whose generators are trained in the study."""
    return [population for population, (name, _) in study.generated.items() if study.generators[name].trained]


def figures(study: Study) -> dict[str, Drawing]:
    """Return the figures of a study by name: STUDY/figures/NAME.svg."""
    found = {
        "gallery": Drawing("gallery", "", "samples", True),
        "birthday": Drawing("birthday", "", "birthday curve", False),
        "support": Drawing("support", "", "effective support", False),
        **({"scales": Drawing("scales", "", "ratios at every scale", False)} if scaled(study) else {}),
        "coverage": Drawing("coverage", "", "coverage", False),
        "diversity": Drawing("diversity", "", "diversity profile", False),
    }
    for name in study.definitions:
        found[f"closest-{name}"] = Drawing("closest", name, f"closest pairs by {name}", True)
        found[f"groups-{name}"] = Drawing("groups", name, f"groups of near-duplicates by {name}", True)
        found[f"sweep-{name}"] = Drawing("sweep", name, f"sweep of {name}", False)
    for name in study.selections:
        found[f"selection-{name}"] = Drawing("selection", name, f"selection {name}", True)
    found["training"] = Drawing("training", "", "training", False)
    for place, (analysis, table) in study.analysed.items():
        if analysis.tables[table].drawn:
            found[place] = Drawing("analysis", place, place, table in analysis.explored)
    return found

"""The metrics of each training of a study, and what differs from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gancensus.comparison.fidelity import cut, fidelity
from gancensus.contracts.analysis import Context
from gancensus.contracts.samples import Rows, vectors
from gancensus.domains.selection.effects import NOTHING, effect, is_log, level, transformed
from gancensus.domains.selection.trainings import Training, control
from gancensus.plotting.numbers import rows
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.spread import Spread

METRICS = ("fid", "precision", "recall", "density", "coverage")


class Line(NamedTuple):
    """A metric of trainings: its level, and how it differs from what they are compared with."""

    training: Training
    averaged: bool
    """Whether it is the mean difference over all levels of that score, which has no level of its own."""
    metric: str
    value: Estimate
    beside: str | None
    effect: Estimate


class Measured(NamedTuple):
    """Each metric by population, and what real training samples have in the place of generated ones."""

    found: Mapping[str, Mapping[str, Estimate]]
    null: Mapping[str, float]


def measure(
    among: Sequence[Training],
    real: Mapping[str, Rows],
    generated: Mapping[str, Rows],
    neighbours: int,
    rng: Callable[[str], np.random.Generator],
    context: Context,
) -> Measured:
    """Measure every population of the trainings against `holdout`; add their support sizes by every definition.

    All have as many samples, and are cut to those of `train`, if that has fewer: the null values are for as many.
    """
    holdout, train = vectors(real["holdout"]), vectors(real["train"])
    found: dict[str, dict[str, Estimate]] = {metric: {} for metric in METRICS}
    null: dict[str, float] = {}
    for population in (population for one in among for population in one.populations):
        fake = vectors(generated[population])
        fake = cut(fake, min(len(fake), len(train)), rng(f"{population}/cut"))
        values = fidelity(holdout, fake, None if null else train, neighbours=neighbours, rng=rng(population))
        for metric in METRICS:
            found[metric][population] = values[metric].estimate
        null = null or {metric: value for metric in METRICS if (value := values[metric].null) is not None}
    for row in rows(context.support or {}):
        ends = (row[f"effective_support{end}"] for end in ("", "_low", "_high"))
        found.setdefault(f"support {row['definition']}", {})[row["population"]] = Estimate(*ends)
    return Measured(found, null)


def compare(among: Sequence[Training], measured: Measured) -> list[Line]:
    """Return the lines of every metric: each training by itself, then the means over the levels of a score.

    A mean is over the levels that have the control of their kind: as many random samples for a score.
    """
    beside = {one: other for one in among if (other := control(one, list(among)))}
    lines = []
    for metric, found in measured.found.items():
        log = is_log(metric)
        known = {one: [found.get(p, NOTHING) for p in one.populations] for one in among}
        values = {one: transformed(some, log) for one, some in known.items()}
        spread = Spread.of(list(values.values()))
        for one in among:
            other = beside.get(one)
            difference = effect(values, [(one, other)], spread, log) if other else NOTHING
            lines.append(Line(one, False, metric, level(known[one], spread, log), other and other.score, difference))
        for first in {one[:2]: one for one in reversed(among)}.values():
            pairs = [(one, beside[one]) for one in among if one[:2] == first[:2] and one in beside]
            if pairs:
                difference = effect(values, pairs, spread, log)
                lines.append(Line(first, True, metric, NOTHING, pairs[0][1].score, difference))
    return lines

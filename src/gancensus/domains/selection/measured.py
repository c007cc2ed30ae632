"""The metrics of each training of a study, and what differs from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.comparison.fidelity import fidelity
from gancensus.contracts.analysis import Context
from gancensus.contracts.samples import Rows, flatten
from gancensus.domains.selection.effects import Floats, Spread, effect, is_log, level, transformed
from gancensus.domains.selection.trainings import Training, control
from gancensus.plotting.numbers import rows
from gancensus.statistics.estimate import Estimate

METRICS = ("fid", "precision", "recall", "density", "coverage")
NOTHING = Estimate(None, None, None)


class Line(NamedTuple):
    """A metric of trainings: its level, and how it differs from what they are compared with."""

    training: Training | None
    """None: the mean of all levels of `like`."""
    like: Training
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
    """Measure every population of the trainings against `holdout`; add their support sizes by every definition."""
    holdout, train = _vectors(real["holdout"]), _vectors(real["train"])
    found: dict[str, dict[str, Estimate]] = {metric: {} for metric in METRICS}
    nulls: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for population in (population for one in among for population in one.populations):
        values = fidelity(holdout, _vectors(generated[population]), train, neighbours=neighbours, rng=rng(population))
        for metric in METRICS:
            found[metric][population] = values[metric].estimate
            nulls[metric].append(values[metric].null or 0.0)
    for row in rows(context.support or {}):
        ends = (row[f"effective_support{end}"] for end in ("", "_low", "_high"))
        found.setdefault(f"support {row['definition']}", {})[row["population"]] = Estimate(*ends)
    return Measured(found, {metric: float(np.mean(some)) for metric, some in nulls.items()})


def compare(among: Sequence[Training], measured: Measured) -> list[Line]:
    """Return the lines of every metric: each training by itself, then the means over the levels of a score."""
    lines = []
    for metric, found in measured.found.items():
        log = is_log(metric)
        values = {one: transformed([found.get(p, NOTHING).value for p in one.populations], log) for one in among}
        spread = Spread.of(list(values.values()))
        for one in among:
            known = [found.get(p, NOTHING) for p in one.populations]
            beside = control(one, list(among))
            difference = effect([values[one]], [values[beside]], spread, log) if beside else NOTHING
            lines.append(Line(one, one, metric, level(known, spread, log), beside and beside.kept_by, difference))
        for like in {one[:2]: one for one in among}.values():
            lines += _mean(like, metric, among, values, spread)
    return lines


def _mean(
    like: Training, metric: str, among: Sequence[Training], values: Mapping[Training, Floats], spread: Spread
) -> list[Line]:
    """Return the line of the mean over the levels of a score, if it has any below 1."""
    pairs = [(one, control(one, list(among))) for one in among if one[:2] == like[:2]]
    known = [(one, beside) for one, beside in pairs if beside is not None]
    if not known or len({beside.kept_by for _, beside in known}) > 1:
        return []
    of, beside = ([values[one] for one in side] for side in zip(*known, strict=True))
    found = effect(of, beside, spread, is_log(metric))
    return [Line(None, like, metric, NOTHING, known[0][1].kept_by, found)]


def _vectors(samples: Rows) -> NDArray[Any]:
    """Read all samples of a population as vectors (n, values)."""
    return flatten(samples.whole().x)

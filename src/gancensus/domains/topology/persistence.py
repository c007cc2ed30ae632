"""Diagrams of the populations of a study, and what they say of each: the lines of the tables of `persistence`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gancensus.contracts.samples import Rows
from gancensus.domains.topology.diagram_tests import DISTANCES, Compared, all_distances, compare
from gancensus.domains.topology.diagrams import Diagram, Floats, diagram, draws
from gancensus.domains.topology.images import Grid, image
from gancensus.domains.topology.signature import B0, B1, COUNTS, ENTRIES, LEASTS, LOOPS, Frame, frame, signature
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.intervals import clopper_pearson, mean_interval
from gancensus.statistics.multiplicity import holm

Line = dict[str, Any]
Rng = Callable[[str], np.random.Generator]

FRAME, REFERENCE, NULL = "train", "holdout", "calibrate"
DRAWS, FEWEST = 4, 2  # draws that train and holdout must give; and that others must
SMALLEST = 30  # landmarks of a draw


class Mean(NamedTuple):
    """A mean, or a difference of two, with its interval."""

    value: float
    low: float
    high: float


class Study(NamedTuple):
    """The diagrams of a study; none where `holdout` or `train` has too few samples."""

    samples: dict[str, int]
    """Of `holdout`, `calibrate` and the generated populations."""
    landmarks: int | None = None
    """Of a draw."""
    frame: Frame | None = None
    train: Sequence[Diagram] = ()
    """Of `train`, to which no population is compared: they say by what bars are counted."""
    diagrams: Mapping[str, Sequence[Diagram]] = {}
    """Of the populations that have enough samples."""

    def about(self, population: str) -> Line:
        """Return what a table says of a population in every line."""
        of_it = self.diagrams.get(population)
        return {
            "population": population,
            "samples": self.samples[population],
            "landmarks": self.landmarks,
            "draws": len(of_it) if of_it else None,
        }


def landmarks_of(samples: Sequence[int], most: int) -> int | None:
    """Return how many landmarks a draw has where each number of samples must give DRAWS of them; None: too few."""
    found = min(most, min(samples) // DRAWS)
    return found if found >= SMALLEST else None


def examine(
    real: Mapping[str, Rows], generated: Mapping[str, Rows], rng: Rng, landmarks: int, most: int, scale: float | None
) -> Study:
    """Return the diagrams of disjoint random draws of each population, at most `most` of each."""
    populations = {REFERENCE: real[REFERENCE], NULL: real[NULL], **generated}
    samples = {name: len(rows) for name, rows in populations.items()}
    size = landmarks_of([len(real[FRAME]), len(real[REFERENCE])], landmarks)
    if size is None:
        return Study(samples)

    def diagrams(name: str, rows: Rows) -> list[Diagram]:
        return [diagram(points) for points in draws(rows, size, min(most, len(rows) // size), rng(name))]

    train = diagrams(FRAME, real[FRAME])
    found = {name: diagrams(name, rows) for name, rows in populations.items() if len(rows) >= FEWEST * size}
    return Study(samples, size, frame(train, scale), train, found)


def diagram_lines(study: Study) -> Iterator[Line]:
    """Yield a line per bar of each draw: components, the last of which never dies, then loops."""
    for population, some in study.diagrams.items():
        for k, one in enumerate(some):
            about = {"population": population, "draw": k}
            for birth, death in [*one.h0.tolist(), (0.0, None)]:
                yield {**about, "dimension": "H0", "birth": birth, "death": death}
            for birth, death in one.h1.tolist():
                yield {**about, "dimension": "H1", "birth": birth, "death": death, **_band(study)}


def distance_lines(study: Study, rng: Rng) -> Iterator[Line]:
    """Yield a line per population and distance; without values where the population has too few samples."""
    compared = _compared(study, rng)
    for population in study.samples:
        if population == REFERENCE:
            continue
        for k, (dimension, distance) in enumerate(DISTANCES):
            line = {**study.about(population), "dimension": dimension, "distance": distance}
            if population in compared:
                one = compared[population].excesses[k]
                line |= {"cross": one.cross, "within": one.within, "within_holdout": one.within_other}
                line |= _interval("excess", one.estimate) | {"null": one.null} | _p_values(compared[population], k)
            yield line


def signature_lines(study: Study, rng: Rng) -> Iterator[Line]:
    """Yield a line per population and entry, `holdout` first; without values where it has too few samples."""
    compared = _compared(study, rng)
    means = {name: means_of(some) for name, some in _signatures(study).items()}
    for population in study.samples:
        for k, entry in enumerate(ENTRIES):
            line = {**study.about(population), "entry": entry, "at": _at(study, entry)}
            if population in means:
                value, reference = means[population][k], means[REFERENCE][k]
                line |= _interval("value", value) | {"holdout": reference.value}
                if population in compared:
                    line |= _interval("difference", difference(value, reference))
                    line |= _p_values(compared[population], len(DISTANCES) + k)
                    line |= {"overall": compared[population].adjusted.min()}
            yield line


def image_lines(study: Study) -> Iterator[Line]:
    """Yield a line per population and pixel; none where `train` has no loops."""
    grid = Grid.of([one.h1 for one in study.train])
    if grid is None:
        return
    images = {name: np.array([image(one.h1, grid) for one in some]) for name, some in study.diagrams.items()}
    means = {name: mean_interval(some) for name, some in images.items()}
    errors = {name: some.std(axis=0, ddof=1) / np.sqrt(len(some)) for name, some in images.items()}
    for population, (mean, low, high) in means.items():
        apart = mean - means[REFERENCE][0]
        error = np.hypot(errors[population], errors[REFERENCE])
        for i, j in np.ndindex(mean.shape):
            yield {
                "population": population,
                "birth": grid.births[i],
                "length": grid.lengths[j],
                **_interval("value", Mean(float(mean[i, j]), max(float(low[i, j]), 0.0), float(high[i, j]))),
                "error": errors[population][i, j],
                "holdout": means[REFERENCE][0][i, j],
                "z": apart[i, j] / error[i, j] if error[i, j] > 0 and population != REFERENCE else None,
            }


def means_of(signatures: Floats) -> list[Mean]:
    """Return the means of signatures (draws, ENTRIES) over draws, with Student's intervals.

    A count that is the same in all n draws is another one in a share of draws that is at most q = 1 - 0.025^(1/n), with
    97.5 % confidence (Clopper & Pearson): its mean is within q, if it then is one more or less.
    """
    mean, low, high = mean_interval(signatures)
    same = np.ptp(signatures, axis=0) == 0
    counts = np.isin(ENTRIES, COUNTS)
    reach = np.where(same & counts, clopper_pearson(0, len(signatures))[1], 0.0)
    low = np.maximum(low - reach, [LEASTS.get(entry, 0.0) for entry in ENTRIES])
    return [Mean(float(a), float(b), float(c)) for a, b, c in zip(mean, low, high + reach, strict=True)]


def difference(a: Mean, b: Mean) -> Mean:
    """Return a less b, with the interval that those of independent a and b give (Zou & Donner 2008, Stat. Med. 27).

    Its lower end is as far below as the root of the sum of squares of what a is above its lower end and b below its
    upper one; the upper end likewise.
    """
    down = np.hypot(a.value - a.low, b.high - b.value)
    up = np.hypot(a.high - a.value, b.value - b.low)
    value = a.value - b.value
    return Mean(value, float(value - down), float(value + up))


def _compared(study: Study, rng: Rng) -> dict[str, Compared]:
    """Compare each population with `holdout`; adjusted for the number of generated ones (`holm` of the smallest)."""
    if not study.diagrams:
        return {}
    names = np.repeat(list(study.diagrams), [len(some) for some in study.diagrams.values()])
    every = [one for some in study.diagrams.values() for one in some]
    first, second = np.triu_indices(len(every), 1)
    needed = (names[first] == REFERENCE) | (names[first] == names[second])
    distances = all_distances(every, first[needed], second[needed])
    signatures = np.concatenate(list(_signatures(study).values()))
    found = {}
    for population in study.diagrams:
        if population != REFERENCE:
            rows = np.concatenate([np.flatnonzero(names == name) for name in (population, REFERENCE)])
            a = len(study.diagrams[population])
            random = rng(f"labels/{population}")
            found[population] = compare(distances[:, rows[:, None], rows], signatures[rows], a, random)
    generated = [name for name in found if name != NULL]
    least = np.array([found[name].adjusted.min() for name in generated])
    for name, before, after in zip(generated, least, holm(least), strict=True):
        adjusted = np.minimum(found[name].adjusted * (after / before), 1.0)
        found[name] = found[name]._replace(adjusted=adjusted)
    return found


def _signatures(study: Study) -> dict[str, Floats]:
    """Return the signatures (draws, ENTRIES) of each population."""
    if study.frame is None:
        return {}
    by = study.frame
    return {name: np.array([signature(one, by) for one in some]) for name, some in study.diagrams.items()}


def _interval(name: str, estimate: Mean | Estimate) -> Line:
    return dict(zip((name, f"{name}_low", f"{name}_high"), estimate, strict=True))


def _p_values(compared: Compared, k: int) -> Line:
    return {"p": compared.p[k], "adjusted": compared.adjusted[k], "least": compared.least}


def _band(study: Study) -> Line:
    return {} if study.frame is None else study.frame._asdict()


def _at(study: Study, entry: str) -> float | None:
    """Return what an entry counts at."""
    if study.frame is None:
        return None
    return {B0: study.frame.scale, B1: study.frame.scale, LOOPS: study.frame.band}.get(entry)

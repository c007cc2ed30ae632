"""Simulations of the four answers: what one trial of each part does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.stats import chi2

from gancensus.census import birthday
from gancensus.census.answers import ALPHA, rows_of_answers
from gancensus.census.copied import rows_of_copies
from gancensus.census.measured import Compared, Measured, measure
from gancensus.census.relabelling import Labels, relabelled
from gancensus.census.summary import Answer, adjusted, answers
from gancensus.census.summary import copies as answer_copies
from gancensus.comparison.alike import blocks_of, differences, reduced
from gancensus.comparison.fidelity import precision_recall_density_coverage
from gancensus.comparison.frechet import frechet_distance
from gancensus.domains.general.metric_euclidean import Euclidean
from gancensus.search.neighbours import nearest
from gancensus.search.pairs import Side
from gancensus.storage.schemas import ANSWERS
from trust.checks import CHECKS
from trust.data import FLAWED, LIMITS, PERFECT, UNEQUAL, Case, Draw, Floats, gauss

SEED = 20_260
MARGIN = 1.5
PERMUTATIONS = 199
DUPLICATES = 300  # of the real samples, about: the threshold
GENERATORS = 6  # of a study of false alarms
Record = dict[str, Any]


class Trial(NamedTuple):
    """One repeat of one case at one size."""

    part: str
    case: str
    made: int
    real: int
    repeat: int

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers that no other trial has."""
        return np.random.default_rng([SEED, crc32(self.key.encode()), self.repeat])

    @property
    def key(self) -> str:
        """What all repeats of it share."""
        return f"{self.part}/{self.case}/{self.made}/{self.real}"


# One generator beside real samples


class Compare(NamedTuple):
    """What the library says of one generator."""

    rows: list[dict[str, Any]]
    measured: Measured
    threshold: float


def features(*populations: Floats) -> list[list[tuple[NDArray[Any]]]]:
    """Features of the Euclidean metric."""
    return [[(x.astype(np.float32),)] for x in populations]


def compare(calibrate: Floats, holdout: Floats, made: Floats, labels: Labels, rng: np.random.Generator) -> Compare:
    """Measure a generator by Euclidean near-duplicates, of which the real samples have about DUPLICATES."""
    distances = np.sort(pdist(calibrate.astype(np.float32).astype(np.float64)))
    share = DUPLICATES / (len(holdout) * (len(holdout) - 1) / 2)
    threshold = float(distances[min(int(share * len(distances)), len(distances) - 1)])
    definition = {"near": Euclidean(alpha=0.001)}
    compared = Compared(*features(calibrate, holdout, made))
    measured = measure(definition, [threshold], compared, labels, rng)
    values = reduced(blocks_of(calibrate), [blocks_of(holdout), blocks_of(made)], None)
    rows = rows_of_answers({"near": measured}, differences(values, labels), values.names)
    return Compare([row | {"samples": len(made), "others": len(holdout)} for row in rows], measured, threshold)


def said(generators: Sequence[Compare]) -> list[Record]:
    """The answers about the generators of a study, with Holm's factor, as records."""
    every = adjusted({str(k): one.rows for k, one in enumerate(generators)})
    return [record(every[str(k)], answers(every[str(k)], MARGIN), one) for k, one in enumerate(generators)]


def record(rows: Sequence[Mapping[str, Any]], found: Sequence[Answer], one: Compare) -> Record:
    """What is kept of a generator: answers, statistics that alarm, and intervals."""
    return {
        "answers": {answer.question: answer.answer for answer in found},
        "alarms": [row["statistic"] for row in rows if row["adjusted"] is not None and row["adjusted"] < 0.05],
        "intervals": {name: list(estimate) for name, estimate in one.measured.estimates.items()},
    }


def alone(
    real: Draw, made: Draw, trial: Trial, calibrate: Floats | None = None
) -> tuple[Record, Compare, Floats, Floats]:
    """One generator, beside real samples that are drawn for it."""
    rng = trial.rng
    first = real(rng, trial.real) if calibrate is None else calibrate
    holdout, samples = real(rng, trial.real), made(rng, trial.made)
    labels = relabelled(trial.made, trial.made + trial.real, PERMUTATIONS, rng)
    one = compare(first, holdout, samples, labels, rng)
    return said([one])[0], one, holdout, samples


# What one trial of each part does


def check(trial: Trial) -> Record:
    """A point of a sanity check: the answers, and the metrics of others."""
    point = CHECKS[trial.case]
    sized = trial._replace(made=round(point.shares[0] * trial.made), real=round(point.shares[1] * trial.real))
    found, _, holdout, samples = alone(point.real, point.made, sized)
    others = precision_recall_density_coverage(holdout, samples)._asdict()
    return found | {"metrics": {"fid": frechet_distance(holdout, samples), **others}}


def study(trial: Trial) -> Record:
    """A study of perfect generators."""
    rng, draw = trial.rng, PERFECT[trial.case]
    calibrate, holdout = draw(rng, trial.real), draw(rng, trial.real)
    labels = relabelled(trial.made, trial.made + trial.real, PERMUTATIONS, rng)
    made = [draw(rng, trial.made) for _ in range(GENERATORS)]
    return {"generators": said([compare(calibrate, holdout, x, labels, rng) for x in made])}


def perfect(trial: Trial) -> Record:
    """A perfect generator, and the intervals of the census."""
    draw = PERFECT[trial.case]
    found, one, holdout, samples = alone(draw, draw, trial)
    sides = [birthday.collision(degrees(x, one.threshold)) for x in (samples, holdout)]
    found["intervals"]["census"] = list(birthday.ratio(sides[0], sides[1]))
    if trial.case.startswith("Gaussian"):  # half the square of the distance of two is chi-squared
        truth = float(chi2.cdf(one.threshold**2 / 2, holdout.shape[1]))
        found["collision"] = [truth, sides[1].low, sides[1].high]
    return found


def degrees(x: Floats, threshold: float) -> NDArray[np.int64]:
    """How many near-duplicates each sample has."""
    near = pdist(x.astype(np.float32).astype(np.float64)) <= threshold
    i, j = np.triu_indices(len(x), 1)
    return np.bincount(np.concatenate([i[near], j[near]]), minlength=len(x))


def flawed(trial: Trial) -> Record:
    """A generator with a flaw."""
    case: Case = (FLAWED | LIMITS)[trial.case]
    return alone(case.real, case.made, trial)[0]


def unequal(trial: Trial) -> Record:
    """A generator with a flaw, where the radii are the same in every repeat."""
    case = UNEQUAL[trial.case]
    calibrate = case.real(np.random.default_rng([SEED, crc32(trial.key.encode())]), trial.real)
    return alone(case.real, case.made, trial, calibrate)[0]


COPIED: dict[str, tuple[int, float, float]] = {  # dimensions, share of copies, their noise over the nearest distance
    "fresh samples": (16, 0.0, 0.0),
    "1 % exact copies": (16, 0.01, 0.0),
    "2 % exact copies": (16, 0.02, 0.0),
    "5 % exact copies": (16, 0.05, 0.0),
    "5 % copies, noise half the distance of neighbours": (16, 0.05, 0.5),
    "only copies, noise the distance of neighbours, d = 64": (64, 1.0, 1.0),
}


def copied(trial: Trial) -> Record:
    """A generator that copies some of `train`."""
    d, share, noise = COPIED[trial.case]
    rng, draw = trial.rng, gauss(d)
    train, calibrate, holdout, made = (draw(rng, n) for n in (*[trial.real] * 3, trial.made))
    labels = relabelled(trial.made, trial.made + trial.real, PERMUTATIONS, rng)
    count = round(share * trial.made)
    middle = float(np.median(apart(made, train)))
    direction = rng.normal(size=(count, d))
    away = noise * middle * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    made[:count] = train[rng.choice(len(train), count, replace=False)] + away
    one = compare(calibrate, holdout, made, labels, rng)
    found = said([one])[0]
    compared = Compared(*features(calibrate, holdout, made))
    sides = [Side.of(side) for side in features(train, holdout)]
    rows = rows_of_copies(one.measured, compared, sides, PERMUTATIONS, rng, ALPHA, "cpu")
    known = dict.fromkeys(ANSWERS.names) | {"definition": "near"}
    answer = answer_copies([known | {"adjusted": row.get("p")} | row for row in rows], [])
    found["answers"]["copies"] = answer.answer
    return found


def apart(a: Floats, b: Floats) -> Floats:
    """Distance of each sample to the nearest one of others."""
    return np.asarray(nearest(a, b).distance[:, 0])

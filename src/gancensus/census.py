"""The census of a study: every statistic of every population, beside those of the held-out real samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus import birthday
from gancensus.birthday import Collision
from gancensus.estimate import Estimate

REFERENCE = "holdout"


@dataclass(frozen=True)
class Count:
    """The collisions of a population, and the batches at which random orders of drawing first met a duplicate."""

    collision: Collision
    hits: NDArray[np.int64]


def count(
    samples: int, i: NDArray[np.int64], j: NDArray[np.int64], level: float, replicates: int, rng: np.random.Generator
) -> Count:
    """Count a population of a number of samples by the sample_id of its duplicate pairs."""
    _, position = np.unique(np.concatenate([i, j]), return_inverse=True)  # samples without a duplicate have no edge
    a, b = position[: len(i)], position[len(i) :]
    return Count(birthday.collision(samples, a, b, level), birthday.first_hits(samples, a, b, replicates, rng))


def support_row(population: str, found: Count, reference: Count, level: float, margin: float) -> dict[str, Any]:
    """Return a row of the table of support sizes, less study and definition; the reference has no ratio to itself."""
    collision = found.collision
    half = birthday.batch_half(collision.samples, found.hits)
    row = {
        "population": population,
        "samples": collision.samples,
        "pairs": collision.pairs,
        "duplicates": collision.duplicates,
        "collision": collision.value,
        "collision_low": collision.low,
        "collision_high": collision.high,
        **_ends("effective_support", collision.effective_support),
        "batch_half": half,
        "square_support": None if half is None else birthday.square_support(half),
        "birthday_support": None if half is None else birthday.birthday_support(half),
        **dict.fromkeys(("ratio", "ratio_low", "ratio_high", "verdict")),
    }
    if population != REFERENCE:
        ratio = birthday.ratio(collision, reference.collision, level)
        row |= _ends("ratio", ratio) | {"verdict": birthday.verdict(ratio, margin)}
    return row


def curve_columns(population: str, found: Count, level: float) -> Mapping[str, Any]:
    """Return the birthday curve of a population as columns of the table of curves, without the definition."""
    batch = birthday.batches(found.collision.samples, found.hits)
    probability, low, high = birthday.curve(found.hits, found.collision, batch, level)
    return {
        "population": [population] * len(batch),
        "batch": batch,
        "probability": probability,
        "probability_low": low,
        "probability_high": high,
    }


def _ends(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}

"""Exact copies: generated samples that equal real ones, and whether these are in `train` more often than by chance.

If a generator has not seen `train`, then given its samples the labels 'train' and 'holdout' of the N real ones are
exchangeable. So of the K real samples that equal a generated one, the number in train is hypergeometric, however often
samples are equal by chance: Fisher's exact test of being in train and being equal to a generated sample.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.columns import decode
from gancensus.contracts.samples import Samples, flatten
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.hypergeometric import more_than


class Exact(NamedTuple):
    """Generated samples that equal real ones."""

    in_train: int
    """Generated samples that equal one of train."""
    in_holdout: int
    """Generated samples that equal one of holdout; those that equal samples of both count for both."""
    share: Estimate
    """Share of the generated samples that equal one of train."""
    null: float
    """What that share is on average when labels of real samples are permuted."""
    score: float
    """How many standard deviations of permuted labels more of the real samples that are met are in train."""
    p: float
    """One-sided."""


def keys(samples: Samples) -> list[bytes]:
    """Return 16 bytes per sample (BLAKE2), equal where it is: as a legal row of a typed table, as an 8-bit image.

    Images are arrays with a single scale without a unit, whose ends become 0 and 255. Of others x itself counts.
    """
    scale = samples.scale
    values: NDArray[Any]
    if scale is not None and scale.columns:
        values = decode(scale.columns, samples.x)
    elif scale is not None and scale.units == ("1",) and not samples.are_rows:
        values = np.rint(np.clip(samples.x, -1, 1) * 127.5 + 127.5).astype(np.uint8)
    else:
        values = samples.x + np.float32(0)  # no -0.0
    return [blake2b(row, digest_size=16).digest() for row in np.ascontiguousarray(flatten(values))]


def equal_share(known: Sequence[bytes]) -> float:
    """Return the share of samples, given by their `keys`, that equal another one."""
    return sum(times for times in Counter(known).values() if times > 1) / len(known)


def exact(
    generated: Iterable[Samples], train: Iterable[Samples], holdout: Iterable[Samples], level: float = 0.95
) -> Exact:
    """Compare generated samples with real ones, some of which are read at a time.

    Args:
        generated: some of them at a time.
        train: all real samples that the generator learned from.
        holdout: all others.
        level: of the interval of the share, Wilson's.
    """
    from gancensus.statistics.intervals import wilson  # slow to import

    made = Counter(key for some in generated for key in keys(some))
    count = made.total()
    sizes, met = [0, 0], [Counter[bytes](), Counter[bytes]()]
    for k, side in enumerate((train, holdout)):
        for chunk in side:
            sizes[k] += len(chunk)
            met[k].update(key for key in keys(chunk) if key in made)
    real, pi = sum(sizes), sizes[0] / sum(sizes)
    both = met[0] + met[1]
    found, hits = met[0].total(), both.total()
    deviation = sqrt(hits * pi * (1 - pi) * (real - hits) / (real - 1))
    often, times = np.array(list(both.values()), np.int64), np.array([made[key] for key in both], np.int64)
    null = times @ more_than(0, real, often, sizes[0]) / count if hits else 0.0
    in_train, in_holdout = (sum(made[key] for key in one) for one in met)
    return Exact(
        in_train,
        in_holdout,
        wilson(in_train / count, count, level),
        float(null),
        (found - hits * pi) / deviation if deviation > 0 else 0.0,
        float(more_than(found - 1, real, hits, sizes[0])),
    )

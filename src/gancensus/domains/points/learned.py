"""The points that generators have learned from, and those that they have made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gancensus.contracts.density import Cells, Floats
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Generator
from gancensus.contracts.samples import Rows
from gancensus.domains.points.amplification import subset_counts
from gancensus.domains.points.cells import Partition, in_natural_units
from gancensus.domains.points.repetitions import REPETITION, first_points


class Training(NamedTuple):
    """The training points x (R, N, d) in natural units, and their repetitions (R,), ascending."""

    repetitions: Floats
    x: Floats

    @property
    def size(self) -> int:
        """N."""
        return int(self.x.shape[1])


def training_of(train: Rows, size: int | None) -> Training:
    """Return the first samples of each repetition in the order of sample_id; without a size, all of train as one.

    Raises UserError where a repetition has too few.
    """
    samples = train.whole()
    owner = np.zeros(len(samples))
    if size is not None and REPETITION in samples.conditions:
        owner = samples.conditions[REPETITION].astype(np.float64)
    size = len(samples) if size is None else size
    repetitions, rows = first_points(owner, samples.sample_id, size, train.where)
    return Training(repetitions, in_natural_units(samples.take(rows.ravel())).reshape(len(repetitions), size, -1))


@dataclass(frozen=True)
class Generated:
    """The populations of a generator.

    Where it learns each repetition separately, a population has them all, and every population is a further training on
    the same points. Otherwise the populations are the repetitions, and `repetitions` is False.
    """

    name: str
    trained: Training
    populations: Sequence[Rows]
    repetitions: bool
    least: int
    """Points of the repetition that has the fewest."""

    def counts(self, partition: Partition, sizes: Sequence[int]) -> list[Cells]:
        """Count the first points of each repetition in cells: (sizes, R, Q), for each training on the same points."""
        q = len(partition.contents.shares)
        if not self.repetitions:
            chunks = (chunk for k, rows in enumerate(self.populations) for chunk in self._chunks(rows, partition, k))
            return [subset_counts(chunks, sizes, len(self.populations), q)]
        repetitions = len(self.trained.repetitions)
        return [subset_counts(self._chunks(rows, partition), sizes, repetitions, q) for rows in self.populations]

    def _chunks(self, rows: Rows, partition: Partition, number: int = 0) -> Iterator[tuple[Cells, Cells]]:
        """Yield cell and number of the repetition of some points at a time."""
        for some in rows.chunks(slice(0, len(rows))):
            owner = np.full(len(some), number)
            if self.repetitions:
                owner = np.searchsorted(self.trained.repetitions, some.conditions[REPETITION])
            yield partition.cells(in_natural_units(some)), owner


def generated_by(
    name: str, generator: Generator, populations: Sequence[Rows], training: Callable[[int | None], Training]
) -> Generated:
    """Return the populations of a generator with what it has learned from.

    One with `of_each_repetition` has learned that many points of each, any other all of train.
    """
    if generator.selection is not None:
        raise UserError(
            f"generator {name}: is trained on a selection, and the analysis amplification compares generators with all "
            "of `train`; remove `train_on`, or the analysis"
        )
    size = generator.of_each_repetition
    known = next(iter(populations[0].chunks(slice(0, 1), without_x=True))).conditions
    trained, repetitions = training(size), size is not None and REPETITION in known
    least = min(_least(rows, trained.repetitions) if repetitions else len(rows) for rows in populations)
    return Generated(name, trained, populations, repetitions, least)


def _least(rows: Rows, repetitions: Floats) -> int:
    """Return the smallest number of points of a repetition.

    Raises UserError where one has fewer than 2, or was not trained for.
    """
    counts: Counter[float] = Counter(dict.fromkeys(repetitions.tolist(), 0))
    for some in rows.chunks(slice(0, len(rows)), without_x=True):
        values, times = np.unique(some.conditions[REPETITION], return_counts=True)
        counts.update(dict(zip(values.tolist(), times.tolist(), strict=True)))
    unknown = set(counts) - set(repetitions.tolist())
    if unknown:
        raise UserError(
            f"{rows.where}: points of repetition {max(unknown):.0f}, of which train has none; give the source more "
            "`samples` or fewer repetitions"
        )
    least = min(counts, key=counts.__getitem__)
    if counts[least] < 2:
        raise UserError(
            f"{rows.where}: points of repetition {least:.0f}: {counts[least]}, and at least 2 are needed; raise "
            "`samples` of the generator, or let `splits` give more to holdout, from which it takes its repetitions"
        )
    return counts[least]

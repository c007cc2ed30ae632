"""Amplification: whether generated points describe the truth better than the points that they were learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.analysis import About, Analysis, Table
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows, flatten
from gancensus.domains.points.repetitions import REPETITION, first_points
from gancensus.statistics.estimate import Estimate
from gancensus.storage.schemas import FLOAT, INT, STRING, column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.density import Density
    from gancensus.contracts.generator import Generator
    from gancensus.contracts.table import Columns
    from gancensus.domains.points import amplification as science

Floats = NDArray[np.float64]
Cells = NDArray[np.int64]
Rng = Callable[[str], np.random.Generator]
Line = tuple[Any, ...]

METHODS = ("sample", "kde", "fit", "truth")  # no generator may be called like these
TRUE_POINTS = (100, 200, 300, 500, 1000)  # whose expected MSE is drawn for comparison

_WHAT = (column("method", STRING), column("train_size", INT), column("cells", INT))
AMPLIFICATION = pa.schema(
    [*_WHAT, *(column(f"{name}{end}", FLOAT) for name in ("mse", "equivalent") for end in ("", "_low", "_high"))]
)
CURVE = pa.schema([*_WHAT, column("points", INT), *(column(name, FLOAT) for name in ("mse", "low", "high"))])


class Amplification(Analysis):
    """How many true points describe the truth as well as a generator does, beside a sample, a KDE and the right fit.

    Butter et al., SciPost Phys. 10 (2021) 139. The truth is that of the source, or else counted in `holdout`.
    """

    kind: Literal["amplification"] = "amplification"
    cells: tuple[Annotated[int, Field(ge=2)], ...] = Field((10, 20, 50), min_length=1)
    """Numbers of cells of equal probability. In d dimensions of a known truth each is a k^d: 49 for the ring."""
    bandwidths: tuple[Annotated[float, Field(gt=0)], ...] = Field((0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7), min_length=1)
    """Bandwidths of which a drawn KDE takes the best, in standard deviations of each coordinate."""
    draws: int = Field(10_000, ge=2)
    """Points drawn from a KDE for each repetition and bandwidth. On a line of a known truth it is computed instead."""

    tables: ClassVar[Mapping[str, Table]] = {
        "amplification": Table(
            AMPLIFICATION,
            "Equivalent true points",
            "The number of true points that describe the truth as well as each method does, on average over the "
            "repetitions, with its 95 % interval. The dashed line is the number of training points: a method to the "
            "right of it amplifies them. The training points themselves should lie on it. The best kernel density "
            "estimate (KDE) knows only that the truth is smooth, the right fit, where the truth is known, all but its "
            "parameters. An arrow: there is no upper end. Amplification grows with the number of cells, so compare "
            "methods in equal cells. Where generators differ in their number of training points, below: equivalent "
            "points for each training point, which the grey lines connect.",
        ),
        "curve": Table(
            CURVE,
            "Error by generated points",
            "The mean square error of the contents of the cells (quantile MSE) against the number of generated "
            "points: the mean over the repetitions with its 95 % interval. Dotted: what 100 to 1,000 true points have "
            "on average. Grey bands, with 95 % intervals: the training points themselves, the best kernel density "
            "estimate (KDE) and, where the truth is known, the right fit. A curve first falls because there are more "
            "points, then levels off at the generator's own error. Where that is below the band of the training "
            "points, the generator knows more than these alone.",
        ),
    }

    @model_validator(mode="after")
    def _increasing(self) -> Self:
        for name in ("cells", "bandwidths"):
            if any(a >= b for a, b in pairwise(getattr(self, name))):
                raise PydanticCustomError("amplification", "the values of `{name}` must increase", {"name": name})
        return self

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Rng,
        about: About,
    ) -> Columns:
        """Return the columns of a table.

        `amplification` has a row per number of cells and method. `curve` has the generators by number of generated
        points; the other methods without; and as the method `truth` the expected MSE of `points` true points.

        Raises UserError where the data do not suffice, or there are no such cells.
        """
        if reason := self.refuses(about):
            raise UserError(f"analysis amplification: {reason}")
        truth = about.source.truth
        partitions = {q: _partition(truth, q, real["holdout"], rng) for q in self.cells}
        training = cache(partial(_training, real["train"]))  # generators may share it
        made: dict[str, list[Rows]] = {name: [] for name in about.generators}
        for population, rows in generated.items():
            made[about.made[population].generator].append(rows)
        generators = [_generated(name, one, made[name], training) for name, one in about.generators.items()]
        sets = {one.trained.size: one.trained for one in generators}
        lines = []
        for q, partition in partitions.items():
            if table == "curve":
                lines += [("truth", None, q, n, partition.contents.one_point / n, None, None) for n in TRUE_POINTS]
            for size in sorted(sets):
                for method, (mse, equivalent) in self._baselines(sets[size], partition, rng).items():
                    lines.append((method, size, q, *((None, *mse) if table == "curve" else (*mse, *equivalent))))
            for one in generators:
                found = _curve(one, partition, rng) if table == "curve" else _amplification(one, partition, rng)
                lines += [(one.name, one.trained.size, q, *line) for line in found]
        names = self.tables[table].schema.names
        return {name: [line[k] for line in lines] for k, name in enumerate(names)}

    def _baselines(self, trained: Training, partition: Partition, rng: Rng) -> dict[str, science.Amplification]:
        """Return what the training points are worth: themselves, smoothed, and with their family known."""
        from gancensus.domains.points.amplification import (
            best_bandwidth,
            best_kde_counts,
            kde_shares,
            of_counts,
            of_shares,
        )

        x, (_, contents, truth, per_axis) = trained.x, partition
        q = len(contents.shares)
        random = {method: rng(f"{method}/{trained.size}/{q}") for method in ("sample", "kde", "fit")}
        counts = [np.bincount(partition.cells(one), minlength=q) for one in x]
        found = {"sample": of_shares(np.array(counts) / trained.size, contents, random["sample"])}
        if truth is not None and truth.dimension == 1:
            width = best_bandwidth(truth, per_axis, trained.size)
            found["kde"] = of_shares(kde_shares(x[..., 0], width, truth.edges(per_axis)), contents, random["kde"])
        else:
            scale = x.std(axis=(0, 1))
            scale[scale == 0] = 1

            def cells(points: Floats) -> Cells:
                return partition.cells(points * scale)

            drawn = best_kde_counts(x / scale, self.bandwidths, cells, contents, self.draws, random["kde"])[1]
            found["kde"] = of_counts(drawn, contents, random["kde"])
        if truth is not None:
            found["fit"] = of_shares(truth.shares(truth.fit(x), per_axis), contents, random["fit"])
        return found

    def refuses(self, about: About) -> str | None:
        """Numbers of cells are refused into which a known truth is not cut alike along its axes."""
        d = about.source.truth.dimension if about.source.truth else 1
        for cells in self.cells:
            k = _root(cells, d)
            if k**d != cells:
                nearest = " or ".join(str(near**d) for near in sorted({max(2, k), k + 1}))
                return f"`cells` has {cells}, which is no k^{d}, and {d} dimensions are cut alike; nearest: {nearest}"
        return None

    def findings(self, columns: Columns) -> list[str]:
        """Say what each generator is worth."""
        from gancensus.plotting.numbers import NOTHING, integer, interval, rows

        found: dict[tuple[str, int], list[str]] = {}
        for row in rows(columns):
            if row["method"] not in METHODS:
                value, reach = interval(row, "equivalent", digits=2)
                worth = "more than can be told" if value == NOTHING else f"{value} true ones"
                said = f"{worth} at {integer(row['cells'])} cells{reach and f' ({reach})'}"
                found.setdefault((row["method"], row["train_size"]), []).append(said)
        return [
            f"{name} has learned from {integer(size)} points and is worth {', '.join(said)}."
            for (name, size), said in found.items()
        ]

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.points import amplification_figures as figures

        return figures.draw_curve(columns) if table == "curve" else figures.draw_equivalent(columns)


class Partition(NamedTuple):
    """Cells of points (n, d) and their contents; of a known truth, with the number of cells along each axis."""

    cells: Callable[[Floats], Cells]
    contents: science.Contents
    truth: Density | None
    per_axis: int


def _partition(truth: Density | None, cells: int, holdout: Rows, rng: Rng) -> Partition:
    """Return cells of equal probability under the truth, or of equal shares of half of holdout where it is unknown."""
    from gancensus.domains.points.amplification import Contents, adaptive_cells

    if truth is None:
        return Partition(*adaptive_cells(_points(holdout.whole()), cells, rng(f"cells/{cells}")), None, 0)
    per_axis = _root(cells, truth.dimension)
    return Partition(partial(truth.cells, per_axis=per_axis), Contents.equal(cells), truth, per_axis)


def _root(cells: int, d: int) -> int:
    """Return the largest k with k^d <= cells."""
    near: int = round(cells ** (1 / d))
    return near if near**d <= cells else near - 1


class Training(NamedTuple):
    """The training points x (R, N, d) in natural units, and their repetitions (R,), ascending."""

    repetitions: Floats
    x: Floats

    @property
    def size(self) -> int:
        """N."""
        return int(self.x.shape[1])


def _training(train: Rows, size: int | None) -> Training:
    """Return the first samples of each repetition in the order of sample_id; without a size, all of train as one.

    Raises UserError where a repetition has too few.
    """
    samples = train.whole()
    owner = np.zeros(len(samples))
    if size is not None and REPETITION in samples.conditions:
        owner = samples.conditions[REPETITION].astype(np.float64)
    size = len(samples) if size is None else size
    repetitions, rows = first_points(owner, samples.sample_id, size, train.where)
    return Training(repetitions, _points(samples.take(rows.ravel())).reshape(len(repetitions), size, -1))


@dataclass(frozen=True)
class Generated:
    """The populations of a generator.

    Where it learns each repetition by itself, a population has them all, and every population is a further training on
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
        from gancensus.domains.points.amplification import subset_counts

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
            yield partition.cells(_points(some)), owner


def _generated(
    name: str, generator: Generator, populations: Sequence[Rows], training: Callable[[int | None], Training]
) -> Generated:
    """Return the populations of a generator with what it has learned from.

    One that learns `of_each_repetition` has so many points of every one, any other all of train.
    """
    if name in METHODS:
        raise UserError(f"generator {name}: the analysis amplification calls a method of its own so; rename it")
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
            "`samples` of the generator, or let `splits` give more to holdout, whose repetitions it has"
        )
    return counts[least]


def _amplification(one: Generated, partition: Partition, rng: Rng) -> Iterator[Line]:
    """Yield MSE and equivalent points of a generator, with their intervals; all its points count."""
    from gancensus.domains.points.amplification import of_counts

    every = one.counts(partition, [max(map(len, one.populations))])
    q = len(partition.contents.shares)
    random = [rng(f"{one.name}/{k}/{q}") for k in range(len(every))]
    found = [of_counts(counts[0], partition.contents, some).mse for counts, some in zip(every, random, strict=True)]
    mse = _together(found)
    value, high, low = (None if end is None or end <= 0 else partition.contents.one_point / end for end in mse)
    yield *mse, value, low, high


def _curve(one: Generated, partition: Partition, rng: Rng) -> Iterator[Line]:
    """Yield numbers of generated points, with MSE and interval; the noise of their finite number is left in."""
    from gancensus.domains.points.amplification import of_shares, subset_sizes

    sizes = subset_sizes(one.least)
    every = one.counts(partition, sizes)
    random = rng(f"{one.name}/curve/{len(partition.contents.shares)}")
    for k, points in enumerate(sizes):
        yield points, *_together([of_shares(counts[k] / points, partition.contents, random).mse for counts in every])


def _together(found: Sequence[Estimate]) -> Estimate:
    """Return the mean of the MSE of trainings on the same points; its interval is right if they err alike, or wide."""
    return Estimate(*(None if None in ends else float(np.mean(ends)) for ends in zip(*found, strict=True)))


def _points(samples: Any) -> Floats:
    """Return samples as points (n, d) in natural units."""
    return flatten(samples.natural())

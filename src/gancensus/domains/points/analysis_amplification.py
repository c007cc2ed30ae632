"""Amplification: whether generated points describe the truth better than the points that they were learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.density import Cells, Floats
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows
from gancensus.domains.points.cells import Partition, partition_of, root
from gancensus.statistics.estimate import Estimate
from gancensus.storage.schemas import FLOAT, INT, LOW_HIGH, STRING, column, with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.table import Columns
    from gancensus.domains.points import amplification as science
    from gancensus.domains.points.learned import Generated, Training

Rng = Callable[[str], np.random.Generator]
Line = tuple[Any, ...]

METHODS = ("sample", "kde", "fit", "truth")  # names that no generator may have
TRUE_POINTS = (100, 200, 300, 500, 1000)  # whose expected MSE is drawn for comparison

_SIZE = column("train_size", INT, about="points that it has learned from")
_CELLS = column("cells", INT, about="cells of equal probability into which the space is cut")
_MSE = "mean square error of the shares of the cells, without the noise of finite numbers"
AMPLIFICATION = pa.schema(
    [
        column("method", STRING, about="`sample`, `kde`, `fit`, or a generator"),
        _SIZE,
        _CELLS,
        *with_interval("mse", _MSE),
        *with_interval("equivalent", "true points with that error; null where there is no end"),
    ]
)
CURVE = pa.schema(
    [
        column("method", STRING, about="`sample`, `kde`, `fit`, a generator, or `truth`: as many true points"),
        _SIZE,
        _CELLS,
        column("points", INT, about="generated or true points; null for `sample`, `kde` and `fit`"),
        column("mse", FLOAT, about="mean square error of the shares of the cells"),
        *LOW_HIGH,
    ]
)


class Amplification(Analysis):
    """How many true points describe the truth as well as a generator does, beside a sample, a KDE and the right fit.

    Butter et al., SciPost Phys. 10 (2021) 139. The truth is that of the source, or else counted in `holdout`.
    """

    kind: Literal["amplification"] = "amplification"
    needs_train: ClassVar[bool] = True
    cells: tuple[Annotated[int, Field(ge=2)], ...] = Field((10, 20, 50), min_length=1)
    """Numbers of cells of equal probability. In d dimensions of a known truth each is a k^d: 49 for the ring."""
    bandwidths: tuple[Annotated[float, Field(gt=0)], ...] = Field((0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7), min_length=1)
    """Bandwidths of which a drawn KDE takes the best, in standard deviations of each coordinate."""
    draws: int = Field(10_000, ge=2)
    """Points drawn from a KDE for each repetition and bandwidth; none for a known truth on a line."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "amplification": AnalysisTable(
            AMPLIFICATION,
            "Equivalent true points",
            "The number of true points that describe the truth as well as each method does, on average over the "
            "repetitions, with its 95 % interval. The dashed line is the number of training points: a method to the "
            "right of it amplifies them. The training points themselves should lie on it. The best kernel density "
            "estimate (KDE) assumes only that the truth is smooth; the right fit, where the truth is known, knows all "
            "but its parameters. An arrow means no upper end. Amplification grows with the number of cells, so "
            "compare methods at equal numbers of cells. Where generators differ in their number of training points, "
            "below: equivalent points for each training point, which the grey lines connect.",
        ),
        "curve": AnalysisTable(
            CURVE,
            "Error by generated points",
            "The mean square error of the contents of the cells (quantile MSE) against the number of generated "
            "points: the mean over the repetitions with its 95 % interval. Dotted: what 100 to 1,000 true points have "
            "on average. Grey bands, with 95 % intervals: the training points themselves, the best kernel density "
            "estimate (KDE) and, where the truth is known, the right fit. A curve first falls because there are more "
            "points, then levels off at the generator's own error. Where that is below the band of the training "
            "points, the generator knows more than these points alone.",
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
        context: Context,
    ) -> Columns:
        """Return the columns of a table.

        `amplification` has a row per number of cells and method. `curve` has the generators by number of generated
        points; the other methods, without one; and as the method `truth` the expected MSE of `points` true points.

        Raises UserError where there are too few points, or the cells cannot be made.
        """
        from gancensus.domains.points.learned import generated_by, training_of

        if reason := self.refuses(context):
            raise UserError(f"analysis amplification: {reason}")
        if taken := next((name for name in context.generators if name in METHODS), None):
            raise UserError(f"generator {taken}: the analysis amplification has a method of this name; rename it")
        truth = context.source.truth
        partitions = {q: partition_of(truth, q, real["holdout"], rng) for q in self.cells}
        training = cache(partial(training_of, real["train"]))  # generators may share it
        made: dict[str, list[Rows]] = {name: [] for name in context.generators}
        for population, rows in generated.items():
            made[context.made[population].generator].append(rows)
        generators = [generated_by(name, one, made[name], training) for name, one in context.generators.items()]
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
        """Return to how many true points the training points are equivalent: by themselves, smoothed, and fitted."""
        from gancensus.domains.points.amplification import of_counts, of_shares
        from gancensus.domains.points.smoothing import best_bandwidth, best_kde_counts, kde_shares

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

    def refuses(self, context: Context) -> str | None:
        """Refuse numbers of cells other than k^d, for a known truth in d dimensions."""
        d = context.source.truth.dimension if context.source.truth else 1
        for cells in self.cells:
            k = root(cells, d)
            if k**d != cells:
                nearest = " or ".join(str(near**d) for near in sorted({max(2, k), k + 1}))
                return f"`cells` has {cells}, which is not k^{d}, and all {d} axes are cut alike; nearest: {nearest}"
        return None

    def findings(self, columns: Columns) -> list[str]:
        """Say to how many true points each generator is equivalent."""
        from gancensus.plotting.numbers import NOTHING, integer, interval, rows

        found: dict[tuple[str, int], list[str]] = {}
        for row in rows(columns):
            if row["method"] not in METHODS:
                value, reach = interval(row, "equivalent", digits=2)
                many = "more than can be estimated" if value == NOTHING else f"{value} true points"
                said = f"{many} at {integer(row['cells'])} cells{reach and f' ({reach})'}"
                found.setdefault((row["method"], row["train_size"]), []).append(said)
        return [
            f"{name} has learned from {integer(size)} points and is equivalent to {', '.join(said)}."
            for (name, size), said in found.items()
        ]

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.points import amplification_figures as figures

        return figures.draw_curve(columns) if table == "curve" else figures.draw_equivalent(columns)


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
    """Return the mean MSE of trainings on the same points; its interval is right for equal errors, else too wide."""
    return Estimate(*(None if None in ends else float(np.mean(ends)) for ends in zip(*found, strict=True)))

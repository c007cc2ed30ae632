"""The real row that is nearest to each generated one, and which rows the discriminators pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.samples import Samples, flatten
from gancensus.storage.schemas import FLOAT, GENERATED, INT, LOW_HIGH, POPULATION, SAMPLE, STRING, column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.columns import Column
    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns

Rng = Callable[[str], np.random.Generator]
Line = tuple[Any, ...]
Flags = NDArray[np.bool_]

SHOWN = 10  # rows of each group that are shown with their nearest real ones
POINTS = 1000  # rows of a population that are drawn in the plane
CLOSEST = 10  # of these, the nearest to a real row
ASKED = 100  # generated rows drawn at random, as in the course report that asked these questions

NEAREST = pa.schema(
    [
        POPULATION,
        column("group", STRING, about="`fooled`, `not fooled` or `all`; `real to real` or `holdout to train`"),
        column("rows", INT, about="rows of the group"),
        column("mean_distance", FLOAT, about="mean distance to the nearest row of `train`, in the space of x"),
        *LOW_HIGH,
    ]
)
PASS = pa.schema(
    [
        column("population", STRING, about="the generated population whose discriminator is asked"),
        column("group", STRING, about="the rows that it judges: `train`, `holdout`, `generated` or `100 generated`"),
        column("rows", INT, about="rows that it judged"),
        column("passed", INT, about="rows of these that it called real"),
        column("rate", FLOAT, about="their share"),
        *LOW_HIGH,
    ]
)
ROWS = pa.schema(
    [
        GENERATED,
        column("group", STRING, about="`fooled`, `not fooled` or `all`"),
        column("number", INT, about="the pair of a generated row and its nearest real one, from 1 in each group"),
        column("distance", FLOAT, about="their distance in the space of x"),
        column("row", STRING, about="`generated` or `real`"),
        SAMPLE,
        column("column", STRING, about="a column of the row"),
        column("unit", STRING, about="its unit"),
        column("value", STRING, about="its value, decoded, as text"),
    ]
)
PLANE = pa.schema(
    [
        POPULATION,
        column(
            "group",
            STRING,
            about="`real`, `fooled`, `not fooled` or `all`; again `closest generated`, `closest real`",
        ),
        SAMPLE,
        *(column(f"pc{k}", FLOAT, about=f"its principal component {k}, of those of `train`") for k in (1, 2)),
        *(column(f"pc{k}_share", FLOAT, about=f"share of the variance of `train` along component {k}") for k in (1, 2)),
    ]
)


class Nearest(Analysis):
    """The nearest real row of each generated one, and what each generator's own discriminator passes as real.

    Distances are Euclidean, in the space of the samples x, whose columns are scaled to [-1, 1]; generated rows are
    taken as the networks made them, unrounded. A row is fooled (it fooled the discriminator) when that calls it real
    with a probability above 1/2. Generators without a discriminator have only the group `all`.
    """

    kind: Literal["nearest"] = "nearest"

    judged = True
    needs_train = True

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "nearest": AnalysisTable(
            NEAREST,
            "Distance to the nearest real row",
            "The mean distance of generated rows to the nearest training row, in the space scaled to [-1, 1], with its "
            "95 % interval for these training rows: of those that fooled the generator's discriminator, of those that "
            "did not, and of all. The lines are what real rows have: training rows to the nearest other one, and "
            "held-out rows to the nearest training row. Generated rows that are nearer than these repeat the training "
            "rows, or crowd where most of these are; farther ones lie where hardly any are.",
        ),
        "pass": AnalysisTable(
            PASS,
            "What the discriminators pass",
            "The share of rows that each model's discriminator calls real, with its 95 % interval (Wilson): training "
            "rows, held-out rows, all generated rows and 100 of them at random. A discriminator that passes training "
            "rows more often than held-out ones has memorised them. One that cannot distinguish them gives each row a "
            "probability near 1/2, and passes all three alike: the rate of generated rows means something only beside "
            "those of real ones.",
        ),
        "rows": AnalysisTable(
            ROWS,
            "Generated rows and their nearest real ones",
            "Ten rows at random that fooled the discriminator, and ten that did not, each with its nearest training "
            "row and their distance in the scaled space; decoded: rounded, and with the most likely category. Values "
            "that are equal are bold. Of each generator the first replica is shown.",
        ),
        "pca": AnalysisTable(
            PLANE,
            "Principal components",
            "Real and generated rows, at most 1,000 of each, in the plane of the first two principal components, which "
            "are fitted on the training rows alone, so that panels can be compared. Yellow: of the generated rows "
            "shown, the ten nearest to a training row, and that row.",
        ),
    }

    def analyse(
        self, table: str, real: Mapping[str, Rows], generated: Mapping[str, Rows], rng: Rng, context: Context
    ) -> Columns:
        """Return the columns of a table; of equally near training rows the one with the smaller sample_id is taken."""
        train = real["train"].whole()
        train = train.take(np.argsort(train.sample_id))
        study = _Study(train, real["holdout"].whole(), context, lambda name: rng(f"{table}/{name}"))
        populations = {name: rows.whole() for name, rows in generated.items()}
        make = {"nearest": _distances, "pass": _pass_rates, "rows": _pairs, "pca": _plane}[table]
        lines = list(make(study, populations))
        return {name: [line[k] for line in lines] for k, name in enumerate(self.tables[table].schema.names)}

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.general import nearest_figures as figures

        drawn = {
            "nearest": figures.draw_distances,
            "pass": figures.draw_pass_rates,
            "rows": figures.draw_pairs,
            "pca": figures.draw_plane,
        }
        return drawn[table](columns)


class _Study(NamedTuple):
    """Real rows, train by sample_id; the discriminators; random numbers of each population."""

    train: Samples
    holdout: Samples
    context: Context
    rng: Rng

    def probability(self, population: str, samples: Samples) -> NDArray[np.float64] | None:
        """Return the probability (n,) that a population's discriminator gives samples of being real, if it has one."""
        judge = self.context.judges.get(population)
        return judge(samples.x) if judge else None

    def groups(self, population: str, samples: Samples) -> dict[str, Flags]:
        """Return which samples fooled the discriminator and which did not, if there is one."""
        found = self.probability(population, samples)
        return {} if found is None else {"fooled": found > 0.5, "not fooled": found <= 0.5}


def _distances(study: _Study, populations: Mapping[str, Samples]) -> Iterator[Line]:
    from gancensus.comparison.nearest import mean_distance, mean_distance_to_others
    from gancensus.search.neighbours import nearest, nearest_others

    train = flatten(study.train.x)
    yield "train", "real to real", len(train), *mean_distance_to_others(nearest_others(train, 2))
    held_out = nearest(flatten(study.holdout.x), train).distance[:, 0]
    yield "holdout", "holdout to train", len(held_out), *mean_distance(held_out)
    for population, samples in populations.items():
        distance = nearest(flatten(samples.x), train).distance[:, 0]
        for group, inside in {**study.groups(population, samples), **_ungrouped(samples)}.items():
            yield population, group, int(inside.sum()), *mean_distance(distance[inside])


def _pass_rates(study: _Study, populations: Mapping[str, Samples]) -> Iterator[Line]:
    from gancensus.statistics.intervals import wilson

    for population, samples in populations.items():
        asked = {"train": study.train, "holdout": study.holdout, "generated": samples}
        judged = {group: study.probability(population, some) for group, some in asked.items()}
        passed = {group: found > 0.5 for group, found in judged.items() if found is not None}
        if passed and len(samples) >= ASKED:
            chosen = study.rng(population).choice(len(samples), ASKED, replace=False)
            passed[f"{ASKED} generated"] = passed["generated"][chosen]
        for group, some in passed.items():
            count = int(some.sum())
            yield population, group, len(some), count, *wilson(count / len(some), len(some))


def _pairs(study: _Study, populations: Mapping[str, Samples]) -> Iterator[Line]:
    """Yield a line per value of the rows that are shown; none where samples are not rows of a table."""
    from gancensus.contracts.scales import columns_of
    from gancensus.search.neighbours import nearest

    for population, samples in populations.items() if study.train.are_rows else ():
        columns, rng = columns_of(study.train), study.rng(population)
        for group, inside in (study.groups(population, samples) or _ungrouped(samples)).items():
            some = samples.take(_sorted_choice(rng, np.flatnonzero(inside), SHOWN))
            found = nearest(some.x, study.train.x)
            both = {"generated": some, "real": study.train.take(found.rows[:, 0])}
            texts = {row: _texts(columns_of(shown), shown.x) for row, shown in both.items()}
            for k in range(len(some)):
                for row, shown in both.items():
                    what = (population, group, k + 1, found.distance[k, 0], row, shown.sample_id[k])
                    for known, text in zip(columns, texts[row][k], strict=True):
                        yield *what, known.name, known.unit, text


def _plane(study: _Study, populations: Mapping[str, Samples]) -> Iterator[Line]:
    """Yield the points of train and then of each population in the plane of the principal components of train."""
    from sklearn.decomposition import PCA

    from gancensus.search.neighbours import nearest

    train = flatten(study.train.x).astype(np.float64)
    fitted = PCA(min(2, *train.shape), svd_solver="full").fit(train)
    shares = np.nan_to_num([*fitted.explained_variance_ratio_, 0.0][:2])

    def points(population: str, group: str, samples: Samples) -> Iterator[Line]:
        if len(samples):
            at = fitted.transform(flatten(samples.x).astype(np.float64))
            at = at if at.shape[1] == 2 else np.column_stack([at, np.zeros(len(at))])
            for sample_id, (first, second) in zip(samples.sample_id, at, strict=True):
                yield population, group, sample_id, first, second, *shares

    yield from points("train", "real", study.train.take(_sorted_choice(study.rng("train"), len(train), POINTS)))
    for population, samples in populations.items():
        chosen = _sorted_choice(study.rng(population), len(samples), POINTS)
        some = samples.take(chosen)
        for group, inside in (study.groups(population, samples) or _ungrouped(samples)).items():
            yield from points(population, group, some.take(inside[chosen]))
        found = nearest(flatten(some.x), train)
        closest = np.argsort(found.distance[:, 0], kind="stable")[:CLOSEST]
        yield from points(population, "closest generated", some.take(closest))
        yield from points(population, "closest real", study.train.take(found.rows[closest, 0]))


def _ungrouped(samples: Samples) -> dict[str, Flags]:
    return {"all": np.ones(len(samples), dtype=np.bool_)}


def _sorted_choice(rng: np.random.Generator, of: Any, count: int) -> NDArray[np.int64]:
    """Return at most `count` random rows in ascending order: of the rows given, or of the first `of`."""
    size = of if isinstance(of, int) else len(of)
    return np.sort(rng.choice(of, min(size, count), replace=False)) if size else np.empty(0, dtype=np.int64)


def _texts(columns: tuple[Column, ...], x: NDArray[Any]) -> list[list[str]]:
    """Return the decoded cells of rows x (n, width): names of categories, and numbers with their column's decimals."""
    from gancensus.contracts.columns import decode, text_of

    return [[text_of(column, value) for column, value in zip(columns, row, strict=True)] for row in decode(columns, x)]

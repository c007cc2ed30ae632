"""The analysis of synthetic rows: its tables, that populations do not depend on each other, figures, errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from in_memory import InMemory
from matplotlib.figure import Figure
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gancensus.contracts.analysis import Context
from gancensus.contracts.columns import Column, encode, width
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.source import Source
from gancensus.domains.general.source_files import Files
from gancensus.domains.images.source_digits import Digits
from gancensus.domains.points.source_ring import Ring
from gancensus.domains.showers.source_geant4 import Geant4
from gancensus.domains.showers.source_gflash import Gflash
from gancensus.domains.showers.source_hdf5 import Hdf5
from gancensus.domains.tables.analysis_synthetic import Synthetic
from gancensus.domains.tables.source_credit import Credit
from gancensus.domains.tables.source_csv import Csv
from gancensus.domains.tables.source_diabetes import Diabetes
from gancensus.plotting.numbers import rows
from gancensus.plotting.style import looks, svg

Array = NDArray[Any]
HERE = Path("here.file")
RNG = partial(derive_rng, 1, "study", "synthetic")
COLUMNS = (
    Column("age", "integer", "years", 18, 80, 0),
    Column("income", "continuous", "EUR", 0, 9, 2),
    Column("city", "nominal", categories=("Bonn", "Graz", "Zug")),
    Column("owner", "binary", categories=("no", "yes")),
    Column("rank", "ordinal", categories=("low", "middle", "high")),
)
WIDTH = width(COLUMNS)
SCALE = Scale(tuple(f"v{k}" for k in range(WIDTH)), ("1",) * WIDTH, (0.0,) * WIDTH, (1.0,) * WIDTH, COLUMNS)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def drawn(seed: int, n: int) -> Array:
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(n)
    age = np.clip(np.rint(45 + 12 * z), 18, 80)
    income = np.clip(np.round(4 + z + rng.standard_normal(n), 2), 0, 9)
    city = rng.choice(3, n, p=[0.6, 0.37, 0.03])
    return np.column_stack([age, income, city, z + rng.standard_normal(n) > 0, np.digitize(z, [-1, 1])])


def population(codes: Array, group: int = 37) -> InMemory:
    return InMemory(Samples(encode(COLUMNS, codes), np.arange(len(codes)), None, SCALE), group)


@cache
def real() -> dict[str, InMemory]:
    return {name: population(drawn(k, 160)) for k, name in enumerate(("train", "calibrate", "holdout"))}


def found(table: str, generated: Mapping[str, InMemory], analysis: Synthetic | None = None) -> dict[str, Array]:
    """The table as it is written and read again."""
    analysis = analysis or Synthetic()
    columns = analysis.analyse(table, real(), generated, RNG, Context(Digits(), {}))
    written = pa.table(dict(columns), schema=analysis.tables[table].schema)
    return {name: written[name].to_numpy(zero_copy_only=False) for name in written.column_names}


def lines(table: Mapping[str, Array], population: str) -> list[dict[str, Any]]:
    return [line for line in rows(table) if line["population"] == population]


GOOD, OTHER = drawn(7, 200), drawn(8, 120)


@pytest.mark.parametrize("table", ["synthetic", "marginals", "associations"])
def test_a_population_does_not_depend_on_the_others_nor_on_how_it_is_read(table: str) -> None:
    both = found(table, {"a-0": population(GOOD), "b-0": population(OTHER)})
    alone = found(table, {"b-0": population(OTHER, 1000)})
    assert lines(both, "b-0") == lines(alone, "b-0")
    assert lines(both, "a-0") != lines(alone, "b-0")


def test_the_tables_tell_of_one_cut() -> None:
    generated = {"a-0": population(GOOD)}
    summary = {line["metric"]: line for line in rows(found("synthetic", generated))}
    marginals, pairs = rows(found("marginals", generated)), rows(found("associations", generated))
    assert summary["marginals"]["value"] == pytest.approx(np.mean([line["value"] for line in marginals]))
    assert summary["marginals"]["null"] == pytest.approx(np.mean([line["null"] for line in marginals]))
    assert summary["associations"]["value"] == pytest.approx(np.mean([abs(line["difference"]) for line in pairs]))
    assert summary["associations"]["null"] == pytest.approx(np.mean([abs(line["null"]) for line in pairs]))


def test_the_tables_name_columns_and_statistics() -> None:
    marginals = rows(found("marginals", {"a-0": population(GOOD)}))
    assert [(line["column"], line["metric"]) for line in marginals] == [
        ("age", "ks"),
        ("income", "ks"),
        ("city", "total variation"),
        ("owner", "total variation"),
        ("rank", "ks"),
    ]
    pairs = rows(found("associations", {"a-0": population(GOOD)}))
    assert [(line["column_a"], line["column_b"]) for line in pairs[:5]] == [
        ("age", "income"),
        ("age", "city"),
        ("age", "owner"),
        ("age", "rank"),
        ("income", "city"),
    ]
    assert len(pairs) == 10
    for line in pairs:
        assert line["difference"] == pytest.approx(line["generated"] - line["real"])
        assert line["difference_low"] <= line["difference"] <= line["difference_high"]


def test_rows_are_compared_as_a_user_gets_them() -> None:
    copied = population(drawn(0, 160)).samples  # train, as a network might make it: neither whole nor one-hot
    noise = np.random.default_rng(0).uniform(-1, 1, copied.x.shape) * [0.01, 5e-4, *[0.4] * 5]
    raw = Samples((copied.x + noise).astype(np.float32), np.arange(160), None, SCALE)
    metrics = {line["metric"]: line["value"] for line in rows(found("synthetic", {"a-0": InMemory(raw)}))}
    assert (metrics["copies"], metrics["dcr"], metrics["unrounded"], metrics["undecided"]) == (1, 0, 1, 0)


def test_findings_name_those_who_copy() -> None:
    codes = drawn(9, 400)
    codes[:80] = drawn(0, 160)[:80]  # of train
    table = found("synthetic", {"honest-0": population(drawn(8, 400)), "copied-0": population(codes)})
    [said] = Synthetic().findings(table)
    assert said.startswith("copied-0: 20.5 % of the rows equal a training row (16.8 % to 24.7 %); of held-out rows")


def test_categories_that_no_real_row_has_are_named_and_counted() -> None:
    codes = drawn(8, 400)
    codes[:60, 2], codes[60:80, 2], codes[100:110, 3], codes[200:240, 4] = 3, 4, 2, 3
    extra = {"city": ("Rome", "Oslo"), "owner": ("maybe",), "rank": ("top",)}
    columns = tuple(replace(one, extra=extra.get(one.name, ())) for one in COLUMNS)
    samples = Samples(encode(columns, codes), np.arange(400), None, replace(SCALE, columns=columns))
    for target in ("owner", "city"):
        analysis = Synthetic(target=target)
        generated = {"new-0": InMemory(samples), "old-0": population(drawn(8, 400))}
        table = {name: found(name, generated, analysis) for name in analysis.tables}
        lines_ = {line["metric"]: line for line in lines(table["synthetic"], "new-0")}
        assert lines_["unknown_categories"]["value"] == pytest.approx(130 / 400)
        assert lines_["unknown categories of 'city': 'Rome' (60 rows), 'Oslo' (20 rows)"]["value"] == pytest.approx(0.2)
        assert (lines_["undecided"]["value"], lines_["unrounded"]["value"]) == (0, 0)
        assert {line["metric"] for line in lines(table["synthetic"], "old-0")} == {
            metric for metric in lines_ if not metric.startswith("unknown")
        }
        city = next(line for line in lines(table["marginals"], "new-0") if line["column"] == "city")
        assert city["value"] >= 0.2
        assert Synthetic().findings(table["synthetic"]) == [
            "new-0: 20 % of the rows have a category that no real row has, in 'city': 'Rome' (60 rows), 'Oslo' (20 "
            "rows).",
            "new-0: 2.5 % of the rows have a category that no real row has, in 'owner': 'maybe' (10 rows).",
            "new-0: 10 % of the rows have a category that no real row has, in 'rank': 'top' (40 rows).",
        ]
        for name in analysis.tables:
            assert svg(analysis.draw(name, table[name])).startswith(b"<?xml")


def test_a_target_adds_models() -> None:
    without, within = (
        {line["metric"] for line in rows(found("synthetic", {"a-0": population(GOOD)}, analysis))}
        for analysis in (Synthetic(), Synthetic(target="owner"))
    )
    assert within - without == {"tstr", "trts"}


def test_an_unknown_target_is_an_error() -> None:
    with pytest.raises(UserError, match="target 'ownr' is no column of the table; did you mean 'owner'"):
        found("synthetic", {"a-0": population(GOOD)}, Synthetic(target="ownr"))


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        (Digits(), None, "needs rows of a table, and samples of source digits are none; leave it out"),
        (Gflash(showers=9), None, "samples of source gflash are none; leave it out"),
        (Geant4(showers=9), None, "samples of source geant4 are none; leave it out"),
        (Hdf5(path=HERE, layout="3dgan"), None, "samples of source hdf5 are none; leave it out"),
        (Diabetes(), "glucos", "`target` is 'glucos', which is no column of the source; did you mean 'glucose'?"),
        (Credit(), "outcome", "`target` is 'outcome', which is no column of the source; give it `outcome: true`"),
        (Csv(path=HERE, drop=("id",)), "id", "which the source drops; let it keep the column, or choose another"),
        (Csv(path=HERE, label="sex"), "sex", "which is the `label` of the source and no column; remove `label`"),
    ],
)
def test_what_cannot_work_is_said_before_the_run(source: Source, target: str | None, reason: str) -> None:
    said = Synthetic(target=target).refuses(Context(source, {}))
    assert said is not None and said.endswith(reason)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (Diabetes(), None),
        (Diabetes(), "glucose"),
        (Diabetes(outcome=True), "outcome"),
        (Credit(outcome=True), "outcome"),
        (Credit(), "purpose"),
        (Csv(path=HERE, drop=("id",), label="sex"), "age"),
        (Files(path=HERE), "x0"),
        (Ring(samples=10), None),
    ],
)
def test_what_may_work_is_not_refused(source: Source, target: str | None) -> None:
    assert Synthetic(target=target).refuses(Context(source, {})) is None


def test_images_are_an_error() -> None:
    x = np.zeros((30, 8, 8), dtype=np.float32)
    images = {name: InMemory(Samples(x, np.arange(30))) for name in ("train", "calibrate", "holdout")}
    with pytest.raises(
        UserError, match=r"here: analysis synthetic: a sample of shape \(8, 8\) is not a row of a table"
    ):
        Synthetic().analyse("synthetic", images, images, RNG, Context(Digits(), {}))


def test_numbers_without_known_columns() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (4, 60, 3)).astype(np.float32)
    samples = [InMemory(Samples(one, np.arange(60))) for one in x]
    known = dict(zip(("train", "calibrate", "holdout"), samples, strict=False))
    columns = Synthetic().analyse("marginals", known, {"a-0": samples[3]}, RNG, Context(Digits(), {}))
    assert columns["column"] == ["x0", "x1", "x2"]


def drawings(generated: Mapping[str, InMemory]) -> dict[str, Figure]:
    analysis = Synthetic(target="owner")
    return {table: analysis.draw(table, found(table, generated, analysis)) for table in analysis.tables}


def test_the_figures_show_every_population_and_column() -> None:
    figures = drawings({"a-0": population(GOOD), "b-0": population(OTHER), "b-1": population(drawn(9, 90))})
    titles = {name: [ax.get_title(loc="left") for ax in figure.axes] for name, figure in figures.items()}
    assert len(titles["synthetic"]) == 18 and "real vs generated (AUC)" in titles["synthetic"]
    assert titles["marginals"] == ["a-0", "b-0", "b-1"]
    assert titles["associations"][:4] == ["held-out rows", "a-0", "b-0", "b-1"]
    names = [column.name for column in COLUMNS]
    assert [label.get_text() for label in figures["marginals"].axes[0].get_yticklabels()] == names
    assert [label.get_text() for label in figures["associations"].axes[1].get_xticklabels()] == names
    for figure in figures.values():
        assert svg(figure).startswith(b"<?xml")


def test_a_matrix_has_the_generated_rows_below_and_the_differences_above_the_diagonal() -> None:
    shuffled = np.column_stack([np.random.default_rng(k).permutation(one) for k, one in enumerate(drawn(9, 160).T)])
    table = found("associations", {"a-0": population(shuffled)})
    pairs = {(line["column_a"], line["column_b"]): line for line in rows(table)}
    figure = Synthetic().draw("associations", table)
    images = [image for ax in figure.axes[:2] for image in ax.get_images()]
    shown: list[Any] = [image.get_array() for image in images]
    real_below, below, above = shown
    line = pairs["age", "rank"]
    assert line["difference_high"] < 0
    assert (real_below[4, 0], below[4, 0], above[0, 4]) == (line["real"], line["generated"], line["difference"])
    assert above[1, 2] == 0 and np.ma.is_masked(above[4, 0]) and np.ma.is_masked(below[0, 4])


def test_a_panel_has_the_value_its_interval_and_the_null_value() -> None:
    table = found("synthetic", {"a-0": population(GOOD)})
    line = next(line for line in rows(table) if line["metric"] == "dcr")
    panel = Synthetic().draw("synthetic", table).axes[0]
    assert panel.get_title(loc="left") == "closest record, median"
    drawn: Any = panel
    ends = [vertex[1] for one in drawn.collections for path in one.get_paths() for vertex in path.vertices]
    assert {line[name] for name in ("low", "high", "null", "null_low", "null_high")} <= set(ends)
    assert line["value"] in [y for one in drawn.lines for y in one.get_ydata()]


def test_markers_are_filled_where_intervals_do_not_meet() -> None:
    line = {name: np.array([1.0]) for name in Synthetic.tables["synthetic"].schema.names}
    line |= {"population": np.array(["a-0"]), "metric": np.array(["dcr"]), "low": np.array([0.9])}
    line |= {"high": np.array([1.1])}
    for null_low, fill in ((1.05, "white"), (1.15, looks(["a-0"])["a-0"].colour)):
        line |= {"null_low": np.array([null_low]), "null_high": np.array([2.0])}
        marker = Synthetic().draw("synthetic", line).axes[0].containers[0][0]
        assert marker.get_markerfacecolor() == fill


def test_the_figure_leaves_out_what_is_missing() -> None:
    table = found("synthetic", {"a-0": population(GOOD)})
    table["value"] = np.where(table["metric"] == "c2st", np.nan, table["value"])
    figure = Synthetic().draw("synthetic", table)
    panel = next(ax for ax in figure.axes if ax.get_title(loc="left") == "real vs generated (AUC)")
    assert not panel.containers
    assert len(figure.axes) == 16


@pytest.mark.parametrize("table", Synthetic.tables)
def test_one_row_over_and_over(table: str) -> None:
    """In both: 20 shares of 1/20 sum to a little more than 1, which no interval holds."""
    real = {name: population(np.repeat(drawn(1, 1), 20, axis=0)) for name in ("train", "calibrate", "holdout")}
    made = {"a-0": population(np.repeat(drawn(5, 1), 20, axis=0))}
    columns = Synthetic().analyse(table, real, made, RNG, Context(Digits(), {}))
    written = pa.table(dict(columns), schema=Synthetic.tables[table].schema)
    read = {name: written[name].to_numpy(zero_copy_only=False) for name in written.column_names}
    assert svg(Synthetic().draw(table, read))
    if table == "marginals":
        assert set(read["value"]) <= {0.0, 1.0}


def test_one_column_has_no_pairs_to_draw() -> None:
    table = {name: np.array([]) for name in Synthetic.tables["associations"].schema.names}
    figure = Synthetic().draw("associations", table)
    assert [text.get_text() for text in figure.axes[0].texts] == ["one column has no pairs"]


def test_long_names_leave_room_for_the_panels() -> None:
    long = [f"{name:_<25}-{k}" for name in "abc" for k in (0, 1)]
    metrics = found("synthetic", {"a-0": population(GOOD)})
    count = len(metrics["population"])
    wide = {name: np.tile(values, 6) for name, values in metrics.items()} | {"population": np.repeat(long, count)}
    figure = Synthetic().draw("synthetic", wide)
    figure.canvas.draw()
    for ax in figure.axes:
        assert ax.get_position().width > 0.15 and ax.get_position().height * len(figure.axes) / 4 > 0.2
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels[:2] == ["a______________…-0", "a______________…-1"]


def test_sixty_names_can_be_read() -> None:
    names = [f"column {k}" for k in range(60)]
    ones = np.ones(60)
    values = {"value": 0.1 * ones, "low": 0.05 * ones, "high": 0.2 * ones, "null": 0.1 * ones}
    texts = {"population": ["gan-0"] * 60, "column": names, "metric": ["ks"] * 60}
    table = {name: np.array(text) for name, text in texts.items()} | values
    figure = Synthetic().draw("marginals", table)
    figure.canvas.draw()
    labels: Any = figure.axes[0].get_yticklabels()
    boxes = [label.get_window_extent() for label in labels]
    assert all(label.get_fontsize() >= 7 for label in labels)
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))

"""Figures: what is drawn, where, in which colour, and the same bytes every time."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from gancensus.census.support import (
    Graph,
    collision_columns,
    count,
    curve_columns,
    diversity_rows,
    ratio_columns,
    support_row,
)
from gancensus.census.sweep import sweep, thresholds_of
from gancensus.comparison.fidelity import METRICS
from gancensus.comparison.two_samples import MEASURES
from gancensus.contracts.columns import Column, decode
from gancensus.contracts.samples import Samples, Scale, rows_of
from gancensus.contracts.scales import columns_of, scale_of
from gancensus.contracts.showers import GRID, VOXELS, shower_scale
from gancensus.contracts.source import Source
from gancensus.domains.general import fidelity_figures
from gancensus.domains.general.source_files import Files
from gancensus.domains.images.source_digits import Digits
from gancensus.domains.showers.source_gflash import Gflash
from gancensus.domains.showers.source_hdf5 import Hdf5
from gancensus.plotting import style
from gancensus.report import census_figures, picture_figures, run_figures, sample_figures, sweep_figures
from gancensus.report.sentences import TABLE_COLUMNS, selected
from gancensus.report.shown import Group, shown_table
from gancensus.storage.schemas import CURVE, DIVERSITY, SUPPORT, SWEEP

VIEW = Digits().view


def population(samples: int, duplicates: int) -> Any:
    """Count a population whose first samples are each the duplicate of the next."""
    i = np.arange(duplicates, dtype=np.int64) * 2
    repeated = (np.arange(samples) < 2 * duplicates).astype(np.int64)
    graph = Graph(np.arange(samples), repeated, np.full(samples, samples - 1), None, samples, 1, i, i + 1)
    return count(graph, 0.95, 200, np.random.default_rng(samples))


def census(duplicates: dict[str, int], definitions: tuple[str, ...] = ("pixels",)) -> tuple[Any, Any]:
    """Return the columns of curve and support for populations of 100 samples with so many duplicate pairs."""
    found = {name: population(100, pairs) for name, pairs in duplicates.items()}
    lines, curves = [], []
    for definition in definitions:
        for name, counted in found.items():
            row = support_row(name, counted, found["holdout"], None, 0.95, 1.5)
            lines.append({"study": "s", "definition": definition, **row})
            curve = curve_columns(name, counted, 0.95)
            curves.append({"definition": [definition] * len(curve["batch"]), **curve})
    support = {name: np.array([line[name] for line in lines]) for name in SUPPORT.names}
    for name in set(SUPPORT.names[3:]) - {"verdict"}:
        support[name] = support[name].astype(np.float64)  # None becomes NaN, as in tables that are read
    return {name: np.concatenate([c[name] for c in curves]) for name in CURVE.names}, support


def as_columns(lines: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """Return rows as columns are read: None becomes NaN, or stays where there are words."""
    columns = {name: np.array([line[name] for line in lines]) for name in names}
    words = {name for name, column in columns.items() if any(isinstance(value, str) for value in column)}
    return {name: column if name in words else column.astype(np.float64) for name, column in columns.items()}


def diversity(edges: dict[str, list[tuple[int, int]]], definition: str = "pixels") -> list[dict[str, Any]]:
    """Return the rows of diversity of populations of 100 samples with these duplicates."""
    rows = []
    for name, pairs in edges.items():
        i, j = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        partners = np.full(100, 99)
        graph = Graph(np.arange(100), np.bincount(np.concatenate([i, j]), minlength=100), partners, None, 100, 1, i, j)
        rows += [{"definition": definition, **row} for row in diversity_rows(name, graph, 0.95)]
    return rows


ALPHAS = (0.2, 0.1, 0.05)


def swept(metrics: int) -> dict[str, Any]:
    """Return a sweep of 200 samples: one metric per coordinate; gan-0 makes 10 points, and far-0 has no duplicate."""
    rng = np.random.default_rng(metrics)
    points = rng.random((10, metrics))
    x = {"calibrate": rng.random((200, metrics)), "holdout": rng.random((200, metrics))}
    x |= {"gan-0": points[rng.integers(0, 10, 200)], "far-0": 1000 * np.arange(200.0)[:, None].repeat(metrics, axis=1)}
    i, j = np.triu_indices(200, 1)
    values = {name: np.abs(samples[i] - samples[j]) for name, samples in x.items()}
    alphas, thresholds = thresholds_of(values.pop("calibrate"), ALPHAS)
    cells = {name: sweep(v, i, j, 200, alphas, thresholds) for name, v in values.items()}
    names = [f"m{k}" for k in range(metrics)]
    return as_columns(
        [
            {
                "definition": "coordinates",
                "metrics": "+".join(names[m] for m in cell.metrics),
                "alpha": cell.alpha,
                "population": name,
                "independent": cell.independent,
                **collision_columns(cell.collision),
                **ratio_columns(cell.collision, None if name == "holdout" else held.collision, 0.95),
            }
            for name in cells
            for cell, held in zip(cells[name], cells["holdout"], strict=True)
        ],
        SWEEP.names,
    )


def cell(table: dict[str, Any], column: str, **where: Any) -> float:
    """Return a value of the row where columns have these values."""
    here = np.all([table[name] == value for name, value in where.items()], axis=0)
    return float(table[column][here].item())


def points(line: Any) -> dict[float, float]:
    """Return the y of a line, or of the dots of error bars, by x."""
    return dict(zip(line.get_xdata(), line.get_ydata(), strict=True))


def coloured(ax: Axes, colour: str) -> dict[float, float]:
    """Return the points of the one line of that colour that has a point per alpha."""
    (line,) = [line for line in ax.lines if to_hex(line.get_color()) == colour and len(points(line)) == len(ALPHAS)]
    return points(line)


def arrows(ax: Axes) -> list[tuple[float, float]]:
    """Return where the arrows of bounds begin."""
    return [a.xy for a in ax.texts if getattr(a, "arrow_patch", None) is not None]  # type: ignore[attr-defined]


def images(*shape: int, seed: int = 0) -> Samples:
    x = np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)
    return Samples(x, np.arange(shape[0], dtype=np.int64))


def table(samples: int, columns: int = 3) -> Samples:
    scale = Scale(("a", "b$", "c"), ("1", "kg/m^2", "mm"), (0.0, 10.0, -1.0), (1.0, 20.0, 1.0))
    found = images(samples, columns)
    return Samples(found.x, found.sample_id, scale=scale if columns == 3 else None)


def words(figure: Figure) -> str:
    """Every text of a figure, after it was drawn."""
    style.svg(figure)
    return "\n".join(text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text")))  # type: ignore[attr-defined]


def line_colours(ax: Axes) -> set[str]:
    return {to_hex(line.get_color()) for line in ax.lines if len(np.atleast_1d(line.get_xdata())) > 2}


def test_looks_keep_hues_for_generators_and_lines_for_replicas() -> None:
    names = ["train", "holdout", *(f"g{g}-{r}" for g in range(9) for r in range(3))]
    look = style.looks(names)
    assert look["holdout"].colour == "#000000"
    assert to_hex(look["train"].colour) == "#8c8c8c"
    assert len(set(look.values())) == len(names)
    assert look["g0-0"].colour == look["g0-1"].colour == "#0072b2"
    assert look["g0-0"][1:] != look["g0-1"][1:]
    assert len({look[f"g{g}-0"].colour for g in range(9)}) == 9
    assert style.looks(["g0-0", "g1-0"])["g1-0"] == look["g1-0"]  # the same without the real populations


def test_same_content_gives_the_same_bytes_whatever_the_users_style() -> None:
    curve, support = census({"train": 3, "holdout": 4, "gan-0": 9})
    first = style.svg(census_figures.draw_birthday(curve, support))
    with rc_context({"font.size": 20, "svg.hashsalt": None, "axes.grid": False}):
        assert style.svg(census_figures.draw_birthday(curve, support)) == first
    assert b"<metadata" not in first
    assert not re.search(rb"href=.(?!#)", first)


def test_birthday_marks_the_smallest_batch_with_a_likely_duplicate() -> None:
    curve, support = census({"train": 3, "holdout": 4, "gan-0": 20}, ("pixels", "latent"))
    figure = census_figures.draw_birthday(curve, support)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["pixels", "latent"]
    ax = figure.axes[0]
    assert ax.get_xscale() == "log"
    assert ax.get_ylim()[0] == 0
    half = support["batch_half"][2]
    marked = [line for line in ax.lines if len(np.atleast_1d(line.get_xdata())) == 1]
    assert half in [np.atleast_1d(line.get_xdata())[0] for line in marked]
    legend = ax.get_legend()
    assert legend is not None
    assert f"gan-0:  {int(half)}" in [text.get_text() for text in legend.get_texts()]
    assert line_colours(ax) >= {"#000000", "#8c8c8c", "#0072b2"}


def test_birthday_and_support_without_any_duplicate() -> None:
    curve, support = census({"holdout": 0, "gan-0": 0})
    assert "gan-0:  none found" in words(census_figures.draw_birthday(curve, support))
    figure = census_figures.draw_support(support)
    assert "≥ 1,650" in words(figure)  # 4950 pairs over -ln 0.05
    assert "inconclusive" in words(figure)
    assert sum(hasattr(a, "arrow_patch") and a.arrow_patch is not None for a in figure.axes[0].texts) == 2


def test_support_shades_the_interval_of_holdout_and_writes_the_verdict() -> None:
    _, support = census({"train": 5, "holdout": 5, "gan-0": 45})
    figure = census_figures.draw_support(support)
    text = words(figure)
    assert "more duplicates" in text
    assert "\nreference\n" in text
    assert "990" in text  # 4950 pairs / 5 duplicates
    low, high = (support[f"effective_support{end}"][1] for end in ("_low", "_high"))
    (band,) = [p for p in figure.axes[0].patches if p.get_alpha() == 0.08]
    assert np.allclose(band.get_extents().transformed(figure.axes[0].transData.inverted()).intervalx, (low, high))


CELLS = [(i, j) for i in range(100) for j in range(i + 1, 100) if i // 10 == j // 10]  # ten kinds of ten samples
CHAIN = [(k, k + 1) for k in range(60)]


def test_diversity_draws_orders_intervals_and_bounds_and_marks_chains() -> None:
    edges = {"holdout": [(0, 1), (2, 3), (3, 4)], "gan-0": CHAIN, "gan-1": [], "mode-0": CELLS}
    rows = diversity(edges) + diversity(dict.fromkeys(edges, CELLS), "latent")
    table = as_columns(rows, DIVERSITY.names)
    figure = census_figures.draw_diversity(table)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["pixels", "latent"]
    ax = figure.axes[0]
    assert ax.get_yscale() == "log"
    assert ["order 0" in label.get_text() for label in ax.get_xticklabels()] == [True, False, False]
    dots: list[Any] = [bars[0] for bars in ax.containers]
    assert len(dots) == 9  # three orders of three populations; gan-1 has bounds only
    bound = cell(table, "low", definition="pixels", population="gan-1", quantity="simpson")
    assert [y for _, y in arrows(ax)] == [bound] * 3
    hollow = {to_hex(dot.get_color()): to_hex(dot.get_markerfacecolor()) == "#ffffff" for dot in dots}
    assert hollow == {"#000000": False, "#0072b2": True, "#d55e00": False}  # a chain of 61
    ((x, y),) = points(dots[0]).items()
    assert y == cell(table, "value", definition="pixels", population="holdout", quantity="richness")
    assert -0.5 < x < 0


def test_sweep_draws_supports_and_ratios_by_subset_of_the_metrics() -> None:
    table = swept(3)
    figure = sweep_figures.draw_sweep(table, 1.5)
    left, right = figure.axes
    where: dict[str, Any] = {"metrics": "m0+m1+m2", "population": "gan-0"}
    supports = {alpha: 1 / cell(table, "collision", alpha=alpha, **where) for alpha in ALPHAS}
    assert coloured(left, "#0072b2") == pytest.approx(supports)
    (dotted,) = [line for line in left.lines if line.get_label() == "alpha⁻³, if the metrics were independent"]
    assert points(dotted) == pytest.approx({alpha: alpha**-3 for alpha in ALPHAS})
    bound = -np.log(0.05) / 19900
    assert dict(arrows(left)) == pytest.approx(dict.fromkeys(ALPHAS, 1 / bound))  # far-0

    labels = [label.get_text() for label in right.get_yticklabels()]
    assert labels == ["all metrics", *(f"{cut} m{k}" for cut in ("without", "only") for k in range(3))]
    subsets = ["m0+m1+m2", "m1+m2", "m0+m2", "m0+m1", "m0", "m1", "m2"]
    assert right.get_title(loc="left") == "at alpha = 0.1"  # 19,900 alpha³ is about 20; 2.5 at 0.05
    ratios = [cell(table, "ratio", metrics=subset, population="gan-0", alpha=0.1) for subset in subsets]
    dots = [points(bars[0]) for bars in right.containers]
    assert [x for dot in dots for x in dot] == pytest.approx(ratios)
    assert [round(y) for dot in dots for y in dot.values()] == list(range(7))
    assert min(ratios) > 1.2
    assert len(arrows(right)) == 7
    assert max(x for x, _ in arrows(right)) < 1
    (band,) = right.patches
    assert band.get_extents().transformed(right.transData.inverted()).intervalx == pytest.approx((1 / 1.5, 1.5))


def test_sweep_of_one_metric_draws_the_ratio_over_alpha() -> None:
    table = swept(1)
    figure = sweep_figures.draw_sweep(table, 1.5)
    left, right = figure.axes
    assert "1/alpha, by construction" in words(figure)
    assert coloured(left, "#000000") == pytest.approx({alpha: 1 / alpha for alpha in ALPHAS}, rel=0.3)
    ratios = {alpha: cell(table, "ratio", population="gan-0", alpha=alpha) for alpha in ALPHAS}
    assert coloured(right, "#0072b2") == pytest.approx(ratios)
    assert len(arrows(right)) == 3  # far-0, downwards


def test_sweep_where_no_reference_sample_has_a_duplicate() -> None:
    table = swept(2)
    nothing = {"duplicates": 0.0, "collision": 0.0, "collision_low": 0.0, "collision_high": 1e-3}
    for name, value in (nothing | {"ratio": np.nan, "ratio_low": np.nan, "ratio_high": np.nan}).items():
        table[name][table["population"] != "gan-0"] = value
    for name, value in {"ratio": np.nan, "ratio_low": 7.0, "ratio_high": np.nan}.items():
        table[name][table["population"] == "gan-0"] = value
    figure = sweep_figures.draw_sweep(table, 1.5)
    right = figure.axes[1]
    assert right.get_title(loc="left") == "at alpha = 0.2, the largest"
    assert [x for x, _ in arrows(right)] == [7.0] * 3  # all metrics and two alone: without one is the other alone
    assert words(figure).count("no duplicates") == 3  # far-0
    single = {name: column[np.char.find(table["metrics"].astype(str), "+") < 0] for name, column in table.items()}
    single = {name: column[single["metrics"] == "m0"] for name, column in single.items()}
    assert len(arrows(sweep_figures.draw_sweep(single, 1.5).axes[1])) == 3


def test_sweep_of_one_real_pair() -> None:
    """Whose only alpha is 1: its logarithm is 0."""
    table = swept(2)
    table = {name: column[table["alpha"] == ALPHAS[0]] for name, column in table.items()}
    table |= {"alpha": np.ones_like(table["alpha"]), "independent": np.ones_like(table["alpha"])}
    assert style.svg(sweep_figures.draw_sweep(table, 1.5))


def test_diversity_and_sweep_have_the_same_bytes_every_time() -> None:
    table, lines = swept(2), as_columns(diversity({"holdout": CHAIN, "gan-0": []}), DIVERSITY.names)
    first = [style.svg(sweep_figures.draw_sweep(table, 1.5)), style.svg(census_figures.draw_diversity(lines))]
    with rc_context({"font.size": 20, "lines.markersize": 1}):
        assert style.svg(sweep_figures.draw_sweep(table, 1.5)) == first[0]
        assert style.svg(census_figures.draw_diversity(lines)) == first[1]
    assert not re.search(rb"href=.(?!#)", b"".join(first))


def test_one_population_and_many() -> None:
    for names in (["holdout"], ["train", "holdout", *(f"g{k}-{r}" for k in range(5) for r in range(2))]):
        curve, support = census(dict.fromkeys(names, 4))
        assert set(names) <= set(words(census_figures.draw_support(support)).split("\n"))
        legend = census_figures.draw_birthday(curve, support).axes[0].get_legend()
        assert legend is not None
        assert len(legend.get_texts()) == len(names)


@pytest.mark.parametrize("shape", [(40, 8, 8), (40, 8, 8, 3), (5, 8, 12, 1), (40, 8, 8, 25), (3, 8, 8, 2, 3)])
def test_gallery_shows_pixels_as_they_are(shape: tuple[int, ...]) -> None:
    real = images(*shape)
    figure = sample_figures.draw_gallery({"holdout": real, "gan-0": images(*shape, seed=1)}, VIEW)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["holdout", "gan-0"]
    sheet = np.asarray(figure.axes[0].images[0].get_array())
    kept = len(shape) == 3 or shape[3:] == (3,)
    first = real.x[0] if kept else real.x[0].mean(axis=tuple(range(2, len(shape) - 1)))
    grey = np.clip((first + 1) * 127.5, 0, 255).round()
    height, width = shape[1:3]
    assert np.array_equal(sheet[:height, :width], grey if grey.ndim == 3 else np.repeat(grey[..., None], 3, axis=2))
    assert (sheet[:, width] == 255).all()
    assert style.svg(figure).count(b"image-rendering:pixelated") == 2


@pytest.mark.parametrize(
    ("source", "names", "cell", "at"),
    [
        (Gflash(showers=1), GRID, (2, 1, 3), (1, 3)),  # (x, y, layer): seen along x
        (Hdf5(path=Path("a.h5"), layout="3dgan"), GRID, (2, 1, 3), (1, 3)),
        (Hdf5(path=Path("a.h5"), layout="calochallenge", binning=(4, 4, 4)), VOXELS, (2, 1, 3), (3, 2)),
        (Files(path=Path("a.parquet")), VOXELS, (2, 1, 3), (3, 2)),  # (layer, angle, radius): layer to the right
    ],
)
def test_showers_are_seen_from_the_side(
    source: Source, names: tuple[str], cell: tuple[int, ...], at: tuple[int, ...]
) -> None:
    x = np.zeros((2, 4, 4, 4), np.float32)
    x[0][cell] = 0.25
    seen = source.view(Samples(x, np.arange(2), scale=shower_scale(4.0, names)))
    assert seen is not None
    coloured = np.argwhere((seen != 0xF2).any(axis=3))
    assert coloured.tolist() == [[0, *at]]


@pytest.mark.parametrize("source", [Digits(), Files(path=Path("a.npy")), Gflash(showers=1)])
def test_what_is_no_shower_is_shown_as_the_image_it_is(source: Source) -> None:
    assert source.view(images(3, 8, 8)) is None


def test_gallery_of_rows_draws_distributions_in_natural_units() -> None:
    real = table(30)
    figure = sample_figures.draw_gallery({"holdout": real, "gan-0": table(50)}, VIEW)
    assert [ax.get_xlabel() for ax in figure.axes] == ["a", "b$ (kg/m²)", "c (mm)"]
    values = np.asarray(figure.axes[1].lines[0].get_xdata())
    natural = 10 + (real.x[:, 1].astype(np.float64) + 1) * 5
    assert (values[0], values[-1]) == pytest.approx((natural.min(), natural.max()))
    assert len(sample_figures.draw_gallery({"holdout": table(9, 40)}, VIEW).axes) == TABLE_COLUMNS


def typed_table(samples: int) -> Samples:
    columns = [
        Column("age", "integer", "years", 20.0, 60.0),
        Column("town", "nominal", categories=("bonn", "kiel", "ulm am schönen donaustrand")),
        Column("grade", "ordinal", categories=tuple(f"g{k}" for k in range(25))),
    ]
    found = images(samples, 5)
    return replace(found, scale=scale_of(columns))


def test_gallery_of_typed_rows_draws_legal_rows_and_names_categories() -> None:
    real = typed_table(40)
    figure = sample_figures.draw_gallery({"holdout": real, "gan-0": typed_table(30)}, VIEW)
    assert [ax.get_xlabel() for ax in figure.axes] == ["age (years)", "town", "grade"]
    legal = decode(columns_of(real), real.x)
    for k, ax in enumerate(figure.axes):
        drawn = np.asarray(ax.lines[0].get_xdata())
        assert (drawn[0], drawn[-1]) == (legal[:, k].min(), legal[:, k].max())
    assert set(np.asarray(figure.axes[1].lines[0].get_xdata())) == {0, 1, 2}
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == ["bonn", "kiel", "ulm am schöne…"]
    assert [text.get_text() for text in figure.axes[2].get_xticklabels()] == [f"g{k}" for k in range(0, 25, 3)]


def test_closest_typed_rows_are_profiles_of_legal_rows() -> None:
    rows = typed_table(6)
    figure = sample_figures.draw_closest({"holdout": (rows, rows, np.linspace(0, 1, 6))}, VIEW)
    drawn = np.asarray(figure.axes[0].lines[0].get_ydata())
    age, town, grade = decode(columns_of(rows), rows.x)[0]
    assert drawn == pytest.approx([(age - 40) / 20, town - 1, (grade - 12) / 12])


def test_shown_typed_rows_are_legal_and_say_their_categories() -> None:
    rows = typed_table(4)
    table, about = shown_table([Group("holdout", rows)])
    assert table["x"] == decode(columns_of(rows), rows.x).tolist()
    assert json.loads(about["names"]) == ["age", "town", "grade"]
    assert [len(names) for names in json.loads(about["categories"])] == [0, 3, 25]


def test_spread_takes_the_ends_and_all_of_few() -> None:
    assert sample_figures.spread(images(100, 2, 2), 4).sample_id.tolist() == [0, 33, 66, 99]
    assert len(sample_figures.spread(images(3, 2, 2), 32)) == 3


def test_closest_takes_the_smallest_and_the_earlier_of_equal_ones() -> None:
    distance = np.array([3.0, 1.0, 2.0, 1.0, 2.0, 0.5])
    assert sample_figures.closest(distance, 4).tolist() == [5, 1, 3, 2]
    assert sample_figures.closest(distance[:2], 4).tolist() == [1, 0]
    assert sample_figures.closest(np.empty(0)).tolist() == []
    many = np.random.default_rng(0).integers(0, 50, 5000).astype(np.float64)
    assert sample_figures.closest(many, 300).tolist() == np.argsort(many, kind="stable")[:300].tolist()


def test_rows_of_finds_samples_by_id() -> None:
    assert rows_of(np.array([70, 5, 900, 6]), np.array([6, 70, 6])).tolist() == [3, 0, 3]


@pytest.mark.parametrize("samples", [images(10, 8, 8), images(10, 8, 8, 3), table(10)])
def test_closest_pairs_stand_side_by_side_with_their_distance(samples: Samples) -> None:
    none = samples.take(np.arange(0))
    pairs = {
        "holdout": (samples.take(np.array([0, 1])), samples.take(np.array([2, 3])), np.array([0.125, 0.25])),
        "gan-0": (none, none, np.empty(0)),
    }
    figure = sample_figures.draw_closest(pairs, VIEW)
    text = words(figure)
    assert "0.125" in text
    assert "no duplicates found" in text
    if samples.x.ndim > 2:
        sheet = np.asarray(figure.axes[0].images[0].get_array())
        assert np.array_equal(sheet[:8, :8], picture_figures.pixels(samples, VIEW)[0])
        assert np.array_equal(sheet[:8, 9:17], picture_figures.pixels(samples, VIEW)[2])


def test_closest_pairs_of_arrays_of_four_axes() -> None:
    volumes, none = images(8, 6, 6, 2, 3), images(0, 6, 6, 2, 3)
    figure = sample_figures.draw_closest(
        {"holdout": (volumes, volumes, np.zeros(8)), "gan-0": (none, none, np.zeros(0))}, VIEW
    )
    assert [len(ax.images) for ax in figure.axes] == [1, 1]


def test_training_panels_by_loss_with_the_line_of_chance() -> None:
    history = {"epoch": np.arange(1, 6), "discriminator": np.full(5, 0.6), "generator": np.full(5, 0.8)}
    vae = {"epoch": np.arange(1, 4), "reconstruction": np.arange(3.0)}
    closed_form = {"epoch": np.empty(0)}
    figure = run_figures.draw_training({"a-0": history, "a-1": history}, {"pca": closed_form, "latent": vae})
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == [
        "generators: discriminator loss",
        "generators: generator loss",
        "encoder latent: reconstruction",
    ]
    heights = [np.asarray(line.get_ydata()) for line in figure.axes[0].lines]
    assert any(np.allclose(height, np.log(2)) for height in heights)
    assert not any(np.allclose(line.get_ydata(), np.log(2)) for line in figure.axes[1].lines)
    assert figure.axes[0].get_ylabel() == "loss"
    assert "nothing was trained" in words(run_figures.draw_training({}, {"pca": closed_form}))


def test_training_has_a_panel_of_the_distance_with_a_dot_at_the_epoch_that_was_kept() -> None:
    fid = np.array([np.nan, 3.0, np.nan, 2.0, 5.0])
    history = {"epoch": np.arange(1, 6), "hinge": np.ones(5), "fid": fid, "kept": np.array([0, 0, 0, 1.0, 0])}
    loss, distance = run_figures.draw_training({"a-0": history}, {}).axes[:2]
    assert distance.get_title(loc="left") == "generators: fid"
    assert (loss.get_ylabel(), distance.get_ylabel()) == ("loss", "Frechet distance to calibrate")
    line, dot = (np.column_stack(line.get_data()).tolist() for line in distance.lines)
    assert line == [[2, 3], [4, 2], [5, 5]]
    assert dot == [[4, 2]]


def test_fidelity_draws_value_interval_and_null() -> None:
    metrics = ["fid", "kid", "precision"]
    fixed = ("train", "inception", "inception")
    rows = [(p, m, 0.5, 0.4, 0.7, 0.1 * k, *fixed) for p in ("a-0", "b-0") for k, m in enumerate(metrics)]
    names = ("population", "metric", "value", "low", "high", "null", "reference", "encoder", "space")
    columns = {name: np.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    columns["value"][0] = np.nan
    figure = fidelity_figures.draw_fidelity(columns)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["FID, small is good", "KID, small is good", "precision"]
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["a-0", "b-0"]
    assert figure.axes[2].get_ylim() == (0, 1.02)
    nulls = [segment[0][1] for c in figure.axes[2].collections for segment in c.get_segments() if len(segment) == 2]  # type: ignore[attr-defined]
    assert nulls.count(0.2) == 2
    assert len(figure.axes[0].containers) == 1  # the value that is missing is not drawn
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "compared with train: vectors of encoder inception",
        "null value: holdout in their place",
    ]


def test_fidelity_draws_every_metric_on_its_scale() -> None:
    names = list(fidelity_figures.METRICS)
    assert names == [*METRICS, *MEASURES]
    none = np.full(len(names), np.nan)
    value = np.linspace(0.1, 0.9, len(names))
    columns = {"population": np.array(["a-0"] * len(names)), "metric": np.array(names), "value": value}
    columns |= {"low": value / 2, "high": value * 1.5, "null": none}
    columns |= {name: np.array(["samples"] * len(names)) for name in ("encoder", "space")}
    columns["reference"] = np.array(["all"] * len(names))
    figure = fidelity_figures.draw_fidelity(columns)
    axes = dict(zip(names, figure.axes, strict=True))
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["compared with all real samples (no null value): the samples themselves"]
    assert [name for name in names if axes[name].get_yscale() == "log"] == ["rke"]
    assert [name for name in names if axes[name].get_ylim() == (0, 1.02)] == ["precision", "recall", "coverage", "auc"]
    assert not any(ax.collections[1:] for ax in axes.values())  # nulls that are missing are not drawn
    columns["value"] = columns["low"] = columns["high"] = none
    fidelity_figures.draw_fidelity(columns)


def test_extremes_take_the_classes_in_turn() -> None:
    scores = np.array([5.0, 1.0, 3.0, -50.0, -10.0, -90.0, 4.0, -60.0])
    label = np.array([0, 0, 0, 1, 1, 1, 0, 1], dtype=np.int32)
    kept = np.array([True, False, False, True, True, False, True, False])
    margin, rows = sample_figures.extremes(scores, kept, label)
    assert margin.tolist() == [1.0, -3.0, -1.0, 0.0, 40.0, -40.0, 0.0, -10.0]
    assert rows["highest scores, kept"].tolist() == [0, 4, 6, 3]
    assert rows["lowest scores, dropped"].tolist() == [1, 5, 2, 7]
    assert (label[rows["class 0, highest scores"]] == 0).all()
    assert (np.diff(scores[rows["class 0, highest scores"]]) <= 0).all()
    assert (np.diff(scores[rows["class 0, lowest scores"]]) >= 0).all()
    assert (margin[kept] >= 0).all()
    assert (margin[~kept] < 0).all()


@pytest.mark.parametrize("keep_all", [False, True])
@pytest.mark.parametrize("samples", [images(50, 8, 8), images(50, 8, 8, 3), table(50)])
def test_selection_counts_kept_and_dropped(samples: Samples, keep_all: bool) -> None:
    scores = np.random.default_rng(0).normal(size=50)
    kept = scores >= (scores.min() if keep_all else 0)
    margin, rows = sample_figures.extremes(scores, kept, None)
    said = selected({"stability": "0.690", "warning": "30 samples of a class in 4 dimensions"}, 0.6)
    figure = sample_figures.draw_selection(samples, margin, "nat", kept, rows, said, VIEW)
    assert "the kept ones agree to 0.69 (Jaccard; by chance 0.43).\n30 samples of a class in 4 dimensions." in said
    assert selected({}, 0.6) == ""
    assert said in words(figure)
    assert f"kept: {kept.sum()}" in words(figure)
    assert figure.axes[0].get_xlabel() == "score minus the cut (nat)"
    bars = [patch.get_height() for patch in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert sum(bars) == 50
    assert len(figure.axes) == (1 if samples.x.ndim == 2 else 3)


def test_shown_rows_are_in_natural_units_and_images_have_none() -> None:
    samples = table(4)
    columns, about = shown_table([Group("holdout", samples), Group("gan-0", samples.take(np.array([2])), [0.5])])
    assert columns["group"] == ["holdout"] * 4 + ["gan-0"]
    assert columns["value"] == [None] * 4 + [0.5]
    assert samples.scale is not None
    assert np.allclose(columns["x"], samples.scale.decode(samples.x)[[0, 1, 2, 3, 2]])
    assert about == {"names": '["a", "b$", "c"]', "units": '["1", "kg/m^2", "mm"]'}
    columns, about = shown_table([Group("holdout", images(2, 8, 8))])
    assert columns["x"] == [[], []]
    assert about == {}


@style.styled
def test_a_figure_is_laid_out_as_saving_would() -> None:
    figures = []
    for _ in range(2):
        figure = Figure(figsize=(4, 3))
        for number, ax in enumerate(figure.subplots(1, 2)):
            ax.plot([0, 10_000], [0, 1], label="a")
            ax.set_ylabel("long\nname" * (number + 1))
            ax.legend()
        figures.append(figure)
    content = io.BytesIO()
    figures[0].savefig(content, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    assert style.svg(figures[1]) == content.getvalue()

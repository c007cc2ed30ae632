"""Figures of rows of a table: the distribution of each column, and pairs of rows as profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gancensus.contracts.columns import Column
from gancensus.contracts.samples import Samples
from gancensus.plotting.numbers import number, unit
from gancensus.plotting.style import INK, WIDTH, Look, looks, panels, population_legend
from gancensus.report.group_lists import ShownGroup
from gancensus.report.sentences import TABLE_COLUMNS
from gancensus.report.shown import natural_rows

PROFILES = 4  # of the closest pairs of a population
GROUPS_BESIDE = 3  # panels of groups side by side
CATEGORIES, LONG = 10, 14  # categories or columns that are named at an axis; letters of a name
BEYOND = 1.2  # where values are drawn that lie beyond the ends of a column, -1 and 1


def draw_columns(populations: Mapping[str, Samples]) -> Figure:
    """Draw the empirical distribution function of each column, of categories in their order."""
    look = looks(list(populations))
    levels = np.linspace(0, 1, 201)
    natural = {population: natural_rows(samples) for population, samples in populations.items()}
    known, _ = next(iter(natural.values()))
    count = min(TABLE_COLUMNS, len(known))
    figure = Figure(figsize=(WIDTH, 0.6 + 2.1 * -(-count // 4)))
    for k, ax in enumerate(panels(figure, count, columns=4)):
        method: Literal["inverted_cdf", "linear"] = "inverted_cdf" if known[k].categories else "linear"
        for population, (_, values) in natural.items():
            colour, line, _ = look[population]
            last = len(known[k].categories) or np.inf
            at = np.quantile(np.minimum(values[:, k], last), levels, method=method)
            ax.plot(at, levels, color=colour, linestyle=line, linewidth=1.3)
        ax.set(xlabel=_head(known[k]), ylim=(0, 1))
        if known[k].categories:
            new = any(values[:, k].max() >= len(known[k].categories) for _, values in natural.values())
            _name_categories(ax, (*known[k].categories, *(("unknown",) if new else ())))
        if k % 4 == 0:
            ax.set_ylabel("share at or below")
    population_legend(figure, look)
    return figure


def _head(one: Column) -> str:
    """Return the name of a column of a table, and its unit."""
    return f"{one.name} ({unit(one.unit)})" if unit(one.unit) else one.name


def _name_categories(ax: Axes, categories: Sequence[str]) -> None:
    """Write categories, or some of many, at the ticks of the horizontal axis."""
    ticks = range(0, len(categories), -(-len(categories) // CATEGORIES))
    short = [name if len(name) <= LONG else f"{name[: LONG - 1]}…" for name in categories]
    ax.set_xticks(ticks, [short[k] for k in ticks], rotation=40, ha="right", rotation_mode="anchor", fontsize=6.5)
    ax.set_xlim(-0.5, len(categories) - 0.5)


def draw_profiles(
    pairs: Mapping[str, tuple[Samples, Samples, NDArray[np.float64]]], look: Mapping[str, Look]
) -> Figure:
    """Draw pairs of legal rows as profiles over their columns, scaled to their ends, a panel per pair."""
    columns = PROFILES
    figure = Figure(figsize=(WIDTH, 0.7 + 1.5 * len(pairs)))
    grid = figure.subplots(len(pairs), columns, sharex=True, sharey=True, squeeze=False)
    for line, (population, (first, second, distances)) in zip(grid, pairs.items(), strict=True):
        line[0].set_title(population, color=look[population].colour)
        for k, ax in enumerate(line):
            if k >= len(distances):
                ax.set_axis_off()
                continue
            one, other = _profiles(first)[k], _profiles(second)[k]
            marks = ("o", "x") if len(one) == 1 else ("", "")  # a line needs two values
            ax.plot(one, color=look[population].colour, linewidth=1.2, marker=marks[0])
            ax.plot(other, color="black", linewidth=1.2, linestyle=(0, (3, 2)), marker=marks[1])
            ax.set(ylim=(-BEYOND, BEYOND), xlabel=number(distances[k]))
            _name_columns(ax, first)
        if len(distances) == 0:
            line[0].text(0, 0.5, "no duplicates found", transform=line[0].transAxes, color=INK, va="center")
    return figure


def draw_group_profiles(groups: Mapping[str, Sequence[ShownGroup]], look: Mapping[str, Look]) -> Figure:
    """Draw groups of legal rows as profiles over their columns, scaled to their ends, a panel per group."""
    columns = _beside([len(found) for found in groups.values()])
    lines = {population: -(-max(1, len(found)) // columns) for population, found in groups.items()}
    figure = Figure(figsize=(WIDTH, 0.7 + 1.7 * sum(lines.values())))
    axes = iter(figure.subplots(sum(lines.values()), columns, sharex=True, sharey=True, squeeze=False).flat)
    for population, found in groups.items():
        for k in range(lines[population] * columns):
            ax = next(axes)
            if k == 0:
                ax.set_title(population, color=look[population].colour)
                if not found:
                    ax.text(0, 0.5, "no near-duplicates found", transform=ax.transAxes, color=INK, va="center")
            if k < len(found):
                _draw_group(ax, found[k], look[population].colour)
            else:
                ax.set_axis_off()
    return figure


def _beside(counts: Sequence[int]) -> int:
    """Return how many panels of groups stand side by side, so that few places of the lines stay empty."""
    most = min(GROUPS_BESIDE, max(1, *counts))
    return min(range(min(2, most), most + 1), key=lambda columns: (sum(-n % columns for n in counts), -columns))


def _draw_group(ax: Axes, group: ShownGroup, colour: str) -> None:
    """Draw the rows of a group, the first one thick, and the closest row of `train` dashed."""
    first, *others = _profiles(group.members)
    marks = ("o", "x") if len(first) == 1 else ("", "")  # a line needs two values
    for other in others:
        ax.plot(other, color=colour, linewidth=0.7, alpha=0.7, marker=marks[0])
    ax.plot(first, color=colour, linewidth=1.8, marker=marks[0])
    if group.train is not None:
        ax.plot(_profiles(group.train)[0], color="black", linewidth=1.2, linestyle=(0, (3, 2)), marker=marks[1])
    ax.set_ylim(-BEYOND, BEYOND)
    _name_columns(ax, group.members)
    ax.set_xlabel("\n".join([group.title, group.labels[0]]), fontsize=7.5)


def _name_columns(ax: Axes, samples: Samples) -> None:
    """Write the names of columns at the ticks of the horizontal axis; those of the lowest panels are seen."""
    known, _ = natural_rows(samples)
    _name_categories(ax, [column.name for column in known])


def _profiles(samples: Samples) -> NDArray[np.float64]:
    """Return legal rows (n, columns), -1 at the low end of each column and 1 at its high end, others just beyond."""
    known, natural = natural_rows(samples)
    low, high = np.array([one.ends for one in known]).T
    half = high / 2 - low / 2
    scaled = (natural - low / 2 - high / 2) / np.where(half > 0, half, 1)
    return np.asarray(np.clip(scaled, -BEYOND, BEYOND))

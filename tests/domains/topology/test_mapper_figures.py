"""The Mapper graph as it is drawn, and as it opens."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from mapper_columns import FOUND, columns, tables
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from gancensus.contracts.explorer import Explorer
from gancensus.domains.topology.mapper_explorer import explorer
from gancensus.domains.topology.mapper_figures import draw_findings, draw_graph
from gancensus.domains.topology.mapper_words import findings, unjudged
from gancensus.plotting.style import styled, svg


def names(count: int) -> list[str]:
    return [f"{1 + k // 3}.{1 + k % 7}-{1 + k}" for k in range(count)]


def populations(count: int) -> list[str]:
    return ["calibrate", *(f"generator-with-a-long-name-{k}-0" for k in range(count))]


def graph_of(table: dict[str, Any]) -> Explorer:
    found = explorer(columns(table, "nodes"))
    assert found is not None
    return found


def test_colours_are_ratios_of_shares_and_outlines_what_was_found() -> None:
    table = tables(names(6), ["calibrate", "g-0"])
    graph = graph_of(table)
    nodes = table["nodes"]
    rows = {cell: k for k, cell in enumerate(zip(nodes["population"], nodes["node"], strict=True))}
    found = set()
    for population, marks in graph.marks.items():
        for node, mark in zip(graph.nodes, marks, strict=True):
            k = rows[population, node.name]
            expected = np.clip(math.log2(nodes["ratio"][k]) / 3, -1, 1)
            assert mark.value == (None if nodes["adjusted"][k] is None else pytest.approx(expected))
            found |= {(population, node.name)} if mark.found else set()
    assert found == {("g-0", name) for name in names(6)[:4]}
    assert [mark.value is None for mark in graph.marks["g-0"]] == [False] * 5 + [True, False]
    assert graph.marks["g-0"][0].value == -1  # a hundredth, as an eighth
    assert graph.marks["g-0"][3].value == 1


def test_nodes_have_their_places_links_and_samples() -> None:
    table = tables(names(6), ["calibrate", "g-0"], labels=["cat", "dog"])
    graph = graph_of(table)
    assert [node.name for node in graph.nodes] == [*names(6), "outside"]
    assert [node.x for node in graph.nodes[:6]] == table["nodes"]["x"][:6]
    assert graph.nodes[6].y < min(node.y for node in graph.nodes[:6])
    linked = {(graph.nodes[i].name, graph.nodes[j].name) for i, j in graph.links}
    assert linked == set(zip(table["edges"]["first"], table["edges"]["second"], strict=True))
    first = graph.nodes[1]
    assert first.facts == [
        f"{table['nodes']['train'][1]} samples of train.",
        "94 % of them are of class dog, of all 10 %.",
    ]
    assert [shown.population for shown in first.samples] == ["holdout", "g-0"]  # calibrate is not read to draw
    assert list(first.samples[0].sample_id) == table["nodes"]["holdout_samples"][1]
    assert [row[0] for row in first.tables[0].rows] == ["holdout", "calibrate", "g-0"]
    assert first.tables[0].rows[2][4] == FOUND[1]
    assert graph.nodes[5].tables[0].rows[2][4] == "too few samples to tell"
    assert "in no node" in graph.marks["g-0"][6].title


def test_without_nodes_there_is_no_graph() -> None:
    table = tables(["1-1"], ["g-0"], found=0)
    only = {name: values[1:] for name, values in table["nodes"].items()}
    assert only["node"] == ["outside"]
    known = columns(table | {"nodes": only}, "nodes")
    assert explorer(known) is None
    assert "no node" in words(draw_graph(known))


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


@styled
def apart(figure: Figure) -> bool:
    """Whether no text of a figure overlaps another, and all are inside."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    beyond = set()  # ticks outside an axis are not drawn
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        ticks = [tick for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high]
        beyond |= {label for tick in ticks for label in (tick.label1, tick.label2)}
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text not in beyond]
    written = [text for text in texts if text.get_visible() and text.get_text().strip()]
    boxes = np.array([text.get_window_extent(canvas.get_renderer()).extents for text in written])
    width, height = figure.bbox.size
    inside = (boxes[:, :2] >= -1).all() and (boxes[:, 2] <= width + 1).all() and (boxes[:, 3] <= height + 1).all()
    common = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    np.einsum("iik->ik", common)[:] = 0
    return bool(inside and not (common > 1).all(axis=2).any())


@pytest.mark.parametrize("count", [1, 2, 4, 8])
@pytest.mark.parametrize(("nodes", "found"), [(1, 0), (5, 2), (100, 30)])
def test_a_graph_has_a_panel_per_population_and_no_text_over_another(count: int, nodes: int, found: int) -> None:
    known = columns(tables(names(nodes), populations(count), found), "nodes")
    figure = draw_graph(known)
    assert len(figure.axes) == count + 1 + 2  # calibrate, the scale of colours, the sizes
    assert apart(figure)
    assert svg(figure) == svg(draw_graph(known))
    ticks = [label.get_text() for label in figure.axes[count + 1].get_xticklabels()]
    assert ticks == ["1/8", "1/4", "1/2", "1", "2", "4", "8"]


@pytest.mark.parametrize("found", [1, 5, 30, 60])
def test_findings_are_listed_with_shares_and_ratios(found: int) -> None:
    table = tables(names(70), populations(8), found, labels=["a-class-with-a-long-name", "<i>"])
    figure = draw_findings(columns({"findings": table["findings"]}, "findings"))
    assert apart(figure)
    left, right = figure.axes
    assert len(left.get_yticklabels()) == min(found, 40)
    assert (f"the 40 surest of {found} findings" in words(figure)) == (found > 40)
    dots = [np.ravel(np.asarray(line.get_xdata())).item() for line in left.get_lines() if line.get_marker() == "o"]
    assert dots[0] == pytest.approx(100 * table["findings"]["holdout_share"][0])
    low, high = right.get_xlim()
    assert low < 1 < high


def test_nothing_found_is_said() -> None:
    table = tables(names(5), populations(1), 0)
    assert "nothing found" in words(draw_findings(columns({"findings": table["findings"]}, "findings")))


def test_a_ratio_beyond_the_axis_is_an_arrow() -> None:
    table = tables(names(5), populations(1), 4)["findings"]
    table |= {"ratio": [1e-3, 0.4, 2.5, 1e3], "ratio_low": [1e-4, 0.3, 2, 90], "ratio_high": [1e-2, 0.5, 3, 1e4]}
    figure = draw_findings(columns({"findings": table}, "findings"))
    assert sum(text.arrow_patch is not None for text in figure.axes[1].texts) == 2  # type: ignore[attr-defined]
    assert apart(figure)


def test_an_interval_without_an_end_is_drawn_to_the_furthest_ratio() -> None:
    table = tables(names(5), populations(1), 2)["findings"]
    table |= {"ratio": [0.1, 20.0], "ratio_low": [0.0, 9.0], "ratio_high": [0.4, None]}
    right = draw_findings(columns({"findings": table}, "findings")).axes[1]
    drawn = [np.asarray(line.get_xdata()).tolist() for line in right.get_lines() if line.get_linewidth() == 1.4]
    assert drawn == [[1 / 64, 0.4], [9.0, 64.0]]
    assert right.get_xlim() == pytest.approx((1 / 64 / 1.6, 64 * 1.6))


def test_what_holds_no_sample_of_either_has_no_ratio() -> None:
    table = tables(names(3), populations(1), 0)
    nodes = table["nodes"]
    nothing = {"holdout": 0, "count": 0, "holdout_share": 0.0, "share": 0.0, "ratio": 1.0, "ratio_low": 0.0}
    for name, value in (nothing | {"ratio_high": None, "adjusted": None}).items():
        nodes[name] = [
            value if node == "outside" else one for node, one in zip(nodes["node"], nodes[name], strict=True)
        ]
    graph = explorer(columns(table, "nodes"))
    assert graph is not None
    for marks in graph.marks.values():
        assert marks[-1].title.startswith("in no node: 0 samples (0 %), none of holdout; ")
    assert {row[3] for row in graph.nodes[-1].tables[0].rows[1:]} == {"–"}


@pytest.mark.parametrize(("found", "said"), [(4, "g-0: 1 more such region."), (5, "g-0: 2 more such regions.")])
def test_findings_beyond_three_are_counted(found: int, said: str) -> None:
    table = tables(names(6), ["calibrate", "g-0"], found)
    assert findings(columns({"findings": table["findings"]}, "findings"))[3:] == [said]


def test_one_node_beyond_six_is_one_other() -> None:
    table = tables(names(8), ["calibrate", "g-0"], 0)
    for k, node in enumerate(table["nodes"]["node"]):
        table["nodes"]["adjusted"][k] = 0.7 if node == names(8)[0] else None
    few = f"{', '.join(names(8)[1:7])} and 1 other"
    said = [f"Too few samples, of holdout and of calibrate and g-0, to judge nodes: {few}."]
    assert unjudged(columns({"nodes": table["nodes"]}, "nodes")) == said


def test_what_is_in_no_node_can_be_found_too() -> None:
    table = tables(names(5), populations(1), 1, labels=["cat"])
    table["findings"] |= {"region": ["outside"], "nodes": [[]], "finding": ["invented"], "purity": [0.4]}
    graph = graph_of(table)
    assert [mark.found for mark in graph.marks[populations(1)[1]]] == [False] * 5 + [True]
    figure = draw_findings(columns({"findings": table["findings"]}, "findings"))
    assert "in no node" in words(figure)
    assert "cat" not in words(figure)  # of no class mostly

"""A graph whose nodes open: its samples as small pictures, its place on the page, and what is told if a part fails."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mapper_columns import SCHEMAS, columns, tables
from numpy.typing import NDArray
from PIL import Image

from gancensus.config import results as places
from gancensus.config.configuration import Study
from gancensus.contracts.explorer import Explorer, Node, Shown
from gancensus.contracts.samples import Samples, Scale
from gancensus.plotting import graphs
from gancensus.report import explored, failures
from gancensus.report.explorer import anchor
from gancensus.report.picture_figures import pixels
from gancensus.report.shown import shown_table
from gancensus.report.study_figures import Results, draw_figures
from gancensus.report.thumbnails import HEIGHT, WIDTH, thumbnails
from gancensus.storage.samples import SampleRows, write_samples
from gancensus.storage.tables import read_table, write_table

STUDY = {
    "source": {"kind": "digits"},
    "generators": {"gan": {"kind": "files", "path": "gan.npy"}},
    "definitions": {"matched": {"gower": {"alpha": 0.1}}},
    "mapper": {},
}


def opened(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@example([["a_2f"], ["a/"]])
@example([["a__b"], ["a", "b"]])
@given(st.lists(st.lists(st.text(max_size=4), min_size=1, max_size=3), min_size=2, max_size=2, unique_by=tuple))
def test_an_anchor_is_of_one_thing_and_needs_no_escapes(two: list[list[str]]) -> None:
    one, other = (anchor("node", *parts) for parts in two)
    assert one != other
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", one)


@pytest.mark.parametrize("colours", [1, 16, 256])
def test_small_pictures_of_few_colours_keep_every_pixel(colours: int) -> None:
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (colours, 3), dtype=np.uint8)
    image = palette[rng.integers(0, colours, (3, 20, 31))]
    found = thumbnails(image)
    assert found == thumbnails(image)
    assert all((opened(png) == one).all() for png, one in zip(found, image, strict=True))


def test_grey_pictures_keep_every_pixel_in_a_byte() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (1, 28, 28, 1), dtype=np.uint8).repeat(3, axis=3)
    (png,) = thumbnails(grey)
    assert (opened(png) == grey[0]).all()
    assert len(png) < 28 * 28 + 120  # noise cannot be compressed


def test_large_pictures_are_averaged() -> None:
    blocks = np.random.default_rng(0).integers(0, 2, (1, 32, 64, 1), dtype=np.uint8).repeat(3, axis=3) * 255
    (png,) = thumbnails(blocks.repeat(5, axis=1).repeat(5, axis=2))
    assert (opened(png) == blocks[0]).all()
    for shape, size in (((320, 100), (32, 10)), ((100, 640), (10, 64)), ((1, 2000), (1, 64))):
        (png,) = thumbnails(np.zeros((1, *shape, 3), dtype=np.uint8))
        assert opened(png).shape[:2] == size <= (HEIGHT, WIDTH)


def test_photographs_are_near_and_small() -> None:
    """Smooth colours, as in photographs: at most a kilobyte and a half, with an error that is hardly seen."""
    y, x = np.mgrid[:32, :32] / 31
    waves = np.stack([np.sin(3 * x + y), np.cos(2 * x * y), np.sin(4 * y - x)], axis=-1)
    image = (127.5 + 127.5 * waves).astype(np.uint8)[None]
    (png,) = thumbnails(image)
    assert len(png) < 1500
    assert np.abs(opened(png).astype(int) - image[0]).mean() < 10


def images(folder: Path, population: str, first: int, rows: int = 90) -> Samples:
    """Write images, each of which is its own shade of grey."""
    shade = np.linspace(-1, 1, rows, dtype=np.float32)
    made = Samples(np.tile(shade[:, None, None], (1, 4, 5)), np.arange(rows) + first)
    write_samples(folder / f"samples/{population}/0.parquet", made)
    return made


def test_the_samples_of_nodes_are_read_and_shown_in_their_order(tmp_path: Path) -> None:
    made = {"holdout": images(tmp_path, "holdout", 0), "g": images(tmp_path, "g", 1000)}
    lists = {"a": [5, 80, 7], "b": [7, 0]}
    nodes = [
        Node(name, 0, 0, 1, (), (), [Shown("holdout", "", ids), Shown("g", "", [1000 + k for k in ids])])
        for name, ids in lists.items()
    ]
    explorer = Explorer(nodes, [], {}, ("", "", ""), "")

    def samples(name: str) -> SampleRows:
        return SampleRows([tmp_path / f"samples/{name}/0.parquet"])

    table, about = shown_table(explored.groups(explorer, samples, lambda _: None))
    assert about == {}
    assert table["group"] == ["a/holdout"] * 3 + ["a/g"] * 3 + ["b/holdout"] * 2 + ["b/g"] * 2
    assert table["sample_id"] == [5, 80, 7, 1005, 1080, 1007, 7, 0, 1007, 1000]
    assert table["x"] == [[]] * 10
    expected = pixels(made["holdout"], lambda _: None)
    assert all(
        (opened(png) == expected[k % 1000]).all() for png, k in zip(table["picture"], table["sample_id"], strict=True)
    )


def test_rows_are_shown_as_rows(tmp_path: Path) -> None:
    x = np.linspace(-1, 1, 20, dtype=np.float32).reshape(10, 2)
    made = Samples(x, np.arange(10), scale=Scale(("a", "b"), ("m", "1"), (0.0, 0.0), (10.0, 1.0)))
    write_samples(tmp_path / "0.parquet", made)
    node = Node("a", 0, 0, 1, (), (), [Shown("holdout", "", [3, 1])])
    explorer = Explorer([node], [], {}, ("", "", ""), "")
    groups = explored.groups(explorer, lambda _: SampleRows([tmp_path / "0.parquet"]), lambda _: None)
    table, about = shown_table(groups)
    assert np.allclose(table["x"], made.natural()[[3, 1]])
    assert table["picture"] == [None, None]
    assert about["units"] == '["m", "1"]'


def test_only_drawn_tables_have_figures_and_graphs_show_samples() -> None:
    known = places.figures(Study.model_validate(STUDY))
    assert known["mapper/nodes"].shows_samples
    assert not known["mapper/findings"].shows_samples
    assert not {"mapper/edges", "mapper/features"} & set(known)


def drawn(folder: Path) -> list[Exception]:
    """Draw the figures of a study of which only the tables of `mapper` and the samples are there."""
    errors: list[Exception] = []
    study = Study.model_validate(STUDY)
    draw_figures(Results(study, folder.name, folder.parent, 1), errors.append)
    return errors


def write_mapper(folder: Path) -> None:
    """Write the tables of a graph of a study, and its samples."""
    for name, table in tables(["1-1", "2-1", "3-1", "4-1"], ["calibrate", "gan-0"]).items():
        write_table(folder / f"mapper/{name}.parquet", table, SCHEMAS[name])
    for k, population in ((0, "holdout"), (2, "gan-0")):
        images(folder, population, 1000 * k)


def test_the_step_writes_the_samples_of_each_node_beside_the_graph(tmp_path: Path) -> None:
    write_mapper(tmp_path / "toy")
    drawn(tmp_path / "toy")
    shown = tmp_path / "toy/figures/mapper/nodes.parquet"
    content = shown.read_bytes(), shown.with_suffix(".svg").read_bytes()
    rows = read_table(shown).to_pylist()
    assert {row["group"] for row in rows} == {
        f"{node}/{name}" for node in ("1-1", "2-1", "3-1", "4-1", "outside") for name in ("holdout", "gan-0")
    }
    assert all(row["picture"] for row in rows)
    assert failures.reason(shown.with_suffix(".svg")) is None
    drawn(tmp_path / "toy")
    assert content == (shown.read_bytes(), shown.with_suffix(".svg").read_bytes())


def test_a_table_beside_that_failed_is_the_reason_of_the_figure(tmp_path: Path) -> None:
    write_mapper(tmp_path / "toy")
    failures.table(tmp_path / "toy/mapper/edges.parquet", SCHEMAS["edges"], "no links")
    errors = drawn(tmp_path / "toy")
    assert not any("links" in str(error) for error in errors)
    figures = tmp_path / "toy/figures/mapper"
    assert failures.reason(figures / "nodes.svg") == failures.reason(figures / "nodes.parquet") == "no links"
    assert failures.reason(figures / "findings.svg") is None
    files = ["toy/mapper/edges.parquet", *(f"toy/figures/mapper/{name}.svg" for name in ("nodes", "findings"))]
    assert [one.name for one in failures.among(tmp_path, files)] == ["mapper/edges"]


def test_a_figure_that_fails_by_itself_is_told_beside_a_table_that_failed(tmp_path: Path) -> None:
    files = ["toy/mapper/edges.parquet", "toy/figures/mapper/nodes.svg", "toy/figures/gallery.svg"]
    failures.table(tmp_path / files[0], SCHEMAS["edges"], "one")
    failures.figure(tmp_path / files[1], "two")
    failures.figure(tmp_path / files[2], "one")  # of no analysis
    assert len(failures.among(tmp_path, files)) == 3


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_nodes_and_labels_stay_in_the_drawing_and_labels_apart(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawing = graphs.layout(rng.normal(size=n), rng.normal(size=n), rng.integers(1, 10_000, n).astype(float))
    assert (drawing.x - drawing.radius >= 0).all()
    assert (drawing.x + drawing.radius <= graphs.WIDE).all()
    assert (drawing.y - drawing.radius >= 0).all()
    assert (drawing.y + drawing.radius <= drawing.height).all()
    texts = [f"{k}-1" if k % 2 else "" for k in range(n)]
    placed = [(*at, graphs.LETTER * len(t)) for at, t in zip(graphs.labels(drawing, texts), texts, strict=True) if at]
    for k, (x, y, width) in enumerate(placed):
        assert width / 2 <= x <= graphs.WIDE - width / 2
        assert graphs.LINE / 2 <= y <= drawing.height - graphs.LINE / 2
        for other_x, other_y, other in placed[:k]:
            assert abs(x - other_x) >= (width + other) / 2 - 1e-9 or abs(y - other_y) >= graphs.LINE - 1e-9


def test_areas_are_as_sizes_and_axes_have_one_scale() -> None:
    size = np.array([400.0, 100.0, 1600.0])
    drawing = graphs.layout(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.3, 0.0]), size)
    assert np.allclose(drawing.radius**2 / size, drawing.radius[2] ** 2 / 1600)
    assert drawing.y[0] > drawing.y[1]  # y points down in a drawing
    assert graphs.radius_of(400, size, drawing.height) == pytest.approx(drawing.radius[0])


@pytest.mark.parametrize(("most", "sizes"), [(1, [1]), (9, [1, 5]), (743, [31, 125, 500]), (1000, [62, 250, 1000])])
def test_a_legend_has_round_sizes(most: float, sizes: list[int]) -> None:
    assert graphs.round_sizes(most) == sizes


def test_the_columns_of_tables_beside_have_their_name(tmp_path: Path) -> None:
    from gancensus.report import analysed

    write_mapper(tmp_path / "toy")
    study = Study.model_validate(STUDY)
    found = analysed.read(tmp_path / "toy", study, "mapper/nodes")
    expected = columns(tables(["1-1", "2-1", "3-1", "4-1"], ["calibrate", "gan-0"]), "nodes")
    assert set(found) == set(expected)
    assert found["edges/first"].tolist() == expected["edges/first"].tolist()
    assert set(analysed.read(tmp_path / "toy", study, "mapper/findings")) == set(SCHEMAS["findings"].names)

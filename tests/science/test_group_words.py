"""What is said about groups of near-duplicates, and how they are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gancensus.census.group_facts import MOST, GroupFacts
from gancensus.contracts.columns import Column
from gancensus.contracts.samples import Samples, Scale
from gancensus.plotting.style import WIDTH, svg
from gancensus.report.group_figures import APART, GAP, SMALL, STEP, TILE, draw_groups
from gancensus.report.group_figures import _folded as folded
from gancensus.report.group_figures import _placed as placed
from gancensus.report.group_lists import ShownGroup, closest_in_train, label, sentences
from gancensus.report.row_figures import _beside as beside

FACTS = GroupFacts("near", "a-0", 1000, 1000, 3, 12, 2, 1000, 13)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (FACTS, "12 of the 1,000 samples of a-0 (1.2 %) are in 3 groups, the largest of 6. 2 of the 1,000 have"),
        (FACTS._replace(groups=1), "are in 1 group. 2 of"),
        (
            FACTS._replace(near=1, near_listed=500),
            ". 1 of the 500 whose pairs with train are listed has a near-duplicate",
        ),
        (FACTS._replace(near=None, near_listed=None), "are in 3 groups, the largest of 6."),
        (FACTS._replace(listed=250), "12 of the 250 samples of a-0 whose duplicates are listed (4.8 %) are in"),
        (FACTS._replace(groups=0, grouped=0), "No two of the 1,000 samples of a-0 are near-duplicates."),
        (FACTS._replace(rows=MOST), "The list ends after 20,000 of its samples."),
    ],
)
def test_what_is_said_of_groups(facts: GroupFacts, words: str) -> None:
    said = sentences(facts, 6)
    assert words in said
    assert ("train" in said) == (facts.near is not None)


def test_the_closest_training_sample_of_a_group_is_that_of_any_member() -> None:
    rows: list[dict[str, Any]] = [{"train_id": None, "train_distance": None}, {"train_id": 5, "train_distance": 0.2}]
    assert closest_in_train([*rows, {"train_id": 6, "train_distance": 0.1}]) == {"train_id": 6, "train_distance": 0.1}
    assert closest_in_train(rows[:1]) is None
    assert (label(None, 7), label("a.png", 7)) == ("row 7", "a.png")


@pytest.mark.parametrize("name", ["a.png", "sub/folder/of/some/length/img_00012.png", "W" * 60 + "7.png", "a\nb\t.png"])
def test_names_fit_below_their_pictures(name: str) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    lines = folded(name).split("\n")
    assert len(lines) <= 2
    assert "".join(lines).endswith(name[-5:].replace("\t", " "))
    for line in lines:
        wide, _, _ = text_to_path.get_text_width_height_descent(line, FontProperties(size=SMALL), False)
        assert wide <= 1.05 * 72 * TILE  # kerning


@pytest.mark.parametrize("shape", [(4,), (1,), (6, 9), (300, 20, 3)])
def test_groups_are_drawn_the_same_twice(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (4, *shape)).astype(np.float32)
    whole = Samples(x, np.arange(4))
    near = ShownGroup("group 0: 3 samples", whole.take(slice(0, 3)), list("abct"), [0.0] * 4, whole.take(slice(3, 4)))
    alone = ShownGroup("group 1: 2 samples", whole.take(slice(0, 2)), list("ab"), [0.0, 0.1], None)
    drawn = [svg(draw_groups({"a-0": [near, alone], "b-0": []}, lambda _: None)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0].count(b"<image") == (0 if len(shape) == 1 else 6)


def test_groups_of_rows_name_their_columns_and_show_what_is_beyond_their_ends() -> None:
    columns = (Column("age", "continuous", low=0.0, high=10.0), Column("city", "nominal", categories=("a", "b")))
    x = np.array([[0.0, 1, -1], [3.0, 1, -1], [0.0, -5, -5]], np.float32)  # the last city is new
    scale = Scale(("age", "a", "b"), ("1",) * 3, (0.0,) * 3, (10.0, 1.0, 1.0), columns)
    whole = Samples(x, np.arange(3), scale=scale)
    near = ShownGroup("group 0: 3 samples", whole, list("abc"), [0.0] * 3, None)
    (ax,) = [ax for ax in draw_groups({"a-0": [near]}, lambda _: None).axes if ax.lines]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["age", "city"]
    low, high = ax.get_ylim()
    drawn = np.array([line.get_ydata() for line in ax.lines])
    assert low <= drawn.min() < 0 < 1 < drawn.max() <= high


def test_groups_of_pictures_fill_lines_in_their_order() -> None:
    """Eight groups of a pair take two lines; a group that does not fit goes on the next."""
    x = Samples(np.zeros((9, 6, 6), np.float32), np.arange(9))

    def group(size: int, train: bool = False) -> ShownGroup:
        near = x.take(slice(0, 1)) if train else None
        return ShownGroup("g", x.take(slice(0, size)), ["a"] * (size + train), [0.0] * (size + train), near)

    assert [place.line for place in placed([group(2)] * 8)] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [place.line for place in placed([group(8, True), group(8), group(1), group(5), group(2)])] == [0, 1, 1, 2, 2]
    for sizes in ([2, 3, 8, 1, 4, 4], [1] * 12, [5, 4], [8] * 3):
        groups = [group(size, k % 2 == 0) for k, size in enumerate(sizes)]
        ends = [-APART, -1.0]
        for one, (line, left) in zip(groups, placed(groups), strict=True):
            assert (line == ends[1] and left >= ends[0] + APART - 1e-9) or (line == ends[1] + 1 and left == 0)
            ends = [
                left + (len(one.members) + (one.train is not None)) * STEP + 2 * GAP * (one.train is not None),
                line,
            ]
            assert ends[0] - GAP <= WIDTH


@pytest.mark.parametrize(("counts", "columns"), [([1], 1), ([2], 2), ([3], 3), ([4], 2), ([5], 3), ([6], 3), ([7], 2)])
def test_panels_of_groups_fill_their_lines(counts: list[int], columns: int) -> None:
    assert beside(counts) == columns
    assert beside([*counts, 0]) == columns
    assert beside(counts * 2) == columns


def test_nothing_suspicious_is_a_sentence() -> None:
    drawn = draw_groups({"a-0": [], "b-0": []}, lambda _: None)
    assert drawn.axes[0].texts[0].get_text() == "no near-duplicates found in any generated population"

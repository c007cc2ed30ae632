"""Letters that a font lacks are drawn by another one that is installed, or as a question mark."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from matplotlib.figure import Figure

from gancensus.plotting import letters
from gancensus.plotting.style import svg
from gancensus.report.titles import drawable, retitle

RARE = "\u232d"  # of STIXGeneral, which comes with Matplotlib, and not of DejaVu Sans


@pytest.fixture(params=[(), ("STIXGeneral", "no such font")])
def others(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    monkeypatch.setattr(letters, "OTHERS", request.param)
    letters.families.cache_clear()
    yield request.param
    letters.families.cache_clear()


def test_fonts_that_are_not_installed_are_not_asked(others: tuple[str, ...]) -> None:
    assert letters.families() == ["DejaVu Sans", *others[:1]]


def test_a_letter_that_no_font_has_is_a_question_mark(others: tuple[str, ...]) -> None:
    assert letters.drawable("épôque №3, α²\nβ") == "épôque №3, α²\nβ"
    assert letters.drawable("猫 3 🦆\U000e0101!") == "? 3 ?!"
    assert letters.drawable(f"a{RARE}") == ("a?" if not others else f"a{RARE}")


@pytest.mark.usefixtures("others")
def test_a_figure_shows_what_it_can(others: tuple[str, ...]) -> None:
    """Nothing is drawn as a box, which Matplotlib warns of; a title without a letter left is the population's name."""
    titles = {"duck-0": "duck 🦆", "generator-0": "猫猫", "rare-0": f"b {RARE}"}
    shown = {"duck-0": "duck ?", "rare-0": "b ?" if not others else f"b {RARE}"}
    assert drawable(titles) == shown
    figure = Figure()
    ax = figure.add_subplot()
    ax.set_title("duck-0, generator-0, rare-0: 鳥")
    ax.set_xticks([0, 1], ["duck-0", "色"])
    retitle(figure, titles)
    assert ax.get_title() == f"duck ?, generator-0, {shown['rare-0']}: ?"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["duck ?", "?"]
    for text in (ax.title, *ax.get_xticklabels()):
        text.set_fontfamily(letters.families())
    with warnings.catch_warnings(action="error"):
        assert b"<svg" in svg(figure)


def test_texts_that_look_alike_without_their_letters_are_told_apart() -> None:
    assert drawable({"a-0": "x 猫", "b-0": "x 鳥"}) == {}
    assert drawable({"a-0": "+++"}) == {"a-0": "+++"}

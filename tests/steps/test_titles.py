"""What users call their generators: what is refused, and where it is shown in the place of their names."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from gancensus.config.configuration import Config, load
from gancensus.contracts.errors import UserError
from gancensus.plotting.style import styled, svg
from gancensus.report import inputs
from gancensus.report.titles import drawable, named, retitle, shortened

LONG = "a model " * 37 + "last"


def study(**titles: str | None) -> dict[str, Any]:
    """A configuration of generators by name, with their titles; `trained` is trained here."""
    made = {name: {"kind": "files", "path": f"{name}.npy", "title": title} for name, title in titles.items()}
    if "trained" in made:
        made["trained"] = {"kind": "dcgan", "title": made["trained"]["title"]}
    source = {"kind": "files", "path": "real.npy"}
    return {
        "studies": {"s": {"source": source, "generators": made, "definitions": {"d": {"euclidean": {"alpha": 0.1}}}}}
    }


@pytest.mark.parametrize("title", ["x", 'my "best" <b>GAN</b> & $more$', "猫 👩‍🔬 é", LONG, "-", "no", "a--b", "{x}"])
def test_any_text_is_a_title(title: str) -> None:
    config = load(study(mine=title, other=None))
    assert config.studies["s"].titles == {"mine-0": title}
    assert Config.model_validate_json(config.model_dump_json()).studies["s"].titles == {"mine-0": title}


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("", "generators.mine.title: is empty"),
        ("   ", "is empty"),
        ("two\nlines", r"cannot be printed on a line: '\\n'"),
        ("\x1b[31mred", r"cannot be printed on a line: '\\x1b'"),
        ("\u202eback", r"cannot be printed on a line: '\\u202e'"),
        ("holdout", "'holdout' is what tables call real samples"),
    ],
)
def test_what_a_line_cannot_hold_is_refused(title: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(study(mine=title))


def test_two_generators_are_not_shown_alike() -> None:
    with pytest.raises(UserError, match="two generators would be shown as 'x'"):
        load(study(mine="x", other="x"))
    with pytest.raises(UserError, match="two generators would be shown as 'other-0'"):
        load(study(mine="other-0", other=None))


def test_trainings_of_a_generator_are_numbered() -> None:
    assert load(study(trained="Best")).studies["s"].titles == {"trained-0": "Best-0", "trained-1": "Best-1"}


def test_a_text_calls_whole_names_by_their_titles() -> None:
    titles = {"a-1": "one", "a-10": r"\1 ten", "b+-0": "a-1"}
    assert named("a-1 and a-10, a-100, xa-1: b+-0/a-1.", titles) == r"one and \1 ten, a-100, xa-1: a-1/one."
    assert named("a-1", {}) == "a-1"


def test_a_path_is_not_retitled() -> None:
    rows = [{"population": "a-0", "input": "out/a-0/x.npy", "note": "turned", "samples": None}]
    assert inputs.lines(inputs.titled(rows, {"a-0": "mine"})) == ["mine (out/a-0/x.npy): turned"]


def test_long_titles_are_shortened_unless_they_look_alike() -> None:
    assert shortened("x" * 24) == "x" * 24
    assert shortened(LONG) == "a model a model…el last"
    assert len(shortened("x" * 25)) == 24
    middle = "x" * 20
    titles = {"a-0": f"{middle}1{middle}", "b-0": f"{middle}2{middle}", "c-0": "c"}
    assert drawable(titles) == {"c-0": "c"}


@styled
def drawn() -> Figure:
    """A figure that names populations in a legend, on an axis and in a text."""
    figure = Figure()
    ax = figure.add_subplot()
    ax.plot([0, 1], [0, 1], label="mine-0:  1,230")
    ax.set_yticks([0, 1], ["mine-0", "holdout"])
    ax.text(0, 0, "mine-0")
    ax.legend()
    return figure


@pytest.mark.parametrize("title", ['my "best" <b>GAN</b> & $x', "--><script>", LONG])
@pytest.mark.filterwarnings("ignore:Glyph")
def test_figures_show_titles(title: str) -> None:
    figure = drawn()
    retitle(figure, {"mine-0": title})
    shown = shortened(title)
    content = svg(figure)
    ET.fromstring(content)
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [shown, "holdout"]
    assert figure.axes[0].texts[0].get_text() == shown
    assert f"{shown}:  1,230" in texts
    assert b"<script>" not in content
    assert not [text for text in texts if "mine-0" in text]


def test_without_titles_a_figure_keeps_its_bytes(tmp_path: Path) -> None:
    figure = drawn()
    retitle(figure, {})
    assert svg(figure) == svg(drawn())

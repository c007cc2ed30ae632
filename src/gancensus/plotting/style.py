"""The common style of figures: the same bytes for the same content.

A population keeps its colour in every figure: held-out samples are black, training samples grey, each generator has a
hue of its own (Okabe & Ito's, which colour-blind readers can distinguish), and its replicas differ in line and marker.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from matplotlib import rc_context, style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from gancensus.contracts.replica import Replica
from gancensus.plotting.letters import families
from gancensus.plotting.numbers import NAME_LENGTH, SUPERSCRIPTS

Dashes = tuple[float, Sequence[float]]
T = TypeVar("T")
WIDTH = 9.0  # inches
INK, PALE = "#444444", "#9a9a9a"
REAL = {"train": "#8c8c8c", "calibrate": "#bdbdbd", "holdout": "#000000"}
HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES: tuple[Dashes, ...] = ((0, ()), (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
MARKERS = "os^DvPX"
UNBOUNDED = 1e18  # where an unbounded band is drawn to end
styled = style.context(
    [
        "default",
        {
            "svg.hashsalt": "gancensus",
            "svg.fonttype": "path",  # letters as outlines look the same everywhere
            "text.parse_math": False,  # a dollar sign in a name is a dollar sign
            "font.family": families(),
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#ebebeb",
            "xtick.color": INK,
            "ytick.color": INK,
            "legend.frameon": False,
            "figure.constrained_layout.use": True,
            "figure.constrained_layout.h_pad": 0.08,
        },
    ]
)


class Look(NamedTuple):
    """How a population is drawn."""

    colour: str
    line: Dashes
    marker: str


def looks(populations: Sequence[str]) -> dict[str, Look]:
    """Return the look of each population of a study: hues in the order of the generators, darker after the sixth."""
    made = {population: Replica.of(population) for population in populations if population not in REAL}
    generators = list(dict.fromkeys(replica.generator for replica in made.values()))
    found = {}
    for population in populations:
        if population in REAL:
            found[population] = Look(REAL[population], LINES[0], "o")
        else:
            name, replica = made[population]
            turn, hue = divmod(generators.index(name), len(HUES))
            red, green, blue = (channel * 0.6**turn for channel in to_rgb(HUES[hue]))
            colour = to_hex((red, green, blue))
            found[population] = Look(colour, LINES[replica % len(LINES)], MARKERS[replica % len(MARKERS)])
    return found


@styled
def svg(figure: Figure) -> bytes:
    """Render a figure as SVG without date and version."""
    _lay_out(figure)
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return content.getvalue()


def _lay_out(figure: Figure) -> None:
    """Place the axes as saving would, which draws all of a figure once more to do so."""
    engine = figure.get_layout_engine()
    if engine is not None:
        FigureCanvasSVG(figure)  # whose letters are measured
        figure.dpi = FigureCanvasSVG.fixed_dpi
        engine.execute(figure)
        with rc_context({"figure.constrained_layout.use": False}):
            figure.set_layout_engine(None)


def draw_bound(ax: Axes, x: float, y: float, to: tuple[float, float], colour: str) -> None:
    """Draw a bound and an arrow from it to where the value may be, so many points away."""
    ax.plot(x, y, "|" if to[1] == 0 else "_", color=colour, markersize=9, markeredgewidth=1.6)
    arrow = {"arrowstyle": "<|-", "color": colour, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x, y), xytext=to, textcoords="offset points", arrowprops=arrow)


def empty(text: str) -> Figure:
    """Say why there is nothing to draw."""
    figure = Figure(figsize=(WIDTH, 1))
    ax = figure.add_subplot()
    ax.set_axis_off()
    ax.text(0, 0.5, text, transform=ax.transAxes, color=INK, va="center")
    return figure


def short(name: str, longest: int = NAME_LENGTH) -> str:
    """Return a name, or its first characters."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def unique(items: Iterable[T]) -> list[T]:
    """Return the different ones in their order."""
    return list(dict.fromkeys(items))


def panels(figure: Figure, count: int, columns: int = 1) -> list[Axes]:
    """Return a number of axes in a grid of so many columns."""
    grid = figure.add_gridspec(-(-count // columns), min(columns, count))
    return [figure.add_subplot(grid[k // columns, k % columns]) for k in range(count)]


def population_legend(
    figure: Figure, look: Mapping[str, Look], markers: bool = False, others: Sequence[Line2D] = ()
) -> None:
    """Say under the panels which line, or marker, is which population."""
    handles = [
        Line2D([], [], color=colour, linestyle=line, marker=marker if markers else "", markersize=5, label=name)
        for name, (colour, line, marker) in look.items()
    ]
    figure.legend(handles=[*handles, *others], loc="outside lower left", ncols=6)


def log_axis(ax: Axes, low: float, high: float, which: Literal["x", "y"] = "x") -> None:
    """Make an axis logarithmic, with plain numbers: 2, 5, 10, 20."""
    ax.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
    axis = ax.xaxis if which == "x" else ax.yaxis
    subs = next(subs for times, subs in TICKS.items() if high < times * low)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(_log_label))
    axis.set_minor_formatter(NullFormatter())


TICKS = {6.0: (1, 1.5, 2, 3, 4, 5, 6, 8), 500.0: (1, 2, 5), math.inf: (1,)}  # by how many times longer the axis is


def _log_label(value: float, _: Any) -> str:
    if 1e-4 <= value < 1e5:
        return f"{value:,.6g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa} × {power}"

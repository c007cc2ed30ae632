"""Generated populations by what the user calls them: in sentences, tables and figures, whose data have their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gancensus.plotting import letters
from gancensus.plotting.numbers import NAME_LENGTH

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.figure import Figure
    from matplotlib.text import Text

Titles = Mapping[str, str]
"""Titles by population, of those that have one."""


def named(text: str, titles: Titles) -> str:
    """Return a text in which every population that has a title is called by it."""
    if not titles:
        return text
    names = "|".join(map(re.escape, sorted(titles, key=len, reverse=True)))  # a-10 before a-1
    return re.sub(rf"(?<![\w+-])(?:{names})(?![\w+-])", lambda name: titles[name[0]], text)


def shortened(title: str, longest: int = NAME_LENGTH) -> str:
    """Return a title, or its beginning and its end, which may be all that tells it from others."""
    if len(title) <= longest:
        return title
    tail = (longest - 1) // 3
    return f"{title[: longest - 1 - tail].rstrip()}…{title[-tail:].lstrip()}"


def drawable(titles: Titles) -> dict[str, str]:
    """Return the titles as figures can show them.

    A population keeps its name where two would look alike, and where no font has any letter of its title.
    """
    short = {population: shortened(letters.drawable(title)) for population, title in titles.items()}
    count = Counter(short.values())
    return {
        population: title
        for population, title in short.items()
        if count[title] == 1 and (title == titles[population] or any(map(str.isalnum, title)))
    }


def retitle(figure: Figure, titles: Titles) -> None:
    """Call the populations in the texts of a figure by their titles, and show ? for letters that no font has."""
    from matplotlib.ticker import FixedLocator

    short = drawable(titles)
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            if isinstance(axis.get_major_locator(), FixedLocator):  # else they are numbers
                labels = [label.get_text() for label in axis.get_ticklabels()]
                if labels != (shown := [letters.drawable(named(label, short)) for label in labels]):
                    axis.set_ticklabels(shown)
    for text in _texts(figure):
        text.set_text(letters.drawable(named(text.get_text(), short)))


def _texts(artist: Artist) -> Iterator[Text]:
    """Yield all texts in an artist but those at ticks, which take long to make and are made anew when it is drawn."""
    from matplotlib.axis import Axis
    from matplotlib.text import Text

    if isinstance(artist, Text):
        yield artist
    for child in [artist.label] if isinstance(artist, Axis) else artist.get_children():
        yield from _texts(child)

"""The tables of the analysis `persistence`."""

import pyarrow as pa

from gancensus.storage.schemas import FLOAT, INT, SPACE, STRING, column, with_interval

DIMENSION = column("dimension", STRING, about="`H0`: components, or `H1`: loops")
_POPULATION = column("population", STRING, about="`holdout`, `calibrate` (real samples) or a generated population")
_COMPARED = column(
    "population", STRING, about="the population beside `holdout`: `calibrate` (real samples) or a generated one"
)
_DRAWS = (
    column("samples", INT, about="samples of the population"),
    column("landmarks", INT, about="of a draw, the same for all populations; null where `holdout` or `train` has few"),
    column("draws", INT, about="disjoint draws of the population: a diagram each; null where it has too few samples"),
)
_TESTED = (
    column("p", FLOAT, about="p-value, by permuting which diagram is of which population"),
    column(
        "adjusted",
        FLOAT,
        about="it, for all statistics of `distances` and `signature`, and for the number of generated populations",
    ),
    column("least", FLOAT, about="the smallest p-value that the number of draws allows"),
)

DIAGRAMS = pa.schema(
    [
        _POPULATION,
        column("draw", INT, about="draw of the population, from 0"),
        DIMENSION,
        column("birth", FLOAT, about="distance at which the component or loop appears"),
        column("death", FLOAT, about="distance at which it is gone; null: never"),
        column("scale", FLOAT, about="distance at which b0 and b1 count; null of components"),
        column("band", FLOAT, about="length above which a loop stands out; null of components"),
        column("ratio", FLOAT, about="and the ratio of death to birth above which it does; null of components"),
        SPACE,
    ]
)
DISTANCES = pa.schema(
    [
        _COMPARED,
        DIMENSION,
        column("distance", STRING, about="`wasserstein` (order 1) or `bottleneck`"),
        column("cross", FLOAT, about="mean distance of a diagram of the population from one of `holdout`"),
        column("within", FLOAT, about="mean distance of two diagrams of the population"),
        column("within_holdout", FLOAT, about="mean distance of two diagrams of `holdout`"),
        *with_interval("excess", "`cross` less the mean of `within` and `within_holdout`"),
        column("null", FLOAT, about="95 % quantile of `excess` when diagrams are permuted"),
        *_TESTED,
        *_DRAWS,
        SPACE,
    ]
)
SIGNATURE = pa.schema(
    [
        _POPULATION,
        column(
            "entry",
            STRING,
            about="b0, b1, loops, total_h0, total_h1, longest_h1, ratio_h1 or entropy_h1; docs/methods.md defines them",
        ),
        *with_interval("value", "mean over the draws"),
        column("holdout", FLOAT, about="that of `holdout`"),
        *with_interval("difference", "`value` less `holdout`"),
        column("at", FLOAT, about="of b0 and b1 the distance at which they count; of loops the band; null of others"),
        *_TESTED,
        column(
            "overall", FLOAT, about="smallest `adjusted` of the population in both tables: whether anything differs"
        ),
        *_DRAWS,
        SPACE,
    ]
)
IMAGES = pa.schema(
    [
        _POPULATION,
        column("birth", FLOAT, about="birth at the centre of the pixel"),
        column("length", FLOAT, about="death less birth at the centre of the pixel"),
        *with_interval("value", "persistence image of the loops: mean over the draws"),
        column("error", FLOAT, about="standard error of `value`"),
        column("holdout", FLOAT, about="`value` of `holdout`"),
        column("z", FLOAT, about="`value` less `holdout`, in units of its standard error; null where that is 0"),
        SPACE,
    ]
)

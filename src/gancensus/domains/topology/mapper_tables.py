"""The tables of the analysis `mapper`."""

import pyarrow as pa

from gancensus.storage.schemas import FLOAT, INT, STRING, column, with_interval

INTS = pa.list_(INT)
OUTSIDE = "outside"  # in the place of a node: what falls into no node

_COMPARED = column(
    "population", STRING, about="the population beside `holdout`: a generated one, or `calibrate`: real samples"
)
_COUNTS = (
    column("holdout", INT, about="samples of `holdout` in it"),
    column("count", INT, about="samples of the population in it"),
    column("holdout_size", INT, about="samples of `holdout`"),
    column("size", INT, about="samples of the population"),
    column("holdout_share", FLOAT, about="share of `holdout` in it"),
    column("share", FLOAT, about="share of the population in it"),
    *with_interval(
        "ratio",
        "`share` over `holdout_share`, one half added to each number; only the lower end is known where no sample of "
        "`holdout` is in it",
    ),
)
_LABEL = (
    column("label", STRING, about="most frequent class among its samples of `train`; null where samples have none"),
    column("purity", FLOAT, about="share of that class among them"),
    column("class_share", FLOAT, about="share of that class in all of `train`"),
)

NODES = pa.schema(
    [
        _COMPARED,
        column("node", STRING, about="the node, or `outside`: no node; docs/methods.md says how nodes are named"),
        column("x", FLOAT, about="where it is drawn; null of `outside`"),
        column("y", FLOAT, about="where it is drawn, upwards; null of `outside`"),
        column("component", INT, about="its component of the graph, from 1; null of `outside`"),
        column("loops", INT, about="loops of that component that no three nodes with common samples fill"),
        column("train", INT, about="samples of `train`, on which the graph is built, in it"),
        *_COUNTS,
        column(
            "p", FLOAT, about="two-sided p-value of the two counts where samples change their populations at random"
        ),
        column("adjusted", FLOAT, about="false discovery rate at which it differs; null: too few samples to tell"),
        column(
            "detectable",
            FLOAT,
            about="largest ratio below 1 that would have been found if nothing else differed; null: none would",
        ),
        *_LABEL,
        column("holdout_samples", INTS, about="`sample_id` of some samples of `holdout` in it"),
        column("samples", INTS, about="`sample_id` of some samples of the population in it"),
    ]
)
"""A row per population and node: populations in their order, `calibrate` first; nodes in theirs, `outside` last."""

EDGES = pa.schema(
    [
        column("first", STRING, about="a node"),
        column("second", STRING, about="a node that shares samples of `train` with it"),
        column("shared", INT, about="how many"),
        column("overlap", FLOAT, about="their share of the smaller node"),
    ]
)

FEATURES = pa.schema(
    [
        column("node", STRING, about="the node"),
        column("feature", STRING, about="a column, a value or a condition of the samples"),
        column("unit", STRING, about="its unit; dates are days since 1970-01-01"),
        column("kind", STRING, about="what its values are: number, date, time, or of a category share"),
        column(
            "inside",
            FLOAT,
            about="its median, of a category the share, over the real samples in the node that did not build the graph",
        ),
        column("elsewhere", FLOAT, about="the same over those that are not in the node"),
        column("effect", FLOAT, about="Cliff's delta: how much likelier it is larger inside than smaller"),
        column("low", FLOAT, about="lower end of its interval"),
        column("high", FLOAT, about="upper end of its interval"),
        column("adjusted", FLOAT, about="false discovery rate at which it differs, over all nodes and features"),
        column("tested", INT, about="features that were tested"),
        column("known", INT, about="features that there are"),
    ]
)
"""Up to ten features that set a node apart: nodes in their order, largest effects first."""

FINDINGS = pa.schema(
    [
        _COMPARED,
        column(
            "region", STRING, about="nodes that hang together and differ alike: the name of the first, or `outside`"
        ),
        column("finding", STRING, about="dropped, fewer, more or invented; docs/methods.md says when"),
        column("nodes", pa.list_(STRING), about="its nodes"),
        *_COUNTS,
        column("adjusted", FLOAT, about="smallest false discovery rate of its nodes"),
        *_LABEL,
        column("features", STRING, about="what sets it apart from other real samples"),
        column(
            "samples",
            INTS,
            about="`sample_id` of some of its samples: of `holdout` where the population has fewer, else its own",
        ),
    ]
)
"""A row per population and region: populations in their order, what is dropped or invented first."""

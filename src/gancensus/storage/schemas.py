"""The schemas of the result tables, written into docs/tables.md. docs/methods.md says how each column is computed."""

from collections.abc import Iterable

import pyarrow as pa


def column(name: str, kind: pa.DataType, unit: str = "1", about: str = "") -> pa.Field:
    """Return a column whose metadata has its unit ('1': a pure number) and one line on what it holds."""
    return pa.field(name, kind, metadata={"unit": unit, "about": about})


STRING, INT, FLOAT = pa.string(), pa.int64(), pa.float64()

LOW_HIGH = (
    column("low", FLOAT, about="lower end of its interval"),
    column("high", FLOAT, about="upper end of its interval"),
)
"""The interval of the column before them."""


def with_interval(name: str, about: str) -> tuple[pa.Field, ...]:
    """Return three columns: a number, and the ends of its interval, NAME_low and NAME_high."""
    low, high = (f"{end} end of the interval of `{name}`" for end in ("lower", "upper"))
    return (
        column(name, FLOAT, about=about),
        column(f"{name}_low", FLOAT, about=low),
        column(f"{name}_high", FLOAT, about=high),
    )


STUDY = column("study", STRING, about="the study")
DEFINITION = column("definition", STRING, about="the definition of duplicates")
POPULATION = column("population", STRING, about="the population: `train`, `holdout`, or `NAME-REPLICA` of a generator")
GENERATED = column("population", STRING, about="the generated population, `NAME-REPLICA`")
SAMPLE = column("sample_id", INT, about="the sample, as in the sample tables")
SPACE = column("space", STRING, about="where it is measured: an encoder and its kind, NAME (KIND), or `samples`")
SAMPLES = column("samples", INT, about="samples of the population")

_WITHIN = (
    SAMPLES,
    column("pairs", INT, about="pairs compared: n (n - 1) / 2 of n samples, or those under the same conditions"),
    column("duplicates", INT, about="pairs that are duplicates"),
    *with_interval("collision", "probability that two samples are duplicates"),
)

THRESHOLDS = pa.schema(
    [
        column("metric", STRING, about="the metric's name in the definition"),
        column(
            "scale",
            STRING,
            about="strict, middle or loose where alpha is `auto`; null where alpha or threshold is given",
        ),
        column(
            "alpha", FLOAT, about="share of the pairs that is within the threshold; null where the threshold is given"
        ),
        *with_interval("threshold", "the largest distance of two duplicates"),
        column("pairs", INT, about="pairs of `calibrate` that were measured"),
        column("all_pairs", INT, about="pairs of `calibrate` under the same conditions"),
    ]
)

REPEATS = pa.schema(
    [
        column("population", STRING, about="the population of the sample: the first of the search, then the other"),
        SAMPLE,
        column("duplicates", INT, about="its duplicates, at the loosest scale where the definition has scales"),
        column("duplicates_strict", INT, about="those at the scale `strict`; null where it has no scales"),
        column("duplicates_middle", INT, about="those at the scale `middle`; null where it has no scales"),
        column("partners", INT, about="samples that it was compared with"),
        column("condition", INT, about="equal where samples are compared; null where conditions may differ a little"),
    ]
)

INPUTS = pa.schema(
    [
        STUDY,
        column("population", STRING, about="`real`, or the generated population that the input holds"),
        column("input", STRING, about="the file or folder, as the configuration names it"),
        column("note", STRING, about="what was read, skipped or changed; a warning begins with `warning: `"),
        column("samples", INT, about="samples that the note is about; null: the input as a whole"),
    ]
)

SUPPORT = pa.schema(
    [
        STUDY,
        DEFINITION,
        POPULATION,
        *_WITHIN,
        *with_interval("effective_support", "1 / `collision`; only the lower end is known where there is no duplicate"),
        column("batch_half", INT, about="smallest batch with P(duplicate) > 1/2; null where that is never reached"),
        column("square_support", FLOAT, about="`batch_half` squared"),
        column("birthday_support", FLOAT, about="(`batch_half` - 1/2)² / (2 ln 2)"),
        *with_interval("ratio", "`collision` over that of `holdout`; null for `holdout` itself"),
        column("verdict", STRING, about="what the ratio says of the population; null for `holdout` itself"),
        column("null_low", FLOAT, about="lower end of where the ratio falls when labels are permuted"),
        column("null_high", FLOAT, about="upper end of where the ratio falls when labels are permuted"),
        column("p_value", FLOAT, about="two-sided p-value of the ratio when labels are permuted"),
        column("listed", INT, about="samples whose duplicates are listed: fewer than all where there are too many"),
        *with_interval(
            "reach_support",
            "the uniform support that repeats, at the neighbours' radius, after as many samples; 90 % interval; null "
            "for `holdout`, and where that was not measured",
        ),
        *with_interval("reach_ratio", "that of `holdout` at the same radius over `reach_support`; 90 % interval"),
    ]
)

SCALES = pa.schema(
    [
        column(
            "scale",
            STRING,
            about="strict, middle or loose; null where alphas are given. What the thresholds do not decide "
            "(`reach_support`, `reach_ratio`) is null at strict and loose",
        ),
        *SUPPORT,
    ]
)

DIVERSITY = pa.schema(
    [
        DEFINITION,
        POPULATION,
        column(
            "quantity",
            STRING,
            about="richness, shannon, simpson, coverage, components, largest or clique_bound",
        ),
        column("value", FLOAT, about="value of the quantity"),
        column("low", FLOAT, about="lower end of its interval; alone where no kind of sample was seen twice"),
        column("high", FLOAT, about="upper end of its interval"),
    ]
)

_NAME = "what its owner finds it by: the file within its folder, or the line of a CSV file; null: its row alone"
_ROW = "its row in what it was read from, or in its population, counted from 0"

GROUPS = pa.schema(
    [
        DEFINITION,
        GENERATED,
        column("group", INT, about="the group of near-duplicates: 0 for the largest of the population"),
        column("size", INT, about="samples of the group; 1: it has none of its own kind, but one in `train`"),
        SAMPLE,
        column("name", STRING, about=_NAME),
        column("row", INT, about=_ROW),
        column(
            "distance",
            FLOAT,
            about="to the centre of the group, its first row, by the first metric that is no condition",
        ),
        column("train_id", INT, about="the closest of its duplicates in `train`; null where it has none there"),
        column("train_name", STRING, about=f"of that one, {_NAME}"),
        column("train_row", INT, about=f"of that one, {_ROW}"),
        column("train_distance", FLOAT, about="to that one, by the same metric"),
    ]
)

ANSWERS = pa.schema(
    [
        column(
            "definition",
            STRING,
            about="the definition of duplicates; null: values are compared one by one, or samples for equality",
        ),
        column("question", STRING, about="diverse, on (the data), covers (the data), copies, or alike"),
        column("statistic", STRING, about="what was measured; docs/methods.md says how"),
        column("value", FLOAT, about="its value"),
        column("low", FLOAT, about="lower end of its 90 % interval, where it has one"),
        column("high", FLOAT, about="upper end of that interval"),
        column(
            "null", FLOAT, about="median of the value when labels are permuted; of copies what `holdout` or theory says"
        ),
        column(
            "null_low", FLOAT, about="lower end of where 95 % of these lie, or of the 95 % interval of the null value"
        ),
        column("null_high", FLOAT, about="upper end of it"),
        column("score", FLOAT, about="how many standard deviations of these the value is off, to the suspect side"),
        column("p", FLOAT, about="p-value of the statistic alone; null: it only describes"),
        column(
            "adjusted",
            FLOAT,
            about="p-value that accounts for all statistics of the population, of copies for all tests of them",
        ),
        column("of", STRING, about="columns that differ most, or the samples that are nearest to real ones"),
        column("samples", INT, about="samples of the population that were measured"),
        column("others", INT, about="samples of `holdout`, of copies those of `train` and `holdout`"),
    ]
)

STATISTICS = pa.schema([POPULATION, *ANSWERS])

COVERAGE = pa.schema(
    [
        DEFINITION,
        column("population", STRING, about="the population, or `holdout` at the same radius"),
        column("batch", INT, about="number of samples that cover"),
        column("coverage", FLOAT, about="share of the population that has a near sample among them"),
        *LOW_HIGH,
    ]
)

SUMMARY = pa.schema(
    [
        STUDY,
        GENERATED,
        column("question", STRING, about="diverse, on (the data), covers (the data), copies, or alike"),
        column("answer", STRING, about="yes, no or inconclusive; of alike: no, or null where nothing was found"),
        column("value", FLOAT, about="the number that decides"),
        *LOW_HIGH,
        column("margin", FLOAT, about="what the interval has to be within for a yes"),
        column("p", FLOAT, about="p-value that accounts for all statistics and generators of the study"),
        column("criterion", STRING, about="definition and statistic that decide"),
        column("names", STRING, about="what differs, dissents, or is within the margin"),
        column("needed", INT, about="samples of either side that would settle what is inconclusive"),
    ]
)

COPIES = pa.schema(
    [
        DEFINITION,
        POPULATION,
        SAMPLES,
        column("others", INT, about="samples of `train`"),
        column("pairs", INT, about="pairs of a sample and one of `train` that were compared"),
        column("duplicates", INT, about="pairs of these that are duplicates"),
        *with_interval("collision", "probability that a sample and one of `train` are duplicates"),
        *with_interval("copied", "share of the samples that have a duplicate in `train`"),
        column("copied_null", FLOAT, about="that share of `holdout`; null for `holdout` itself"),
        *with_interval("ratio", "`collision` over that with `holdout`; null for `holdout` itself"),
        column("verdict", STRING, about="what the ratio says of the population; null for `holdout` itself"),
    ]
)

SWEEP = pa.schema(
    [
        DEFINITION,
        column("metrics", STRING, about="the metrics that must hold, joined by +"),
        column("alpha", FLOAT, about="share of the pairs of `calibrate` within the threshold of each metric"),
        POPULATION,
        *_WITHIN,
        column("independent", FLOAT, about="alpha to the number of metrics: `collision` if they were independent"),
        *with_interval("ratio", "`collision` over that of `holdout`; null for `holdout` itself"),
    ]
)

CURVE = pa.schema(
    [
        DEFINITION,
        POPULATION,
        column("batch", INT, about="samples in a batch"),
        *with_interval("probability", "probability that the batch holds a duplicate"),
    ]
)

FIDELITY = pa.schema(
    [
        GENERATED,
        column(
            "metric",
            STRING,
            about="fid, kid, precision, recall, density, coverage, fd_infinity, auc, sliced, rke or vendi",
        ),
        column("value", FLOAT, about="its value against `reference`; rke and vendi are of the population alone"),
        *LOW_HIGH,
        column(
            "null",
            FLOAT,
            about="what other real samples score in the place of the generated ones: `train` where `reference` is "
            "`holdout`, `holdout` where it is `train`; null where it is `all`",
        ),
        column("reference", STRING, about="the real samples compared with: `holdout`, `train`, or `all` of the source"),
        SPACE,
    ]
)

TRACE = pa.schema(
    [
        column("study", STRING, about="the job's study; null for none"),
        column("rule", STRING, about="its rule"),
        column("names", STRING, about="its wildcards, as its log names them"),
        column("attempt", INT, about="executions since the last that was done; retried and resumed jobs have several"),
        column("start", pa.timestamp("us", tz="UTC"), "us", "when it began"),
        column("end", pa.timestamp("us", tz="UTC"), "us", "when it ended; null where it was killed"),
        column("cpu", FLOAT, "s", "processor time, with that of its children; null where it was killed"),
        column("peak_memory", FLOAT, "MiB", "most memory held, which `mem_mb` limits; null where it was killed"),
        column("node", STRING, about="the machine on which it ran"),
        column("slurm_job", STRING, about="its number in SLURM; null elsewhere"),
        column("outcome", STRING, about="`done`, `error` (of a user), `bug`, `stopped` (by a signal) or `killed`"),
    ]
)

SHOWN = pa.schema(
    [
        column("group", STRING, about="the part of the figure that shows the sample; NODE/POPULATION of a graph"),
        SAMPLE,
        column("value", FLOAT, about="distance of a pair, or score; null in a gallery"),
        column("x", pa.list_(FLOAT), about="values of a legal row, categories by number; empty for other samples"),
        column("picture", pa.binary(), about="the sample as a small PNG, where it opens from a graph; null elsewhere"),
    ]
)


def duplicates(metrics: Iterable[str]) -> pa.Schema:
    """Return the schema of a table of duplicate pairs: the two samples and one exact value per metric."""
    ids = (
        column("i", INT, about="`sample_id` of the first; rows are in the order of i, then j"),
        column("j", INT, about="`sample_id` of the second"),
    )
    return pa.schema([*ids, *(column(metric, FLOAT, about="exact distance by this metric") for metric in metrics)])


def selection(unit: str) -> pa.Schema:
    """Return the schema of a selection, whose score has the unit of its kind."""
    return pa.schema(
        [
            SAMPLE,
            column("score", FLOAT, unit, "how dense its neighbourhood is: higher is denser"),
            column("kept", pa.bool_(), about="whether it is kept"),
        ]
    )


AFTER_EPOCH = {
    "fid": "Frechet distance of its samples to `calibrate` after the epoch; null: not measured",
    "kept": "1 in the epoch whose weights the model has, else 0",
}
"""What a history has of a training that keeps its best epoch, beside the losses."""


def history(columns: Iterable[str]) -> pa.Schema:
    """Return the schema of a training history: one row per epoch, the mean of each loss over it."""
    of_loss = "mean of this loss over the batches of the epoch"
    fields = (column(name, FLOAT, about=AFTER_EPOCH.get(name, of_loss)) for name in columns)
    return pa.schema([column("epoch", INT, about="the epoch, from 1"), *fields])

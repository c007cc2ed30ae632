"""The schemas of every result table: column, type, unit. docs/methods.md says how each column is computed."""

from collections.abc import Iterable

import pyarrow as pa


def column(name: str, kind: pa.DataType, unit: str = "1") -> pa.Field:
    """Return a column whose unit stands in its metadata ('1': a pure number)."""
    return pa.field(name, kind, metadata={"unit": unit})


STRING, INT, FLOAT = pa.string(), pa.int64(), pa.float64()

THRESHOLDS = pa.schema(
    [
        column("metric", STRING),
        column("alpha", FLOAT),
        *(column(f"threshold{end}", FLOAT) for end in ("", "_low", "_high")),
        column("pairs", INT),
        column("all_pairs", INT),
    ]
)

REPEATS = pa.schema(
    [
        column("population", STRING),
        *(column(name, INT) for name in ("sample_id", "duplicates", "partners", "condition")),
    ]
)

INPUTS = pa.schema(
    [*(column(name, STRING) for name in ("study", "population", "input", "note")), column("samples", INT)]
)

SUPPORT = pa.schema(
    [
        column("study", STRING),
        column("definition", STRING),
        column("population", STRING),
        column("samples", INT),
        column("pairs", INT),
        column("duplicates", INT),
        *(column(f"collision{end}", FLOAT) for end in ("", "_low", "_high")),
        *(column(f"effective_support{end}", FLOAT) for end in ("", "_low", "_high")),
        column("batch_half", INT),
        column("square_support", FLOAT),
        column("birthday_support", FLOAT),
        *(column(f"ratio{end}", FLOAT) for end in ("", "_low", "_high")),
        column("verdict", STRING),
        *(column(name, FLOAT) for name in ("null_low", "null_high", "p_value")),
        column("listed", INT),
    ]
)

DIVERSITY = pa.schema(
    [
        *(column(name, STRING) for name in ("definition", "population", "quantity")),
        *(column(name, FLOAT) for name in ("value", "low", "high")),
    ]
)

COPIES = pa.schema(
    [
        *(column(name, STRING) for name in ("definition", "population")),
        *(column(name, INT) for name in ("samples", "others", "pairs", "duplicates")),
        *(column(f"collision{end}", FLOAT) for end in ("", "_low", "_high")),
        *(column(f"copied{end}", FLOAT) for end in ("", "_low", "_high", "_null")),
        *(column(f"ratio{end}", FLOAT) for end in ("", "_low", "_high")),
        column("verdict", STRING),
    ]
)

SWEEP = pa.schema(
    [
        *(column(name, STRING) for name in ("definition", "metrics")),
        column("alpha", FLOAT),
        column("population", STRING),
        *(column(name, INT) for name in ("samples", "pairs", "duplicates")),
        *(column(f"collision{end}", FLOAT) for end in ("", "_low", "_high")),
        column("independent", FLOAT),
        *(column(f"ratio{end}", FLOAT) for end in ("", "_low", "_high")),
    ]
)

CURVE = pa.schema(
    [
        column("definition", STRING),
        column("population", STRING),
        column("batch", INT),
        *(column(f"probability{end}", FLOAT) for end in ("", "_low", "_high")),
    ]
)

FIDELITY = pa.schema(
    [
        column("population", STRING),
        column("metric", STRING),
        *(column(name, FLOAT) for name in ("value", "low", "high", "null")),
    ]
)

TRACE = pa.schema(
    [
        *(column(name, STRING) for name in ("study", "rule", "names")),
        column("attempt", INT),
        *(column(name, pa.timestamp("us", tz="UTC"), "us") for name in ("start", "end")),
        column("cpu", FLOAT, "s"),
        column("peak_memory", FLOAT, "MiB"),
        *(column(name, STRING) for name in ("node", "slurm_job", "outcome")),
    ]
)


def duplicates(metrics: Iterable[str]) -> pa.Schema:
    """Return the schema of a table of duplicate pairs: the two samples and one exact value per metric."""
    return pa.schema([column("i", INT), column("j", INT), *(column(metric, FLOAT) for metric in metrics)])


def selection(unit: str) -> pa.Schema:
    """Return the schema of a selection, whose score has the unit of its kind."""
    return pa.schema([column("sample_id", INT), column("score", FLOAT, unit), column("kept", pa.bool_())])


def history(losses: Iterable[str]) -> pa.Schema:
    """Return the schema of a training history: one row per epoch, the mean of each loss over it."""
    return pa.schema([column("epoch", INT), *(column(loss, FLOAT) for loss in losses)])

"""Whether instance selection does what its paper says: more precise and denser samples, for less recall and support."""

from __future__ import annotations

from collections.abc import Iterator

from gancensus.contracts.table import Columns
from gancensus.domains.selection.comparison import REAL
from gancensus.domains.selection.effects import is_log
from gancensus.domains.selection.trainings import ALL, RANDOM, TRUNCATION
from gancensus.plotting.numbers import Row, listing, number, percent, rows

CLAIMED = {"precision": 1, "density": 1, "recall": -1, "support": -1}  # the direction in which selection moves them


def headline(columns: Columns) -> Iterator[str]:
    """Yield a sentence for each score that stands beside as many random samples, on average over the shares kept.

    Reproduced: all that is claimed moves as claimed, each by its 95 % interval. Refuted: something moves the other way.
    """
    every = [row for row in rows(columns) if row["keep"] is None and row["beside"] == RANDOM and _claimed(row)]
    for score in dict.fromkeys(row["kept_by"] for row in every):
        effects = [row for row in every if row["kept_by"] == score]
        known = [row for row in effects if row["effect"] is not None]
        absent = [claim for claim in CLAIMED if claim not in {row["metric"].split()[0] for row in effects}]
        if not known:
            yield f"What selection by {score} does cannot be told from chance with one training each (`replicas: 2`)."
            continue
        moved = [(row, _direction(row) * _claimed(row)) for row in known]
        against = [row["metric"] for row, way in moved if way < 0]
        untold = [row["metric"] for row in effects if row["effect"] is None or _direction(row) == 0] + absent
        if against:
            verdict = f"refuted by {listing(against)}"
        elif untold:
            verdict = f"too few trainings to tell of {listing(untold)}"
        else:
            verdict = "reproduced"
        said = ", ".join(f"{row['metric']} {_effect(row)}" for row in known)
        yield (
            f"That selection raises precision and density and lowers recall and support: {verdict}. Beside as many "
            f"random samples, {score} changes {said}."
        )


def least_fid(columns: Columns) -> Iterator[str]:
    """Yield where FID is least, and whether that can be told from training on all samples."""
    known = [
        row for row in rows(columns) if row["metric"] == "fid" and row["value"] is not None and row["kept_by"] != REAL
    ]
    if not known:
        return
    best = min(known, key=lambda row: float(row["value"]))
    everything = next((row for row in known if row["kept_by"] == ALL), None)
    where = "with all samples" if best["kept_by"] == ALL else f"with {percent(best['keep'])} by {best['kept_by']}"
    said = f"FID is least {where}: {_value(best)}"
    if everything is None or best is everything:
        yield f"{said}."
    elif best["high"] is None or best["high"] >= everything["low"]:
        yield f"{said}; with all samples it is {_value(everything)}: these cannot be told apart."
    else:
        yield f"{said}; with all samples it is {_value(everything)}."


def gaps(columns: Columns) -> list[str]:
    """Say which selections have no random ones beside them, and which values could not be had."""
    table = [row for row in rows(columns) if row["keep"] is not None and row["kept_by"] != REAL]
    alone = [row for row in table if row["metric"] == "fid" and row["beside"] is None]
    said = [
        f"{row['kept_by']} at {percent(row['keep'])}: no selection by `random` keeps as many, so that its effect "
        "cannot be told from that of fewer samples."
        for row in alone
        if row["kept_by"] not in (ALL, RANDOM, TRUNCATION)
    ]
    return said + [
        f"{row['metric']} of {row['kept_by']} at {percent(row['keep'])} is not known: a training has no duplicates, or "
        "nothing near."
        for row in table
        if row["value"] is None
    ]


def _claimed(row: Row) -> int:
    return CLAIMED.get(row["metric"].split()[0], 0)


def _direction(row: Row) -> int:
    """Return 1 where an effect is above nothing by its interval, -1 where below, else 0."""
    nothing = 1.0 if is_log(row["metric"]) else 0.0
    return int(row["effect_low"] > nothing) - int(row["effect_high"] < nothing)


def _effect(row: Row) -> str:
    sign, plus = ("×", "") if is_log(row["metric"]) else ("", "+" if row["effect"] > 0 else "")
    ends = f"{number(row['effect_low'], 2)} to {number(row['effect_high'], 2)}"
    return f"{sign}{plus}{number(row['effect'], 2)} ({ends})"


def _value(row: Row) -> str:
    ends = "" if row["low"] is None else f" ({number(row['low'])} to {number(row['high'])})"
    return f"{number(row['value'])}{ends}"

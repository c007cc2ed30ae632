"""What the tables of the analysis `anomaly` say, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from gancensus.contracts.table import Columns
from gancensus.domains.jets.anomaly import FEWEST, HALF, MARGIN, fixed
from gancensus.plotting.numbers import integer, listing, rows
from gancensus.plotting.style import short, unique

Row = Mapping[str, Any]


def named(score: str, encoder: str | None = None, p: float | None = None) -> str:
    """Return what a score is called in figures and sentences."""
    if encoder is not None:
        return f"{score} of {encoder}"
    what, _, count = score.partition("-")
    words = {
        "average": "EMD to the average jet",
        "medoids": f"EMD to {count} medoids" if count != "1" else "EMD to the medoid",
        "neighbours": f"EMD to neighbour {count}",
        "pt": "pT",
    }
    return words[what] if p is None else f"{words[what]}, p = {p:g}"


def variational(row: Row) -> bool:
    """Return whether a score is of a variational network trained by the MSE, of which only the chosen one is shown."""
    return row["beta"] is not None and row["trained"] == "mse"


def labels(some: Sequence[Row]) -> list[str]:
    """Return what the score of each line is called: networks by their kind, where that has one for each signal.

    The best variational network can be another one for each.
    """
    found: dict[tuple[Any, ...], set[str]] = {}
    for row in some:
        found.setdefault((row["kind"], row["background"], row["signal"]), set()).add(row["encoder"])
    several = {kind for (kind, *_), encoders in found.items() if len(encoders) > 1}
    return [
        named(
            row["score"], f"{row['kind']} {short(row['encoder'])}" if row["kind"] in several else row["kind"], row["p"]
        )
        for row in some
    ]


def spelled(row: Row, name: str) -> str:
    """Return an area, or a difference of areas, with its interval: 0.812 (0.781 to 0.843)."""
    ends = ("low", "high") if name == "difference" else (f"{name}_low", f"{name}_high")
    value, low, high = (f"{row[end]:.3f}".replace("-", "−") for end in (name, *ends))
    return f"{value} ({low} to {high})"


def areas(columns: Columns) -> list[str]:
    """Say how well the best network and fixed distances do, and how the inverse task ends.

    The first background is the configured one, that of the distances; the others are those of further encoders.
    """
    known = [row for row in rows(columns) if row["auc"] is not None]
    main = unique(row["background"] for row in known)[:1]
    task = [row for row in known if row["background"] in main and (row["chosen"] or row["score"] in _fixed(known))]
    inverse = [row for row in known if row["background"] not in main and row["score"] == "loss"]
    return [
        f"{signal} among {background} jets, areas under ROC: "
        + "; ".join(f"{label} {spelled(row, 'auc')}" for row, label in _with_labels(task) if row["signal"] == signal)
        + "."
        for background in main
        for signal in unique(row["signal"] for row in task)
    ] + [
        f"Inverse task, {row['kind']} ({row['encoder']}) of {row['background']} jets that is to find {row['signal']} "
        f"jets: AUC {spelled(row, 'auc')}{_side(row)}."
        for row in inverse
        if trained_again(known) and (row["chosen"] or not variational(row))
    ]


def _fixed(known: Sequence[Row]) -> set[str]:
    """Return the distances whose areas are said: to the average jet, and to as many medoids as are compared."""
    counts = [int(row["score"].removeprefix("medoids-")) for row in known if row["score"].startswith("medoids-")]
    return {"average", *([f"medoids-{fixed(counts)}"] if counts else [])}


def _with_labels(some: Sequence[Row]) -> list[tuple[Row, str]]:
    """Return lines with what their scores are called, and the beta that has been chosen."""
    betas = ["" if row["beta"] is None else f" (the best beta, {row['beta']:g})" for row in some]
    return [(row, f"{label}{beta}:") for row, label, beta in zip(some, labels(some), betas, strict=True)]


def trained_again(known: Sequence[Row]) -> bool:
    """Return whether any network has a second training, which shows what others of it would change."""
    return any(row["encoder"] and row["replicas"] > 1 for row in known)


UNDECIDED = ", which does not tell it from chance"


def _side(row: Row) -> str:
    """Return on which side of chance an area is."""
    if row["auc_high"] < HALF:
        return f": below 0.5, it fails, {row['background']} jets look more anomalous to it"
    return ": above 0.5, it works" if row["auc_low"] > HALF else UNDECIDED


def differences(columns: Columns) -> list[str]:
    """Say whether the best network and the distances that were fixed beforehand are alike, for the first background."""
    known = rows(columns)
    main = unique(row["background"] for row in known)[:1]
    return [
        f"{row['signal']} among {row['background']} jets: AUC of the {named(row['score'], p=row['p'])}, less that of "
        f"the {named('loss', row['other_kind'])}: {spelled(row, 'difference')}, {_verdict(row)}."
        for row in from_first(known)
        if row["background"] in main and row["other"] == "loss" and row["score"].startswith(FIXED)
    ]


FIXED = ("average", "medoids-")


def from_first(known: Sequence[Row]) -> list[Row]:
    """Return the differences from the first score of each background and signal: the best network, if there is one."""
    first: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in known:
        first.setdefault((row["background"], row["signal"]), _other(row))
    return [row for row in known if first[row["background"], row["signal"]] == _other(row)]


def _other(row: Row) -> tuple[Any, ...]:
    return row["other"], row["other_encoder"], row["other_p"]


def _verdict(row: Row) -> str:
    within = f"within {MARGIN:g} of each other"
    words = {
        "alike": f"alike, {within}",
        "different": "different",
        "too little to tell": f"too little to tell whether they are {within}",
    }
    return words[row["verdict"]]


def optima(columns: Columns) -> list[str]:
    """Say where the best betas of two signals surely differ, or are surely one."""
    return [
        f"Best beta of {where} for {a} jets: {_betas(of_a)}; for {b} jets: {_betas(of_b)}: {said}."
        for where, (a, of_a), (b, of_b) in _sweeps(columns)
        if (said := _compared(of_a, of_b)) is not None
    ]


def unjudged_optima(columns: Columns) -> list[str]:
    """Say where chance does not allow to say whether the best betas of two signals differ."""
    return [
        f"Whether the best beta of {where} differs between {a} jets ({_betas(of_a)}) and {b} jets ({_betas(of_b)}) "
        "cannot be said: "
        + ("each is trained once." if of_a[0]["perhaps"] is None else "too few jets or trainings for such differences.")
        for where, (a, of_a), (b, of_b) in _sweeps(columns)
        if _compared(of_a, of_b) is None
    ]


def _sweeps(columns: Columns) -> Iterator[tuple[str, tuple[str, list[Row]], tuple[str, list[Row]]]]:
    """Yield each sweep's name with every two of its signals and their lines."""
    groups: dict[tuple[Any, ...], dict[str, list[Row]]] = {}
    for row in rows(columns):
        key = row["kind"], row["blocks"], row["background"], row["sweep"]
        groups.setdefault(key, {}).setdefault(row["signal"], []).append(row)
    for (kind, blocks, background, _), signals in groups.items():
        size = "" if blocks is None else f"{integer(blocks)} blocks, "
        where = f"{kind} ({size}{background})"
        for a, b in combinations(signals.items(), 2):
            yield where, a, b


def _compared(a: Sequence[Row], b: Sequence[Row]) -> str | None:
    """Return what is sure of the best betas of two signals; None: nothing."""
    if any(row["perhaps"] is None for row in (*a, *b)):
        return None
    perhaps = [{row["beta"] for row in of if row["perhaps"]} for of in (a, b)]
    if not perhaps[0] & perhaps[1]:
        return "they differ beyond chance"
    return "the same" if perhaps[0] == perhaps[1] and len(perhaps[0]) == 1 else None


def _betas(of: Sequence[Row]) -> str:
    """Return the best beta, and the others that can be it."""
    best = next(f"{row['beta']:g}" for row in of if row["best"])
    others = [f"{row['beta']:g}" for row in of if row["perhaps"] and not row["best"]]
    return f"{best}, perhaps {listing(others)}" if others else best


def unjudged_areas(columns: Columns) -> list[str]:
    """Say which pairs of classes have too few jets, and which networks have one training."""
    known = rows(columns)
    few = []
    for row in known:
        if row["score"] is None:
            left = f"{integer(row['signal_jets'])} and {integer(row['background_jets'])} jets are left"
            few.append(f"{row['signal']} among {row['background']} jets: {left}, and {FEWEST} of either are needed.")
    if trained_again(known):
        return few
    once = unique(row["encoder"] for row in known if row["encoder"])
    said = "trained once, so their intervals leave out what another training would change, and nothing is called alike"
    return few + ([f"{listing(once)}: {said}; configure encoders with equal options."] if once else [])

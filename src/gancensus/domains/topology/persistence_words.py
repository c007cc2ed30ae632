"""What the topological signature says, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from gancensus.contracts.table import Columns
from gancensus.domains.topology.persistence import DRAWS, FEWEST, FRAME, NULL, REFERENCE, SMALLEST
from gancensus.domains.topology.signature import B0, B1, LOOPS, RATIO
from gancensus.plotting.numbers import Row, integer, listing, p_value, rows, short

LEVEL = 0.05  # of an adjusted p-value up to which something differs
NAMES = {
    B0: "components at one scale",
    B1: "loops at one scale",
    LOOPS: "loops that stand out",
    "total_h0": "total length of components",
    "total_h1": "total length of loops",
    "longest_h1": "longest loop",
    RATIO: "largest death / birth of a loop",
    "entropy_h1": "entropy of the loops' lengths",
}
Entries = dict[str, Row]


def findings(columns: Columns) -> list[str]:
    """Say of each generated population which loops and components it loses or gains, and what else differs."""
    populations = _by_population(columns)
    return [
        _said(name, entries)
        for name, entries in populations.items()
        if name not in (REFERENCE, NULL) and entries[B1]["overall"] is not None and not _powerless(name, populations)
    ]


def _said(name: str, entries: Entries) -> str:
    overall = p_value(entries[B1]["overall"])
    if entries[B1]["overall"] > LEVEL:
        least = min(entries.values(), key=lambda row: (row["adjusted"], row["p"]))
        return (
            f"{name}: no difference from the topology of held-out samples is found (adjusted {overall}): "
            f"{_change(entries[B1], 'loop')}; of the signature, {NAMES[least['entry']]} {_values(least)} comes "
            "nearest to one."
        )
    differing = {entry: row for entry, row in entries.items() if row["adjusted"] <= LEVEL}
    changes = list(_changes(differing))
    others = [f"{NAMES[entry]} {_values(row)}" for entry, row in differing.items() if entry not in (B0, B1, LOOPS)]
    if changes:
        also = f"; it differs in {listing(others)}, too" if others else ""
        return f"{name} {listing(changes)}{also} (adjusted {overall})."
    where = listing(others) or "how far persistence diagrams are from each other, though in no part of the signature"
    return f"{name}: the topology differs from that of held-out samples in {where} (adjusted {overall})."


def _changes(differing: Entries) -> Iterator[str]:
    """Yield what changes: loops, counted at the scale if these differ, else those that stand out; and components.

    At another scale a smaller or larger loop is there. Loops are lost or gained only if a statistic that does not
    depend on it differs, too.
    """
    loops = differing.get(B1) or differing.get(LOOPS)
    elsewhere = LOOPS in differing or RATIO in differing
    for row, what, changed in ((loops, "loop", elsewhere), (differing.get(B0), "component", True)):
        if row is not None:
            count = round(abs(row["difference"]))
            verb, less = ("loses", "fewer") if row["difference"] < 0 else ("gains", "more")
            many = f"{verb} {'a' if count == 1 else count} {what}{'s' * (count > 1)}"
            yield f"{many if count and changed else f'has {less} {what}s'}: {_change(row, what)}"


def _change(row: Row, what: str) -> str:
    """Write counts: 1.0 loops at a scale of 2.9 in held-out samples, 0.0 in generated ones (0.7 to 1.3 fewer)."""
    where = "that stand out" if row["entry"] == LOOPS else f"at a scale of {short(row['at'])}"
    low, high = row["difference_low"], row["difference_high"]
    less = row["difference"] < 0
    ends = (f"{end:.1f}".replace("-", "−") for end in ((-high, -low) if less else (low, high)))
    both = (
        f"in held-out samples, {row['value']:.1f} in generated ones ({' to '.join(ends)} {'fewer' if less else 'more'})"
    )
    return f"{row['holdout']:.1f} {what}s {where} {both}"


def _values(row: Row) -> str:
    """Write a value beside that of held-out samples."""
    value, low, high = (short(row[f"value{end}"]) for end in ("", "_low", "_high"))
    return f"({value}, {low} to {high}; held-out samples {short(row['holdout'])})"


def smaller(columns: Columns, landmarks: int) -> list[str]:
    """Say that draws have fewer landmarks than were asked for, where they have."""
    most = next(row["landmarks"] for row in rows(columns))
    few = f"Draws have {integer(most)} samples, not {landmarks}: {FRAME} and {REFERENCE} must each give {DRAWS}."
    return [few] if most is not None and most < landmarks else []


def unjudged(columns: Columns) -> list[str]:
    """Say where samples are too few, how many are needed, and whether real samples of `calibrate` differ as well."""
    return list(_unjudged(_by_population(columns)))


def _unjudged(populations: dict[str, Entries]) -> Iterator[str]:
    of_holdout = next(iter(populations[REFERENCE].values()))
    if of_holdout["landmarks"] is None:
        yield (
            f"Too few samples to judge topology: {FRAME} and {REFERENCE} ({integer(of_holdout['samples'])}) each need "
            f"{DRAWS * SMALLEST}, for {DRAWS} draws of {SMALLEST} landmarks."
        )
        return
    compared = {name: next(iter(entries.values())) for name, entries in populations.items() if name != REFERENCE}
    for name, row in compared.items():
        if row["draws"] is None:
            yield (
                f"Too few samples to judge the topology of {name}: {integer(row['samples'])}, and {FEWEST} draws of "
                f"{integer(row['landmarks'])} landmarks need {integer(FEWEST * row['landmarks'])}."
            )
        elif _powerless(name, populations):
            yield (
                f"{name}: no difference in topology can be found with {integer(row['draws'])} draws beside "
                f"{integer(of_holdout['draws'])} of {REFERENCE}, whose smallest adjusted p-value is "
                f"{short(_least(name, populations))}; fewer landmarks or more samples give more draws."
            )
    null = compared.get(NULL)
    if null is not None and null["overall"] is not None and null["overall"] <= LEVEL:
        yield (
            f"Real samples of {NULL} differ from those of {REFERENCE}, too ({p_value(null['overall'])}): what is found "
            "of generated samples may be the difference of the two."
        )


def _powerless(name: str, populations: dict[str, Entries]) -> bool:
    """Return whether nothing is found of a population, and little could: Holm's factor is less beside what is found."""
    return bool(populations[name][B1]["overall"] > LEVEL) and _least(name, populations) > LEVEL


def _least(name: str, populations: dict[str, Entries]) -> float:
    """Return the smallest p-value that a population can have, adjusted for the number of generated ones."""
    generated = [some for other, some in populations.items() if other not in (REFERENCE, NULL)]
    others = sum(some[B1]["draws"] is not None for some in generated)
    return float(populations[name][B1]["least"]) * (1 if name == NULL else others)


def _by_population(columns: Columns) -> dict[str, Entries]:
    found: dict[str, Entries] = {}
    for row in rows(columns):
        found.setdefault(row["population"], {})[row["entry"]] = row
    return found

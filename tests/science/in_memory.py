"""Samples in memory in the place of those in files, for analyses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gancensus.contracts.samples import Samples


class InMemory:
    """Samples as a table's rows, so many to a row group."""

    def __init__(self, samples: Samples, group: int = 1000, where: str = "here") -> None:
        self.samples, self.group, self.where = samples, group, where

    def __len__(self) -> int:
        return len(self.samples)

    def whole(self) -> Samples:
        return self.samples

    def chunks(self, rows: slice, without_x: bool = False) -> Iterator[Samples]:
        for start in range(rows.start, max(rows.stop, rows.start + 1), self.group):
            some = self.samples.take(slice(start, min(start + self.group, rows.stop)))
            yield replace(some, x=np.empty((len(some), 0), dtype=np.float32)) if without_x else some

"""Splits: which real samples train, calibrate and are held out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import LazySamples
from gancensus.contracts.table import Columns
from gancensus.storage.samples import SampleRows


def split(
    samples: int, sizes: Mapping[str, float], rng: np.random.Generator, first_as_it_is: bool = False
) -> dict[str, NDArray[np.int64]]:
    """Return disjoint random rows, ascending, for each split; a size below 1 is a share, from 1 on a count.

    With `first_as_it_is`, the first split is the first rows, and the others are random ones of the rest.

    Raises UserError when more is asked for than there is, or when a split would have fewer than two samples.
    """
    counts = {name: int(size * samples + 1e-9) if size < 1 else int(size) for name, size in sizes.items()}
    if sum(counts.values()) > samples:
        asked = " + ".join(f"{name} {count}" for name, count in counts.items())
        raise UserError(
            f"splits ask for {asked} = {sum(counts.values())} samples, but the source has {samples}; "
            "lower them (below 1, a size is a share of all samples)"
        )
    for name, count in counts.items():
        if count < 2:
            raise UserError(f"split {name} would have {count} of {samples} samples; a pair needs at least two")
    fixed = next(iter(counts.values())) if first_as_it_is else 0
    order = np.concatenate([np.arange(fixed), fixed + rng.permutation(samples - fixed)])
    ends = np.cumsum(list(counts.values()))
    return {name: np.sort(order[end - count : end]) for (name, count), end in zip(counts.items(), ends, strict=True)}


def kept(train: SampleRows, selections: Sequence[Columns]) -> LazySamples:
    """Return the training samples that every selection keeps, read as they are needed.

    selections: tables with sample_id and kept.
    """
    first, known = next(train.chunks(slice(0, 1))), train.identities()
    rows = np.arange(len(train))
    for table in selections:
        rows = rows[np.isin(known.sample_id[rows], table["sample_id"][table["kept"]])]
    known = replace(known.take(rows), scale=first.scale)
    return LazySamples(known, first.shape, first.x.dtype, lambda some: train.take(rows[some]).x)

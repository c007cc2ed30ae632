"""Splits: which real samples train, calibrate and are held out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng, derive_seed
from gancensus.contracts.samples import LazySamples, Samples, SampleTable, check
from gancensus.contracts.source import Source
from gancensus.contracts.table import Columns

IntArray = NDArray[np.int64]


def divided(
    source: Source, sizes: Mapping[str, float], first_as_it_is: bool, seed: int
) -> tuple[Samples | LazySamples, dict[str, IntArray]]:
    """Return the real samples of a source, and the rows of each split (see `split`).

    Where the scale is that of the values, as of columns of numbers, it is that of `calibrate` (and where numbers of a
    table hardly vary there, of `train`). Were a held-out sample's own values part of the ranges, they would bring it
    nearer to the others than a generated one that is as good, and those of `train` would make it look copied: by much
    where samples have more values than there are samples.

    Raises UserError as `load` and `split` do, and for samples that break the contract of sample tables.
    """
    real = source.load(derive_seed(seed, "source"))
    rows = split(len(real), sizes, derive_rng(seed, "prepare"), first_as_it_is, real.group)
    if real.rescaled is not None:
        real = real.rescaled(rows["calibrate"], rows["train"])
    if isinstance(real, Samples):
        check(real, f"source {source.kind}")
    return real, rows


def split(
    samples: int,
    sizes: Mapping[str, float],
    rng: np.random.Generator,
    first_as_it_is: bool = False,
    group: IntArray | None = None,
) -> dict[str, IntArray]:
    """Return disjoint random rows, ascending, for each split; a size below 1 is a share, from 1 on a count; 0: none.

    With `first_as_it_is`, the first split is the first rows, and the others are random ones of the rest. Of rows with
    one value of `group` (samples,), all are in one split: the first has whole groups, the others a row of each.

    Raises UserError when more is asked for than there is, or when a split would have fewer than two samples.
    """
    if group is not None:
        return _split_groups(group, sizes, rng, first_as_it_is)
    counts = {name: int(size * samples + 1e-9) if size < 1 else int(size) for name, size in sizes.items()}
    if sum(counts.values()) > samples:
        asked = " + ".join(f"{name} {count}" for name, count in counts.items())
        raise UserError(
            f"splits ask for {asked} = {sum(counts.values())} samples, but the source has {samples}; "
            "lower them (below 1, a size is a share of all samples)"
        )
    for name, count in counts.items():
        if count < 2 and sizes[name]:
            raise UserError(f"split {name} would have {count} of {samples} samples; a pair needs at least two")
    fixed = next(iter(counts.values())) if first_as_it_is else 0
    order = np.concatenate([np.arange(fixed), fixed + rng.permutation(samples - fixed)])
    ends = np.cumsum(list(counts.values()))
    return {name: np.sort(order[end - count : end]) for (name, count), end in zip(counts.items(), ends, strict=True)}


def _split_groups(
    group: IntArray, sizes: Mapping[str, float], rng: np.random.Generator, first_as_it_is: bool
) -> dict[str, IntArray]:
    """Split rows by what they belong to; shares are of the groups, counts of rows."""
    (first, size), *others = sizes.items()
    number, which = np.unique(group, return_inverse=True)
    order = rng.permutation(len(number))
    if first_as_it_is:
        rows = np.arange(min(len(group), int(size * len(group) + 1e-9) if size < 1 else int(size)))
        order = order[~np.isin(order, which[rows])]
    else:
        last = size * len(number) if size < 1 else np.searchsorted(np.bincount(which)[order].cumsum(), size, "right")
        rows, order = np.flatnonzero(np.isin(which, order[: int(last + 1e-9)])), order[int(last + 1e-9) :]
    whole = len(order) / (1 - size) if size < 1 else len(number)  # groups that shares are of
    counts = {name: int(share * whole + 1e-9) if share < 1 else int(share) for name, share in others}
    if sum(counts.values()) > len(order):
        asked = " + ".join(f"{name} {count}" for name, count in counts.items())
        hint = "sort the samples by group, since the first are train, or " if first_as_it_is else ""
        raise UserError(
            f"splits ask for {asked} samples, one of each group, but beside {first} {len(order)} of "
            f"{len(number)} groups are left; {hint}lower them (below 1, a size is a share of all groups)"
        )
    for name, count in ({first: len(rows)} | counts).items():
        if count < 2 and sizes[name]:
            raise UserError(f"split {name} would have {count} of {len(group)} samples; a pair needs at least two")
    shuffled = rng.permutation(len(group))
    one = shuffled[np.unique(which[shuffled], return_index=True)[1]][order]
    ends = np.cumsum(list(counts.values()))
    parts = zip(counts.items(), ends, strict=True)
    return {first: rows} | {name: np.sort(one[end - count : end]) for (name, count), end in parts}


def kept(train: SampleTable, selections: Sequence[Columns]) -> LazySamples:
    """Return the training samples that every selection keeps, read as they are needed.

    selections: tables with sample_id and kept.
    """
    first, known = next(train.chunks(slice(0, 1))), train.identities()
    rows = np.arange(len(train))
    for table in selections:
        rows = rows[np.isin(known.sample_id[rows], table["sample_id"][table["kept"]])]
    known = replace(known.take(rows), scale=first.scale)
    return LazySamples(known, first.shape, first.x.dtype, lambda some: train.take(rows[some]).x)


def learned(samples: Samples, label: int | None, who: str) -> Samples:
    """Return the training samples of a class; all of them for None.

    who: what learns from them, for messages. Raises UserError where there are fewer than two.
    """
    if label is None:
        return samples
    rows = np.flatnonzero(samples.label == label) if samples.label is not None else np.empty(0, np.int64)
    if len(rows) < 2:
        known = ", ".join(map(str, np.unique(samples.label))) if samples.label is not None else "none"
        raise UserError(
            f"{who}: it learns from class {label} (`only`), of which `train` has {len(rows)} samples; classes of its "
            f"samples: {known}"
        )
    return samples.take(rows)

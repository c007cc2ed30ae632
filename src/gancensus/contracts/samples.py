"""Samples in memory: what a step reads from, and writes to, the sample tables."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError

if TYPE_CHECKING:
    from gancensus.contracts.columns import Column

REAL = ("train", "calibrate", "holdout")  # the populations of real samples
REFERENCE = "holdout"  # the one that generated populations are measured beside
BLOCK = 256  # samples that are drawn and embedded together; parts end on blocks, so their number changes no value
ROWS_PER_POPULATION = 10**9  # room for sample_id within one population
VALUES_AT_ONCE = 1 << 22  # values that are read at once from a file that need not fit into memory


@dataclass(frozen=True)
class Scale:
    """How x in [-1, 1] maps to natural units: one entry per value of a row, or a single one for a whole image."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    columns: tuple[Column, ...] = ()
    """Where samples are rows of a typed table: its columns, each of which is one value of x or several."""
    left_out: tuple[str, ...] = ()
    """Columns of the user's table that are not part of its rows, such as an index."""

    def encode(self, natural: NDArray[Any]) -> NDArray[np.float32]:
        """Map natural values (n, ...) so that low becomes -1 and high +1; where low = high they are only shifted."""
        middle, half = self._middle_and_half()
        if natural.dtype == np.float32 and not middle.any() and _powers_of_two(half):
            return np.asarray(natural / half.astype(np.float32))  # in less than half the time, and not a bit differs
        return np.asarray((natural - middle) / half, dtype=np.float32)

    def decode(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Map x (n, ...) in [-1, 1] back to natural values."""
        middle, half = self._middle_and_half()
        return np.asarray(middle + half * x.astype(np.float64))

    def _middle_and_half(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        low, high = np.asarray(self.low), np.asarray(self.high)
        half = high / 2 - low / 2
        return low / 2 + high / 2, np.where(half > 0, half, 1.0)


def _powers_of_two(values: NDArray[np.float64]) -> bool:
    """Say whether all values are powers of two that float32 has."""
    with np.errstate(over="ignore"):
        return bool((np.frexp(values)[0] == 0.5).all() and (values.astype(np.float32) == values).all())


LOOSE = "in no folder"  # the class of images beside the folders that are the others
BYTES = Scale(("value",), ("1",), (0.0,), (255.0,))
"""The scale of images of 8 bits."""

PREPROCESSED = "preprocessed by the source: "
"""How the note of a source begins that brings its samples into a common frame; then come the steps."""


NoteCounts = Mapping[str, int | None]
"""Sentences about an input, in the order in which they were noted, with the number of samples each is about."""


class Notes:
    """What was done to an input, or guessed about it, apart from reading it: shown with the results that rest on it.

    A note is a sentence, and the number of samples that it is about; None where it is about the input as a whole. Rows
    are noted as they are read, so the numbers are those of what has been read since `restart`.
    """

    def __init__(self, *whole: str) -> None:
        """Note sentences about the input as a whole."""
        self._rows: dict[str, set[int] | None] = dict.fromkeys(whole)

    def add(self, sentence: str, rows: Iterable[int] | None = None) -> None:
        """Note a sentence about some rows of the input (once each), or about the input as a whole."""
        noted = self._rows.setdefault(sentence, None if rows is None else set())
        if noted is not None and rows is not None:
            noted.update(map(int, rows))

    def update(self, other: Notes) -> None:
        """Note what others have, too."""
        for sentence, rows in other._rows.items():
            self.add(sentence, rows)

    def restart(self) -> None:
        """Forget which rows have been noted: what is read from now on counts."""
        self._rows = {sentence: rows for sentence, rows in self._rows.items() if rows is None}

    def counts(self) -> NoteCounts:
        """Return the sentences with the number of samples that each is about."""
        return {sentence: None if rows is None else len(rows) for sentence, rows in self._rows.items()}


def belonging(group: NDArray[np.int64]) -> str:
    """Note how many groups samples belong to."""
    return f"{len(np.unique(group)):,} groups of samples that belong together"


@dataclass(frozen=True)
class Samples:
    """Samples x (n, *shape) float32 with their identity and, where known, class labels and the meaning of x.

    `conditions` are what the samples were made for (a particle's energy, its angle): (n,) and unit by name, float32 or
    what `narrowed` says. `group` (n,): equal where samples belong together; no table of samples has it. `name` (n,) of
    str: what their owner finds them by, the file within its folder (of several pages, `a.tif page 3`) or the line of a
    CSV file; None where that is their row alone.
    """

    x: NDArray[np.float32]
    sample_id: NDArray[np.int64]
    label: NDArray[np.int32] | None = None
    scale: Scale | None = None
    conditions: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes, compare=False)
    group: NDArray[np.int64] | None = None
    name: NDArray[np.object_] | None = None
    rescaled: Callable[[NDArray[np.int64], NDArray[np.int64]], Samples] | None = field(
        default=None, compare=False, repr=False
    )
    """Returns the same samples, scaled by the values at some rows, and at others where these hardly vary."""

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample."""
        return self.x.shape[1:]

    @property
    def are_rows(self) -> bool:
        """Whether a sample is a row of a table: values along one axis."""
        return len(self.shape) == 1

    def take(self, rows: NDArray[Any] | slice) -> Samples:
        """Return the samples at the given rows."""
        label = None if self.label is None else self.label[rows]
        group = None if self.group is None else self.group[rows]
        name = None if self.name is None else self.name[rows]
        conditions = {name: values[rows] for name, values in self.conditions.items()}
        taken = replace(self, x=self.x[rows], sample_id=self.sample_id[rows], rescaled=None)
        return replace(taken, label=label, conditions=conditions, group=group, name=name)

    def class_names(self) -> dict[int, str]:
        """Return what classes are called, by label, where they are the folders that samples are in; else nothing."""
        if self.label is None or self.name is None or not any("/" in name for name in self.name):
            return {}
        folders: dict[int, set[str]] = {}
        for label, name in zip(self.label.tolist(), self.name, strict=True):
            folders.setdefault(label, set()).add(name.rpartition("/")[0])
        return {label: (*found,)[0] or LOOSE for label, found in folders.items() if len(found) == 1}

    def natural(self) -> NDArray[np.float64]:
        """Return x in natural units, float64 (n, *shape); as it is where the scale is unknown."""
        return self.x.astype(np.float64) if self.scale is None else self.scale.decode(self.x)


@dataclass(frozen=True)
class LazySamples:
    """Samples whose values are read when rows of them are taken: what does not fit into memory at once.

    `known` has everything else (its x has no values), `shape` and `dtype` those of a sample's values, and `read`
    returns the values (rows, *shape) of some rows. Where one of `run` rows is read, all are decompressed, and held
    until others are.
    """

    known: Samples
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[NDArray[np.int64]], NDArray[Any]]
    run: int = field(default=1, kw_only=True)
    rescaled: Callable[[NDArray[np.int64], NDArray[np.int64]], LazySamples] | None = field(
        default=None, kw_only=True, repr=False
    )
    """Returns the same samples, scaled by the values at some rows, and at others where these hardly vary."""

    def __len__(self) -> int:
        return len(self.known)

    @property
    def conditions(self) -> Mapping[str, NDArray[np.floating[Any]]]:
        """What the samples were made for."""
        return self.known.conditions

    @property
    def sample_id(self) -> NDArray[np.int64]:
        """The identity of the samples."""
        return self.known.sample_id

    @property
    def group(self) -> NDArray[np.int64] | None:
        """What the samples belong to."""
        return self.known.group

    @property
    def name(self) -> NDArray[np.object_] | None:
        """What their owner finds the samples by."""
        return self.known.name

    @property
    def scale(self) -> Scale | None:
        """How the values map to natural units."""
        return self.known.scale

    @property
    def notes(self) -> Notes:
        """What was done to the input apart from reading it; rows are noted as they are read."""
        return self.known.notes

    def take(self, rows: NDArray[Any] | slice) -> Samples:
        """Read the samples at the given rows, whose values are those of a sample table: float32."""
        return replace(self.known.take(rows), x=self.read(np.arange(len(self))[rows]))

    def at(self, rows: NDArray[np.int64]) -> LazySamples:
        """Return the samples at the given rows, which are not read yet."""
        return replace(self, known=self.known.take(rows), read=lambda some: self.read(rows[some]), rescaled=None)

    def chunks(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Yield the values of all samples, some rows at a time, each time with the number of the first."""
        rows = max(1, VALUES_AT_ONCE // math.prod(self.shape))
        for start in range(0, len(self), rows):
            yield start, self.read(np.arange(start, min(start + rows, len(self))))


@dataclass(frozen=True)
class MeasuredSamples(LazySamples):
    """Samples whose conditions are not known before they are read; `measured` returns values and conditions of rows."""

    measured: Callable[[NDArray[np.int64]], tuple[NDArray[Any], Mapping[str, NDArray[np.float32]]]]

    def at(self, rows: NDArray[np.int64]) -> LazySamples:
        """Return the samples at the given rows, which are not read yet."""
        known, read = self.known.take(rows), lambda some: self.read(rows[some])
        return replace(self, known=known, read=read, measured=lambda some: self.measured(rows[some]), rescaled=None)

    def take(self, rows: NDArray[Any] | slice) -> Samples:
        """Read the samples at the given rows, and measure them."""
        x, conditions = self.measured(np.arange(len(self))[rows])
        return replace(self.known.take(rows), x=x, conditions=conditions)


def narrowed(
    values: NDArray[np.floating[Any]], like: NDArray[np.floating[Any]] | None = None
) -> NDArray[np.floating[Any]]:
    """Return a condition (n,) in float32, or in float64 where float32 could merge different values of it.

    That is so of whole numbers that are not exact in float32, and of others that it cannot resolve to a millionth of
    their range. `like` is the condition of the real samples: values that are equal there are equal here.
    """
    with np.errstate(over="ignore"):
        short = values.astype(np.float32)
    if (np.rint(values) == values).all():
        exact = bool((short == values).all())
    else:
        spacing, spread = np.spacing(np.abs(short).max()), np.ptp(values)
        exact = bool(spacing <= 1e-6 * spread or spread == 0) if like is None else like.dtype == np.float32
    return short if exact else values.astype(np.float64)


def flatten(x: NDArray[Any]) -> NDArray[Any]:
    """Return samples x (n, *shape) as rows (n, values), also when there are none."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def vectors(rows: Rows) -> NDArray[Any]:
    """Read all samples of a population as rows (n, values)."""
    return flatten(rows.whole().x)


def check(samples: Samples, where: str, first: int = 0) -> Samples:
    """Return the samples, or raise UserError naming the first row that breaks the contract of sample tables.

    first: the number of the first row, where the samples are some of a table.
    """
    if samples.x.ndim < 2 or 0 in samples.x.shape[1:]:
        raise UserError(f"{where}: column x has shape {samples.x.shape[1:]}; a sample needs at least one value")
    finite = np.isfinite(flatten(samples.x)).all(axis=1)
    if not finite.all():
        row = first + int(np.argmin(finite))
        raise UserError(f"{where}: column x, row {row}: NaN or infinite; remove or repair the sample")
    return check_ids(samples, where)


def check_ids(samples: Samples, where: str) -> Samples:
    """Return the samples, or raise UserError naming a sample_id that is there twice."""
    ids, counts = np.unique(samples.sample_id, return_counts=True)
    if (counts > 1).any():
        raise UserError(f"{where}: column sample_id: {ids[counts > 1][0]} appears twice; every sample needs its own")
    return samples


def part_rows(samples: int, part: int, parts: int) -> slice:
    """Return the rows of a part: whole blocks, so that a block never depends on the number of parts."""
    blocks = -(-samples // BLOCK)
    return slice(min(part * blocks // parts * BLOCK, samples), min((part + 1) * blocks // parts * BLOCK, samples))


def by_block(apply: Callable[[NDArray[Any]], NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
    """Apply a map to x (n, ...) block by block: the result for a sample depends only on those in its block.

    Products of matrices differ in the last bit with the number of rows, so the blocks must not depend on the parts.
    """
    return np.concatenate([apply(x[start : start + BLOCK]) for start in range(0, max(1, len(x)), BLOCK)])


def by_row(message: str) -> str:
    """Return a message with the row of a generated sample in the place of its sample_id, which no user has seen."""
    return re.sub(r"\bsample (\d{10,})", lambda found: f"sample {int(found[1]) % ROWS_PER_POPULATION}", message)


def generated_ids(population: str, rows: range) -> NDArray[np.int64]:
    """Return the sample_id of generated rows: a block per population, clear of the real samples' 0, 1, 2..."""
    block = 1 + int.from_bytes(hashlib.sha256(population.encode()).digest()[:8], "big") % 9_000_000_000
    return np.arange(rows.start, rows.stop, dtype=np.int64) + block * ROWS_PER_POPULATION


def rows_in_file(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows, counted from 0, of samples in what they were read from, or in their population: (n,)."""
    return ids % ROWS_PER_POPULATION


def rows_of(known: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows at which the known sample_id hold the given ones, all of which they have."""
    order = np.argsort(known)
    return order[np.searchsorted(known, ids, sorter=order)]


RUN = 64  # rows that stand for a population come in runs, to read few row groups


def spread_rows(n: int, count: int, run: int = RUN) -> NDArray[np.int64]:
    """Return about `count` of n rows, ascending, or all: evenly spaced runs, as files are often sorted."""
    if count >= n:
        return np.arange(n)
    run = min(run, count)
    starts = np.linspace(0, n - run, -(-count // run)).astype(np.int64)
    return np.unique(starts[:, None] + np.arange(run))


def rows_to_compare(n: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the rows of n real samples of a shape with which a user's are compared: all, or 16 MiB in eight runs."""
    count = max(1, VALUES_AT_ONCE // math.prod(shape))
    return spread_rows(n, count, max(1, count // 8))


class Rows(Protocol):
    """Samples that are read a few rows at a time (`storage.samples.SampleRows`); `where` they are, for messages."""

    where: str

    def __len__(self) -> int: ...

    def chunks(self, rows: slice, without_x: bool = False) -> Iterator[Samples]:
        """Yield the samples of the rows, at least once."""
        ...

    def whole(self) -> Samples:
        """Read all samples: what fits into memory at once."""
        ...


class SampleTable(Rows, Protocol):
    """Samples that are taken by their rows, too: in files (`storage.samples.SampleRows`) or in memory (`HeldRows`)."""

    def take(self, rows: NDArray[np.int64]) -> Samples:
        """Return the samples at the given rows, in their order."""
        ...

    def identities(self) -> Samples:
        """Return sample_id, label and conditions of all samples; x has no values."""
        ...

"""Samples that a user has generated elsewhere, as a population of the study: checked against its real samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.comparison.exact import keys
from gancensus.comparison.units import compare
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import UserProvided
from gancensus.contracts.samples import (
    PREPROCESSED,
    VALUES_AT_ONCE,
    LazySamples,
    MeasuredSamples,
    Notes,
    Samples,
    SampleTable,
    generated_ids,
    narrowed,
    rows_to_compare,
    spread_rows,
)
from gancensus.contracts.scales import scale_like
from gancensus.plotting import numbers
from gancensus.storage.imagefiles import COMPOSITED
from gancensus.storage.user_arrays import check_finite

SHOWN = 3  # columns that a message names
COLOURED = 8  # samples that are looked at for colours
LEAST = 64  # samples whose units are compared with those of real ones
DISTINCT = 0.99  # of the held-out samples: where fewer equal no other one, samples are equal by chance
EQUAL = "warning: equal to held-out real samples, as if its file held these"
EQUAL_TRAIN = "warning: equal to held-out real samples, so that copies of these are not told from new samples"


def as_population(generator: UserProvided, like: Samples, population: str) -> LazySamples:
    """Open the user's samples, scaled as the real ones `like` are, with their conditions.

    Raises UserError for another shape, a single sample, and conditions in another unit; when rows are read, for NaN or
    infinite values, and for colours where the real samples are grey.
    """
    path, shape = generator.path, like.shape
    looked = generator.look(like.scale)
    found = looked if isinstance(looked, MeasuredSamples) else _with_channels(path, looked, shape)
    if found.shape != shape:
        raise UserError(
            f"{path}: samples have shape {found.shape}, but the real samples have {shape}; give both the same shape"
        )
    if len(found) < 2:
        raise UserError(f"{path}: {len(found)} sample; a pair needs at least two")
    for name, unit in found.known.units.items():
        if name in like.units and unit not in ("1", like.units[name]):
            raise UserError(
                f"{path}: condition {name} is in {unit}, but that of the real samples in {like.units[name]}; "
                "convert both to the same unit"
            )
    lacking = [name for name in like.conditions if name not in found.conditions]
    if lacking and not isinstance(found, MeasuredSamples):
        are, those = ("are", "those") if len(lacking) > 1 else ("is", "that")
        found.notes.add(
            f"their {numbers.listing(lacking)} {are} not given, though {those} of the real samples {are}: they are "
            "compared with all of these"
        )
    scale = None if generator.scaled else like.scale

    def scaled(x: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        x = check_finite(path, x, rows)
        return np.asarray(x, dtype=np.float32) if scale is None else scale.encode(x)

    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return scaled(found.read(rows), rows)

    known = Samples(
        found.known.x,
        generated_ids(population, range(len(found))),
        None,
        scale_like(like.scale, found),
        {name: narrowed(values, like.conditions.get(name)) for name, values in found.conditions.items()},
        like.units,
        found.notes,
        name=found.name,
    )
    if isinstance(found, MeasuredSamples):
        return _measured(found, known, read, scaled)
    return LazySamples(known, shape, np.dtype(np.float32), read)


def _measured(
    found: MeasuredSamples,
    known: Samples,
    read: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    scaled: Callable[[NDArray[Any], NDArray[np.int64]], NDArray[np.float32]],
) -> MeasuredSamples:
    """Return samples as a population whose conditions are measured when they are read."""

    def measured(rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], Mapping[str, NDArray[np.float32]]]:
        x, conditions = found.measured(rows)
        return scaled(x, rows), conditions

    return MeasuredSamples(known, found.shape, np.dtype(np.float32), read, measured)


def population_of(generator: UserProvided, like: Samples, population: str) -> LazySamples:
    """Return the user's samples as a population, once some of them have been compared with the real ones `like`.

    Raises UserError as `as_population` and `check_units` do.
    """
    samples = as_population(generator, like, population)
    check_units(generator, like, samples, samples.take(rows_for_units(samples)))
    return samples


def population_beside(generator: UserProvided, real: SampleTable, notes: Iterable[str], population: str) -> LazySamples:
    """Return the user's samples as a population, compared with some of the held-out samples; `notes` are about these.

    Samples that equal held-out ones are noted. Raises UserError as `population_of` does.
    """
    shape = next(real.chunks(slice(0, 1))).shape
    like = replace(real.take(rows_to_compare(len(real), shape)), notes=Notes(*notes))
    samples = population_of(generator, like, population)
    return _noting_equal(samples, real.chunks(slice(0, len(real))), EQUAL)


def training_samples(given: UserProvided, real: Samples | LazySamples, holdout: NDArray[np.int64]) -> LazySamples:
    """Return what models elsewhere have learned from, as `train`, compared with some of the held-out rows `holdout`.

    Samples that equal held-out ones are noted. Raises UserError as `population_of` does.
    """
    real.notes.restart()
    like = real.take(holdout[rows_to_compare(len(holdout), real.shape)])
    samples = population_of(given, replace(like, notes=Notes(*like.notes.counts())), "train")
    step = max(1, VALUES_AT_ONCE // prod(real.shape))
    pieces = (real.take(holdout[start : start + step]) for start in range(0, len(holdout), step))
    return _noting_equal(samples, pieces, EQUAL_TRAIN)


def _noting_equal(samples: LazySamples, holdout: Iterable[Samples], note: str) -> LazySamples:
    """Return samples that note, when they are read, which of them equal held-out ones.

    They do not where these often equal each other, as rows with few values do: then it is no sign of anything.
    """
    found = Counter(key for some in holdout for key in keys(some))
    once = {key for key, times in found.items() if times == 1}
    if len(once) < DISTINCT * found.total():
        return samples

    def noted(x: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        equal = rows[[key in once for key in keys(replace(samples.known.take(rows), x=x))]]
        if len(equal):
            samples.notes.add(note, equal)
        return x

    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return noted(samples.read(rows), rows)

    if not isinstance(samples, MeasuredSamples):
        return replace(samples, read=read)

    def measured(rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], Mapping[str, NDArray[np.float32]]]:
        x, conditions = samples.measured(rows)
        return noted(x, rows), conditions

    return replace(samples, read=read, measured=measured)


def _with_channels(path: Path, found: LazySamples, shape: tuple[int, ...]) -> LazySamples:
    """Return images with as many channels as the real ones have: grey ones may be stored with none, one or three."""
    image = shape[:2]
    grey = (image, (*image, 1))
    if len(image) < 2 or found.shape == shape or not {found.shape, shape} <= {*grey, (*image, 3)}:
        return found

    def read(rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        x = found.read(rows).reshape(len(rows), *image, -1)
        return x, (x != x[..., :1]).any(axis=(1, 2, 3)) & np.isfinite(x).all(axis=(1, 2, 3))

    def one_channel(rows: NDArray[np.int64]) -> NDArray[Any]:
        x, coloured = read(rows)
        if coloured.any():
            raise UserError(f"{path}: sample {rows[np.argmax(coloured)]} has colours, {but}")
        return x[..., :1]

    but = f"but the real samples are grey, of shape {shape}; make both grey or both coloured"
    if shape in grey and found.shape not in grey and _all_coloured(read, len(found)):
        raise UserError(f"{path}: samples have colours, {but}")
    if shape in grey:
        found.notes.add("grey: read as one channel, as the real samples have one")
        return replace(found, shape=shape, read=lambda rows: one_channel(rows).reshape(-1, *shape))
    found.notes.add("grey: read as three equal channels, as the real samples have three")
    return replace(found, shape=shape, read=lambda rows: one_channel(rows).repeat(3, axis=3))


def _all_coloured(read: Callable[[NDArray[np.int64]], tuple[NDArray[Any], NDArray[np.bool_]]], count: int) -> bool:
    """Say whether some samples all have colours; no, where one is damaged, which is said when all are read."""
    try:
        return bool(read(np.unique(np.linspace(0, count - 1, COLOURED).astype(np.int64)))[1].all())
    except UserError:
        return False


def rows_for_units(found: LazySamples) -> NDArray[np.int64]:
    """Return the rows of samples, ascending, whose units are compared with those of real ones: all, or four runs."""
    count = max(LEAST, VALUES_AT_ONCE // prod(found.shape))
    return spread_rows(len(found), count, count // 4)


def check_units(generator: UserProvided, like: Samples, found: LazySamples, some: Samples) -> None:
    """Note where the units or the background of samples may differ from the real ones'; `some`: `rows_for_units`.

    Raises UserError where they certainly do.
    """
    findings = list(compare(like, replace(some, scale=like.scale)))
    wrong = [finding.text for finding in findings if finding.certain]
    if wrong and not generator.same_units:
        raise UserError(
            f"{generator.path}: {_some(wrong)}; convert both to the same units, or, if they are the same, write "
            "`same_units: true` under the generator"
        )
    if findings:
        found.notes.add(f"warning: {_some([finding.text for finding in findings])}; are both in the same units?")
    composited = set(COMPOSITED.values())
    if composited.intersection(like.notes.counts()) and not composited.intersection(found.notes.counts()):
        found.notes.add(
            "warning: the real images are composited where they are transparent, these are transparent nowhere; is "
            "their background the same? (`background` of the source)"
        )
    steps = [note.removeprefix(PREPROCESSED) for note in like.notes.counts() if note.startswith(PREPROCESSED)]
    if steps and generator.reading is None:
        found.notes.add(
            f"warning: the source preprocesses the real samples ({steps[0]}), but these are taken as they are; if they "
            "are not preprocessed alike, use kind jets-hdf5"
        )


def _some(texts: Sequence[str]) -> str:
    """Join the first of some texts, and say how many more there are."""
    more = [f"{len(texts) - SHOWN} more column{'s' * (len(texts) > SHOWN + 1)}"] if len(texts) > SHOWN else []
    return "; ".join([*texts[:SHOWN], *more])

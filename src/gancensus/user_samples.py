"""Samples that a user has generated elsewhere, as a population of the study: checked against its real samples."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from gancensus.columns import scale_like
from gancensus.errors import UserError
from gancensus.files import check_finite
from gancensus.generators import Brought
from gancensus.samples import CHUNK, Samples, Unread, generated_ids, narrowed
from gancensus.units import compare

LEAST = 64  # samples whose units are compared with those of real ones


def as_population(generator: Brought, like: Samples, population: str) -> Unread:
    """Look at the user's samples, scaled as the real ones `like` are, with their conditions; read some for their units.

    Raises UserError for another shape, a single sample, NaN or infinite values, and other units than the real ones'.
    """
    path, found, shape = generator.path, generator.look(like.scale), like.shape
    if found.shape != shape:
        raise UserError(
            f"{path}: samples have shape {found.shape}, but the real samples have {shape}; bring both to one shape"
        )
    if len(found) < 2:
        raise UserError(f"{path}: {len(found)} sample; a pair needs at least two")
    for name, unit in found.known.units.items():
        if name in like.units and unit not in ("1", like.units[name]):
            raise UserError(
                f"{path}: condition {name} is in {unit}, but that of the real samples in {like.units[name]}; bring "
                "both to the same unit"
            )
    scale = None if generator.scaled else like.scale

    def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        x = check_finite(path, found.read(rows), rows)
        return np.asarray(x, dtype=np.float32) if scale is None else scale.encode(x)

    known = Samples(
        found.known.x,
        generated_ids(population, range(len(found))),
        None,
        scale_like(like.scale, found),
        {name: narrowed(values, like.conditions.get(name)) for name, values in found.conditions.items()},
        like.units,
        found.notes,
    )
    population_ = Unread(known, shape, np.dtype(np.float32), read)
    _check_units(generator, like, population_)
    return population_


def _check_units(generator: Brought, like: Samples, found: Unread) -> None:
    """Refuse samples that are certainly in other units than the real ones; note where they may be."""
    rows = np.unique(np.linspace(0, len(found) - 1, max(LEAST, CHUNK // prod(found.shape))).astype(np.int64))
    findings = list(compare(like, replace(found.take(rows), scale=like.scale)))
    wrong = [finding.text for finding in findings if finding.certain]
    if wrong and not generator.same_units:
        lines = "".join(f"\n  {text}" for text in wrong[1:])
        raise UserError(
            f"{generator.path}: {wrong[0]}{lines}; bring both to the same units, or, if they are, write "
            "`same_units: true` under the generator"
        )
    for finding in findings:
        found.notes.add(f"warning: {finding.text}; are both in the same units?")

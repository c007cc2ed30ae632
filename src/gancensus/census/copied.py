"""Copies of training samples by one definition of duplicates: the test, its power, and what describes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from gancensus.census.measured import LEVEL, Compared, Measured
from gancensus.comparison import copies
from gancensus.comparison.exact import exact
from gancensus.comparison.nearest import Beside, Beyond, authenticity, data_copying, low_quantile
from gancensus.contracts.metric import Features
from gancensus.contracts.samples import Samples
from gancensus.search.near import PILOT
from gancensus.search.pairs import Side, take
from gancensus.storage.samples import SampleRows

IntArray = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

COPIES = (0.0, 0.5)  # noise of copies that would have been found, in median distances to the nearest real sample


def rows_of_copies(
    measured: Measured,
    compared: Compared,
    real: Sequence[Side],
    permutations: int,
    rng: np.random.Generator,
    level: float,
    device: str,
) -> list[dict[str, Any]]:
    """Return what a definition says of copies: the test, what it would have found, and numbers that describe them.

    Args:
        measured: by the definition.
        compared: of which the generated samples are looked for.
        real: all of `train`, and all of `holdout`.
        permutations: of the labels.
        rng: draws them.
        level: of the test.
        device: where matrices are multiplied.
    """
    distance, (train, other) = measured.distance, real
    sizes, generated = [side.blocks[-1].stop for side in real], compared.sizes[2]
    nearest = partial(distance.nearest, radius=measured.radii.wide, device=device)
    ranks = copies.Ranks.draw(generated, sum(sizes), rng)
    by_train = nearest(compared.generated, train, rank=ranks.of)
    by_other = nearest(compared.generated, other, rank=lambda i, j: ranks.of(i, j + sizes[0]))
    nearest_real = copies.nearer(by_train, by_other, sizes[0], ranks)
    found = copies.copying(nearest_real, sizes[0], sum(sizes), permutations, rng)
    some = [take(feature, slice(PILOT)) for feature in compared.calibrate]
    equal = distance.equal(some, train, device) + distance.equal(some, other, device)
    twins = float(np.mean(equal / (1 + equal)))
    least = copies.detectable(nearest_real, sizes[0], sum(sizes), rng, COPIES, level, twins)
    of = f"{found.in_train} of the {found.nearest} nearest to real samples are nearest to train"
    rows: list[dict[str, Any]] = [
        {"statistic": "copies", "value": found.share, "score": found.z, "p": found.p, "of": of}
    ]
    for noise, number in least.items():
        rows.append({"statistic": f"detectable {noise:g}", "value": None if number is None else number / generated})
    held = nearest(compared.holdout, train, rank=copies.Ranks.draw(compared.sizes[1], sizes[0], rng).of)
    rows += _beside(nearest, train, by_train, held)
    return [{"question": "copies", "samples": generated, "others": sum(sizes)} | row for row in rows]


Found = tuple[IntArray, Floats]
"""The nearest sample of each of some, and how far it is."""


def _beside(nearest: Callable[..., Found], train: Side, generated: Found, holdout: Found) -> list[dict[str, Any]]:
    """Return what distances to the nearest sample of `train` say, beside those of held-out samples."""
    known = np.unique(np.concatenate([generated[0], holdout[0]]))
    known = known[known >= 0]
    others = np.append(nearest(_rows(train, known), train, itself=known)[1], -inf)  # the last: where none is near
    made, real = (
        Beyond(far, others[np.where(at < 0, -1, np.searchsorted(known, at))]) for at, far in (generated, holdout)
    )
    return [
        _described("C_T", data_copying(made.distance, real.distance, LEVEL)),
        _described("authenticity", authenticity(made, real, LEVEL)),
        _described("nearest_5", low_quantile(made.distance, real.distance, 0.05, LEVEL)),
    ]


def _described(statistic: str, beside: Beside) -> dict[str, Any]:
    """Return the row of a number of generated samples beside that of held-out ones."""
    null = zip(("null", "null_low", "null_high"), beside.null, strict=True)
    return {"statistic": statistic, **beside.value._asdict(), **dict(null)}


def _rows(side: Side, rows: IntArray) -> list[Features]:
    """Return the features of some rows, ascending, of which a block is held at a time."""
    blocks = [(block, rows[(rows >= block.start) & (rows < block.stop)] - block.start) for block in side.blocks]
    parts = [
        [take(feature, some) for feature in side.read(block)] for block, some in blocks if len(some) or not block.start
    ]
    return [tuple(np.concatenate(arrays) for arrays in zip(*same, strict=True)) for same in zip(*parts, strict=True)]


def row_of_exact(generated: Samples, train: SampleRows, holdout: SampleRows) -> dict[str, Any]:
    """Return the row of generated samples that equal real ones."""
    known, other = (side.chunks(slice(0, len(side))) for side in (train, holdout))
    found = exact(generated, known, other, LEVEL)
    return {
        "question": "copies",
        "statistic": "exact",
        **found.share._asdict(),
        "null": found.null,
        "score": found.score,
        "p": found.p,
        "of": f"{found.in_train} are equal to samples of train, {found.in_holdout} to samples of holdout",
        "samples": len(generated),
        "others": len(train) + len(holdout),
    }

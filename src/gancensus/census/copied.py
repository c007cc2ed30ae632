"""Copies of training samples by one definition of duplicates: the test, its power, and what describes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from gancensus.contracts.samples import Samples, SampleTable
from gancensus.search.near import PILOT, Nearest
from gancensus.search.pairs import Side, joined, take

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
    train, other = real
    sizes, (_, holdout, generated) = [side.blocks[-1].stop for side in real], compared.sizes
    nearest = partial(measured.distance.nearest, radius=measured.radii.farthest, device=device)
    some = [take(feature, slice(PILOT)) for feature in compared.calibrate]
    pilot = len(some[0][0])
    ranks = copies.Ranks.draw(generated + pilot + holdout, sum(sizes), rng)
    # together, since the features of `train` may take longer than the search
    asked = joined([compared.generated, some, compared.holdout])
    by_train = nearest(asked, train, rank=ranks.of)
    asked = joined([compared.generated, some])
    by_other = nearest(asked, other, rank=lambda i, j: ranks.of(i, j + sizes[0]))
    made, real_ones, held = slice(generated), slice(generated, generated + pilot), slice(generated + pilot, None)
    nearest_real = copies.nearer(by_train.of(made)[:2], by_other.of(made)[:2], sizes[0], ranks)
    found = copies.copying(nearest_real, sizes[0], sum(sizes), permutations, rng)
    equal = by_train.equal[real_ones] + by_other.equal[real_ones]
    twins = float(np.mean(equal / (1 + equal)))
    least = copies.detectable(nearest_real, sizes[0], sum(sizes), rng, COPIES, level, twins)
    of = f"{found.in_train} of the {found.nearest} nearest to real samples are nearest to train"
    rows: list[dict[str, Any]] = [
        {"statistic": "copies", "value": found.share, "score": found.z, "p": found.p, "of": of}
    ]
    for noise, number in least.items():
        rows.append({"statistic": f"detectable {noise:g}", "value": None if number is None else number / generated})
    rows += _beside(nearest, train, by_train.of(made), by_train.of(held))
    return [{"question": "copies", "samples": generated, "others": sum(sizes)} | row for row in rows]


def _beside(nearest: Callable[..., Nearest], train: Side, generated: Nearest, holdout: Nearest) -> list[dict[str, Any]]:
    """Return what distances to the nearest sample of `train` say, beside those of held-out samples."""
    known = np.unique(np.concatenate([generated.row, holdout.row]))
    known = known[known >= 0]
    far = nearest(_rows(train, known), train, itself=known).distance
    others = np.append(far, -inf)  # the last: where none is near
    made, real = (
        Beyond(side.distance, others[np.where(side.row < 0, -1, np.searchsorted(known, side.row))])
        for side in (generated, holdout)
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
    return joined(parts)


def row_of_exact(generated: Iterable[Samples], count: int, train: SampleTable, holdout: SampleTable) -> dict[str, Any]:
    """Return the row of generated samples, so many, that equal real ones."""
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
        "samples": count,
        "others": len(train) + len(holdout),
    }

"""Independent experiments at once: which points belong to which, and which of them are learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError

REPETITION = "repetition"  # the condition that numbers the experiments


def first_points(
    repetition: NDArray[Any], sample_id: NDArray[np.int64], size: int, where: str
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the repetitions (R,), ascending, and the rows (R, size) of the first points of each, by sample_id.

    Args:
        repetition: (n,), of each point.
        sample_id: (n,), of each point.
        size: points of each repetition.
        where: what the points are, or what needs them, for messages.

    Raises:
        UserError: a repetition has fewer points, or there are none.
    """
    repetitions, counts = np.unique(repetition, return_counts=True)
    if not len(counts) or counts.min() < size:
        least, fewest = (repetitions[counts.argmin()], counts.min()) if len(counts) else (0, 0)
        raise UserError(
            f"{where}: {fewest} training points of repetition {least:.0f}, and {size} are learned from; lower "
            "`train_size`, give the source more `samples` or fewer repetitions, or let `splits` give more to train"
        )
    starts = np.cumsum(counts) - counts
    return repetitions, np.lexsort((sample_id, repetition))[starts[:, None] + np.arange(size)]

"""Thresholds: how close is 'the same', learned from real samples."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.errors import UserError


def quantile(distances: NDArray[Any], alpha: float) -> float:
    """Return the exact alpha-quantile of all distances: the smallest t with share(distances <= t) >= alpha.

    It is one of the distances, so that `distance <= t` is true of ceil(alpha * pairs) pairs, more only when tied.
    Raises UserError when fewer than one pair is expected below it: the quantile would say nothing.
    """
    expected = alpha * len(distances)  # 0.1 * 30 is 3.0000000000000004, and 1 / 49 * 49 is 0.9999999999999999
    if expected < 1 - 1e-9:
        raise UserError(
            f"alpha {alpha} of the {len(distances)} pairs of `calibrate` is less than one pair; "
            "raise alpha or give `calibrate` more samples"
        )
    rank = math.ceil(expected * (1 - 1e-12))
    return float(np.partition(distances, rank - 1)[rank - 1])

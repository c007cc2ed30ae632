"""Handwritten digits, 8 x 8 pixels."""

from typing import ClassVar, Literal

import numpy as np

from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.source import Source


class Digits(Source):
    """1,797 handwritten digits of 8 x 8 pixels with 17 grey levels, 10 classes, from scikit-learn.

    Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI (1998); the test set of that collection.
    """

    kind: Literal["digits"] = "digits"
    tabular: ClassVar[bool] = False

    def load(self, seed: int) -> Samples:
        """Return x (1797, 8, 8) in [-1, 1] and the digit as label."""
        from sklearn.datasets import load_digits

        data = load_digits()
        scale = Scale(names=("intensity",), units=("1",), low=(0.0,), high=(16.0,))
        ids = np.arange(len(data.images), dtype=np.int64)
        return Samples(scale.encode(data.images), ids, data.target.astype(np.int32), scale)

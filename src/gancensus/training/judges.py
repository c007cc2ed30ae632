"""The networks that an analysis asks: discriminators of generators that were trained here, and encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.analysis import Judge
from gancensus.contracts.encoder import Encoder, FittedEncoder
from gancensus.contracts.generator import Generator
from gancensus.contracts.samples import Rows
from gancensus.storage.models import read_model
from gancensus.training.loop import architecture


def judges_of(generators: Mapping[str, Generator], models: Sequence[Path]) -> dict[str, Judge]:
    """Return the judge of each population; none where an analysis is given no models, because it asks none.

    Args:
        generators: of each population.
        models: those of the populations whose generator has a discriminator to ask, in the same order.
    """
    asked = [population for population, generator in generators.items() if generator.discriminates] if models else []
    return {name: partial(_judged, generators[name], model) for name, model in zip(asked, models, strict=True)}


def networks_of(encoders: Mapping[str, Encoder], models: Sequence[Path], train: Rows) -> dict[str, FittedEncoder]:
    """Return encoders with the weights that they have learned, on the CPU, as judges are.

    Args:
        encoders: by name.
        models: theirs, in the same order.
        train: what they have learned from; its samples have the shape that they need.
    """
    if not encoders:
        return {}
    shape = next(train.chunks(slice(0, 1))).shape
    asked = zip(encoders.items(), models, strict=True)
    return {name: FittedEncoder(one, read_model(path, architecture(one, shape))) for (name, one), path in asked}


def _judged(generator: Generator, model: Path, x: NDArray[Any]) -> NDArray[np.float64]:
    """Return what the discriminator of a model says about samples x (n, *shape), on the CPU: no rule asks for more."""
    return generator.judge(read_model(model, architecture(generator, x.shape[1:])), x, "cpu")

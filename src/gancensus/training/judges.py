"""The judges of samples: the discriminators of models that were trained here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.analysis import Judge
from gancensus.contracts.generator import Generator
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


def _judged(generator: Generator, model: Path, x: NDArray[Any]) -> NDArray[np.float64]:
    """Return what the discriminator of a model says about samples x (n, *shape), on the CPU: no rule asks for more."""
    return generator.judge(read_model(model, architecture(generator, x.shape[1:])), x, "cpu")

"""Samples of a trained generator, block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Trained
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import BLOCK, Samples, generated_ids


def draw(
    generator: Trained,
    weights: Mapping[str, NDArray[Any]],
    like: Samples,
    shape: tuple[int, ...],
    rows: slice,
    population: str,
    study: str,
    seed: int,
    device: str,
) -> Samples:
    """Draw some rows of a population, with sample_ids that are unique in the study.

    Each block has its own random numbers, so that the parts change no value. Conditions are those of `like` in random
    order, and again from its beginning where there are too few. Classes, of a generator that knows any, are its own.

    Args:
        generator: what was trained.
        weights: by name.
        like: held-out real samples: their conditions and their scale; x needs no values.
        shape: of a sample.
        rows: those of a part: they begin with a block.
        population: its name, from which its random numbers derive.
        study: the name of the study, likewise.
        seed: that of the configuration.
        device: where the network runs.

    Raises:
        UserError: more samples are asked for than there are conditions, and each can be used once.
    """
    if generator.once and generator.samples > len(like):
        raise UserError(
            f"generator {generator.kind}: asks for {generator.samples} samples under the conditions of "
            f"holdout, which has {len(like)}; lower `samples`, or enlarge `holdout` in `splits`"
        )
    known = like.take(derive_rng(seed, study, "conditions").permutation(len(like)))
    blocks, labels = [np.empty((0, *shape), dtype=np.float32)], []
    for start in range(rows.start, max(rows.stop, rows.start + 1), BLOCK):  # without rows, a block of none
        some = np.arange(start, min(start + BLOCK, rows.stop))
        rng = derive_rng(seed, study, "generate", population, start // BLOCK)
        noise = generator.noise(len(some), known.take(some % len(known)).conditions, rng)
        labels.append(generator.labels(weights, noise))
        if len(some):
            blocks.append(generator.generate(weights, noise, shape, device))
    numbers = range(rows.start, rows.stop)
    ids, x = generated_ids(population, numbers), np.concatenate(blocks)
    known_labels = [label for label in labels if label is not None]
    label = np.concatenate(known_labels) if known_labels else None
    if not generator.conditional:
        return Samples(x, ids, label, like.scale)
    conditions = known.take(np.array(numbers, dtype=np.int64) % len(known)).conditions
    return Samples(x, ids, label, like.scale, conditions, known.units)

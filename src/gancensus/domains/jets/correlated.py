"""The distances that are correlated: between jets of a population, in pixels, in layers, and by optimal transport."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.encoder import FittedEncoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows, Samples, flatten
from gancensus.domains.jets import correlation as science
from gancensus.domains.jets.correlation import IMAGE, LATENT, RECONSTRUCTION, Layer
from gancensus.domains.jets.distances import within
from gancensus.domains.jets.metric_emd import Emd
from gancensus.domains.jets.networks import networks
from gancensus.statistics import pair_correlation as pairs

Floats = NDArray[np.float64]
Rng = Callable[[str], np.random.Generator]

FEWEST = 10  # jets
PERMUTATIONS = 200
BINS = 40


class Asked(NamedTuple):
    """Jets, and the transport distances that are asked for."""

    jets: Samples
    images: Samples
    """The jets in natural units."""
    p: Sequence[float]
    metrics: Sequence[Emd]

    @classmethod
    def of(
        cls, rows: Rows, label: int | None, count: int, rng: np.random.Generator, p: Sequence[float], width: float
    ) -> Asked:
        """Take up to so many random jets of a class; None: of all classes.

        Raises UserError where there are too few, or samples are not images of a weight above 0.
        """
        known = rows_of_class(rows, label)
        if len(known) < FEWEST:
            of = "" if label is None else f" of class {label}"
            raise UserError(f"{rows.where}: {len(known)} jets{of} are too few to correlate; {FEWEST} are needed")
        jets = _read(rows, np.sort(rng.choice(known, min(count, len(known)), replace=False)))
        if len(jets.shape) != 2:
            raise UserError(f"{rows.where}: samples have the shape {jets.shape}; correlation compares images (H, W)")
        images = _natural(jets, jets.x)
        empty = images.x.sum(axis=(1, 2)) <= 0
        if empty.any():
            raise UserError(f"{rows.where}: sample {jets.sample_id[empty][0]} is an empty image; leave it out")
        return cls(jets, images, p, [Emd(alpha=0.5, p=power, width=width) for power in p])

    def transport(self) -> dict[science.Target, Floats]:
        """Return the distances (n, n) between all jets."""
        return science.targets(self.p, [within(one, one.features(self.images), threads=1) for one in self.metrics])

    def restored(self, model: FittedEncoder) -> tuple[Floats, dict[science.Target, Floats]]:
        """Return the MSE (n,) between the jets and what a model restores of them, and the transport distances.

        Values below 0 have no weight; an image without any is infinitely far.
        """
        found = model.encoder.restore(model.weights, self.jets.x, model.device)
        images = _natural(self.jets, found)
        squares = np.square(flatten(images.x.astype(np.float64) - self.images.x)).sum(axis=1)
        positive = Samples(np.maximum(images.x, 0), images.sample_id)
        rows = np.arange(len(self.jets))
        costs = [m.exact(m.features(self.images), m.features(positive), rows, rows, math.inf) for m in self.metrics]
        return squares, science.targets(self.p, costs)

    def image_layers(self) -> Iterator[tuple[Layer, Floats]]:
        """Yield the root of the MSE between all jets, and the MSE."""
        distance = _euclidean(self.images.x)
        yield Layer(None, IMAGE, False), distance
        yield Layer(None, IMAGE, True), np.square(distance)

    def layers(self, models: Mapping[str, FittedEncoder]) -> Iterator[tuple[Layer, Floats]]:
        """Yield the distances (n, n) between all jets in every layer of the models; UserError of what is not finite."""
        for name, (encoder, weights, device) in models.items():
            for layer, x in encoder.layers(weights, self.jets.x, device).items():
                if not np.isfinite(x).all():
                    raise UserError(f"encoder {name}: its layer {layer} of {len(x)} jets is not finite; train it again")
                yield Layer(name, layer, False), _euclidean(x)


def rows_of_class(rows: Rows, label: int | None) -> NDArray[np.int64]:
    """Return the numbers of the rows of a class; None: of all. Raises UserError where samples have no labels."""
    if label is None:
        return np.arange(len(rows))
    labels = [some.label for some in rows.chunks(slice(0, len(rows)), without_x=True)]
    known = [some for some in labels if some is not None]
    if len(known) < len(labels):
        raise UserError(f"{rows.where}: samples have no labels, so that `label: {label}` chooses none; leave it out")
    return np.flatnonzero(np.concatenate(known) == label)


def correlated(asked: Asked, models: Mapping[str, FittedEncoder], resamples: int, rng: Rng) -> list[dict[str, Any]]:
    """Return the rows of the table `correlation`."""
    n = len(asked.jets)
    counts = pairs.resamples(n, resamples, rng("bootstrap"))
    order = pairs.orders(n, PERMUTATIONS, rng("permutations"))
    found = science.measure(chain(asked.image_layers(), asked.layers(models)), asked.transport(), counts, order)
    for name, model in models.items():
        squares, costs = asked.restored(model)
        kept = np.all([np.isfinite(cost) for cost in costs.values()], axis=0)
        if kept.sum() >= FEWEST:
            distances = {False: np.sqrt(squares[kept]), True: squares[kept]}
            layers = [(Layer(name, RECONSTRUCTION, squared), each) for squared, each in distances.items()]
            against = {target: cost[kept] for target, cost in costs.items()}
            found |= science.measure(layers, against, *science.among(kept, counts, order))
    return science.table(found, networks({name: model.encoder for name, model in models.items()}))


def binned(asked: Asked, models: Mapping[str, FittedEncoder]) -> list[dict[str, Any]]:
    """Return the rows of the table `pairs`: MSE, and latent vectors of the first training of each network."""
    nets = {one.encoders[0]: one.name for one in networks({name: model.encoder for name, model in models.items()})}
    against = {target: cost for target, cost in asked.transport().items() if not target.root}
    above = np.triu_indices(len(asked.jets), 1)
    spaces = [(layer, each) for layer, each in asked.image_layers() if layer.squared]
    first = {name: models[name] for name in nets}
    spaces += [(layer, each) for layer, each in asked.layers(first) if layer.name == LATENT]
    found: list[dict[str, Any]] = []
    for (encoder, layer, squared), distances in spaces:
        about = {"encoder": encoder, "layer": layer, "squared": squared, "network": encoder and nets[encoder]}
        for target, cost in against.items():
            x, y = distances[above], cost[above]
            defined = np.ptp(x) > 0 and np.ptp(y) > 0
            pearson = float(np.corrcoef(x, y)[0, 1]) if defined else None
            some = {**about, **target._asdict(), "pearson": pearson}
            found += [{**some, **row} for row in _histogram(x, y)]
    return found


def _histogram(x: Floats, y: Floats) -> Iterator[dict[str, Any]]:
    """Yield the bins that are not empty."""
    counts, across, up = np.histogram2d(x, y, BINS, [(0, max(x.max(), 1e-300)), (0, max(y.max(), 1e-300))])
    for i, j in np.argwhere(counts):
        yield {
            "distance_low": across[i],
            "distance_high": across[i + 1],
            "transport_low": up[j],
            "transport_high": up[j + 1],
            "pairs": int(counts[i, j]),
        }


def _read(rows: Rows, chosen: NDArray[np.int64]) -> Samples:
    """Return the samples at some rows, ascending, a row group at a time."""
    found, start = [], 0
    for some in rows.chunks(slice(0, len(rows))):
        here = chosen[(chosen >= start) & (chosen < start + len(some))]
        found.append(some.take(here - start))
        start += len(some)
    x, sample_id = (np.concatenate([getattr(one, name) for one in found]) for name in ("x", "sample_id"))
    return Samples(x, sample_id, scale=found[0].scale)


def _natural(samples: Samples, x: NDArray[Any]) -> Samples:
    """Return images x in natural units."""
    natural = x if samples.scale is None else samples.scale.decode(x)
    return Samples(np.asarray(natural, dtype=np.float32), samples.sample_id)


def _euclidean(x: NDArray[Any]) -> Floats:
    """Return the Euclidean distances (n, n) between all of x (n, ...)."""
    from scipy.spatial.distance import pdist, squareform  # slow to import

    return np.asarray(squareform(pdist(flatten(x).astype(np.float64))))

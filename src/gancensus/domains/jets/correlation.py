"""How closely distances between jets follow the optimal transport between them: in pixels, and in a network's layers.

Correlations over all pairs of some jets, beside the numbers of R. K. Mishra's talk 'Jet metrics and autoencoders'
(ML4Jets 2021): work in progress of Fraser, Homiller, Mishra, Ostdiek & Schwartz, arXiv:2110.06948.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.domains.jets.networks import Network, by_loss, deeper
from gancensus.statistics import pair_correlation as pairs
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.spread import Chance, Spread, with_chances

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Row = dict[str, Any]

IMAGE, LATENT, RECONSTRUCTION = "image", "latent", "reconstruction"
PIXELS = "root of the MSE"  # what layers are compared with
DEEPER, SHALLOW, LOSS = "more blocks", "one block", "loss"
NOTHING = Estimate(None, None, None)
PERFECT = 1 - 1e-15  # the largest correlation whose inverse hyperbolic tangent is finite
PUBLISHED = {
    (IMAGE, None, 1.0): 0.44,
    (IMAGE, None, 0.5): 0.55,
    (LATENT, 1, 0.5): 0.68,
    (LATENT, 2, 0.5): 0.76,
    (LATENT, 3, 0.5): 0.79,
    (LATENT, 3, 1.0): 0.70,
}
"""Pearson correlations of Mishra's talk by layer, blocks and p: MSE of images, latent vectors after training by MSE."""


class Layer(NamedTuple):
    """Where a distance is measured."""

    encoder: str | None
    """None: in the images."""
    name: str
    """`image`, `block1`..., `latent`, or `reconstruction`: between each image and what is restored of it."""
    squared: bool
    """Whether the distance is squared, as the MSE is."""


class Target(NamedTuple):
    """What a distance is compared with: W_p^p, or with the root W_p."""

    p: float
    root: bool | None
    """None for p = 1, where both are one."""


class Sampled(NamedTuple):
    """A correlation, and what it is in each resample of the jets (resamples,)."""

    value: float
    resampled: Floats


class Measured(NamedTuple):
    """Both correlations of a layer with a target, and the value that 95 % of |Pearson| stay below by chance.

    All are NaN where all distances or all targets are equal.
    """

    pearson: Sampled
    spearman: Sampled
    null: float
    jets: int


Found = Mapping[tuple[Layer, Target], Measured]


def targets(p: Sequence[float], costs: Sequence[Floats]) -> dict[Target, Floats]:
    """Return the targets with their values (...) from the least costs W_p^p of each p, without the root and with it."""
    found: dict[Target, Floats] = {}
    for power, cost in zip(p, costs, strict=True):
        if power == 1:
            found[Target(power, None)] = cost
        else:
            found |= {Target(power, False): cost, Target(power, True): cost ** (1 / power)}
    return found


def measure(
    layers: Iterable[tuple[Layer, Floats]], against: Mapping[Target, Floats], counts: Floats, order: Integers
) -> dict[tuple[Layer, Target], Measured]:
    """Correlate the distances of every layer with every target.

    Pearson's and Spearman's correlation; the resamples and the permutations are the same for all layers, so that their
    differences are paired.

    Args:
        layers: distances (n, n) of all pairs, or (n,) of each jet by itself.
        against: of the same shape.
        counts: (resamples, n), of `pair_correlation.resamples`.
        order: (permutations, n), of `pair_correlation.orders`.
    """
    both = {target: _weighted(values, counts) for target, values in against.items()}
    found = {}
    for layer, distances in layers:
        mine = _weighted(distances, counts)
        for target, other in both.items():
            plain, ranked = (_sampled(x, y, counts) for x, y in zip(mine, other, strict=True))
            chance = np.abs(pairs.permuted_pearson(mine[0], other[0], order))
            null = math.nan if math.isnan(plain.value) else float(np.quantile(chance, 0.95))
            found[layer, target] = Measured(plain, ranked, null, len(distances))
    return found


def among(kept: NDArray[np.bool_], counts: Floats, order: Integers) -> tuple[Floats, Integers]:
    """Return the resamples and permutations of the jets that are kept (n,)."""
    places = np.cumsum(kept) - 1
    return counts[:, kept], np.stack([places[one[kept[one]]] for one in order])


def table(found: Found, nets: Sequence[Network]) -> list[Row]:
    """Return the rows: each encoder, the mean over the trainings of each network, and networks beside each other."""
    owner = {encoder: network for network in nets for encoder in network.encoders}
    singles = [_single(key, found, owner.get(key[0].encoder or "")) for key in found]
    means = _Means(found, nets)
    return [*singles, *chain.from_iterable(means.rows(one) for one in nets), *means.comparisons()]


class _Means:
    """Means over the trainings of networks, with the spread of trainings of each layer, pooled over networks."""

    def __init__(self, found: Found, nets: Sequence[Network]) -> None:
        self.found, self.nets = found, nets

    def rows(self, network: Network) -> Iterable[Row]:
        """Yield the means over the trainings of a network, those of each layer."""
        mine = [(layer._replace(encoder=None), of) for layer, of in self.found if layer.encoder in network.encoders]
        for layer, target in dict.fromkeys(mine):
            every = self._of(network, layer, target)
            correlations = {
                name: self._mean(layer, target, name, [getattr(one, name) for one in every])
                for name in ("pearson", "spearman")
            }
            above = self._above(network, layer, target)
            yield {
                **_about(layer, target, network),
                **_columns(correlations | {"above": above}),
                **_beside_pixels(above),
                "null": _known(float(np.max([one.null for one in every]))),
                "replicas": len(every),
                "jets": min(one.jets for one in every),
                "pairs": min(_pairs(layer, one.jets) for one in every),
            }

    def comparisons(self) -> Iterable[Row]:
        """Yield how the mean of a network differs from that of another one."""
        for more, fewer in deeper(self.nets):
            yield from self._differences(DEEPER, (more, LATENT), (fewer, LATENT))
            if (fewer.options["blocks"], more.options["blocks"]) == (1, 2):
                for layer in ("block1", "block2"):
                    yield from self._differences(SHALLOW, (fewer, "block1"), (more, layer))
                yield from self._differences(SHALLOW, (fewer, LATENT), (more, LATENT))
        for emd, mse in by_loss(self.nets):
            yield from self._differences(LOSS, (emd, LATENT), (mse, LATENT))

    def _of(self, network: Network, layer: Layer, target: Target) -> list[Measured]:
        """Return what the trainings of a network have that have the layer; all but of reconstructions."""
        keys = [(layer._replace(encoder=encoder), target) for encoder in network.encoders]
        return [self.found[key] for key in keys if key in self.found]

    def _spread(self, layer: Layer, target: Target, name: str, stretched: bool) -> Spread:
        """Return the spread of trainings of a layer; stretched: that of atanh of the correlation."""
        groups = []
        for network in self.nets:
            values = np.array([getattr(one, name).value for one in self._of(network, layer, target)])
            values = values[np.isfinite(values)]
            groups.append(_stretch(values) if stretched else values)
        return Spread.of(groups)

    def _mean(self, layer: Layer, target: Target, name: str, every: Sequence[Sampled]) -> Estimate:
        """Return the mean correlation, as another training would have it on average with other jets."""
        chance = self._spread(layer, target, name, stretched=True).mean_of(len(every))
        value = float(np.mean([_stretch(one.value) for one in every]))
        resampled = np.mean([_stretch(one.resampled) for one in every], axis=0)
        return _shrunk(_estimate(value, resampled, [chance]))

    def _above(self, network: Network, layer: Layer, target: Target) -> Estimate:
        """Return by how much the mean Pearson correlation is above that of image space; nothing of reconstructions."""
        image = self.found.get((Layer(None, IMAGE, False), target))
        if layer.name == RECONSTRUCTION or image is None:
            return NOTHING
        every = [one.pearson for one in self._of(network, layer, target)]
        spread = self._spread(layer, target, "pearson", stretched=False)
        return _difference(every, [image.pearson], [spread.mean_of(len(every))])

    def _differences(self, question: str, one: tuple[Network, str], other: tuple[Network, str]) -> Iterable[Row]:
        """Yield by how much the mean of a layer of a network is above that of a layer of another one."""
        (network, name), (beside, layer) = one, other
        for target in dict.fromkeys(target for _, target in self.found):
            mine, theirs = Layer(None, name, False), Layer(None, layer, False)
            every, others = (
                [each.pearson for each in self._of(*of, target)] for of in ((network, mine), (beside, theirs))
            )
            spreads = [self._spread(of, target, "pearson", stretched=False) for of in (mine, theirs)]
            chances = [s.mean_of(len(some)) for s, some in zip(spreads, (every, others), strict=True)]
            if mine == theirs:  # one spread, which is known no better for being used twice
                chances = [Chance(sum(chance.variance for chance in chances), chances[0].freedom)]
            yield {
                **_about(mine, target, network),
                **_columns({"above": _difference(every, others, chances)}),
                "published": None,
                "question": question,
                "beside": f"{layer} of {beside.name}",
                "beside_layer": layer,
                "beside_network": beside.name,
                "beside_blocks": beside.options.get("blocks"),
                "replicas": len(every),
            }


def _single(key: tuple[Layer, Target], found: Found, network: Network | None) -> Row:
    """Return the row of an encoder, or of image space: what other jets would give."""
    (layer, target), one = key, found[key]
    image = found.get((Layer(None, IMAGE, False), target))
    above = NOTHING
    if image is not None and image is not one and layer.name != RECONSTRUCTION:
        above = _difference([one.pearson], [image.pearson], [])
    estimates = {"pearson": _correlation(one.pearson), "spearman": _correlation(one.spearman), "above": above}
    return {
        **_about(layer, target, network),
        **_columns(estimates),
        **_beside_pixels(above),
        "null": _known(one.null),
        "jets": one.jets,
        "pairs": _pairs(layer, one.jets),
    }


def _correlation(one: Sampled) -> Estimate:
    """Return a correlation with its interval: normal in atanh, with the variance of the resamples."""
    return _shrunk(_estimate(float(_stretch(one.value)), _stretch(one.resampled), []))


def _difference(every: Sequence[Sampled], others: Sequence[Sampled], chances: Sequence[Chance]) -> Estimate:
    """Return the difference of two means on the same resamples."""
    value = float(np.mean([one.value for one in every]) - np.mean([one.value for one in others]))
    resampled = np.mean([one.resampled for one in every], axis=0) - np.mean([one.resampled for one in others], axis=0)
    return _estimate(value, resampled, chances, ends=(-2.0, 2.0))


def _estimate(
    value: float, resampled: Floats, chances: Sequence[Chance], ends: tuple[float, float] = (-math.inf, math.inf)
) -> Estimate:
    """Return a value with its interval; nothing where it is not defined, as all distances are equal.

    There is no interval where a chance is not known at all, or the value of a resample is not defined.
    """
    variance = float(np.var(resampled))
    if math.isnan(value):
        return NOTHING
    if math.isnan(variance) or not all(chance.freedom for chance in chances):
        return Estimate(value, None, None)
    return with_chances(value, variance, chances, ends=ends)


def _about(layer: Layer, target: Target, network: Network | None) -> dict[str, Any]:
    """Return the columns that say what a row is about."""
    blocks = network.options.get("blocks") if network else None
    by_squares = network is not None and network.trained == "mse"
    known = (layer.name == IMAGE and layer.squared) or (layer.name == LATENT and by_squares)
    return {
        "encoder": layer.encoder,
        "layer": layer.name,
        "squared": layer.squared,
        "p": target.p,
        "root": target.root,
        "published": PUBLISHED.get((layer.name, blocks, target.p)) if known else None,
        "network": network and network.name,
        "family": network and network.family,
        "kind": network and network.kind,
        "blocks": blocks,
        "beta": network.options.get("beta") if network else None,
        "trained": network and network.trained,
    }


def _beside_pixels(above: Estimate) -> dict[str, str | None]:
    """Return the columns that say what a layer is above; nothing where it is not compared."""
    return {"beside": None, "beside_layer": None} if above is NOTHING else {"beside": PIXELS, "beside_layer": IMAGE}


def _columns(estimates: Mapping[str, Estimate]) -> dict[str, float | None]:
    """Return estimates as columns."""
    return {
        f"{name}{end}": value
        for name, one in estimates.items()
        for end, value in zip(("", "_low", "_high"), one, strict=True)
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _pairs(layer: Layer, jets: int) -> int:
    return jets if layer.name == RECONSTRUCTION else jets * (jets - 1) // 2


def _stretch(value: float | Floats) -> Any:
    return np.arctanh(np.clip(value, -PERFECT, PERFECT))


def _shrunk(one: Estimate) -> Estimate:
    return Estimate(*(None if end is None else math.tanh(end) for end in one))


def _weighted(values: Floats, counts: Floats) -> tuple[pairs.Weighted, pairs.Weighted]:
    """Return values and their ranks."""
    return pairs.weighted(values, counts), pairs.weighted(pairs.ranks(values), counts)


def _sampled(x: pairs.Weighted, y: pairs.Weighted, counts: Floats) -> Sampled:
    """Return the correlation of the values as they are, and in the resamples."""
    return Sampled(pairs.plain_pearson(x, y), pairs.pearson(x, y, counts))

"""Anomaly scores of jets: losses of autoencoders, earth mover's distances from background jets, momentum alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.encoder import Encoder, FittedEncoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows, Samples
from gancensus.domains.jets.distances import across, within
from gancensus.domains.jets.jet_images import normalised
from gancensus.domains.jets.medoids import medoids
from gancensus.domains.jets.metric_emd import Emd
from gancensus.statistics.half_samples import SPLITS, halves

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Rng = Callable[[str], np.random.Generator]

AVERAGED = 2000  # training jets whose mean is the average jet, at most


class Network(NamedTuple):
    """An autoencoder as it is configured, and the encoders of the study that are its trainings."""

    encoders: tuple[str, ...]
    kind: str
    trained: str | None
    """How its training compares a sample with its reconstruction, as `Encoder.trained_by`."""
    blocks: int | None
    beta: float | None
    """Weight of the divergence; None: it has none."""
    background: int
    """The class that it has learned from."""
    sweep: str
    """Equal for networks that differ in nothing but beta."""

    @property
    def variational(self) -> bool:
        """Whether it is a variational network trained by the MSE, of which the best beta is chosen."""
        return self.beta is not None and self.trained == "mse"


class Score(NamedTuple):
    """An anomaly score of n jets, larger for what is less like the background."""

    name: str
    """`loss`, `reconstruction`, `average`, `medoids-N`, `neighbours-K` or `pt`."""
    values: Floats
    """(trainings, n); one row where nothing is trained."""
    p: float | None = None
    """Power of the ground distance of an earth mover's distance."""
    network: Network | None = None
    halves: Floats | None = None
    """The score from either half of the reference jets, (splits, 2, n)."""


class References(NamedTuple):
    """Training jets of a class: some of them, and the mean of their images, normalised, as one sample."""

    jets: Samples
    average: Samples


def networks(models: Mapping[str, FittedEncoder]) -> list[Network]:
    """Return the different networks among encoders: those with equal options are trainings of one."""
    found: dict[str, list[str]] = {}
    for name, model in models.items():
        found.setdefault(_spelled(model.encoder), []).append(name)
    return [_network(tuple(names), models[names[0]].encoder) for names in found.values()]


def _network(names: tuple[str, ...], encoder: Encoder) -> Network:
    options = encoder.model_dump()
    if encoder.class_learned is None:
        raise UserError(f"encoder {names[0]} learns from every class; say with `only` which is the background")
    about = encoder.kind, encoder.trained_by, options.get("blocks"), options.get("beta"), encoder.class_learned
    return Network(names, *about, _spelled(encoder, "beta"))


def _spelled(encoder: Encoder, *without: str) -> str:
    """Return what decides a training, as one word to compare, without some options."""
    left_out = encoder.outside_training.union(without)
    return json.dumps({key: value for key, value in encoder.model_dump(mode="json").items() if key not in left_out})


def jets_of(rows: Rows, classes: Sequence[int], count: int, rng: Rng) -> Samples:
    """Read at most `count` random jets of each class, in the order of the rows.

    rng: by class, as a text. Raises UserError where samples are no images of classes, none is of these classes, or an
    image is empty.
    """
    label = labels_of(rows)
    chosen = np.zeros(len(label), dtype=bool)
    for one in classes:
        chosen[rng(str(one)).permutation(np.flatnonzero(label == one))[:count]] = True
    if not chosen.any():
        asked, known = (", ".join(map(str, some)) for some in (classes, np.unique(label)))
        raise UserError(f"{rows.where}: analysis anomaly: no sample of the classes {asked}; there are: {known}")
    start, parts = 0, []
    for chunk in rows.chunks(slice(0, len(rows))):
        parts.append(chunk.take(chosen[start : start + len(chunk)]))
        start += len(chunk)
    return _joined([part for part in parts if len(part)], rows.where)


def labels_of(rows: Rows) -> NDArray[np.int32]:
    """Read the class of every sample (n,)."""
    labels = [chunk.label for chunk in rows.chunks(slice(0, len(rows)), without_x=True)]
    if any(label is None for label in labels):
        raise UserError(
            f"{rows.where}: analysis anomaly: samples have no classes (column label); give them, or leave it out"
        )
    return np.concatenate([one for one in labels if one is not None])


def _joined(parts: Sequence[Samples], where: str) -> Samples:
    """Return the samples of several parts as one."""
    first = parts[0]
    if len(first.shape) != 2:
        raise UserError(
            f"{where}: analysis anomaly: samples have the shape {first.shape}; it needs images (H, W) of jets: for a "
            "source of jets, `form: images`"
        )
    for part in parts:
        empty = part.sample_id[~(part.natural() > 0).any(axis=(1, 2))]
        if len(empty):
            raise UserError(
                f"{where}: analysis anomaly: the image of sample {empty[0]} is empty and has no distance from others; "
                "leave out such jets, or give images a larger `width`"
            )
    return Samples(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.sample_id for part in parts]),
        np.concatenate([part.label for part in parts if part.label is not None]),
        first.scale,
        {name: np.concatenate([part.conditions[name] for part in parts]) for name in first.conditions},
        first.units,
    )


def references_of(rows: Rows, background: int, count: int, rng: Rng) -> References:
    """Read training jets of a class: `count` random ones, and the mean image of at most AVERAGED."""
    jets = jets_of(rows, [background], count, lambda name: rng(f"references/{name}"))
    some = jets_of(rows, [background], AVERAGED, lambda name: rng(f"average/{name}"))
    mean = normalised(some.natural()).mean(axis=0, keepdims=True)
    return References(jets, Samples(mean.astype(np.float32), np.zeros(1, dtype=np.int64)))


def network_scores(some: Sequence[Network], models: Mapping[str, FittedEncoder], jets: Samples) -> list[Score]:
    """Return loss and reconstruction error of each network; where all of its trainings give both as equal, the loss.

    Raises UserError where one is not finite.
    """
    found = []
    for network in some:
        losses = [_losses(name, models[name], jets) for name in network.encoders]
        loss, reconstruction = (np.stack([one[name] for one in losses]) for name in ("loss", "reconstruction"))
        found.append(Score("loss", loss, network=network))
        if not np.array_equal(loss, reconstruction):
            found.append(Score("reconstruction", reconstruction, network=network))
    return found


def _losses(name: str, model: FittedEncoder, jets: Samples) -> Mapping[str, Floats]:
    losses = model.encoder.losses_of(model.weights, jets.x, model.device)
    wrong = ~(np.isfinite(losses["loss"]) & np.isfinite(losses["reconstruction"]))
    if wrong.any():
        raise UserError(
            f"encoder {name}: its loss of {wrong.sum()} of {len(wrong)} jets is not finite: its training has diverged; "
            "lower `learning_rate`"
        )
    return losses


class Distances(NamedTuple):
    """Earth mover's distances of n judged jets from what stands for the background, without the root 1 / p."""

    p: float
    average: Floats
    """From the average jet (n,)."""
    references: Floats
    """From the reference jets (n, references)."""
    between: Floats
    """Between the reference jets (references, references)."""


def distances(jets: Samples, references: References, p: float, width: float) -> Distances:
    """Return the distances of judged jets, images `width` wide."""
    metric = Emd.model_validate({"p": p, "width": width, "alpha": 0.5})
    judged, known = metric.features(jets), metric.features(references.jets)
    average = across(metric, judged, metric.features(references.average), threads=1)  # a job has one core
    some, between = across(metric, judged, known, threads=1), within(metric, known, threads=1)
    return Distances(p, average[:, 0], some, between)


def distance_scores(of: Distances, counts: Sequence[int], neighbour: int, rng: np.random.Generator) -> list[Score]:
    """Return the scores: distance to the average jet, to the nearest of n medoids, to the k-th nearest reference jet.

    A root of the distance would leave the order of the jets, and so every area, as it is. The references are split into
    random halves SPLITS times, from each of which the scores are made again: they show what another choice changes.
    """
    every = np.arange(len(of.between))
    split = [halves(len(every), rng) for _ in range(SPLITS)]

    def score(name: str, value: Callable[[Integers], Floats]) -> Score:
        again = np.array([[value(half) for half in both] for both in split])
        return Score(name, value(every)[None], of.p, halves=again)

    def to_medoids(count: int) -> Callable[[Integers], Floats]:
        def nearest(some: Integers) -> Floats:
            chosen = some[medoids(of.between[np.ix_(some, some)], count)]
            return np.asarray(of.references[:, chosen].min(axis=1))

        return nearest

    def to_neighbour(some: Integers) -> Floats:
        return np.asarray(np.partition(of.references[:, some], neighbour - 1, axis=1)[:, neighbour - 1])

    found = [Score("average", of.average[None], of.p)]
    found += [score(f"medoids-{count}", to_medoids(count)) for count in counts]
    return [*found, score(f"neighbours-{neighbour}", to_neighbour)]


def momentum_score(jets: Samples) -> Score:
    """Return the transverse momentum as a score."""
    return Score("pt", momentum(jets)[None])


def momentum(jets: Samples) -> Floats:
    """Return the condition `pt` of jets (n,)."""
    known: Any = jets.conditions.get("pt")
    if known is None:
        there = ", ".join(jets.conditions) or "none"
        raise UserError(f"analysis anomaly: samples have no condition 'pt' (there are: {there}); set `matched: false`")
    return np.asarray(known, dtype=np.float64)

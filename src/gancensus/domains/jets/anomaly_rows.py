"""The lines of the tables of the analysis `anomaly`: each background with each of its signals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.analysis import Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import Rows, Samples
from gancensus.domains.jets import anomaly
from gancensus.domains.jets.anomaly import FEWEST, Judged
from gancensus.domains.jets.anomaly_scores import (
    Network,
    References,
    Score,
    distance_scores,
    distances,
    jets_of,
    labels_of,
    momentum,
    momentum_score,
    network_scores,
    networks,
    references_of,
)
from gancensus.domains.jets.average_jets import pixels
from gancensus.domains.jets.distances import within
from gancensus.domains.jets.jet_images import normalised
from gancensus.domains.jets.matching import matched
from gancensus.domains.jets.medoids import medoids
from gancensus.domains.jets.metric_emd import Emd
from gancensus.statistics.estimate import Estimate

Integers = NDArray[np.int64]
Rng = Callable[[str], np.random.Generator]
Line = tuple[Any, ...]

NOTHING = Estimate(None, None, None)
REJECTIONS = np.array([0.3, 0.5])  # signal efficiencies
GRID = np.arange(1, 51) / 50  # signal efficiencies of the ROC curves


class Options(NamedTuple):
    """What the configuration says."""

    background: int
    signals: tuple[int, ...] | None
    matched: bool
    references: int
    jets: int
    p: tuple[float, ...]
    width: float
    medoids: tuple[int, ...]
    neighbours: int
    needed: int
    """References at least."""


class Pair(NamedTuple):
    """A background and a signal, with the judged jets of either, by row, and what the scores are worth."""

    background: str
    signal: str
    rows: tuple[Integers, Integers]
    """Of signal and background."""
    judged: list[Judged]
    """Empty where there are fewer than FEWEST jets of either."""


class Study:
    """The populations that are learned from, chosen by and judged, and what the scores of their jets are worth."""

    def __init__(self, options: Options, real: Mapping[str, Rows], rng: Rng, context: Context) -> None:
        """Take what an analysis is given; nothing is read yet."""
        self.options, self.real, self.rng, self.context = options, real, rng, context
        self.networks = networks(context.models)

    @cached_property
    def classes(self) -> list[int]:
        """The classes that are told apart."""
        signals = self.options.signals
        if signals is None:
            signals = tuple(self.context.source.classes) or tuple(np.unique(labels_of(self.real["holdout"])).tolist())
        return sorted({self.options.background, *signals, *(one.background for one in self.networks)})

    @property
    def backgrounds(self) -> list[int]:
        """The classes that are a background: the configured one, then others that encoders have learned from."""
        others = sorted({one.background for one in self.networks} - {self.options.background})
        return [self.options.background, *others]

    def name(self, label: int) -> str:
        """Return what a class is called."""
        return self.context.source.classes.get(label, str(label))

    def jets(self, population: str) -> Samples:
        """Read the jets of a population that are judged."""
        return jets_of(
            self.real[population], self.classes, self.options.jets, lambda name: self.rng(f"{population}/{name}")
        )

    def references(self, background: int) -> References:
        """Read the training jets that stand for a background; raises UserError where there are too few."""
        train, needed = self.real["train"], self.options.needed
        found = int(np.count_nonzero(labels_of(train) == background))
        if found < needed:
            raise UserError(
                f"{train.where}: analysis anomaly: {found} jets of the background {self.name(background)}, and "
                f"`medoids` and `neighbours` need {needed}, twice the largest of them; lower them, or take more jets"
            )
        return references_of(train, background, self.options.references, self.rng)

    def pairs(self, population: str, scores: Callable[[int, Samples], list[Score]]) -> Iterator[Pair]:
        """Yield each background with each signal, judged by the jets of a population.

        scores: of a background and jets.
        """
        jets = self.jets(population)
        for background in self.backgrounds:
            made = scores(background, jets)
            for signal in self.classes:
                if signal != background:
                    rows = self.rows(jets, signal, background, self.options.matched, population)
                    enough = min(map(len, rows)) >= FEWEST
                    yield Pair(
                        self.name(background), self.name(signal), rows, anomaly.judge(made, *rows) if enough else []
                    )

    def rows(
        self, jets: Samples, signal: int, background: int, match: bool, population: str
    ) -> tuple[Integers, Integers]:
        """Return the rows of the jets of signal and background that are compared."""
        rows = [np.flatnonzero(jets.label == one) for one in (signal, background)]
        if not match or min(map(len, rows)) == 0:
            return rows[0], rows[1]
        pt = momentum(jets)
        rng = self.rng(f"matched/{population}/{background}/{signal}")
        return tuple(one[some] for one, some in zip(rows, matched(pt[rows[0]], pt[rows[1]], rng), strict=True))  # type: ignore[return-value]

    def network_scores(self, background: int, jets: Samples) -> list[Score]:
        """Return the scores of the networks that have learned from a background."""
        mine = [one for one in self.networks if one.background == background]
        return network_scores(mine, self.context.models, jets)

    def scores(self, background: int, jets: Samples) -> list[Score]:
        """Return all scores; momentum only where the jets have it."""
        options, references = self.options, self.references(background)
        found = self.network_scores(background, jets)
        for p in options.p:
            of = distances(jets, references, p, options.width)
            rng = self.rng(f"halves/{background}/{p:g}")
            found += distance_scores(of, options.medoids, options.neighbours, rng)
        return [*found, momentum_score(jets)] if options.matched or "pt" in jets.conditions else found

    def chosen(self) -> dict[tuple[str, str], Network | None]:
        """Return the variational network with the largest area on `calibrate`, by background and signal.

        Without such networks, nothing is read.
        """
        found: dict[tuple[str, str], Network | None] = {}
        if not any(one.variational for one in self.networks):
            return found
        for pair in self.pairs("calibrate", self.network_scores):
            one = anomaly.best(pair.judged)
            found[pair.background, pair.signal] = one.score.network if one else None
        return found


def areas(study: Study) -> Iterator[Line]:
    """Yield the lines of the table `anomaly`."""
    chosen = study.chosen()
    jets = study.jets("holdout")
    for pair in study.pairs("holdout", study.scores):
        of = pair.background, pair.signal
        sizes = len(pair.rows[1]), len(pair.rows[0])
        yield from _area_lines(pair, (*of, *sizes, study.options.matched), chosen.get(of))
        if study.options.matched and pair.judged:
            names = {study.name(one): one for one in study.classes}
            rows = study.rows(jets, names[pair.signal], names[pair.background], False, "holdout")
            alone = pair._replace(rows=rows, judged=anomaly.judge([momentum_score(jets)], *rows))
            yield from _area_lines(alone, (*of, len(rows[1]), len(rows[0]), False), None)


def _area_lines(pair: Pair, about: Line, chosen: Network | None) -> Iterator[Line]:
    if not pair.judged:
        yield (None,) * 9 + about + (None,) * 10
        return
    passed = anomaly.background_efficiencies(pair.judged, *pair.rows, REJECTIONS)
    for one, shares in zip(pair.judged, passed, strict=True):
        rejections = [end for share in shares for end in anomaly.rejection(share)]
        picked = one.score.name == "loss" and anomaly.variational(one) and one.score.network == chosen
        yield (*_named(one.score), *about, *one.auc, *rejections, picked)


def _named(score: Score) -> Line:
    """Return score, what is said of its network, p and root."""
    network = _about(score.network) if score.network else (None,) * 6
    return score.name, *network, score.p, None if score.p is None else False


def _about(network: Network) -> Line:
    """Return encoders, kind, training, blocks, beta and number of trainings."""
    about = network.kind, network.trained, network.blocks, network.beta
    return ", ".join(network.encoders), *about, len(network.encoders)


def main_scores(pair: Pair, chosen: Network | None, fixed: int) -> list[Judged]:
    """Return the scores that are compared with each other, all of them chosen without the judged jets.

    Of variational networks trained by the MSE the chosen one; every other network; distances to the average jet, to a
    fixed number of medoids and to neighbours; momentum.
    """
    left_out = "medoids-"
    return [
        one
        for one in sorted(
            pair.judged, key=lambda one: not (one.score.network is not None and one.score.network == chosen)
        )
        if not (anomaly.variational(one) and one.score.network != chosen)
        if not one.score.name.startswith(left_out) or one.score.name == f"{left_out}{fixed}"
    ]


def differences(study: Study) -> Iterator[Line]:
    """Yield the lines of the table of differences: of every two of the main scores."""
    chosen = study.chosen()
    for pair in study.pairs("holdout", study.scores):
        of = pair.background, pair.signal
        main = main_scores(pair, chosen.get(of), anomaly.fixed(study.options.medoids))
        for k, other in enumerate(main):
            for one in main[k + 1 :]:
                if study.options.matched and "pt" in (one.score.name, other.score.name):
                    continue  # matched, momentum says nothing
                found = anomaly.difference(one, other)
                yield (*_short(one), *_short(other), *of, *found, anomaly.verdict(found, one, other))


def _short(one: Judged) -> Line:
    """Return score, encoder, kind and p."""
    name, encoder, kind, *_, p, _ = _named(one.score)
    return name, encoder, kind, p


def curves(study: Study) -> Iterator[Line]:
    """Yield the lines of the table `roc`."""
    chosen = study.chosen()
    for pair in study.pairs("holdout", study.scores):
        of = pair.background, pair.signal
        main = main_scores(pair, chosen.get(of), anomaly.fixed(study.options.medoids))
        passed = anomaly.background_efficiencies(pair.judged, *pair.rows, GRID)
        for one, shares in zip(pair.judged, passed, strict=True):
            if any(one is other for other in main):
                for efficiency, share in zip(GRID, shares, strict=True):
                    yield (*_short(one), *of, float(efficiency), *share)


def sweeps(study: Study) -> Iterator[Line]:
    """Yield the lines of the table `sweep`."""
    if not study.networks:
        return
    holdout = {
        (pair.background, pair.signal, one.score.network): one.auc
        for pair in study.pairs("holdout", study.network_scores)
        for one in pair.judged
        if one.score.name == "loss"
    }
    for pair in study.pairs("calibrate", study.network_scores):
        of = pair.background, pair.signal
        for one in anomaly.sweep(pair.judged, study.rng(f"sweep/{of[0]}/{of[1]}")):
            judged = holdout.get((*of, one.network), NOTHING)
            yield (one.sweep, *_about(one.network), *of, *one.validation, *judged, one.best, one.perhaps)


def medoid_lines(study: Study) -> Iterator[Line]:
    """Yield the lines of the table `medoids`: the pixels of the average jet, as medoid 0, and of the medoids."""
    options = study.options
    for background in study.backgrounds:
        references = study.references(background)
        name = study.name(background)
        (average,) = normalised(references.average.natural())
        yield from _pixels((name, None, 0, None, None), average, options.width)
        images = normalised(references.jets.natural())
        for p in options.p:
            metric = Emd.model_validate({"p": p, "width": options.width, "alpha": 0.5})
            between = within(metric, metric.features(references.jets), threads=1)
            chosen = medoids(between, max(options.medoids))
            counts = np.bincount(between[:, chosen].argmin(axis=1), minlength=len(chosen))
            for rank, k in enumerate(np.argsort(-counts, kind="stable"), start=1):
                share, sample = counts[k] / len(between), int(references.jets.sample_id[chosen[k]])
                yield from _pixels((name, p, rank, float(share), sample), images[chosen[k]], options.width)


def _pixels(about: Line, image: NDArray[np.float64], width: float) -> Iterator[Line]:
    for pixel in pixels(image, width):
        yield (*about, *pixel)


TABLES: Mapping[str, Callable[[Study], Iterator[Line]]] = {
    "anomaly": areas,
    "differences": differences,
    "roc": curves,
    "sweep": sweeps,
    "medoids": medoid_lines,
}


def columns(names: Sequence[str], lines: Sequence[Line]) -> dict[str, Sequence[Any]]:
    """Return lines as columns."""
    return dict(zip(names, zip(*lines, strict=True), strict=True)) if lines else dict.fromkeys(names, ())

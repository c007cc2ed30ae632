"""How well anomaly scores find jets: areas under ROC curves, their differences, rejections, and the best beta.

Every interval has three parts: the sampling of the judged jets (DeLong's variance, of a difference the paired one), the
spread over trainings of the same network, and for distances the choice of the reference jets. The variance between
trainings is pooled over the networks, as two trainings of one alone say little of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.domains.jets.anomaly_scores import Network, Score
from gancensus.statistics.best import errors_of, perhaps_best
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import SPLITS, half_sample_variance
from gancensus.statistics.intervals import LEVEL, wilson
from gancensus.statistics.roc import Placements, area, false_rates, threshold_variances
from gancensus.statistics.spread import NONE, Chance, Spread, total, with_chances

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Verdict = Literal["alike", "different", "too little to tell"]

FEWEST = 20  # jets of either side: fewer are not judged
MARGIN = 0.03  # areas whose difference is surely smaller are alike
HALF = 0.5  # the area of a score that says nothing


class Judged(NamedTuple):
    """A score, judged by the jets of a signal and of its background."""

    score: Score
    areas: Floats
    """The area under the ROC curve of each training (trainings,)."""
    placed: Placements
    """Of the mean over the trainings."""
    chance: Chance
    """What other trainings, or other reference jets, would change; its freedom is 0 where nothing is known of that."""

    @property
    def auc(self) -> Estimate:
        """The area, averaged over the trainings."""
        return with_chances(self.placed.area, self.placed.variance, [self.chance], ends=(0.0, 1.0))


def judge(scores: Sequence[Score], signal: Integers, background: Integers) -> list[Judged]:
    """Judge scores by the jets at some rows, at least FEWEST of either class."""
    areas = {k: _areas(score.values, signal, background) for k, score in enumerate(scores)}
    spreads = {
        name: Spread.of([areas[k] for k, score in enumerate(scores) if score.network and score.name == name])
        for name in {score.name for score in scores}
    }
    found = []
    for k, score in enumerate(scores):
        placed = Placements.mean([Placements.of(of[signal], of[background]) for of in score.values])
        chance = (
            spreads[score.name].mean_of(len(score.values))
            if score.network
            else _of_references(score, signal, background)
        )
        found.append(Judged(score, areas[k], placed, chance))
    return found


def _areas(values: Floats, signal: Integers, background: Integers) -> Floats:
    return np.array([area(of[signal], of[background]) for of in values])


def _of_references(score: Score, signal: Integers, background: Integers) -> Chance:
    """Return the chance in the choice of the reference jets, from random halves of them."""
    if score.halves is None:
        return NONE
    differences = [np.diff(_areas(both, signal, background))[0] for both in score.halves]
    return Chance(float(half_sample_variance(np.array(differences))), SPLITS)


def difference(one: Judged, other: Judged) -> Estimate:
    """Return the difference of two areas on the same jets."""
    less = one.placed.less(other.placed)
    return with_chances(less.area, less.variance, [one.chance, other.chance], ends=(-1.0, 1.0))


def verdict(found: Estimate, *of: Judged) -> Verdict:
    """Say whether areas are alike: surely closer than MARGIN; or different: surely not equal.

    Of networks that have no second training, nothing can be said.
    """
    if any(one.chance.freedom == 0 for one in of) or found.low is None or found.high is None:
        return "too little to tell"
    if found.low >= -MARGIN and found.high <= MARGIN:
        return "alike"
    return "different" if found.low > 0 or found.high < 0 else "too little to tell"


def background_efficiencies(
    judged: Sequence[Judged], signal: Integers, background: Integers, efficiencies: Floats
) -> list[list[Estimate]]:
    """Return for each score the share of the background that passes at each signal efficiency (k,).

    Wilson's interval of as many jets as would have the variance of all that is by chance, taken to add up: which
    background jets there are, the threshold, which the signal jets set, and trainings or reference jets.
    """

    def shares_of(values: Floats) -> Floats:
        return np.array([false_rates(of[signal], of[background], efficiencies) for of in values])

    shares = [shares_of(one.score.values) for one in judged]
    found = []
    for one, share in zip(judged, shares, strict=True):
        thresholds = [threshold_variances(of[signal], of[background], efficiencies) for of in one.score.values]
        known = np.square(np.mean(np.sqrt(thresholds), axis=0))
        if one.score.halves is None:
            chances = _of_trainings(one, judged, shares)
        else:
            again = np.array([np.subtract(*shares_of(both)) for both in one.score.halves])
            chances = [Chance(float(variance), SPLITS) for variance in half_sample_variance(again)]
        of_each = zip(share.mean(axis=0), known, chances, strict=True)
        found.append([_share(float(mean), len(background), float(also), chance) for mean, also, chance in of_each])
    return found


def _of_trainings(one: Judged, judged: Sequence[Judged], shares: Sequence[Floats]) -> list[Chance]:
    """Return the chance in shares (trainings, k) by the spread over trainings, pooled over all networks."""
    if one.score.network is None:
        return [NONE] * shares[0].shape[1]
    same = [
        share
        for other, share in zip(judged, shares, strict=True)
        if other.score.network and other.score.name == one.score.name
    ]
    trainings = len(one.score.values)
    return [Spread.of([share[:, k] for share in same]).mean_of(trainings) for k in range(same[0].shape[1])]


def _share(share: float, count: int, threshold: float, spread: Chance) -> Estimate:
    """Return a share of `count` jets with its interval; one of 0 or 1 has a variance, too."""
    shrunk = (share * count + 0.5) / (count + 1)
    variance, freedom = total(shrunk * (1 - shrunk) / count + threshold, [spread])
    return wilson(share, count, variance=variance, freedom=freedom)


def fixed(counts: Sequence[int]) -> int:
    """Return the number of medoids whose score is compared with others, before any is judged: 5, or what is nearest."""
    return max((count for count in counts if count <= 5), default=min(counts))


def rejection(share: Estimate) -> Estimate:
    """Return one over a share of the background that passes; None where that can be 0."""
    value, low, high = ((1 / end if end else None) for end in share)
    return Estimate(value, high, low)


def best(judged: Sequence[Judged]) -> Judged | None:
    """Return the loss of the variational network with the largest area, the first of equal ones; None without one.

    Networks that are trained by optimal transport are not among them, whatever their beta.
    """
    among = [one for one in judged if one.score.name == "loss" and variational(one)]
    return max(among, key=lambda one: one.placed.area) if among else None


def variational(one: Judged) -> bool:
    """Return whether a score is of a variational network trained by the MSE."""
    return one.score.network is not None and one.score.network.variational


def _has_beta(one: Judged) -> bool:
    """Return whether a score is the total loss of a network with a beta."""
    return one.score.name == "loss" and one.score.network is not None and one.score.network.beta is not None


class Setting(NamedTuple):
    """A beta of a sweep."""

    sweep: int
    """The number of the sweep, from 1."""
    network: Network
    validation: Estimate
    """The area on the jets by which the beta is chosen."""
    best: bool
    """Whether it has the largest of these."""
    perhaps: bool | None
    """Whether it can be the one that is best on average, at JOINT; None where nothing is known of other trainings."""


JOINT = 1 - (1 - LEVEL) / 2  # of one signal's betas, so that those of two signals are right together at LEVEL


def sweep(judged: Sequence[Judged], rng: np.random.Generator) -> list[Setting]:
    """Compare the losses of networks that differ in nothing but beta, judged by validation jets.

    The betas of which each can be the best (`perhaps_best`), at the level JOINT: where two signals have none in common,
    their optima differ at LEVEL. A beta alone makes no sweep.
    """
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        if _has_beta(one) and one.score.network:
            groups.setdefault(one.score.network.sweep, []).append(one)
    found = []
    several = [group for group in groups.values() if len(group) > 1]
    for number, group in enumerate(several, start=1):
        group.sort(key=lambda one: one.score.network.beta if one.score.network and one.score.network.beta else 0.0)
        values = np.array([one.placed.area for one in group])
        errors = errors_of([one.placed for one in group], [one.chance for one in group], rng)
        known = all(one.chance.freedom > 0 for one in group)
        perhaps = perhaps_best(values, errors, JOINT)
        for k, one in enumerate(group):
            if one.score.network:
                about = k == int(values.argmax()), bool(perhaps[k]) if known else None
                found.append(Setting(number, one.score.network, one.auc, *about))
    return found

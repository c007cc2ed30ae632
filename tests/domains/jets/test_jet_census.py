"""A generator of jets that repeats itself, and its training jets, is found out by the distance between images."""

import numpy as np
from in_memory import InMemory

from gancensus.contracts.metric import Features
from gancensus.contracts.samples import Samples
from gancensus.domains.jets.jet_images import normalised, pixelated
from gancensus.domains.jets.metric_emd import Emd
from gancensus.search.pairs import Pairs, Side, find_pairs, merge, none
from gancensus.search.thresholds import find_thresholds
from gancensus.statistics.intervals import clopper_pearson

METRIC = Emd(alpha=0.002, p=1.0, width=2.0)
JETS = 120


def toys(seed: int) -> Samples:
    """Normalised images of jets of three prongs, about 20 particles."""
    rng = np.random.default_rng(seed)
    x = np.zeros((JETS, 20, 3))
    for jet in x:
        jet[:, 0] = rng.dirichlet(np.full(20, 0.7))
        jet[:, 1:] = rng.uniform(-0.6, 0.6, (3, 2))[rng.integers(0, 3, 20)] + 0.05 * rng.standard_normal((20, 2))
    return Samples(normalised(pixelated(x, 40, 2.0)).astype(np.float32), np.arange(JETS))


def pairs(threshold: float, one: Features, other: Features | None = None) -> Pairs:
    second = None if other is None else Side.of([other])
    return merge([none(1), *find_pairs([METRIC], [threshold], Side.of([one]), second)])


def test_repeated_and_memorised_jets_are_found() -> None:
    """Of 120 generated jets, 20 are one jet smeared a little, and 20 are training jets smeared a little."""
    calibrate, holdout, train = (toys(seed) for seed in (1, 2, 3))
    table = find_thresholds(
        {"emd": METRIC}, {None: InMemory(calibrate)}, JETS, 0.95, lambda name: np.random.default_rng(0), 1000, "cpu"
    )
    threshold = float(table["threshold"][0])
    rng = np.random.default_rng(4)
    made = toys(5).x.astype(np.float64)
    made[:20], made[20:40] = made[:1], train.x[:20]
    made[:40] *= rng.uniform(0.95, 1.05, made[:40].shape)
    generated = METRIC.features(Samples(normalised(made).astype(np.float32), np.arange(JETS)))
    real, learned = METRIC.features(holdout), METRIC.features(train)

    own, fair = pairs(threshold, generated), pairs(threshold, real)
    repeated = {(i, j) for i, j in zip(own.i.tolist(), own.j.tolist(), strict=True) if max(i, j) < 20}
    assert len(repeated) == 190
    count = JETS * (JETS - 1) // 2
    assert clopper_pearson(len(own.i), count)[0] > clopper_pearson(len(fair.i), count)[1]

    copied, chance = pairs(threshold, generated, learned), pairs(threshold, real, learned)
    found = set(zip(copied.i.tolist(), copied.j.tolist(), strict=True))
    assert {(20 + k, k) for k in range(20)} <= found
    assert len(set(chance.i.tolist())) < len(set(copied.i.tolist())) - 10

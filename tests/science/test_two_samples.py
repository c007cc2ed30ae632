from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.special import ndtr

from gancensus.comparison.fidelity import Fidelity, Floats, fidelity, frechet_at_infinity
from gancensus.comparison.frechet import frechet_distance
from gancensus.comparison.two_samples import MEASURES, Frame, classifier_test, measure, sliced_distance
from gancensus.contracts.beginning import Begin, elsewhere, here
from gancensus.contracts.errors import UserError
from gancensus.contracts.randomness import derive_rng
from gancensus.statistics.estimate import Estimate
from gancensus.statistics.half_samples import halves


def normal(seed: int, n: int, d: int) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, d))


def named(name: str) -> np.random.Generator:
    return derive_rng(7, name)


def frame(calibrate: Floats) -> Frame:
    return Frame.of(calibrate, np.random.default_rng(0))


def ring(seed: int, n: int, kept: int, modes: int = 8) -> Floats:
    """Narrow modes on a circle, of which `kept` are drawn."""
    rng = np.random.default_rng(seed)
    angle = rng.integers(0, kept, n) * 2 * math.pi / modes
    return np.column_stack([np.cos(angle), np.sin(angle)]) + 0.01 * rng.standard_normal((n, 2))


def holds(found: Estimate, truth: float) -> bool:
    assert found.low is not None and found.high is not None
    return found.low <= truth <= found.high


# FD-infinity


def test_frechet_at_infinity_is_the_end_of_a_line_through_two_sizes() -> None:
    real, fake = normal(1, 40, 3), 0.5 + normal(2, 31, 3)
    rng = np.random.default_rng(3)
    pairs = []
    for _ in range(20):
        (a, b), (c, d) = halves(40, rng), halves(31, rng)
        pairs.append((frechet_distance(real[a], fake[c]), frechet_distance(real[b], fake[d])))
    line = np.polyfit([1 / 40, 2 / 40], [frechet_distance(real, fake), float(np.mean(pairs))], 1)
    found = frechet_at_infinity(real, fake, rng=np.random.default_rng(3))
    assert found.value == pytest.approx(line[1])
    assert found.high is not None and found.value is not None
    reach = 2.085963 * math.sqrt(np.mean([(a - b) ** 2 for a, b in pairs]) / 4)  # t of 20 degrees of freedom
    assert found.high - found.value == pytest.approx(reach)


@pytest.mark.parametrize(("n", "m", "d", "scale"), [(100, 100, 2, 1.0), (100, 60, 8, 1.0), (128, 128, 16, 0.8)])
def test_frechet_at_infinity_of_gaussians(n: int, m: int, d: int, scale: float) -> None:
    truth = d * (1 - scale) ** 2  # N(0, I) and N(0, scale^2 I)
    rng = np.random.default_rng(4)
    found = [
        frechet_at_infinity(rng.standard_normal((n, d)), scale * rng.standard_normal((m, d)), rng=rng)
        for _ in range(100)
    ]
    values = [one.value or 0 for one in found]
    finite = np.mean([frechet_distance(normal(k, n, d), scale * normal(k + 500, m, d)) for k in range(100)])
    assert abs(np.mean(values) - truth) < 0.1 * (finite - truth)
    assert sum(holds(one, truth) for one in found) >= 87


# classifier


def test_nothing_is_found_where_nothing_differs() -> None:
    found = classifier_test(normal(1, 400, 4), normal(2, 400, 4), frame(normal(3, 50, 4)), rng=named("auc"))
    assert holds(found, 0.5)
    assert (found.high or 0) - (found.low or 0) < 0.12


def test_the_area_of_two_gaussians() -> None:
    best = float(ndtr(1.5 / math.sqrt(2)))
    found = classifier_test(
        normal(1, 2000, 1), 1.5 + normal(2, 2000, 1), frame(normal(3, 50, 1)), rng=np.random.default_rng(4)
    )
    assert found.value is not None
    assert best - 0.02 < found.value < best + 0.01


def test_the_classifier_sees_what_lies_off_the_axes() -> None:
    rng = np.random.default_rng(6)

    def flat() -> Floats:
        return np.asarray(np.pad(rng.standard_normal((200, 3)), ((0, 0), (0, 97))))

    fixed = frame(flat() + 1e-3 * rng.standard_normal((200, 100)))
    off = flat() + 0.1 * rng.standard_normal((200, 100))
    assert (classifier_test(flat(), off, fixed, rng=rng).value or 0) > 0.99


def test_too_few_samples_for_the_folds() -> None:
    fixed = frame(normal(1, 20, 2))
    assert classifier_test(normal(2, 9, 2), normal(3, 90, 2), fixed, rng=named("a")) == (None, None, None)
    assert classifier_test(normal(2, 10, 2), normal(3, 10, 2), fixed, rng=named("a")).value is not None


# all of them


def test_measure_reports_all_at_one_sample_size() -> None:
    real, fake, null, fixed = normal(1, 60, 3), 0.5 + normal(2, 90, 3), normal(3, 70, 3), frame(normal(4, 50, 3))
    found = measure(real, fake, null, fixed, rng=named)
    assert tuple(found) == MEASURES
    cut = fake[np.sort(named("cuts").choice(90, 70, replace=False))]
    again = measure(real, null, cut, fixed, rng=named)
    for name in MEASURES:
        assert again[name].null == pytest.approx(found[name].estimate.value), name
        assert again[name].estimate.value == pytest.approx(found[name].null), name
        assert holds(found[name].estimate, found[name].estimate.value or math.nan), name


def test_the_intervals_of_sliced_cover_the_expectation() -> None:
    rng, fixed = np.random.default_rng(9), frame(normal(1, 200, 4))

    found = [
        sliced_distance(rng.standard_normal((60, 4)), 0.4 + 0.9 * rng.standard_normal((60, 4)), fixed, rng=rng)
        for _ in range(80)
    ]
    values = [one.value or 0 for one in found]
    assert sum(holds(one, float(np.mean(values))) for one in found) >= 68
    width = np.mean([(one.high or 0) - (one.low or 0) for one in found]) / (2 * 2.086 * np.std(values))
    assert 0.75 < width < 1.3


def test_any_number_of_threads_finds_the_same() -> None:
    real, fake, null, fixed = normal(1, 300, 70), 0.1 + normal(2, 340, 70), normal(3, 310, 70), frame(normal(4, 90, 70))

    def found(begin: Begin) -> dict[str, Fidelity]:
        first = fidelity(real, fake, null, rng=named("first"), begin=begin)
        return first | measure(real, fake, null, fixed, rng=named, begin=begin)

    alone = found(here)
    for threads in (1, 3):
        with ThreadPoolExecutor(threads) as pool:
            assert found(elsewhere(pool)) == alone


def test_the_unit_of_sliced_is_the_spread_of_calibrate() -> None:
    real, fake, null, fixed = normal(1, 60, 3), 0.5 + normal(2, 60, 3), normal(3, 60, 3), normal(4, 50, 3)
    scaled = measure(9 * real, 9 * fake, 9 * null, frame(9 * fixed), rng=named)
    for name, one in measure(real, fake, null, frame(fixed), rng=named).items():
        times = 81 if name == "fd_infinity" else 1
        assert scaled[name].estimate == pytest.approx([times * (end or 0) for end in one.estimate]), name


def test_dropped_modes_are_seen() -> None:
    real, full, dropped, fixed = ring(1, 400, 8), ring(2, 400, 8), ring(3, 400, 4), frame(ring(4, 400, 8))
    found = measure(real, dropped, full, fixed, rng=named)
    assert found["rke"].null == pytest.approx(8, rel=0.2)
    assert found["rke"].estimate.value == pytest.approx(4, rel=0.2)
    for name in ("fd_infinity", "auc", "sliced"):
        assert (found[name].estimate.low or 0) > (found[name].null or 0) + 0.1, name


def test_more_values_than_samples() -> None:
    found = measure(normal(1, 50, 300), normal(2, 50, 300), normal(3, 50, 300), frame(normal(4, 40, 300)), rng=named)
    assert abs(found["fd_infinity"].estimate.value or 99) < 5  # of 12 axes, not the 300 of all values
    assert all(one.null is not None for one in found.values())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("equal", [True, False])
def test_total_collapse_is_measured(equal: bool) -> None:
    black = np.full((40, 5), -1.0)
    real = black if equal else normal(1, 40, 5)
    found = measure(real, black, real, frame(real[::-1]), rng=named)
    assert found["rke"].estimate == (1, 1, 1)
    assert found["vendi"].estimate.value == pytest.approx(1) or equal  # at the centre there is no direction
    for name, same in (("fd_infinity", 0), ("auc", 0.5), ("sliced", 0)):
        value = found[name].estimate.value
        assert value is not None
        assert value == pytest.approx(same, abs=1e-9) if equal else value > same + 0.4, name


def test_calibrate_must_be_there() -> None:
    with pytest.raises(UserError, match="1 samples of calibrate must be 2 or more"):
        frame(normal(1, 1, 3))
    with pytest.raises(UserError, match="without NaN"):
        frame(np.full((4, 2), np.nan))

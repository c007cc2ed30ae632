"""Changes of units that users have made, and generators that only look like one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gancensus.comparison.units import compare
from gancensus.contracts.columns import encode
from gancensus.contracts.randomness import derive_rng
from gancensus.contracts.samples import Samples, Scale
from gancensus.contracts.scales import scale_of
from gancensus.storage.inference import infer

N = 400


def population(natural: NDArray[Any]) -> Samples:
    """Return samples whose scale is that of the real ones in every test: x are natural values."""
    x = np.asarray(natural, dtype=np.float32)
    return Samples(x, np.arange(len(x)), scale=Scale(("value",), ("1",), (-1.0,), (1.0,)))


def verdict(real: NDArray[Any], generated: NDArray[Any]) -> str:
    found = list(compare(population(real), population(generated)))
    return "refused" if any(f.certain for f in found) else "warned" if found else "passes"


def spots(seed: int) -> NDArray[np.float64]:
    """Bright spots on dark ground, (N, 12, 12) in [0, 1]."""
    rng = derive_rng(seed)
    centre, width = rng.uniform(2, 10, (2, N, 1, 1)), rng.uniform(1, 3, (N, 1, 1))
    y, x = np.mgrid[:12, :12]
    return np.asarray(np.clip(0.05 + 0.9 * np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / width**2), 0, 1))


def showers(seed: int) -> NDArray[np.float64]:
    """Energies over three decades in few cells, (N, 40, 3)."""
    rng = derive_rng(seed)
    total = 10 ** rng.uniform(-1, 2, (N, 1, 1))
    return np.asarray(rng.dirichlet(np.full(120, 0.1), N).reshape(N, 40, 3) * total)


CHANGES: dict[str, tuple[Callable[[int], NDArray[np.float64]], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "[-1, 1] beside [0, 1]": (spots, lambda x: 2 * x - 1, lambda x: x),
    "[0, 1] beside [-1, 1]": (spots, lambda x: x, lambda x: 2 * x - 1),
    "bytes beside [0, 1]": (spots, lambda x: 255 * x, lambda x: x),
    "[0, 1] beside bytes": (spots, lambda x: x, lambda x: 255 * x),
    "bytes beside [-1, 1]": (spots, lambda x: 255 * x, lambda x: 2 * x - 1),
    "[-1, 1] beside bytes": (spots, lambda x: 2 * x - 1, lambda x: 255 * x),
    "16 bits beside bytes": (spots, lambda x: 65535 * x, lambda x: 255 * x),
    "MeV beside GeV": (showers, lambda x: 1000 * x, lambda x: x),
    "GeV beside MeV": (showers, lambda x: x, lambda x: 1000 * x),
    "the 3DGAN's factor": (showers, lambda x: x, lambda x: x / 50),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_usual_change_of_units_is_refused(name: str) -> None:
    make, ours, theirs = CHANGES[name]
    assert verdict(ours(make(0)), theirs(make(1))) == "refused"
    for change in (ours, theirs):
        assert verdict(change(make(0)), change(make(1))) == "passes"


def test_a_factor_that_a_generator_might_make_is_said() -> None:
    assert verdict(showers(0), 10 * showers(1)) == "warned"
    assert verdict(showers(0), 0.25 * showers(1)) == "warned"
    assert verdict(showers(0), 1.3 * showers(1)) == "passes"


BAD_GENERATORS = {
    "black": np.zeros((N, 12, 12)),
    "white": np.ones((N, 12, 12)),
    "one image": np.repeat(spots(3)[:1], N, axis=0),
    "half as bright": 0.5 * spots(1),
    "blurred to grey": 0.5 + 0.2 * (spots(1) - 0.5),
    "noise": derive_rng(5).random((N, 12, 12)),
    "one hot pixel": np.where(np.arange(N * 144).reshape(N, 12, 12) == 7, 1e6, spots(1)),
}


@pytest.mark.parametrize("name", BAD_GENERATORS)
def test_a_bad_generator_is_no_other_unit(name: str) -> None:
    assert verdict(spots(0), BAD_GENERATORS[name]) != "refused"


@pytest.mark.parametrize("levels", [2, 6])
def test_images_of_few_levels(levels: int) -> None:
    """Masks of 0 and 1, and of classes from 0 to 5, as bytes."""
    rng = derive_rng(4)
    real, generated = rng.integers(0, levels, (2, N, 8, 8))
    assert verdict(real, generated) == "passes"
    assert verdict(real, 0 * generated) == "passes"
    assert verdict(real, 255 * generated) == "refused"


def test_a_hot_real_pixel_is_not_the_generators_fault() -> None:
    real = spots(0)
    real[17, 3, 3] = 1e4
    assert verdict(real, spots(1)) == "passes"


def people(seed: int) -> NDArray[np.float64]:
    """Age, income and body mass index."""
    rng = derive_rng(seed)
    return np.column_stack(
        [rng.integers(18, 91, N), rng.gamma(2, 20_000, N).round(), rng.normal(27, 4, N).round(1).clip(15, 50)]
    )


LOW, HIGH = people(0).min(axis=0), people(0).max(axis=0)
TABLES: dict[str, tuple[Callable[[Any], Any], str | None]] = {
    "as they are": (lambda x: x, None),
    "income in thousands": (lambda x: x / [1, 1000, 1], "x1"),
    "scaled to [0, 1]": (lambda x: (x - LOW) / (HIGH - LOW), "x0"),
    "scaled to [-1, 1]": (lambda x: 2 * (x - LOW) / (HIGH - LOW) - 1, "x0"),
    "standardised": (lambda x: (x - people(0).mean(axis=0)) / people(0).std(axis=0), "x0"),
    "a share beside percent": (lambda x: x / [100, 1, 1], "x0"),
    "a constant column": (lambda x: x * [0, 1, 1] + [30, 0, 0], None),
    "half as wide": (lambda x: x.mean(axis=0) + (x - x.mean(axis=0)) / 2, None),
}


@pytest.mark.parametrize("name", TABLES)
def test_columns_of_a_table(name: str) -> None:
    change, column = TABLES[name]
    found = [f for f in compare(population(people(0)), population(change(people(1)))) if f.certain]
    assert (found[0].text.split(":")[0] if found else None) == (column and f"column {column}")


def test_only_numbers_of_a_typed_table_have_units() -> None:
    columns = [
        infer("age", ["20", "40", "60", "80"], "x"),
        infer("town", ["a", "b", "c", "d"], "x"),
        infer("sex", ["f", "m", "f", "m"], "x"),
    ]
    rng = derive_rng(6)
    codes = np.column_stack([rng.integers(20, 80, N), rng.integers(0, 4, N), np.zeros(N)])
    real = Samples(encode(columns, codes), np.arange(N), scale=scale_of(columns))
    other = Samples(encode(columns, codes * [0.01, 0, 1] + [0, 0, 1]), np.arange(N), scale=scale_of(columns))
    (found,) = compare(real, other)
    assert found.certain
    assert found.text.startswith("column age: ")
    assert "divided by 100" in found.text


def sparse(rng: np.random.Generator, n: int, columns: int) -> NDArray[np.float64]:
    """Voxels of a calorimeter: 95 % are empty."""
    return np.where(rng.random((n, columns)) < 0.95, 0.0, rng.lognormal(0, 2, (n, columns)))


PERFECT: dict[str, Callable[[np.random.Generator, int], NDArray[Any]]] = {
    "sparse": lambda rng, n: sparse(rng, n, 50),
    "gaussian": lambda rng, n: rng.normal(size=(n, 20)),
    "Pareto": lambda rng, n: rng.pareto(1, (n, 5)),
    "Cauchy": lambda rng, n: rng.standard_cauchy((n, 5)),
    "counts": lambda rng, n: rng.poisson(0.3, (n, 10)),
    "truth values": lambda rng, n: rng.random((n, 10)) < 0.1,
    "spots": lambda rng, n: spots(int(rng.integers(1 << 30)))[:n],
    "showers": lambda rng, n: showers(int(rng.integers(1 << 30)))[:n],
    "mostly empty images": lambda rng, n: (rng.random((n, 1, 1)) < 0.3) * rng.random((n, 6, 6)),
}


@pytest.mark.parametrize("name", PERFECT)
@pytest.mark.parametrize("n", [10, 40, 100, 400])
def test_a_perfect_generator_is_never_refused(name: str, n: int) -> None:
    rng = derive_rng(7, name, n)
    assert [verdict(PERFECT[name](rng, n), PERFECT[name](rng, n)) for _ in range(20)].count("refused") == 0


def test_a_few_columns_of_an_array_prove_nothing() -> None:
    """Noise, and another scale for each voxel, look like a change of units in some of many columns."""
    rng = derive_rng(8)
    real = rng.lognormal(0, 1, (400, 100))
    assert verdict(real, rng.lognormal(0, 1, (400, 100)) * rng.lognormal(0, 1.5, 100)) != "refused"
    assert verdict(real, real / 1000) == "refused"


def test_a_generator_that_has_shrunk_is_no_other_unit() -> None:
    rng = derive_rng(9)
    for width in np.geomspace(0.005, 0.9, 40):
        assert verdict(rng.normal(size=(400, 1)), width * rng.normal(size=(400, 1))) != "refused"
    assert verdict(spots(0), 0.5 + 0.001 * rng.normal(size=(N, 12, 12))) != "refused"


def test_units_of_what_is_mostly_empty() -> None:
    rng = derive_rng(10)
    images = [(rng.random((2000, 1, 1)) < 0.3) * rng.random((2000, 6, 6)) for _ in range(2)]
    assert verdict(images[0], 1000 * images[1]) == "refused"
    losses = [np.where(rng.random((4000, 1)) < 0.95, 0.0, rng.normal(1900, 300, (4000, 1))) for _ in range(2)]
    assert verdict(losses[0], losses[1] / 100) == "refused"
    assert verdict(losses[0], np.log1p(losses[1])) == "warned"


def jets(pt: float, order: tuple[int, ...] = (0, 1, 2), seed: int = 0) -> NDArray[np.float64]:
    """Jets (n, 20, 3) of momenta and two angles, the last particles missing."""
    rng = np.random.default_rng(seed)
    x = np.stack([pt * rng.exponential(1, (300, 20)), *rng.normal(0, 0.4, (2, 300, 20))], axis=-1)
    x[:, 15:] = 0
    return x[..., order]


@pytest.mark.parametrize(
    ("made", "certain", "text"),
    [
        (jets(5e4, seed=1), None, ""),
        (jets(50, seed=1), True, "divided by 1000"),
        (jets(5e4, (1, 2, 0), seed=1), False, "number x2"),
        (jets(5e4, (1, 0, 2), seed=1), False, "number x1"),
        (1.5 * jets(5e4, seed=1), None, ""),
    ],
)
def test_each_number_of_points_has_its_unit_and_its_place(
    made: NDArray[np.float64], certain: bool | None, text: str
) -> None:
    real = jets(5e4)
    names = tuple(f"x{k}" for k in range(3))
    ends = real.reshape(-1, 3)
    scale = Scale(names, ("1",) * 3, tuple(ends.min(axis=0).tolist()), tuple(ends.max(axis=0).tolist()))
    found = compare(*(Samples(scale.encode(x), np.arange(len(x)), scale=scale) for x in (real, made)))
    assert (any(finding.certain for finding in found) if found else None) == certain
    assert text in "; ".join(finding.text for finding in found)

"""Whether generated samples are in the units of the real ones, from their values and the spread of the real ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.columns import Column
from gancensus.contracts.samples import Samples, flatten

Floats = NDArray[np.float64]

QUANTILES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
APART = 0.3  # of the real spread: quantiles that are nearer are those of one unit
ALIKE = 0.15  # of the real spread: quantiles that are nearer after a change of units are explained by it
FEW = 50  # values of either side: fewer prove nothing
FAR = 5.0  # times the largest real value: a median beyond is another unit, for any shape
FACTOR = 2.0  # a plain factor that is nearer to 1 may be the generator's doing
NEARLY = 1.25  # a plain factor that is so near to a usual one is that one
LARGE = 10.0  # a change of scale by less may be the generator's doing
FLAT = 0.05  # of the real samples' range: samples that vary less are nearly of one grey
SHARE = 0.2  # of the columns of an array: fewer that look changed may be the generator's doing
FACTORS = (1e3, 1e6, 1e9, 1e2, 255.0, 65535.0, 50.0)  # GeV in MeV, percent, bytes, 16 bits, the 3DGAN's cells


class Finding(NamedTuple):
    """What the values of generated samples say about their units."""

    text: str
    certain: bool
    """Whether a usual change of units explains it, which no generator makes by chance."""
    change: str = ""
    """The change, if one explains it."""


class Change(NamedTuple):
    """A change of units: generated values become real ones by factor x + offset."""

    factor: float
    offset: float
    text: str


def numbers_of(samples: Samples, columns: Sequence[Column] = ()) -> dict[str, Floats]:
    """Return the values that units are judged by, (n,) each by name, in natural units.

    For rows, the numbers of each column; for points that have a scale for each of their numbers, each number of all
    points together; for other samples, the least, the mean and the largest value of each.
    """
    x = samples.natural()
    if _of_points(samples):
        x = x.reshape(-1, x.shape[-1])
    if x.ndim > 2:
        values = flatten(x)
        return {"least": values.min(axis=1), "mean": values.mean(axis=1), "largest": values.max(axis=1)}
    if not columns:
        known = samples.scale.names if samples.scale is not None else ()
        names = known if len(known) == x.shape[1] else [f"x{k}" for k in range(x.shape[1])]
        return dict(zip(names, x.T, strict=True))
    starts = np.cumsum([0, *(column.width for column in columns)])
    return {c.name: x[:, start] for c, start in zip(columns, starts, strict=False) if not c.categories}


def compare(real: Samples, generated: Samples) -> list[Finding]:
    """Return the signs that real (n, *shape) and generated (m, *shape) samples differ in units, n and m at least 1.

    Rows are compared column by column. A table has units of its own for each. An array of many values may have one or
    more, so that a few of its columns prove nothing. Points are compared number by number where each has
    a scale of its own. Samples of other shapes have one unit.
    """
    columns = () if real.scale is None else real.scale.columns
    ours, theirs = numbers_of(real, columns), numbers_of(generated, columns)
    if real.x.ndim > 2 and not _of_points(real):
        whole = _whole(ours, theirs)
        return [] if whole is None else [whole]
    compared = {name: (ours[name], theirs[name]) for name in ours}
    pairs = {name: pair for name, both in compared.items() if (pair := _informative(*both)) is not None}
    found = {name: one for name, pair in pairs.items() if (one := _column(*pair)) is not None}
    kind = "number" if _of_points(real) else "column"
    alike = Counter(one.change for one in found.values() if one.certain)
    return [
        Finding(f"{kind} {name}: {one.text}", one.certain and (bool(columns) or alike[one.change] > SHARE * len(pairs)))
        for name, one in found.items()
    ]


def _of_points(samples: Samples) -> bool:
    """Return whether samples (n, ..., numbers) have a scale for each of the last axis's numbers."""
    numbers = samples.x.shape[-1]
    return samples.x.ndim > 2 and samples.scale is not None and len(samples.scale.names) == numbers > 1


def _informative(real: Floats, generated: Floats) -> tuple[Floats, Floats] | None:
    """Return the values of a column that show its unit; None where there are none.

    Where one value, 0 as a rule, is more than half of a real column, these are the others. Where a column
    has two values, both must be frequent.
    """
    values, counts = np.unique(real, return_counts=True)
    if len(values) == 2 and counts.min() < FEW:
        return None
    if len(values) > 2 and counts.max() > len(real) / 2:
        usual = values[np.argmax(counts)]
        real, generated = real[real != usual], generated[generated != usual]
    return (real, generated) if min(len(real), len(generated)) > 0 else None


def _whole(real: Mapping[str, Floats], generated: Mapping[str, Floats]) -> Finding | None:
    """Return the sign that samples, given by their least, mean and largest values, differ in units."""
    ends = (generated["least"].min(), generated["largest"].max())
    if ends[0] == ends[1]:
        return None if _within(ends[0], real) else Finding(_range_text(ends, real), certain=True)
    real, generated = _varied(real), _varied(generated)
    low, high = np.median(real["least"]), np.median(real["largest"])
    if low == high:
        return None
    own, other = (np.array([_quantiles(part[name]) for name in real]) for part in (real, generated))
    spread = np.maximum(high - low, np.ptp(own, axis=1, keepdims=True))
    said, size = _range_text(ends, real), max(abs(low), abs(high))
    samples = min(len(real["least"]), len(generated["least"]))
    found = _explained(own, other, spread, samples, said, _conventions(real, generated))
    reach = np.median(np.abs([generated["least"], generated["largest"]]).max(axis=0))
    if found is None and reach > FAR * (1 + FEW / samples) * size:
        return Finding(said, certain=True)
    if found is None and ends[1] - ends[0] < FLAT * (high - low):
        unit = ends[0] >= -1.05 and 0.5 < ends[1] <= 1.05 and not _lies(real, -1, 1)
        what = "look scaled to [-1, 1] or [0, 1]" if unit else "are nearly of one grey"
        return Finding(f"{said}: they {what}", certain=bool(unit))
    return found


def _range_text(ends: tuple[float, float], real: Mapping[str, Floats]) -> str:
    low, high = np.median(real["least"]), np.median(real["largest"])
    return f"values from {ends[0]:.3g} to {ends[1]:.3g}, but the real samples have about {low:.3g} to {high:.3g}"


def _varied(numbers: Mapping[str, Floats]) -> Mapping[str, Floats]:
    """Return the numbers of the samples whose values are not all equal: an empty one has no unit."""
    varies = numbers["least"] < numbers["largest"]
    return {name: values[varies] for name, values in numbers.items()} if varies.any() else numbers


def _column(real: Floats, generated: Floats) -> Finding | None:
    """Return the sign that two columns (n,), (m,) of numbers differ in units."""
    own, other = _quantiles(real), _quantiles(generated)
    low, high = real.min(), real.max()
    spread = float(own[-1] - own[0] or high - low)
    if spread == 0:
        return None
    said = f"values about {other[2]:.3g}, but those of the real samples are from {low:.3g} to {high:.3g}"
    samples = min(len(real), len(generated))
    far = abs(other[2] - (low / 2 + high / 2)) > FAR * (1 + FEW / samples) * (high / 2 - low / 2)
    if samples < FEW:
        return Finding(said, certain=True, change="far away") if far else None
    changes = [
        *_conventions({"": real}, {"": generated}),
        Change(high - low, low, "scaled to [0, 1] by the least and greatest real value"),
        Change((high - low) / 2, (high + low) / 2, "scaled to [-1, 1] by the least and greatest real value"),
        Change(float(real.std()), float(real.mean()), "standardised to mean 0 and deviation 1"),
    ]
    large = [change for change in changes if not 1 / LARGE < change.factor < LARGE]
    found = _explained(own, other, spread, samples, said, large)
    if found is not None:
        centred = own[0] < 0 < own[-1] and min(-own[0], own[-1]) > spread / 10
        return found._replace(certain=False) if centred else found  # it may have shrunk
    if other[0] > high or other[-1] < low:
        return Finding(said if far else f"{said}: hardly one is within", bool(far), "far away" if far else "")
    width = float(other[-1] - other[0])
    if width > 0 and not 1 / LARGE < width / spread < LARGE:
        return Finding(f"{said}: they span {width / spread:.2g} times as much", certain=False)
    return None


def _explained(
    own: Floats, other: Floats, spread: Floats | float, samples: int, said: str, changes: Iterable[Change]
) -> Finding | None:
    """Return the change of units that maps quantiles (..., 5) onto those of the real samples; None if they are alike.

    Quantiles of few samples are uncertain by about 1 / sqrt(samples) of their spread, and prove nothing. An unusual
    factor may be the generator's doing, so that it is not certain.
    """

    def apart(values: Floats) -> float:
        return float((np.abs(values - own) / spread).max())

    noise, now = 1 / np.sqrt(samples), apart(other)
    if now <= APART + noise:
        return None
    near = min(ALIKE + noise, now / 2)
    for factor, offset, text in changes:
        if apart(factor * other + offset) < near:
            return Finding(f"{said}: they look {text}", samples >= FEW, text)
    size = np.abs(other).sum()
    factor = float(np.abs(own).sum() / size) if size > 0 else 1.0
    if factor == 0 or not apart(factor * other) < near or 1 / FACTOR < factor < FACTOR:
        return None
    usual = [*((f, f"divided by {f:g}") for f in FACTORS), *((1 / f, f"times {f:g}") for f in FACTORS)]
    text = next((how for f, how in usual if abs(np.log(factor / f)) < np.log(NEARLY)), "")
    certain = bool(text) and samples >= FEW
    return Finding(f"{said}: they look like the real ones {text or f'times {1 / factor:.3g}'}", certain, text)


def _conventions(real: Mapping[str, Floats], generated: Mapping[str, Floats]) -> Iterator[Change]:
    """Yield the changes between [-1, 1] and [0, 1], bytes and 16 bits that the values allow."""
    for high in (1.0, 255.0, 65535.0):
        if _lies(generated, -1, 1) and _lies(real, 0, high):
            yield Change(high / 2, high / 2, f"scaled to [-1, 1], the real ones to 0...{high:g}")
        if _lies(generated, 0, high) and _lies(real, -1, 1):
            yield Change(2 / high, -1, f"scaled to 0...{high:g}, the real ones to [-1, 1]")


def _lies(numbers: Mapping[str, Floats], low: float, high: float) -> bool:
    """Return whether nearly all numbers lie between two ends, but for a twentieth of the range."""
    slack = (high - low) / 20
    least = min(np.quantile(values, 0.01) for values in numbers.values())
    largest = max(np.quantile(values, 0.99) for values in numbers.values())
    return bool(least >= low - slack and largest <= high + slack)


def _quantiles(values: Floats) -> Floats:
    return np.asarray(np.quantile(values, QUANTILES))


def _within(value: float, numbers: Mapping[str, Floats]) -> bool:
    low, high = numbers["least"].min(), numbers["largest"].max()
    return bool(low - (high - low) <= value <= high + (high - low))

"""The user's own real samples."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import ROWS_PER_POPULATION, LazySamples, Samples, Scale, flatten, narrowed
from gancensus.contracts.source import Source
from gancensus.storage.imagefiles import Background
from gancensus.storage.user_arrays import finite, read_user_samples

SMALL = 15  # bytes up to here are no grey levels of 256, but truth values or classes
NUMBERS = 16  # of a point, at most
UNLIKE = 1e-3  # of what the widest number of a point spans: one that spans less has a unit of its own
STEADY = 3.0  # logarithm of the ratio of what a number spans in one sample and in another, 10 % and 90 % quantiles
MANY = 20  # rows: so many are numbered by no column by chance
SOME = 10_000  # rows or samples that show where most values lie
FAR_OUT = 1e3  # times what the values of a sample span: a value beyond is said
LOST = 2.0**16  # times as much: float32 would keep less than 8 bits of the others


class Files(Source):
    """The user's real samples: an array (.npy or .npz), images, or a sample table.

    Of a .npz, `x` are the samples, `label` their classes, and every other array of one number per sample is a condition
    that metrics can refer to by its name.

    A folder holds images of one size; its subfolders, if any, are the classes. Values are scaled to [-1, 1]: bytes from
    0...255 (an array of bytes up to 15 from 0 to the largest of them), numbers from the minimum and maximum of the
    data: of each column, where a sample is a row, and of each number of a point, where a sample is a set of points
    whose numbers are of unlike size, as (particles, 3) with momentum and angles. A sample table (.parquet), already in
    [-1, 1], is taken as it is.

    Images are read as a viewer shows them: turned as their EXIF orientation says, and composited on `background` where
    they are transparent. Grey images stay grey, unless others in the folder have colours: then all are read as colours.
    16-bit grey and floating-point images keep their values.
    Each page of a TIFF file is a sample; an animation (GIF, WebP, PNG, AVIF) is refused.

    Links are followed, to folders and to files. Left out are hidden files and folders, those that operating systems
    leave behind, files that are no images by their suffix, folders of gancensus's results, broken links, and links to
    what is read anyway. The report says what was left out, and what was done to how many images.
    """

    read_whole: ClassVar[bool] = True

    kind: Literal["files"] = "files"
    path: Path
    """File or folder, relative to the working directory."""
    background: Background = "white"
    """What transparent pixels of images are composited on; a generator of kind files needs the same."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    @property
    def composited_on(self) -> Background:
        """The background."""
        return self.background

    def view(self, samples: Samples) -> NDArray[np.uint8] | None:
        """Return showers from the side that are in a sample table of ours."""
        from gancensus.plotting.shower_figures import side_view

        return side_view(samples)

    def load(self, seed: int) -> LazySamples:
        """Look at the samples x (n, *shape), in the order of the file or of the sorted names of the images.

        All of them are read once, in pieces, unless they are images of bytes, of which nothing need be known.
        """
        found = read_user_samples(self.path, self.background)
        if self.path.suffix == ".parquet":
            return self._checked(found)
        scale = self._scale(found)
        conditions = {name: narrowed(values) for name, values in found.conditions.items()}
        known = replace(found.known, scale=scale, conditions=conditions)
        return LazySamples(known, found.shape, np.dtype(np.float32), lambda rows: scale.encode(found.read(rows)))

    def _scale(self, found: LazySamples) -> Scale:
        """Return the scale of natural values; all are read, but for images of bytes."""
        if found.dtype == np.uint8 and self.path.is_dir():
            return Scale(("value",), ("1",), (0.0,), (255.0,))
        ends, samples, spans = (
            [],
            [],
            [],
        )  # of each number of a row or point; of each sample; along axes
        for x in finite(self.path, found):
            numbers, values = x.reshape(-1, x.shape[-1]), flatten(x)
            ends.append((numbers.min(axis=0), numbers.max(axis=0)))
            samples.append(np.stack([values.min(axis=1), values.max(axis=1)]).astype(np.float64))
            spans.append([_spans(x, axis) for axis in _axes(found.shape)])
        low, high = (np.asarray(end, dtype=np.float64) + 0.0 for end in _joined(ends))  # no -0.0
        if found.dtype == np.uint8 and high.max() > SMALL:
            return Scale(("value",), ("1",), (0.0,), (255.0,))
        if found.dtype in (np.uint8, np.bool_):
            largest = float(max(high.max(), 1))
            found.notes.add(f"bytes up to {largest:g}: scaled from 0...{largest:g}")
            return Scale(("value",), ("1",), (0.0,), (largest,))
        unlike = [
            axis for axis, parts in zip(_axes(found.shape), zip(*spans, strict=True), strict=True) if _unlike(parts)
        ]
        if len(found.shape) == 1 or len(found.shape) in unlike:
            return self._by_number(found, low, high)
        if unlike:
            found.notes.add(
                f"warning: numbers along axis {unlike[0]} are of unlike size, and on one scale small ones are lost: "
                "bring them along the last axis, where each has a scale of its own"
            )
        self._check_extremes(found, np.concatenate(samples, axis=1))
        return _scale_of(("value",), low.min(keepdims=True), high.max(keepdims=True))

    def _by_number(self, found: LazySamples, low: NDArray[np.float64], high: NDArray[np.float64]) -> Scale:
        """Return a scale for each number of a row or point, of which the ends are given."""
        if len(found.shape) > 1:
            found.notes.add(f"each of the {len(low)} numbers of a point is scaled by itself: their sizes are unlike")
        else:
            self._note_index(found, np.flatnonzero(high - low == len(found) - 1))
        some = found.read(np.unique(np.linspace(0, len(found) - 1, SOME).astype(np.int64)))
        least, most = np.quantile(some.reshape(-1, len(low)).astype(np.float64), [0.05, 0.95], axis=0)
        for k in np.flatnonzero((most > least) & (high - low > LOST * (most - least))):
            found.notes.add(
                f"warning: number {k} reaches from {low[k]:.3g} to {high[k]:.3g}, but nine tenths of its values span "
                f"{most[k] - least[k]:.3g}: on its scale these are nearly one; correct or remove what is far out"
            )
        return _scale_of(tuple(f"x{k}" for k in range(len(low))), low, high)

    def _note_index(self, found: LazySamples, columns: NDArray[np.int64]) -> None:
        """Note which of the columns of rows number these, in any order, and so make every row unlike all others."""
        if len(found) < MANY or not len(columns):
            return
        numbers = np.sort(np.concatenate([x[:, columns] for _, x in found.chunks()]), axis=0)
        for column in columns[(np.diff(numbers, axis=0) == 1).all(axis=0)]:
            found.notes.add(f"warning: column {column} numbers the rows; if it is an index, leave it out of the array")

    def _check_extremes(self, found: LazySamples, ends: NDArray[np.float64]) -> None:
        """Refuse a sample so far out that all others would have one value on its scale; note one that is far out.

        ends: the least and the largest value of each sample, (2, n).
        """
        usual = float(np.median(ends[1] - ends[0]))
        beyond = np.abs(ends - np.median(ends, axis=1, keepdims=True)).max(axis=0)
        row = int(np.argmax(beyond))
        if usual > 0 and beyond[row] > FAR_OUT * usual:
            said = (
                f"sample {row} has values from {ends[0, row]:.3g} to {ends[1, row]:.3g}, but those of most span about "
                f"{usual:.3g}"
            )
            if beyond[row] > LOST * usual:
                raise UserError(f"{self.path}: {said} and would all be one on its scale; correct or remove the sample")
            found.notes.add(f"warning: {said}; all are scaled by it")

    def _checked(self, table: LazySamples) -> LazySamples:
        """Return a sample table in the order of its sample_id, or raise UserError where it is not as ours are."""
        for start, x in table.chunks():
            far = np.abs(flatten(x)).max(axis=1) > 1
            if far.any():
                raise UserError(
                    f"{self.path}: column x, row {start + int(np.argmax(far))}: a value outside [-1, 1]; scale the "
                    "table, or bring natural values as .npy"
                )
        ids = table.known.sample_id
        if ((ids < 0) | (ids >= ROWS_PER_POPULATION)).any():
            raise UserError(f"{self.path}: column sample_id: must lie in 0 ... {ROWS_PER_POPULATION - 1}; renumber")
        order = np.argsort(ids)
        return replace(table, known=table.known.take(order), read=lambda rows: table.read(order[rows]))


def _joined(ends: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the least and greatest of ends."""
    lows, highs = zip(*ends, strict=True)
    return np.min(lows, axis=0), np.max(highs, axis=0)


def _scale_of(names: tuple[str, ...], low: NDArray[np.float64], high: NDArray[np.float64]) -> Scale:
    return Scale(names, ("1",) * len(names), tuple(low.tolist()), tuple(high.tolist()))


def _axes(shape: tuple[int, ...]) -> list[int]:
    """Return the axes of samples (n, *shape) along which numbers may have units of their own: short ones."""
    return [axis for axis, size in enumerate(shape, 1) if len(shape) > 1 and size <= NUMBERS]


def _spans(x: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """Return what each number along an axis of x (n, ...) spans in each sample, (n, numbers)."""
    numbers = np.moveaxis(x, axis, 1).reshape(len(x), x.shape[axis], -1).astype(np.float64)
    return np.asarray(np.ptp(numbers, axis=2))


def _unlike(parts: Sequence[NDArray[np.float64]]) -> bool:
    """Tell whether numbers, of which the spans in each sample are given, have units of their own.

    On one scale, float32 would lose the small ones: angles beside momenta. A number with a unit spans about as much in
    every sample, where the edge of an image spans what lies there; what hardly ever varies tells nothing.
    """
    spans = np.concatenate(parts)
    usual = np.median(spans, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        steady = np.ptp(np.log(np.quantile(spans, [0.1, 0.9], axis=0)), axis=0) < STEADY
    return bool((steady & (usual < UNLIKE * usual.max())).any())

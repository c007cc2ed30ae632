"""The user's own real samples."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.columns import hardly_vary
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import suggestion
from gancensus.contracts.samples import (
    BYTES,
    ROWS_PER_POPULATION,
    LazySamples,
    Samples,
    Scale,
    belonging,
    flatten,
    narrowed,
)
from gancensus.contracts.source import Source
from gancensus.domains.general.channel_order import ChannelOrder, with_channels_last
from gancensus.storage.imageforms import Background
from gancensus.storage.user_arrays import finite, grouped_by_folder, note_loose, read_user_samples

FOLDER = "folder"  # by which images are grouped
SMALL = 15  # bytes up to this are truth values or classes, not grey levels
NUMBERS = 16  # that a point has, at most
UNLIKE = 1e-3  # of the widest range of a point's numbers: a number with a smaller range has its own unit
STEADY = 3.0  # log of the 90 % over the 10 % quantile of a number's ranges in the samples: below it, they are alike
MANY = 20  # rows: no column numbers this many by chance
SOME = 10_000  # rows or samples that are read to see where most values lie
FAR_OUT = 1e3  # times the range of a sample's values: a value beyond is reported
RESOLVED = 1e-6  # of their range: whole numbers that float64 resolves no better are refused
LOST = 2.0**16  # times as much: float32 would keep less than 8 bits of the others


class OwnSamples(Source):
    """The user's real samples, in natural values that this scales, or in a sample table."""

    read_whole: ClassVar[bool] = True

    path: Path
    """File or folder, relative to the working directory."""
    group: str | None = None
    """What says that samples belong together, such as frames of one film: all of them are in one part, of which
    `calibrate` and `holdout` have one each. Of a .npz, an array with equal numbers, which is no condition then; of a
    folder of images, `folder`: the folders in it, each with all that is in it, which are no classes then."""

    def files(self) -> list[Path]:
        """Return the path."""
        return [self.path]

    def look(self) -> LazySamples:
        """Look at the samples, not yet scaled; raises UserError when they cannot be found or read."""
        raise NotImplementedError

    def view(self, samples: Samples) -> NDArray[np.uint8] | None:
        """Return a side view of showers, where they come from one of our sample tables."""
        from gancensus.plotting.shower_figures import side_view

        return side_view(samples)

    def load(self, seed: int) -> LazySamples:
        """Look at the samples x (n, *shape), in the order of the file or of the sorted names of the images.

        All are read once, in chunks, to find the scale, unless they are 8-bit images, whose scale is known. Where each
        number has its own, it can be that of some rows alone (`rescaled`).
        """
        found = self._with_groups(self.look())
        if self.path.suffix == ".parquet":
            return self._checked(found)
        scale = self._scale(found)
        conditions = {name: narrowed(values) for name, values in found.conditions.items()}

        def scaled(scale: Scale) -> LazySamples:
            known = replace(found.known, scale=scale, conditions=conditions)
            return LazySamples(known, found.shape, np.dtype(np.float32), lambda rows: self._on(scale, found, rows))

        if len(scale.names) == 1:
            return scaled(scale)
        return replace(scaled(scale), rescaled=lambda rows, _: scaled(_scale_at(found, rows)))

    def _on(self, scale: Scale, found: LazySamples, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return samples on a scale; raises UserError where float32 cannot hold them."""
        with np.errstate(over="ignore"):
            x = scale.encode(found.read(rows))
        if not np.isfinite(x).all():
            row = rows[np.argmin(np.isfinite(flatten(x)).all(axis=1))]
            raise UserError(f"{self.path}: sample {row} is too far from others; correct or remove it")
        return x

    def _with_groups(self, found: LazySamples) -> LazySamples:
        """Return samples with what they belong to, if that is asked for."""
        if self.group is None:
            note_loose(found)
            return found
        if self.path.is_dir():
            if self.group != FOLDER:
                raise UserError(f"{self.path}: of images, folders say which belong together (group: {FOLDER})")
            return grouped_by_folder(self.path, found)
        conditions = {name: values for name, values in found.conditions.items() if name != self.group}
        if len(conditions) == len(found.conditions):
            if self.path.suffix == ".npy":
                raise UserError(f"{self.path}: has no groups; save a .npz with x and {self.group}")
            left_out = [note for note in found.notes.counts() if note.startswith(f"array '{self.group}' left out")]
            hint = "; it is the classes" if self.group == "label" else suggestion(self.group, conditions)
            why = f"; {left_out[0]}: number the groups from 0" if left_out else hint
            raise UserError(f"{self.path}: has no array '{self.group}' of a number per sample{why}")
        group = np.unique(found.conditions[self.group], return_inverse=True)[1]
        found.notes.add(belonging(group))
        return replace(found, known=replace(found.known, conditions=conditions, group=group))

    def _scale(self, found: LazySamples) -> Scale:
        """Return the scale of natural values; all are read, except 8-bit images."""
        if found.dtype == np.uint8 and self.path.is_dir():
            return BYTES
        ends, samples, spans = [], [], []  # of each number of a row or point; of each sample; along axes
        for x in finite(self.path, found):
            numbers, values = x.reshape(-1, x.shape[-1]), flatten(x)
            ends.append((numbers.min(axis=0), numbers.max(axis=0)))
            samples.append(np.stack([values.min(axis=1), values.max(axis=1)]).astype(np.float64))
            spans.append([_spans(x, axis) for axis in _axes(found.shape)])
        least, most = _joined(ends)
        self._check_exact(least, most)
        low, high = (np.asarray(end, dtype=np.float64) + 0.0 for end in (least, most))  # no -0.0
        if found.dtype == np.uint8 and high.max() > SMALL:
            return BYTES
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
                "move that axis to the end, where each number has its own scale"
            )
        self._check_extremes(found, np.concatenate(samples, axis=1))
        return _scale_of(("value",), low.min(keepdims=True), high.max(keepdims=True))

    def _by_number(self, found: LazySamples, low: NDArray[np.float64], high: NDArray[np.float64]) -> Scale:
        """Return a scale for each number of a row or point, given their ends."""
        if len(found.shape) > 1:
            found.notes.add(f"each of the {len(low)} numbers of a point is scaled separately: they are of unlike size")
        else:
            self._note_index(found, np.flatnonzero(high - low == len(found) - 1))
        some = found.read(np.unique(np.linspace(0, len(found) - 1, SOME).astype(np.int64)))
        least, most = np.quantile(some.reshape(-1, len(low)).astype(np.float64), [0.05, 0.95], axis=0)
        for k in np.flatnonzero((most > least) & (high - low > LOST * (most - least))):
            found.notes.add(
                f"warning: number {k} reaches from {low[k]:.3g} to {high[k]:.3g}, but nine tenths of its values span "
                f"{most[k] - least[k]:.3g}, which are nearly equal where the others set its scale; remove them"
            )
        return _scale_of(tuple(f"x{k}" for k in range(len(low))), low, high)

    def _check_exact(self, least: NDArray[Any], most: NDArray[Any]) -> None:
        """Refuse whole numbers so large that float64 makes many of them equal, given their ends."""
        if least.dtype.kind not in "iu":
            return
        for low, high in zip(least.tolist(), most.tolist(), strict=True):
            if low < high and math.ulp(max(-low, high)) > max(1, RESOLVED * (high - low)):
                raise UserError(
                    f"{self.path}: whole numbers from {low} to {high} cannot be told apart in float64; subtract "
                    f"{low} from them, or leave them out where they are identifiers"
                )

    def _note_index(self, found: LazySamples, columns: NDArray[np.int64]) -> None:
        """Note the columns that number the rows, in any order, and so make every row differ from all others."""
        if len(found) < MANY or not len(columns):
            return
        numbers = np.sort(np.concatenate([x[:, columns] for _, x in found.chunks()]), axis=0)
        for column in columns[(np.diff(numbers, axis=0) == 1).all(axis=0)]:
            found.notes.add(f"warning: column {column} numbers the rows; if it is an index, leave it out of the array")

    def _check_extremes(self, found: LazySamples, ends: NDArray[np.float64]) -> None:
        """Refuse a sample so far out that all others would be equal on its scale; note one that is far out.

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
                raise UserError(f"{self.path}: {said} and would all be equal on its scale; correct or remove it")
            found.notes.add(f"warning: {said}; all are scaled by it")

    def _checked(self, table: LazySamples) -> LazySamples:
        """Return a sample table in the order of its sample_id, or raise UserError where it breaks their contract."""
        for start, x in table.chunks() if table.scale is None else ():
            far = np.abs(flatten(x)).max(axis=1) > 1
            if far.any():
                raise UserError(
                    f"{self.path}: column x, row {start + int(np.argmax(far))}: a value outside [-1, 1]; scale the "
                    "table, or provide natural values as .npy"
                )
        ids = table.known.sample_id
        if ((ids < 0) | (ids >= ROWS_PER_POPULATION)).any():
            raise UserError(f"{self.path}: column sample_id: must lie in 0 ... {ROWS_PER_POPULATION - 1}; renumber")
        order = np.argsort(ids)
        return table.at(order)


class Files(OwnSamples):
    """The user's real samples: an array (.npy or .npz), images, or a sample table.

    Of a .npz, `x` are the samples, `label` their classes, and every other array of one number per sample is a condition
    that metrics can refer to by its name.

    A folder holds images of one size; its subfolders, if any, are the classes. Values are scaled to [-1, 1]: bytes from
    0...255 (an array of bytes up to 15 from 0 to the largest of them), numbers from the minimum and maximum of the
    data; where a sample is a row, or a set of points whose numbers differ greatly in size, as (particles, 3) with
    momentum and angles, from those of each column, or number of a point, in `calibrate`. A sample
    table (.parquet) is taken as it is.

    Images are read as a viewer shows them: turned as their EXIF orientation says, and composited on `background` where
    they are transparent. Grey images stay grey, unless others in the folder have colours: then all are read as colours.
    16-bit grey and floating-point images keep their values.
    Each page of a TIFF file is a sample; an animation (GIF, WebP, PNG, AVIF) is refused.

    Links are followed, to folders and to files. Left out are hidden files and folders, those that operating systems
    leave behind, files without the suffix of an image, result folders of gancensus, broken links, and links to what is
    read anyway. The report says what was left out, and what was done to how many images.
    """

    kind: Literal["files"] = "files"
    background: Background = "white"
    """What transparent pixels of images are composited on; a generator of kind files needs the same."""
    channels: ChannelOrder | None = None
    """Where an array of images (n, 3, height, width) has its channels: those that come `first` are moved to the end."""

    @property
    def reading(self) -> Mapping[str, str] | None:
        """The background of a folder of images."""
        return {"background": self.background} if self.path.is_dir() else None

    def look(self) -> LazySamples:
        """Look at the file or folder."""
        return with_channels_last(self.path, read_user_samples(self.path, self.background), self.channels)


def _joined(ends: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the least and greatest of ends."""
    lows, highs = zip(*ends, strict=True)
    return np.min(lows, axis=0), np.max(highs, axis=0)


def _scale_at(found: LazySamples, rows: NDArray[np.int64]) -> Scale:
    """Return a scale for each number of the samples at some rows, from its ends there.

    A number that hardly varies there is scaled as most others are, so that its few other values weigh no more.
    """
    some = found.at(rows)

    def numbers() -> Iterator[NDArray[Any]]:
        return (x.reshape(-1, x.shape[-1]) for _, x in some.chunks())

    least, most = _joined([(x.min(axis=0), x.max(axis=0)) for x in numbers()])
    shared = np.sum([((x == least).sum(axis=0), (x == most).sum(axis=0)) for x in numbers()], axis=0)
    low, high = (end.astype(np.float64) + 0.0 for end in (least, most))
    varies = ~hardly_vary(shared.max(axis=0), len(some) * math.prod(found.shape[:-1]))
    if varies.any():
        usual = np.median((high / 2 - low / 2)[varies])
        common = np.where(shared[0] < shared[1], high, low)
        low, high = np.where(varies, low, common - usual), np.where(varies, high, common + usual)
    return _scale_of(tuple(f"x{k}" for k in range(len(low))), low, high)


def _scale_of(names: tuple[str, ...], low: NDArray[np.float64], high: NDArray[np.float64]) -> Scale:
    return Scale(names, ("1",) * len(names), tuple(low.tolist()), tuple(high.tolist()))


def _axes(shape: tuple[int, ...]) -> list[int]:
    """Return the axes of samples (n, *shape) along which numbers may have their own units: the short ones."""
    return [axis for axis, size in enumerate(shape, 1) if len(shape) > 1 and size <= NUMBERS]


def _spans(x: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """Return the range of each number along an axis of x (n, ...) in each sample, (n, numbers)."""
    numbers = np.moveaxis(x, axis, 1).reshape(len(x), x.shape[axis], -1).astype(np.float64)
    return np.asarray(np.ptp(numbers, axis=2))


def _unlike(parts: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether numbers have their own units, given their ranges in each sample, (n, numbers) in parts.

    On one scale, float32 would lose the small ones: angles beside momenta. A number with its own unit has about the
    same range in every sample; the edge of an image does not, and what hardly ever varies shows nothing.
    """
    spans = np.concatenate(parts)
    usual = np.median(spans, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        steady = np.ptp(np.log(np.quantile(spans, [0.1, 0.9], axis=0)), axis=0) < STEADY
    return bool((steady & (usual < UNLIKE * usual.max())).any())

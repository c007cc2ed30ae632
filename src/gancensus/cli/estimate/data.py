"""What the configuration and the user's files say: the number of samples, their shape, how well they compress."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancensus.cli.estimate.rates import DECODE, DENSE, IMAGE
from gancensus.config.configuration import Study
from gancensus.contracts.errors import UserError
from gancensus.contracts.generator import Trained, UserProvided
from gancensus.contracts.metric import Metric
from gancensus.contracts.samples import REAL, Samples, Scale
from gancensus.contracts.source import Source
from gancensus.search.populations import Population
from gancensus.storage.imagefiles import files_of
from gancensus.storage.samples import write_samples
from gancensus.training.splits import split

LOOKED_AT = 256  # samples from which the stored bytes of a user's file are estimated

Shape = tuple[int, ...]


def look(
    member: Source | UserProvided, absent: Mapping[str, Shape], like: Scale | None
) -> tuple[Shape, float, Scale | None]:
    """Return the shape (n, *shape) of a member's samples, their stored bytes per byte of values, and their scale.

    Of an absent file 1 and None; like: the scale of the source's samples.
    """
    path = next(iter(member.files()), Path())
    if not path.exists():
        if str(path) not in absent:
            raise UserError(f"{path}: no such file; say what it will hold: --file {path}=1000000x51x51x25")
        return absent[str(path)], 1.0, None
    if path.suffix != ".npy" or member.reading is not None:  # what is read becomes something else
        samples = member.load(0) if isinstance(member, Source) else member.look(like)
        looked_at = samples.take(slice(LOOKED_AT))
        if like and isinstance(member, UserProvided) and not member.scaled:
            looked_at = replace(looked_at, x=like.encode(looked_at.x))
        return (len(samples), *looked_at.x.shape[1:]), stored(looked_at), looked_at.scale
    array = np.load(path, mmap_mode="r")
    some: NDArray[Any] = array[:LOOKED_AT]
    scale = Scale(("value",), ("1",), (float(some.min()),), (float(some.max()),))
    return array.shape, stored(Samples(scale.encode(some), np.arange(len(some)))), None


def stored(samples: Samples) -> float:
    """Return the bytes that samples take in a file per byte of their values."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "0.parquet"
        write_samples(path, samples)
        return path.stat().st_size / samples.x.nbytes


def decoding(member: Source | UserProvided) -> float:
    """Return the seconds that it takes to decode a member's images: of its folders, each image once."""
    folders = [path for path in member.files() if path.is_dir()]
    sizes = [file.stat().st_size for folder in folders for file in files_of(folder)]
    return IMAGE * len(sizes) + 1e-6 * DECODE * sum(sizes)


class File(NamedTuple):
    """A user-provided file: its samples, and what each part reads: bytes as float32, and seconds for its images."""

    samples: int
    read: float
    decoding: float


class Facts:
    """What is known of a study's data: its shape, and of each population the samples and how they are stored."""

    def __init__(self, study: Study, parts: int, absent: Mapping[str, Shape]) -> None:
        """Look at the source and the generators' files; raises UserError."""
        self.study = study
        self.absent, self.widths = absent, dict[str, int]()
        self.files: dict[str, File] = {}  # of user-provided populations; '' is the source's
        (samples, *shape), share, scale = look(study.source, absent, None)
        if study.source.files():  # every part looks through it, or reads its rows, for each split
            share_read = 1 if study.source.read_whole else len(REAL) / parts
            self.files[""] = File(samples, 4.0 * samples * prod(shape) * share_read, decoding(study.source) / parts)
        self.shape = tuple(shape)
        self.samples = {p: len(rows) for p, rows in split(samples, study.cut.sizes, np.random.default_rng(0)).items()}
        self.stored = dict.fromkeys(self.samples, share)
        made = {population: study.generators[name] for population, (name, _) in study.generated.items()}
        for population, generator in (study.given | made).items():
            if isinstance(generator, UserProvided):
                found, self.stored[population], _ = look(generator, absent, scale)
                self.samples[population] = found[0]
                self.files[population] = File(found[0], 4.0 * prod(found) / parts, decoding(generator) / parts)
            elif isinstance(generator, Trained):
                self.samples[population] = generator.samples
                self.stored[population] = share if generator.conditional else DENSE  # as showers, most values are 0

    def space(self, encoder: str | None) -> Shape:
        """Return the shape of a sample, or of an encoder's vector."""
        if encoder is None:
            return self.shape
        if encoder not in self.widths:
            self.widths[encoder] = self._width(encoder)
        return (self.widths[encoder],)

    def _width(self, encoder: str) -> int:
        """Return how long an encoder's vectors are, which may take opening its file."""
        member = self.study.encoders[encoder]
        coming = [self.absent[str(path)] for path in member.files() if member.by_row and str(path) in self.absent]
        width = coming[0][1] if coming else member.dimension
        if width is None:
            raise UserError(f"encoder {encoder}: how long its vectors are is not known before it has run")
        return width

    def row(self, encoder: str | None) -> float:
        """Return the bytes of a sample's values, or of an encoder's vector."""
        return 4.0 * prod(self.space(encoder))

    def population(self, name: str, metrics: Sequence[Metric]) -> Population:
        """Return a population of zeros, which is cut into blocks as the real one will be."""
        names = {metric.condition_read for metric in metrics} - {None}
        return Population(metrics, {m.space: Zeros(self.samples[name], self.space(m.space), names) for m in metrics})


class Zeros:
    """Samples that are not there yet."""

    where = "samples"

    def __init__(self, samples: int, shape: Shape, conditions: Iterable[str | None]) -> None:
        """Hold the number of samples, their shape and their conditions."""
        self._samples, self._shape, self._conditions = samples, shape, [c for c in conditions if c]

    def __len__(self) -> int:
        return self._samples

    def chunks(self, rows: slice, without_x: bool = False) -> Iterator[Samples]:
        """Yield the rows."""
        ids = np.arange(rows.start, rows.stop)
        conditions = {name: np.zeros(len(ids), dtype=np.float32) for name in self._conditions}
        yield Samples(np.zeros((len(ids), *self._shape), dtype=np.float32), ids, conditions=conditions)

    def whole(self) -> Samples:
        """Return all rows."""
        return next(self.chunks(slice(0, len(self))))

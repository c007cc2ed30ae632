"""Vectors that the user has computed elsewhere."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import UserPath, suggestion
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.generator import Generator
from gancensus.contracts.samples import ROWS_PER_POPULATION, LazySamples, Samples
from gancensus.storage.user_arrays import check_finite, finite, read_user_samples


class Vectors(Encoder):
    """Vectors that the user has computed elsewhere, a row for each sample: the samples are shown, these are compared.

    Files are arrays (samples, values): .npy, or .npz with `x` or a single array. They have as many rows as there are
    samples, in the same order, which nothing can check but their number: docs/encoders.md says how to be sure of it.
    The samples of a generator that is trained here have no vectors; kind `onnx` embeds these.
    """

    by_row: ClassVar[bool] = True

    kind: Literal["vectors"] = "vectors"
    fitted: ClassVar[bool] = False
    path: Path
    """Vectors of all real samples, in the order of the source: row k is of the sample with sample_id k."""
    generated: dict[str, UserPath] = Field({})
    """Vectors of the samples of generators, by the generator's name, in the order of its file."""

    @property
    def dimension(self) -> int | None:
        """The number of values in a row, where the file is there."""
        return self._open(None).shape[0] if self.path.exists() else None

    def files(self) -> list[Path]:
        """Return the file of the real samples, and those of the generators."""
        return [self.path, *self.generated.values()]

    def concerning(self, generator: str | None) -> Self:
        """Return the encoder without the files of other generators, so that adding one embeds only its samples."""
        return self.model_copy(update={"generated": {k: v for k, v in self.generated.items() if k == generator}})

    def refuses(self, generators: Mapping[str, Generator]) -> Iterator[str]:
        """Yield the names that are no generators, and the generators whose samples have no vectors."""
        for name in self.generated:
            if name not in generators:
                yield f"generated.{name}: is not one of the study's generators{suggestion(name, generators)}"
        for name, generator in generators.items():
            if generator.trained:
                yield (
                    f"generated: generator {name} is trained here, so there are no vectors of its samples; compare in "
                    "another encoder (kind onnx embeds any samples), or move it to a study of its own"
                )
            elif name not in self.generated:
                yield f"generated: has no vectors of generator {name}; add `{name}: FILE`"

    def check_rows(self, sample_id: NDArray[np.int64], generator: str | None = None) -> None:
        """Read a file; raises UserError unless it has a finite vector for each of all samples (n,), as long as others.

        Where their sample_id does not count from 0, a row would not be that of a sample.
        """
        found, path, whose = self._open(generator), self._path(generator), _whose(generator)
        if len(found) != len(sample_id):
            raise UserError(
                f"{path}: has {len(found):,} vectors, but {whose} {len(sample_id):,} samples; give every sample its "
                "vector, in the same order"
            )
        if not np.array_equal(np.sort(sample_id) % ROWS_PER_POPULATION, np.arange(len(sample_id))):
            raise UserError(
                f"{path}: its rows are those of the samples by their sample_id, but {whose} others than 0, 1, 2...; "
                "renumber them in the sample table"
            )
        dimension = self._open(None).shape
        if found.shape != dimension:
            raise UserError(
                f"{path}: its vectors have {found.shape[0]} values, but those in {self.path} have {dimension[0]}; "
                "compute both with the same network"
            )
        for _ in finite(path, found):
            pass

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Return the SHA-256 of the file of the real samples, `sha256` (32,) uint8; no history."""
        self._open(None)
        return Fitted({"sha256": _digest(self.path)}, {})

    def embed(
        self, weights: Mapping[str, NDArray[Any]], samples: Samples, generator: str | None, device: str
    ) -> NDArray[Any]:
        """Return the rows (n, d) float32 of the samples; raises UserError where real ones are not those of the fit."""
        if generator is None and not np.array_equal(_digest(self.path), weights["sha256"]):
            raise UserError(f"{self.path}: is not the file any more that was compared with the source; run again")
        found, rows = self._open(generator), samples.sample_id % ROWS_PER_POPULATION
        beyond = rows[rows >= len(found)]
        if len(beyond):
            raise UserError(f"{self._path(generator)}: has {len(found):,} vectors, and none of sample {beyond[0]}")
        return check_finite(self._path(generator), found.read(rows), rows)

    def _path(self, generator: str | None) -> Path:
        if generator is not None and generator not in self.generated:
            raise UserError(f"encoder vectors: has no vectors of generator {generator}; add them to `generated`")
        return self.path if generator is None else self.generated[generator]

    def _open(self, generator: str | None) -> LazySamples:
        """Look at the vectors (n, d) of real samples, or of a generator's, which are read as float32."""
        path = self._path(generator)
        if path.suffix not in (".npy", ".npz") or path.is_dir():
            raise UserError(f"{path}: vectors are read from .npy or .npz; save them as np.save('vectors.npy', x)")
        found = read_user_samples(path)
        if len(found.shape) != 1:
            whole = (len(found), *found.shape)
            raise UserError(f"{path}: has the shape {whole}, but vectors are rows (samples, values); reshape it")

        def read(rows: NDArray[np.int64]) -> NDArray[np.float32]:
            with np.errstate(over="ignore"):  # infinite then, which is refused
                return np.asarray(found.read(rows), dtype=np.float32)

        return replace(found, dtype=np.dtype(np.float32), read=read)


def _whose(generator: str | None) -> str:
    """Say whose samples are counted."""
    return "the source has" if generator is None else f"generator {generator} has"


def _digest(path: Path) -> NDArray[np.uint8]:
    """Return the SHA-256 of a file, (32,) uint8."""
    with path.open("rb") as file:
        return np.frombuffer(hashlib.file_digest(file, "sha256").digest(), dtype=np.uint8)

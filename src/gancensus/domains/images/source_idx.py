"""Images in the files of MNIST and its kin."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.contracts.samples import BYTES, LazySamples, Notes, Samples
from gancensus.contracts.source import Source

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP = b"\x1f\x8b"


class Idx(Source):
    """Images and classes in IDX files, as MNIST, Fashion-MNIST, KMNIST and EMNIST have them, plain or compressed (.gz).

    Source of the format: LeCun, Cortes & Burges, *The MNIST database of handwritten digits*. Images are bytes
    (n, height, width), and are scaled to [-1, 1] from 0...255.
    """

    kind: Literal["idx"] = "idx"
    path: Path
    """File of the images, relative to the working directory, such as train-images-idx3-ubyte.gz."""
    labels: Path | None = None
    """File of their classes, such as train-labels-idx1-ubyte.gz; without it there are none."""
    tabular: ClassVar[bool] = False

    def files(self) -> list[Path]:
        """Return the files."""
        return [self.path] if self.labels is None else [self.path, self.labels]

    def load(self, seed: int) -> LazySamples:
        """Look at the images x (n, height, width), in the order of the file."""
        found = images_of(self.path)
        label = None if self.labels is None else self._classes(len(found))
        known = replace(found.known, label=label, scale=BYTES)
        return LazySamples(known, found.shape, np.dtype(np.float32), lambda rows: BYTES.encode(found.read(rows)))

    def _classes(self, samples: int) -> NDArray[np.int32]:
        """Return the classes (n,) of the images."""
        assert self.labels is not None
        found = read_idx(self.labels)
        if found.ndim != 1 or found.dtype.kind not in "iu":
            raise UserError(
                f"{self.labels}: holds {found.dtype} of shape {found.shape}; classes are whole numbers (n,)"
            )
        if len(found) != samples:
            raise UserError(f"{self.labels}: has {len(found):,} classes, but {self.path} has {samples:,} images")
        return found.astype(np.int32)


def images_of(path: Path) -> LazySamples:
    """Look at the images (n, height, width) uint8 of an IDX file; raises UserError where it holds no images."""
    images = read_idx(path)
    if images.ndim != 3 or images.dtype != np.uint8 or 0 in images.shape:
        raise UserError(f"{path}: holds {images.dtype} of shape {images.shape}; images are bytes (n, height, width)")
    nothing, ids = np.empty((len(images), 0), dtype=np.float32), np.arange(len(images), dtype=np.int64)
    notes = Notes(f"read as {len(images):,} images of {images.shape[1]} x {images.shape[2]} pixels")
    return LazySamples(Samples(nothing, ids, notes=notes), images.shape[1:], images.dtype, lambda rows: images[rows])


def read_idx(path: Path) -> NDArray[Any]:
    """Return the array in an IDX file; of one that is not compressed, values are read as they are needed.

    Raises UserError where there is none, or where its size is not what its header says.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file (looked for from {Path.cwd()})")
    with path.open("rb") as file:
        compressed = file.read(2) == GZIP
    try:
        content = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8) if compressed else _mapped(path)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"{path}: not a readable compressed file, perhaps truncated ({error}); fetch it again"
        ) from None
    head = content[:4].tobytes()
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES:
        raise UserError(
            f"{path}: not an IDX file, which begins with two bytes 0, the type and the number of dimensions"
        )
    kind, start = np.dtype(TYPES[head[2]]), 4 + 4 * head[3]
    shape = struct.unpack(f">{head[3]}I", content[4:start].tobytes()) if len(content) >= start else ()
    size = start + math.prod(shape) * kind.itemsize
    if len(content) != size or not shape:
        raise UserError(f"{path}: has {len(content):,} bytes, but its header says {size:,}; fetch it again")
    values: NDArray[Any] = content[start:].view(kind).reshape(shape)
    return values


def _mapped(path: Path) -> NDArray[np.uint8]:
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)

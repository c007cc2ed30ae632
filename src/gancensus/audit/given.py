"""What a caller of Python gives, as the files that a command would be given: arrays, tensors, tables, images, paths."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError

LOSSLESS = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")  # modes of images that a PNG keeps
KINDS = "give an array, a tensor, a table (pandas, polars, Arrow), a list of images (Pillow), or a path"


def as_file(value: Any, name: str, stem: Path) -> str:
    """Return the place of a user's samples; what is in memory is written as it is to a file that begins with `stem`.

    Args:
        value: a path is returned as it is; an array (n, ...) or tensor of numbers becomes .npy, a table .parquet
            without its index, images a folder of PNG.
        name: what messages call it.
        stem: path of the file without its suffix.

    Raises:
        UserError: anything else, nothing, no numbers, masked values, images that PNG does not keep.
    """
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if (table := _table(value, name)) is not None:
        path = stem.with_suffix(".parquet")
        try:
            pq.write_table(table, path)
        except pa.ArrowException as error:
            raise UserError(f"{name}: {error}; give columns of numbers, texts, truth values or times") from None
        return str(path)
    if _are_images(value):
        _write_images(value, name, stem)
        return str(stem)
    path, array = stem.with_suffix(".npy"), array_of(value, name)
    if array.shape[:1] == (0,):
        raise UserError(f"{name}: has no samples; its shape is {array.shape}")
    np.save(path, array, allow_pickle=False)
    return str(path)


def array_of(value: Any, name: str) -> NDArray[Any]:
    """Return the numbers of an array, a tensor of any device, or a list of such, as an array of the same type.

    bfloat16, which NumPy does not have, becomes float32. Raises UserError for what are no numbers.
    """
    if isinstance(value, list | tuple) and value and all(hasattr(one, "shape") for one in value):
        value = [array_of(one, name) for one in value]
        if len(shapes := {one.shape for one in value}) > 1:
            raise UserError(f"{name}: arrays of {len(shapes)} shapes; all samples need one shape")
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor of PyTorch
        value = value.detach().cpu()
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    if np.ma.is_masked(value):
        raise UserError(f"{name}: has masked values; fill them, or leave the samples out")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: {type(value).__name__} is no array ({error}); {KINDS}") from None
    if array.dtype.name == "bfloat16":  # of JAX
        array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise UserError(f"{name}: {type(value).__name__} of {array.dtype}, not of real numbers; {KINDS}")
    return np.ascontiguousarray(array)


def _table(value: Any, name: str) -> pa.Table | None:
    """Return a table of Arrow, pandas or polars; None for anything else. `name`: as of `as_file`."""
    if isinstance(value, pa.Table):
        return value
    module = type(value).__module__.partition(".")[0]
    if module == "pandas" and hasattr(value, "columns"):
        try:
            return pa.Table.from_pandas(value, preserve_index=False)
        except (pa.ArrowException, ValueError) as error:  # types that are mixed, columns of one name
            raise UserError(f"{name}: {'; '.join(map(str, error.args))}") from None
    return value.to_arrow() if module == "polars" and hasattr(value, "columns") else None


def _are_images(value: Any) -> bool:
    """Return whether these are images of Pillow."""
    return isinstance(value, list | tuple) and bool(value) and all(hasattr(one, "getbands") for one in value)


def _write_images(images: Sequence[Any], name: str, folder: Path) -> None:
    """Write images into a folder, in their order."""
    folder.mkdir()
    for k, image in enumerate(images):
        if image.mode not in LOSSLESS:
            raise UserError(f"{name}: image {k} has mode {image.mode}; convert it to L or RGB")
        image.save(folder / f"{k:08d}.png", compress_level=1)

"""Weights of networks that others have trained and published, in files that are known by their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from gancensus.contracts.errors import UserError
from gancensus.storage.tables import reason_of

if TYPE_CHECKING:
    import torch


def read_published(path: Path, sha256: str, obtain: str) -> dict[str, torch.Tensor]:
    """Read the tensors of a network by name, after a check of the file's SHA-256 (64 hexadecimal digits).

    A file whose name ends in .safetensors is read as such, any other as a state dict of PyTorch, of which nothing but
    tensors is read: no code of it is executed. obtain: what to do when the file is not there, or is another one.

    Raises UserError in these cases, and when the file holds no tensors by name.
    """
    try:
        with path.open("rb") as file:  # opened once: what is checked is what is read
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != sha256:
                raise UserError(f"{path}: has the SHA-256 {found}, but {sha256} is asked for; {obtain}")
            file.seek(0)
            tensors = _tensors(file, path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {obtain}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or reason_of(error)}); {obtain}") from None
    return tensors


def _tensors(file: BinaryIO, path: Path) -> dict[str, torch.Tensor]:
    """Read an opened file."""
    import torch
    from safetensors.torch import load

    try:
        whole: Any = load(file.read()) if path.suffix == ".safetensors" else torch.load(file, "cpu", weights_only=True)
    except Exception as error:  # the readers raise whatever the bytes lead them to
        reason = f"{type(error).__name__}: {reason_of(error)}"
        raise UserError(f"{path}: not a readable file of weights, .safetensors or PyTorch's ({reason})") from None
    if not isinstance(whole, Mapping) or not all(isinstance(tensor, torch.Tensor) for tensor in whole.values()):
        raise UserError(f"{path}: holds no tensors by name; it needs the state dict of a network")
    return {str(name): tensor for name, tensor in whole.items()}

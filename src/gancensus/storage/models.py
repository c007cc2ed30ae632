"""Weights of models, and states of trainings under way, as safetensors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gancensus.contracts.errors import UserError
from gancensus.storage.tables import reason_of, write_bytes


def write_model(path: Path, weights: Mapping[str, NDArray[Any]], architecture: str) -> None:
    """Write the weights of a model as safetensors, with what they are the weights of."""
    from safetensors.numpy import save

    metadata = {"architecture": architecture}  # one key: their order is not kept
    write_bytes(path, save(as_stored(weights), metadata=metadata))


def as_stored(weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return weights as `read_model` gives them back."""
    return {name: np.ascontiguousarray(weights[name]) for name in sorted(weights)}


def read_model(path: Path, architecture: str) -> dict[str, NDArray[Any]]:
    """Read the weights of a model.

    Raises UserError when the file is unreadable or holds another architecture than the configuration asks for.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            found = (file.metadata() or {}).get("architecture", "unknown")
            weights = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable model file ({error}); delete it and run again") from None
    if found != architecture:
        raise UserError(
            f"{path}: holds the model {found}, but the configuration asks for {architecture}; delete it and run again"
        )
    return weights


def write_state(path: Path, state: Mapping[str, NDArray[Any]]) -> None:
    """Write the state of a training as safetensors, with the digest of its values."""
    from safetensors.numpy import save

    write_bytes(path, save(dict(state), metadata={"sha256": _digest(state)}))


def read_state(path: Path) -> dict[str, NDArray[Any]] | None:
    """Read the state of a training; None when there is none.

    Raises UserError when the file is not as it was written.
    """
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            whole = (file.metadata() or {}).get("sha256") == _digest(state)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: not a readable state of a training ({reason_of(error)})") from None
    if not whole:
        raise UserError(f"{path}: the state of a training in it is damaged")
    return state


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of arrays: names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, value in sorted(arrays.items()):
        digest.update(f"{name} {value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
